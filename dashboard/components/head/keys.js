// Enter and Escape in Streamlit's text fields. Streamlit commits what is typed, but tells the script nothing of the key.
// A field is found by the class that Streamlit gives an element with a key: `st-key-<key>`, which is documented.

import { onKey } from "../shared/keyboard.js";

/** @import { Clock } from "../shared/clock.js" */

/** So long after a letter, in ms, the script knows of it, however busy the machine is. */
const KNOWN_MS = 1000;
/** Streamlit hands over what is typed after 250 ms; before, it doesn't take another text. So Escape waits, in ms. */
const COMMITTED_MS = 300;

/**
 * @param {EventTarget | null} target
 * @param {string[]} fields
 */
function fieldOf(target, fields) {
  return target instanceof HTMLElement && target.tagName === "INPUT" ? fields.find((one) => target.closest(`.st-key-${one}`)) : undefined;
}

/** Which fields somebody is typing in, so that the script may not know yet what: it must not write into those. */
export class Typing {
  /** @type {Map<string, number>} When something was typed there last. */
  #at = new Map();
  /** @type {(() => void)[]} */
  #stops = [];

  #clock;

  /**
   * @param {() => string[]} fields
   * @param {Pick<Clock, "now">} clock
   */
  constructor(fields, clock) {
    this.#clock = clock;
    /**
     * @param {string} kind
     * @param {(field: string) => void} act
     */
    const on = (kind, act) => {
      const listener = (/** @type {Event} */ event) => {
        const field = fieldOf(event.target, fields());
        if (field) act(field);
      };
      document.addEventListener(kind, listener);
      this.#stops.push(() => document.removeEventListener(kind, listener));
    };
    on("input", (field) => this.#at.set(field, clock.now()));
    // Who leaves a field has its text handed over first.
    on("focusout", (field) => this.#at.delete(field));
  }

  /** The fields in which something may have been typed that the script doesn't know. */
  get fields() {
    const now = this.#clock.now();
    return [...this.#at].filter(([, at]) => now - at < KNOWN_MS).map(([field]) => field);
  }

  /**
   * The script is told what stands there.
   * @param {string} field
   */
  told(field) {
    this.#at.delete(field);
  }

  destroy() {
    for (const stop of this.#stops) stop();
  }
}

/**
 * Calls `act({field, key, text})` when Enter or Escape is pressed in one of these fields; returns how to stop that.
 * @param {() => string[]} fields
 * @param {(act: { field: string, key: string, text: string }) => void} act
 */
export function watchKeys(fields, act) {
  return onKey(document, (/** @type {KeyboardEvent} */ event) => {
    const { key } = event;
    if ((key !== "Enter" && key !== "Escape") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const field = fieldOf(event.target, fields());
    if (!field) return;
    const told = { field, key: key.toLowerCase(), text: /** @type {HTMLInputElement} */ (event.target).value };
    if (key === "Enter") act(told);
    else setTimeout(() => act(told), COMMITTED_MS);
  });
}
