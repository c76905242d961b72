// What only a start of the node sets: the value, what it means, and who says so.

import { h, reconcile, setText } from "../shared/dom.js";
import { group } from "./field.js";

/** Those that the page shows elsewhere. */
const ELSEWHERE = new Set(["home", "name", "reconnect", "keep_events", "keep_days", "mandatory", "mandatory_greeting", "mandatory_rule"]);

export class Started {
  element;
  #rows = h("dl", { class: "started" });
  #note = h("p", { class: "note" });

  constructor() {
    this.element = group("Set at the start",
      h("p", { class: "quiet" }, "To change these, start the node with other flags, environment or config.toml."), this.#rows, this.#note);
  }

  draw(view) {
    this.element.hidden = Boolean(view.options) && Object.keys(view.options).every((key) => ELSEWHERE.has(key));
    const rows = Object.values(view.options ?? {}).filter((one) => !ELSEWHERE.has(one.key));
    reconcile(this.#rows, rows, (one) => one.key, make, update);
    setText(this.#note, view.options ? "" : "This node doesn't tell.");
    this.#note.hidden = Boolean(view.options);
  }
}

function make() {
  const parts = { key: h("span"), meaning: h("span", { class: "quiet" }), value: h("span", { class: "value", dir: "auto" }), origin: h("span", { class: "quiet" }) };
  const element = h("div", {}, h("dt", {}, parts.key, parts.meaning), h("dd", {}, parts.value, parts.origin));
  element.parts = parts;
  return element;
}

function update({ parts }, one) {
  setText(parts.key, one.key.replaceAll("_", " "));
  setText(parts.meaning, one.meaning);
  setText(parts.value, one.value || "none");
  setText(parts.origin, one.origin);
}
