// The search box: filters people at once, and asks the node for messages after a short pause in typing.

import { h, icon } from "../shared/dom.js";
import { connection } from "../shared/session.js";

/** Wait so long after the last letter before asking, in ms. */
const PAUSE_MS = 180;
/** Messages are looked for from so many letters on. */
const MIN_LETTERS = 2;
/** Letters shown of a message, and how many of them before the word that was found. */
const SNIPPET = 110;
const LEAD = 30;

export class Search {
  element;
  field;
  hits = [];
  busy = false;
  problem = "";
  #draw;
  #timer = null;
  #turn = 0;

  constructor(draw) {
    this.#draw = draw;
    this.field = h("input", { type: "search", placeholder: "Search people and messages", autocomplete: "off",
      spellcheck: "false", "aria-label": "Search people and messages, Control K" });
    this.element = h("div", { class: "search" }, icon("search"), this.field);
    this.field.addEventListener("input", () => this.#typed());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        this.element.parentNode.querySelector(".room, .hit")?.click();
      }
    });
  }

  destroy() {
    clearTimeout(this.#timer);
    this.#turn++;
  }

  get words() {
    return this.field.value.trim().toLowerCase();
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

  fits(room) {
    const where = `${room.name} ${room.address}`.toLowerCase();
    return this.words.split(/\s+/).every((word) => where.includes(word));
  }

  #typed() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.problem = "";
    if (this.words.length < MIN_LETTERS) {
      this.hits = [];
      this.busy = false;
    } else {
      this.busy = true;
      this.#timer = setTimeout(() => this.#ask(turn), PAUSE_MS);
    }
    this.#draw();
  }

  async #ask(turn) {
    const typed = this.field.value.trim();
    // The last word is usually not finished yet: look for what begins with it.
    const query = /[\p{L}\p{N}]$/u.test(typed) && !typed.includes('"') ? `${typed}*` : typed;
    try {
      const found = await connection.ask({ t: "search", query });
      if (turn !== this.#turn) return;
      this.hits = found.hits;
    } catch (problem) {
      if (turn !== this.#turn) return;
      this.hits = [];
      this.problem = problem.code === "invalid_args" ? "" : problem.message;
    }
    this.busy = false;
    this.#draw();
  }

  /** The part of a text where the first word was found, with that word marked; as nodes. */
  snippet(text) {
    const flat = text.replace(/\s+/g, " ");
    const word = this.words.split(/\s+/)[0]?.replace(/["*]/g, "") ?? "";
    const at = word ? flat.toLowerCase().indexOf(word) : -1;
    const from = Math.max(0, at - LEAD);
    const part = (from ? "…" : "") + flat.slice(from, from + SNIPPET);
    const found = at < 0 ? -1 : at - from + (from ? 1 : 0);
    if (found < 0) return [part];
    return [part.slice(0, found), h("mark", {}, part.slice(found, found + word.length)), part.slice(found + word.length)];
  }
}
