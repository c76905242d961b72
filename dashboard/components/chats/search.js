// The search box: filters people at once, and asks the node for messages after a short pause in typing. What it shows are
// the newest hits; the Search page has all of them.

import { LOST_MS } from "../shared/connection.js";
import { h, icon } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { findable, nameKey } from "../shared/names.js";
import { problemOf } from "../shared/problem.js";
import { asQuery, followed, hasWord, isId, MAX_QUERY, snippet, termsOf } from "../shared/query.js";
import { connection } from "../shared/session.js";
import { hasRun } from "../shared/unspaced.js";

/** @import { Gone, Term } from "../shared/query.js" */
/** @import { MessageView, RoomView } from "../shared/schema.js" */

/** Wait so long after the last letter before asking, in ms. */
const PAUSE_MS = 180;
/** Messages are looked for from so many letters on; in scripts without spaces, where one may be a word, from the first. */
const MIN_LETTERS = 2;
/** Letters shown of a message, and how many of them before the word that was found. */
const SNIPPET = 110;
const LEAD = 30;
/** Hits asked for. */
const HITS = 20;

export class Search {
  element;
  field;
  /** @type {MessageView[]} */
  hits = [];
  more = false;
  busy = false;
  problem = "";
  #draw;
  /** @type {number | undefined} */
  #timer;
  #turn = 0;
  /** @type {Term[]} */
  #terms = [];

  /**
   * @param {() => void} draw Shows what was found.
   * @param {() => void} open Opens the first of it.
   */
  constructor(draw, open) {
    this.#draw = draw;
    this.field = h("input", { type: "search", placeholder: "Search people and messages", autocomplete: "off",
      spellcheck: "false", maxlength: MAX_QUERY - 1, "aria-label": "Search people and messages, Control K" });
    this.element = h("div", { class: "search" }, icon("search"), this.field);
    this.field.addEventListener("input", () => this.#typed());
    onKey(this.field, (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      open();
    });
  }

  destroy() {
    clearTimeout(this.#timer);
    this.#turn++;
  }

  /** As it was typed. */
  get typed() {
    return this.field.value;
  }

  get words() {
    return nameKey(this.field.value.trim());
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  clear() {
    if (!this.field.value) return;
    this.field.value = "";
    this.#typed();
  }

  /** @param {RoomView} room */
  fits(room) {
    // A peer may use an id as its name: only the conversation that has the id is meant.
    if (isId(this.words)) return room.id === this.words;
    const where = findable(room);
    return this.words.split(/\s+/).every((word) => where.includes(word));
  }

  #typed() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.problem = "";
    if ((this.words.length < MIN_LETTERS && !hasRun(this.words)) || !hasWord(this.words)) {
      this.hits = [];
      this.more = this.busy = false;
    } else {
      this.busy = true;
      this.#timer = setTimeout(() => this.#ask(turn), PAUSE_MS);
    }
    this.#draw();
  }

  /**
   * A conversation is gone.
   *
   * @param {Gone} op
   */
  follow(op) {
    this.hits = followed(this.hits, op);
    this.#draw();
  }

  /** @param {number} turn */
  async #ask(turn) {
    const query = asQuery(this.typed.trim());
    try {
      const found = await connection.command("search", { query, limit: HITS });
      if (turn !== this.#turn) return;
      this.#terms = termsOf(query);
      this.hits = found.hits;
      this.more = found.more;
      this.problem = "";
    } catch (thrown) {
      if (turn !== this.#turn) return;
      const problem = problemOf(thrown);
      this.hits = [];
      this.more = false;
      this.problem = problem.code === "invalid_args" ? "" : problem.message;
      if (problem.retryable) this.#timer = setTimeout(() => this.#ask(turn), LOST_MS);
    }
    this.busy = false;
    this.#draw();
  }

  /**
   * The part of a text where it was found, as nodes.
   *
   * @param {string} text
   */
  snippet(text) {
    return snippet(text, this.#terms, SNIPPET, LEAD);
  }
}
