// A dialog that is looked at with somebody. On a small screen it is a sheet at the bottom: it opens at half, and takes the
// whole height once its reader scrolls, types, or pulls it up.

import { h, icon } from "./dom.js";
import { onKey } from "./keyboard.js";

export class Wide {
  element;
  #name;
  #inner = h("div", { class: "inner" });
  /** Its position is kept while what stands in it is drawn anew. */
  #grip = h("button", { class: "grip", type: "button", onclick: () => this.#pull(!this.#pulled) });

  /** @param {string} name */
  constructor(name) {
    this.#name = name;
    this.element = h("dialog", { class: `wide ${name}`, "aria-labelledby": `${name}-title` }, this.#inner);
    this.#inner.addEventListener("scroll", () => this.#inner.scrollTop > 0 && this.#pull(true));
    this.#inner.addEventListener("focusin", (event) => event.target instanceof HTMLInputElement && this.#pull(true));
    // What lies around it closes it.
    this.element.addEventListener("click", (event) => event.target === this.element && this.close());
    onKey(this.element, (event) => {
      // Nothing below it hears of keys.
      event.stopPropagation();
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
  }

  get open() {
    return this.element.open;
  }

  close() {
    if (this.element.open) this.element.close();
  }

  /**
   * Show this. The heading has the focus at first: Enter does nothing by accident.
   *
   * @param {string} title
   * @param {(Element | null)[]} body
   * @param {Element[]} answers
   */
  put(title, body, answers) {
    const heading = h("h3", { id: `${this.#name}-title`, tabindex: -1, dir: "auto" }, title);
    const close = h("button", { class: "closer", type: "button", "aria-label": "Close", onclick: () => this.close() }, icon("close"));
    this.#inner.replaceChildren(this.#grip, h("div", { class: "top" }, heading, close), h("div", { class: "body" }, ...body),
      h("div", { class: "answers" }, ...answers));
    if (!this.element.open) {
      this.#pull(false);
      this.element.showModal();
    }
    this.#inner.scrollTop = 0;
    heading.focus({ preventScroll: true });
  }

  get #pulled() {
    return this.element.hasAttribute("data-pulled");
  }

  /** @param {boolean} up */
  #pull(up) {
    this.element.toggleAttribute("data-pulled", up);
    this.#grip.setAttribute("aria-label", up ? "Show half of it" : "Show all of it");
  }
}
