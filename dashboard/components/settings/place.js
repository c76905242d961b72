// Where everything lies, and how much room it takes.

import { copyButton } from "../shared/address.js";
import { h, setText } from "../shared/dom.js";
import { group } from "./field.js";

export class Place {
  element;
  #home = h("code", {});
  #size = h("p", { class: "quiet" });

  constructor() {
    const copy = copyButton(() => this.#home.textContent, "the folder's path");
    this.element = group("Where it is", h("div", { class: "field" },
      h("p", { class: "quiet" }, "Everything of this node is in one folder: conversations, key and settings."),
      h("div", { class: "path" }, this.#home, copy), this.#size));
    this.copy = copy;
  }

  draw(view) {
    setText(this.#home, view.home ?? "Only the node can tell.");
    this.copy.hidden = !view.home;
    setText(this.#size, view.database ? `The database takes ${view.database}; ${view.free} are free on that disk.` : "");
  }
}
