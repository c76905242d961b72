// The reader's whereabouts in this tab, and the shortcut that leads from every page to the search for somebody.

import { onKey } from "./keyboard.js";
import { place } from "./session.js";
import { tab } from "./tab.js";
import { addressOf } from "./whereabouts.js";

export { place };
export { addressOf, MAX_ID, REQUESTS } from "./whereabouts.js";

/**
 * The address of a conversation, or of a message in it, for handing on: whole, but without the token.
 *
 * @param {string} room
 * @param {number | null} message
 */
export function linkTo(room, message = null) {
  return new URL(addressOf(room, message), window.location.origin).href;
}

/** Whether there is room for one column only. */
export function isNarrow() {
  return tab.narrow;
}

/**
 * Ctrl+K, or Command+K.
 *
 * @param {KeyboardEvent} event
 */
export function isFindKey(event) {
  const control = event.ctrlKey || event.metaKey;
  return control && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
}

window.addEventListener("popstate", () => place.back());

// Ctrl+K finds somebody from wherever one is; Chats and Search have a field of their own for it.
onKey(document, (event) => {
  if (!isFindKey(event) || place.page === "chats" || place.page === "search") return;
  event.preventDefault();
  place.find = true;
  place.go("chats");
});
