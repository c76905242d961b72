// Reports to the node what was read: only messages that were visible to the reader, and not each one of a flood.

/** After something came before the reader's eyes, in ms, and at random up to so much more: one of several tabs is enough. */
const PACE_MS = 50;
const SPREAD_MS = 350;

/** @typedef {{ room: import("../shared/schema.js").RoomView, upto: number }} Seen */
/**
 * @typedef {object} World
 * @property {Pick<import("../shared/connection.js").Connection, "command">} connection
 * @property {Pick<import("../shared/store.js").Store, "rooms">} store
 * @property {import("../shared/clock.js").Clock} clock
 * @property {() => number} random From 0 to 1.
 */

export class Reading {
  #look;
  #world;
  /** What came before the reader's eyes last. @type {Seen | null} */
  #seen = null;
  #asked = 0;
  /** How not to report soon; null while nothing is to be reported. @type {(() => void) | null} */
  #stop = null;

  /**
   * @param {() => Seen | null} look Gives the conversation's view and the newest message before the reader's eyes, or null.
   * @param {World} world
   */
  constructor(look, world) {
    this.#look = look;
    this.#world = world;
  }

  /** Report soon what is before the reader, unless another tab does meanwhile. */
  mark() {
    const seen = this.#look();
    if (!this.#isNews(seen)) return;
    this.#seen = seen;
    const { clock, random } = this.#world;
    this.#stop ??= clock.later(PACE_MS + random() * SPREAD_MS, () => this.#report());
  }

  /** The reader turns to something else: report now what they had before them. */
  leave() {
    if (this.#stop) this.#report();
    this.#seen = null;
    this.#asked = 0;
  }

  /** @param {Seen | null} seen @returns {seen is Seen} */
  #isNews(seen) {
    const upto = seen && this.#world.store.rooms.get(seen.room.id)?.read_upto;
    return typeof upto === "number" && seen !== null && seen.upto > upto && seen.upto > this.#asked;
  }

  #report() {
    this.#stop?.();
    this.#stop = null;
    const seen = this.#seen;
    if (!this.#isNews(seen)) return;
    this.#asked = seen.upto;
    this.#world.connection.command("mark_read", { room: seen.room.id, upto: seen.upto }).catch(() => {
      this.#asked = 0;
    });
  }
}
