// Reports to the node what was read: only messages that were visible to the reader, and not each one of a flood.

import { connection, store } from "../shared/session.js";

/** After something came before the reader's eyes, in ms, and at random up to so much more: one of several tabs is enough. */
const PACE_MS = 50;
const SPREAD_MS = 350;

export class Reading {
  #look;
  /** What came before the reader's eyes last. */
  #seen = null;
  #asked = 0;
  #timer = null;

  /** `look()` gives the conversation's view and the newest message before the reader's eyes, or null. */
  constructor(look) {
    this.#look = look;
  }

  /** Report soon what is before the reader, unless another tab does meanwhile. */
  mark() {
    const seen = this.#look();
    if (!this.#isNews(seen)) return;
    this.#seen = seen;
    this.#timer ??= setTimeout(() => this.#report(), PACE_MS + Math.random() * SPREAD_MS);
  }

  /** The reader turns to something else: report now what they had before them. */
  leave() {
    if (this.#timer !== null) this.#report();
    this.#seen = null;
    this.#asked = 0;
  }

  #isNews(seen) {
    const upto = store.rooms.get(seen?.room.id)?.read_upto;
    return upto !== undefined && seen.upto > upto && seen.upto > this.#asked;
  }

  #report() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const seen = this.#seen;
    if (!this.#isNews(seen)) return;
    this.#asked = seen.upto;
    connection.command("mark_read", { room: seen.room.id, upto: seen.upto }).catch(() => {
      this.#asked = 0;
    });
  }
}
