// Enter and Escape in Streamlit's text fields. Streamlit commits what is typed, but tells the script nothing of the key.
// A field is found by the class that Streamlit gives an element with a key: `st-key-<key>`, which is documented.

import { onKey } from "../shared/keyboard.js";

/** Streamlit hands over what is typed after 250 ms; before, it doesn't take another text. So Escape waits, in ms. */
const COMMITTED_MS = 300;

/**
 * Calls `act({field, key, text})` when Enter or Escape is pressed in one of these fields; returns how to stop that.
 * @param {() => string[]} fields
 * @param {(act: { field: string, key: string, text: string }) => void} act
 */
export function watchKeys(fields, act) {
  return onKey(document, (/** @type {KeyboardEvent} */ event) => {
    const { key, target } = event;
    if ((key !== "Enter" && key !== "Escape") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (!(target instanceof HTMLInputElement)) return;
    const field = fields().find((one) => target.closest(`.st-key-${one}`));
    if (!field) return;
    const told = { field, key: key.toLowerCase(), text: target.value };
    if (key === "Enter") act(told);
    else setTimeout(() => act(told), COMMITTED_MS);
  });
}
