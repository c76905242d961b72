// Where the reader is: the page, the open conversation, and the requested message. The address keeps it, so that reload
// and links work: `/?room=ID` is a conversation, `/?room=ID&message=NUMBER` a message in it.

import { onKey } from "./keyboard.js";
import { store } from "./session.js";

const listeners = new Set();
/** Set by the frame: has Streamlit show another page. */
let changePage = null;
/** Streamlit ignores page changes while its own connection is away, so repeat them: interval and end, in ms. */
const AGAIN_MS = 2000;
const ANSWER_MS = 30000;
let again = null;
/** Longest id of a conversation, in characters; a longer one in an address is invalid. */
export const MAX_ID = 128;

function change(page, until = Date.now() + ANSWER_MS) {
  clearTimeout(again);
  changePage(page);
  if (Date.now() < until) again = setTimeout(() => change(page, until), AGAIN_MS);
}

/** Kept for coming back from another page; this tab only. */
function remembered() {
  try {
    return window.sessionStorage.getItem("snicher/room");
  } catch {
    return null;
  }
}

function remember(room) {
  try {
    window.sessionStorage.setItem("snicher/room", room ?? "");
  } catch {
    // It is only a convenience, so ignore the error.
  }
}

/** The conversation and message that the address names, if it is one of the Chats page. */
function inAddress() {
  const { pathname, search } = window.location;
  if (pathname !== "/" && pathname !== "/chats") return { room: null, message: null };
  const asked = new URLSearchParams(search);
  const message = Number(asked.get("message"));
  return { room: asked.get("room")?.slice(0, MAX_ID) || null, message: Number.isSafeInteger(message) && message > 0 ? message : null };
}

/** The address of a conversation, or of a message in it; for links. */
export function addressOf(room, message = null) {
  return `/?room=${encodeURIComponent(room)}${message === null ? "" : `&message=${message}`}`;
}

/** The same, for handing on: whole, but without the token. */
export function linkTo(room, message = null) {
  return new URL(addressOf(room, message), window.location.origin).href;
}

export const place = {
  page: "chats",
  /** The open conversation's id, or null. */
  room: inAddress().room,
  /** The message requested by a link or a hit; null once the reader has gone on. */
  message: null,
  /** The same, to show first, once. */
  around: null,
  /** The search by which the open conversation was found, for the way back to its results; or null. */
  results: null,
  /** The Chats page is to begin in its search box, once. */
  find: false,

  /**
   * Calls `listener` when the conversation or the page changed, with {again, gone, arrived}; returns how to stop that.
   * `arrived`: it is only that the frame told which page is shown, which it may do after that page was built.
   */
  onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  /** Open a conversation (null: back to the list). `gone`: what was open before is gone; the operation that said so. */
  open(id, { around = null, gone = null } = {}) {
    const room = store.canonical(id);
    const changed = room !== this.room;
    // A new action on this page cancels a pending change to another page.
    if (!gone) clearTimeout(again);
    this.room = room;
    this.around = this.message = around;
    if (changed) this.results = null;
    remember(room);
    this.writeAddress(changed && isNarrow() && !gone);
    for (const listener of [...listeners]) listener({ again: !changed, gone });
  },

  /** Go to another page; with a room, to that conversation, at a message of it, found by searching for `results`. */
  go(page, room, { around = null, results = null } = {}) {
    if (room !== undefined) {
      this.room = store.canonical(room);
      this.around = this.message = around;
      this.results = results;
      remember(this.room);
    }
    if (page === this.page) {
      clearTimeout(again);
      this.writeAddress(false);
      for (const listener of [...listeners]) listener({ again: false });
    } else if (changePage) change(page);
    else window.location.assign(page === "chats" ? "/" : `/${page}`);
  },

  /** The reader has gone on from the message that was asked for. */
  leaveMessage() {
    if (this.message === null) return;
    this.message = null;
    this.writeAddress(false);
  },

  /** The frame tells which page Streamlit shows, and how to show another. */
  arrive(page, to) {
    clearTimeout(again);
    changePage = to;
    this.page = page;
    for (const listener of [...listeners]) listener({ again: true, arrived: true });
  },

  /** Called by the Chats page when it appears: the address wins, then what was open before. */
  settle() {
    const asked = inAddress();
    if (asked.room) {
      const room = store.canonical(asked.room);
      if (room !== this.room) this.results = null;
      this.room = room;
      this.around = this.message = asked.message;
    } else this.room ||= remembered() || null;
    this.writeAddress(false);
  },

  /** On a small screen opening a conversation is a step of its own, so that "back" leads to the list. */
  writeAddress(step) {
    const address = new URL(window.location.href);
    if (address.pathname !== "/" && address.pathname !== "/chats") return;
    if (this.room) address.searchParams.set("room", this.room);
    else address.searchParams.delete("room");
    if (this.room && this.message !== null) address.searchParams.set("message", this.message);
    else address.searchParams.delete("message");
    if (address.href === window.location.href) return;
    if (step && this.room) window.history.pushState(window.history.state, "", address);
    else window.history.replaceState(window.history.state, "", address);
  },
};

store.opened = () => place.room;

/** One column at a time; the same bound as in the style sheets. */
export function isNarrow() {
  return window.matchMedia("(max-width: 759px)").matches;
}

window.addEventListener("popstate", () => {
  const { pathname } = window.location;
  // From one page to another: Streamlit shows it, and it settles by itself.
  if (place.page !== "chats" || (pathname !== "/" && pathname !== "/chats")) return;
  const { room: asked, message } = inAddress();
  const room = store.canonical(asked);
  if (room === place.room && message === place.message) return;
  if (room !== place.room) place.results = null;
  place.room = room;
  place.around = place.message = message;
  remember(room);
  for (const listener of [...listeners]) listener({ again: false });
});

// Ctrl+K finds somebody from wherever one is; Chats and Search have a field of their own for it.
onKey(document, (event) => {
  if (!isFindKey(event) || place.page === "chats" || place.page === "search") return;
  event.preventDefault();
  place.find = true;
  place.go("chats");
});

/** Ctrl+K, or Command+K. */
export function isFindKey(event) {
  const control = event.ctrlKey || event.metaKey;
  return control && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
}

// A conversation that was merged into another one is opened there; from one that was deleted, back to the list.
store.on("gone", (op) => {
  // A message that was asked for is there as well.
  if (place.room === op.id) place.open(op.into, { gone: op, around: op.into ? (place.around ?? place.message) : null });
});
