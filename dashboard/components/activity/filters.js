// The filters of the event log: kinds and words. The server filters pages; live rows are matched here by the same rule
// (telling.py, EventRow.holds).

import { h, icon, setAttribute } from "../shared/dom.js";
import { nameKey } from "../shared/names.js";

/** @import { EventRow } from "../shared/schema.js" */

/** @type {[kind: string, title: string][]} */
const KINDS = [
  ["messages", "Messages"],
  ["peers", "Peers"],
  ["conversations", "Conversations"],
  ["node", "Node"],
  ["connections", "Connections"],
];
/** Pause in typing before the server is asked, in ms. */
const REST_MS = 250;

export class Filters {
  element;
  /** @type {Set<string>} */
  #chosen = new Set();
  #text = "";
  #everything;
  /** @type {Map<string, HTMLButtonElement>} */
  #chips = new Map();
  /** @type {number | undefined} */
  #timer;

  /** @param {() => void} onChange Called when the filters change. */
  constructor(onChange) {
    this.#everything = this.#chip("Everything", () => this.#chosen.clear(), onChange);
    for (const [kind, title] of KINDS) {
      const flip = () => (this.#chosen.has(kind) ? this.#chosen.delete(kind) : this.#chosen.add(kind));
      this.#chips.set(kind, this.#chip(title, flip, onChange));
    }
    const field = h("input", { type: "search", placeholder: "Filter by words", autocomplete: "off", spellcheck: "false",
      maxlength: 200, "aria-label": "Filter the event log by words" });
    field.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#text = nameKey(field.value.trim());
        onChange();
      }, REST_MS);
    });
    this.element = h("div", { class: "filters" },
      h("div", { class: "chips", role: "group", "aria-label": "Kinds of events" }, this.#everything,
        ...this.#chips.values()),
      h("div", { class: "search" }, icon("search"), field));
    this.#draw();
  }

  destroy() {
    clearTimeout(this.#timer);
  }

  /** Whether the filters leave anything out. */
  get some() {
    return this.#chosen.size > 0 || this.#text !== "";
  }

  /** For the question to the server. */
  get word() {
    return { kinds: [...this.#chosen], text: this.#text };
  }

  /** @param {EventRow} row */
  match(row) {
    if (this.#chosen.size && !this.#chosen.has(row.kind)) return false;
    return nameKey(`${row.parts.join("")} ${row.by ?? ""} ${row.type}`).includes(this.#text);
  }

  /**
   * @param {string} title
   * @param {() => void} change
   * @param {() => void} onChange
   */
  #chip(title, change, onChange) {
    const chip = h("button", { class: "kind", type: "button" }, title);
    chip.addEventListener("click", () => {
      change();
      if (this.#chosen.size === KINDS.length) this.#chosen.clear();
      this.#draw();
      onChange();
    });
    return chip;
  }

  #draw() {
    setAttribute(this.#everything, "aria-pressed", String(!this.#chosen.size));
    for (const [kind, chip] of this.#chips) setAttribute(chip, "aria-pressed", String(this.#chosen.has(kind)));
  }
}
