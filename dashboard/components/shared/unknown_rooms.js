// Conversations that this tab knows and the node doesn't any more: merged or deleted while the tab was disconnected. It
// asks the server what became of them, and handles the answer as if it had just happened.

import { REQUESTS } from "./whereabouts.js";

/** Conversations asked for at once; more than the server takes would be refused. */
const MAX_ASKED = 50;

export class UnknownRooms {
  #connection;
  #store;
  #outbox;
  #place;
  /** Conversations still to be asked for: the open one, and those with drafts or waiting texts. @type {Set<string>} */
  #unknown = new Set();
  #asking = false;

  /**
   * @param {Pick<import("./connection.js").Connection, "state" | "ask">} connection
   * @param {Pick<import("./store.js").Store, "on" | "me" | "away" | "rooms" | "canonical" | "tellGone">} store
   * @param {Pick<import("./outbox.js").Outbox, "rooms">} outbox
   * @param {Pick<import("./whereabouts.js").Whereabouts, "room">} place
   */
  constructor(connection, store, outbox, place) {
    this.#connection = connection;
    this.#store = store;
    this.#outbox = outbox;
    this.#place = place;
  }

  /** From now on, whenever something may have been missed. */
  watch() {
    this.#store.on("lists", () => void this.#ask());
    // What isn't there yet may still come, until the lists are whole.
    this.#store.on("whole", () => this.#store.me && this.#look());
  }

  #look() {
    const store = this.#store;
    /** @param {string | null} room @returns {room is string} */
    const isMissing = (room) => Boolean(room) && room !== REQUESTS && !store.rooms.has(/** @type {string} */ (room));
    const missing = [...new Set([...this.#outbox.rooms, this.#place.room])].filter(isMissing);
    /**
     * What became part of another conversation is still known there: nobody needs to be asked.
     *
     * @type {{ op: "room_gone", id: string, into: string, name: string }[]}
     */
    const ops = missing.flatMap((id) => {
      const into = store.rooms.get(store.canonical(id));
      return into ? [{ op: "room_gone", id, into: into.id, name: into.name }] : [];
    });
    const merged = new Set(ops.map(({ id }) => id));
    this.#unknown = new Set(missing.filter((id) => !merged.has(id)));
    if (ops.length) store.tellGone(ops);
    this.#ask();
  }

  async #ask() {
    if (!this.#unknown.size || this.#asking || this.#connection.state !== "open" || this.#store.away) return;
    this.#asking = true;
    const asked = this.#unknown;
    try {
      const { gone } = await this.#connection.ask({ t: "unknown_rooms", rooms: [...asked].slice(0, MAX_ASKED) });
      // Whether it was told of them or not: asking again would tell no more.
      if (this.#unknown === asked) this.#unknown = new Set([...asked].slice(MAX_ASKED));
      this.#store.tellGone(gone);
    } catch (problem) {
      const { retryable } = /** @type {import("./connection.js").Problem} */ (problem);
      if (!retryable && this.#unknown === asked) this.#unknown = new Set();
    }
    this.#asking = false;
    // Further ones, or what was found out meanwhile. What went wrong is asked again when something is heard.
    if (this.#unknown !== asked) this.#ask();
  }
}
