// Who asks to write: a card for each, with who it is, the first lines, and what can be decided. Reading them here tells
// nobody, and marks nothing as read.

import { Children, focusAround, h, icon, setAttribute, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { place, REQUESTS } from "../shared/place.js";
import { store } from "../shared/session.js";
import { tips } from "../shared/tip.js";
import { Asker } from "./asker.js";
import { Sheet } from "./sheet.js";
import { Verify } from "./verify.js";

/** @import { RequestView } from "../shared/schema.js" */

export class Requests {
  element;
  #heading = h("h2", { tabindex: -1 }, "Requests");
  #count = h("p", { class: "line small" });
  #more = h("p", { class: "hint", hidden: true });
  #sheet = new Sheet();
  // Whoever is verified is accepted by that, and is no request any more.
  #verify = new Verify(this.#sheet, (_, { id }) => this.enter(id));
  /** The conversation that is opened as soon as it is no request any more. @type {string | null} */
  #entering = null;
  /** What is in the page only while it is shown: the conversation has a way back and a sheet of its own. */
  #inside;
  /** @type {Children<RequestView, Asker>} */
  #cards;
  /** The one that is unfolded, by its conversation; null: the first. @type {string | null} */
  #chosen = null;
  #stops;

  constructor() {
    const cards = h("div", { class: "askers" });
    const back = h("button", { class: "plainbutton back", "aria-label": "Back to the list", onclick: () => place.open(null) },
      icon("back"));
    const settings = h("button", { class: "act", type: "button", onclick: () => place.go("settings") }, "Who may write to you");
    this.element = h("section", { class: "requests", "aria-label": "Requests", hidden: true },
      h("header", {}, back, h("span", { class: "ring", "aria-hidden": "true" }, icon("asks")),
        h("div", { class: "title" }, this.#heading, this.#count), settings),
      h("div", { class: "scroll" }, cards, this.#more));
    this.#cards = new Children(cards, ({ room }) => room.id, (request) => new Asker(request, this.#sheet,
      this.#verify, { toggle: (id) => this.#toggle(id), enter: (id) => this.enter(id) }));
    onKey(cards, (event) => this.#key(event));
    tips(this.element);
    this.#inside = [...this.element.children];
    this.element.replaceChildren();
    const tick = setInterval(() => this.draw(), 20000);
    this.#stops = [store.on("lists", () => this.draw()), () => clearInterval(tick)];
  }

  destroy() {
    for (const stop of this.#stops) stop();
  }

  /** Unfold the request in this conversation. @param {string} id */
  choose(id) {
    this.#chosen = id;
  }

  /** @param {boolean} shown */
  show(shown) {
    const opened = shown && this.element.hidden;
    this.element.hidden = !shown;
    if (!shown) {
      this.#entering = null;
      this.#sheet.close();
      this.#verify.close();
    }
    if (opened) this.element.append(...this.#inside, this.#sheet.element, this.#verify.element);
    if (!shown) this.element.replaceChildren();
    this.draw();
    if (opened) this.#heading.focus({ preventScroll: true });
  }

  /** @param {string} id */
  #toggle(id) {
    this.#chosen = this.#open === id ? "" : id;
    this.draw();
  }

  /**
   * Open this conversation as soon as it is no request any more. The node's answer to accepting it may come before the lists
   * say so.
   *
   * @param {string} id
   */
  enter(id) {
    this.#entering = id;
    this.#goIn();
  }

  #goIn() {
    const id = this.#entering;
    if (id === null || store.requests.has(id)) return;
    this.#entering = null;
    // Unless the reader has gone on meanwhile.
    if (place.room === REQUESTS && place.page === "chats" && store.rooms.has(id)) place.open(id);
  }

  /** Arrows go from card to card. @param {KeyboardEvent} event */
  #key(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const heads = [...this.#cards].map((card) => card.head);
    const at = heads.findIndex((head) => head === focusAround(head));
    if (at < 0 || !heads[at + step]) return;
    event.preventDefault();
    heads[at + step].focus();
  }

  get #open() {
    const all = store.sortedRequests();
    return this.#chosen === null || (this.#chosen && !store.requests.has(this.#chosen)) ? all[0]?.room.id : this.#chosen;
  }

  draw() {
    if (this.element.hidden) return;
    this.#goIn();
    if (this.element.hidden) return;
    const all = store.sortedRequests();
    const { requests: number } = store.totals;
    const open = this.#open;
    const had = this.element.contains(document.activeElement?.shadowRoot?.activeElement ?? document.activeElement);
    this.#cards.draw(all);
    for (const card of this.#cards) card.unfold(card.id === open);
    setText(this.#count, !number ? (store.loaded ? "Nobody waits." : "") : number === 1
      ? "1 person who isn't your contact wrote to you" : `${number} people who aren't your contacts wrote to you`);
    this.#more.hidden = number <= all.length;
    setText(this.#more, `The newest ${all.length} of ${number} are shown. Decide about some, and open this again.`);
    setAttribute(this.element, "data-empty", !number);
    // The focus went with the card.
    const has = this.element.contains(document.activeElement?.shadowRoot?.activeElement ?? document.activeElement);
    if (had && !has) this.#heading.focus({ preventScroll: true });
  }
}
