// A search and its hits, read from the node page by page. They are kept while other pages are shown, so that the reader
// finds the results as before. It draws nothing.

import { LOST_MS } from "./connection.js";
import { problemOf } from "./problem.js";
import { asQuery, followed, hasWord, holds, termsOf } from "./query.js";
import { connection, store } from "./session.js";

/** @import { Problem } from "./connection.js" */
/** @import { Term } from "./query.js" */
/** @import { Hits, MessageView } from "./schema.js" */

/** Hits of one page. */
const PAGE = 50;
/** Most hits shown; beyond, one more word helps better. */
export const MAX_SHOWN = 1000;
/** Pause before asking again while messages wait to be indexed, or after a new one seems to match, in ms. */
const AGAIN_MS = 1500;

export class Finding {
  typed = "";
  /**
   * Only in this conversation; null: everywhere.
   *
   * @type {string | null}
   */
  room = null;
  /** @type {MessageView[]} */
  hits = [];
  more = false;
  /** Number of messages that aren't indexed yet. */
  pending = 0;
  /**
   * Idle: there is nothing to look for.
   *
   * @type {"idle" | "asking" | "ready" | "failed"}
   */
  state = "idle";
  /** @type {Problem | null} */
  problem = null;
  /** Whether a further page is in flight. */
  extending = false;
  /** @type {Term[]} */
  terms = [];
  /** The reader's place: scroll position, and the number of a hit. */
  scroll = 0;
  /** @type {number | null} */
  current = null;

  #turn = 0;
  /** @type {number | undefined} */
  #again;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  constructor() {
    store.on("message", ({ message }) => {
      const here = this.room === null || this.room === message.room;
      if (this.state === "ready" && here && holds(message.text, this.terms)) this.#askAgain();
    });
    store.on("gone", (op) => {
      const { id, into } = op;
      this.hits = followed(this.hits, op);
      const here = this.room === id;
      if (into && here) this.room = into;
      this.#tell();
      // What was asked of the old one, or before, is not all of it.
      if (into && (here || this.state === "asking")) this.again();
    });
    store.on("reload", () => this.state === "ready" && this.#refresh());
    // A search that failed while the node was away is repeated once it is back.
    store.on("lists", () => {
      // An address may name a conversation that is part of another one by now.
      if (this.room && store.canonical(this.room) !== this.room) {
        this.room = store.canonical(this.room);
        return void this.again();
      }
      if (this.state === "failed" && !store.away && this.problem?.retryable) this.again({ quietly: true });
    });
  }

  /** @param {() => void} listener */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Search for the typed words. Earlier hits stay until the answer comes.
   *
   * @param {string} typed
   * @param {string | null} room
   */
  look(typed, room) {
    if (typed === this.typed && room === this.room && this.state !== "failed" && this.state !== "idle") return;
    this.typed = typed;
    this.room = room;
    this.scroll = 0;
    this.current = null;
    this.again();
  }

  /**
   * Repeat the search. `quietly`: in the background; an error stays until it succeeds.
   *
   * @param {{ quietly?: boolean }} [how]
   */
  async again({ quietly = false } = {}) {
    const turn = ++this.#turn;
    clearTimeout(this.#again);
    if (!quietly) this.problem = null;
    this.extending = false;
    if (!hasWord(this.typed)) {
      this.hits = [];
      this.more = false;
      this.pending = 0;
      this.state = "idle";
      return this.#tell();
    }
    if (!quietly) this.state = "asking";
    this.#tell();
    try {
      const query = asQuery(this.typed);
      const found = await this.#ask();
      if (turn !== this.#turn) return;
      this.terms = termsOf(query);
      this.problem = null;
      this.#take(found.hits, found);
      this.state = "ready";
    } catch (thrown) {
      if (turn !== this.#turn) return;
      const problem = problemOf(thrown);
      if (problem.retryable) this.#again = setTimeout(() => this.again({ quietly: true }), LOST_MS);
      this.hits = [];
      this.more = false;
      this.pending = 0;
      this.problem = problem;
      this.state = "failed";
    }
    this.#tell();
  }

  /** The next, older page. */
  async extend() {
    if (this.state !== "ready" || !this.more || this.extending || this.full) return;
    const turn = this.#turn;
    this.extending = true;
    this.problem = null;
    this.#tell();
    try {
      const found = await this.#ask(this.hits.at(-1)?.id ?? null);
      if (turn !== this.#turn) return;
      this.hits = [...this.hits, ...found.hits].slice(0, MAX_SHOWN);
      this.more = found.more;
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.problem = problemOf(thrown);
    }
    this.extending = false;
    this.#tell();
  }

  get full() {
    return this.hits.length >= MAX_SHOWN;
  }

  /** @param {number | null} [before] */
  #ask(before = null) {
    return connection.command("search", { query: asQuery(this.typed), room: this.room, before, limit: PAGE });
  }

  /**
   * @param {MessageView[]} hits
   * @param {Pick<Hits, "more" | "pending">} about
   */
  #take(hits, { more, pending }) {
    this.hits = hits;
    this.more = more;
    this.pending = pending;
    if (pending) this.#askAgain();
  }

  #askAgain() {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#refresh(), AGAIN_MS);
  }

  /** Put new hits before those shown; the reader's place stays. */
  async #refresh() {
    const turn = this.#turn;
    try {
      const found = await this.#ask();
      if (turn !== this.#turn) return;
      if (this.extending) return this.#askAgain();
      const newest = this.hits[0]?.id ?? 0;
      const fresh = found.hits.filter((hit) => hit.id > newest);
      const joined = fresh.length < found.hits.length || !found.more;
      if (!joined || !newest) this.#take(found.hits, found);
      else this.#take([...fresh, ...this.hits].slice(0, MAX_SHOWN), { more: this.more, pending: found.pending });
      this.#tell();
    } catch {
      // What is shown stays; the next change asks again, and so does what is still to be indexed.
      if (turn === this.#turn && this.pending) this.#askAgain();
    }
  }
}

/** One search for the tab; a page that appears again goes on with it. */
export const finding = new Finding();
