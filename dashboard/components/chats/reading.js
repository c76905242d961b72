// Tells the node what was read: only what the reader really had before their eyes, and not for each message of a flood.

import { connection } from "../shared/session.js";

/** Between two reports, in ms, and at random so much more: several tabs need not all report at once. */
const PACE_MS = 250;
const SPREAD_MS = 250;

export class Reading {
  #look;
  #asked = 0;
  #timer = null;

  /** `look()` gives the conversation's view and the newest message before the reader's eyes, or null. */
  constructor(look) {
    this.#look = look;
  }

  /** Another conversation: what was reported counts for the old one. */
  reset() {
    this.#asked = 0;
  }

  destroy() {
    clearTimeout(this.#timer);
  }

  /** Report what is before the reader now. */
  mark() {
    if (this.#timer !== null) return;
    const seen = this.#look();
    if (!seen || seen.upto <= seen.room.read_upto || seen.upto <= this.#asked) return;
    this.#asked = seen.upto;
    connection.ask({ t: "read", room: seen.room.id, upto: seen.upto }).catch(() => {
      this.#asked = 0;
    });
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.mark();
    }, PACE_MS + Math.random() * SPREAD_MS);
  }
}
