// A menu that opens from a button: by mouse, by keyboard, closed by whatever leads away from it.

import { h, holds, setAttribute } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";

export class Popup {
  /** The list of what can be chosen. */
  items;
  #opener;
  #onShow;
  #onHide;

  /**
   * `onShow` and `onHide` are called before it shows and after it is gone.
   *
   * @param {HTMLElement} opener
   * @param {string} id
   * @param {{ onShow?: () => void, onHide?: () => void }} [how]
   */
  constructor(opener, id, { onShow = () => {}, onHide = () => {} } = {}) {
    this.#opener = opener;
    this.#onShow = onShow;
    this.#onHide = onHide;
    this.items = h("div", { class: "items", role: "menu", id, hidden: true });
    setAttribute(opener, "aria-haspopup", "menu");
    setAttribute(opener, "aria-expanded", "false");
    opener.addEventListener("click", () => (this.open ? this.hide() : this.show()));
    onKey(opener, (event) => {
      if (event.key !== "ArrowDown" || this.open) return;
      event.preventDefault();
      event.stopPropagation();
      this.show();
    });
    onKey(this.items, (event) => this.#key(event));
    for (const part of [opener, this.items]) {
      part.addEventListener("focusout", ({ relatedTarget }) => {
        if (this.open && !holds(this.items, relatedTarget) && relatedTarget !== opener) this.hide(false);
      });
    }
  }

  get open() {
    return !this.items.hidden;
  }

  /**
   * Add something to choose; returns its element.
   *
   * @param {string} label
   * @param {() => void} act
   * @param {boolean} [grave]
   */
  add(label, act, grave = false) {
    const item = h("button", { type: "button", role: "menuitem", tabindex: -1, class: grave ? "grave" : null,
      onclick: () => {
        this.hide();
        act();
      } }, label);
    this.items.append(item);
    return item;
  }

  show() {
    this.#onShow();
    this.items.hidden = false;
    setAttribute(this.#opener, "aria-expanded", "true");
    setAttribute(this.#opener, "aria-controls", this.items.id);
    this.#shown()[0]?.focus({ preventScroll: true });
  }

  /** `focus`: give it back to the button. */
  hide(focus = true) {
    if (!this.open) return;
    this.items.hidden = true;
    setAttribute(this.#opener, "aria-expanded", "false");
    setAttribute(this.#opener, "aria-controls", null);
    if (focus) this.#opener.focus({ preventScroll: true });
    this.#onHide();
  }

  #shown() {
    return [...this.items.querySelectorAll("button")].filter((item) => !item.hidden);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#shown();
    const at = items.findIndex((item) => item === event.target);
    const to = new Map([["ArrowDown", at + 1], ["ArrowUp", at - 1], ["Home", 0], ["End", -1]]).get(event.key);
    if (event.key === "Escape") this.hide();
    else if (event.key === "Tab") return this.hide();
    else if (to !== undefined && !event.altKey) items.at(to % items.length)?.focus({ preventScroll: true });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
