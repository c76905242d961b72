// What became of one of our own messages: when it was accepted, and for each it is for whether it is on their disk and was
// read, or why not and when the next try is. Asked from the node when it opens, and again when something about it changes.

import { avatar, drawAvatar, h, icon, reconcile, setAttribute, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { called } from "../shared/names.js";
import { isNarrow } from "../shared/place.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";

/** How often what may have changed is looked at while it is open, in ms; countdowns go on as well. */
const TICK_MS = 1000;
/** Distance to the edges of the window, in px. */
const EDGE_PX = 8;

export class Details {
  element;
  #parts;
  #message = null;
  #recipients = [];
  /** Whether something changed since the node was asked. */
  #stale = false;
  #asking = false;
  #timer = null;
  #stops;

  constructor() {
    const parts = {
      title: h("h3", { id: "details-title" }),
      accepted: h("p", { class: "accepted" }),
      list: h("ul", {}),
      problem: h("p", { class: "problem", role: "alert", hidden: true }),
      close: h("button", { class: "closer", type: "button", "aria-label": "Close", onclick: () => this.close() }, icon("close")),
    };
    this.#parts = parts;
    this.element = h("dialog", { class: "details", "aria-labelledby": "details-title" },
      h("div", { class: "inner" }, h("div", { class: "top" }, parts.title, parts.close), parts.accepted, parts.list, parts.problem));
    // What lies around it closes it.
    this.element.addEventListener("click", (event) => event.target === this.element && this.close());
    this.element.addEventListener("close", () => this.#closed());
    onKey(this.element, (event) => {
      event.stopPropagation();
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
    const about = (room) => room === this.#message?.room;
    this.#stops = [
      store.on("state", (op) => about(op.room) && this.#ask()),
      store.on("receipt", (op) => about(op.room) && this.#ask()),
      store.on("changed", (op) => op.message.id === this.#message?.id && this.#ask()),
      store.on("lists", () => (this.#stale = true)),
      store.on("gone", (op) => about(op.id) && this.close()),
    ];
  }

  destroy() {
    this.close();
    for (const stop of this.#stops) stop();
  }

  /** Show what became of `message`, beside `anchor`. */
  show(message, anchor) {
    this.#message = message;
    this.#recipients = [];
    this.#stale = false;
    this.#parts.problem.hidden = true;
    this.#draw();
    this.element.showModal();
    this.#parts.close.focus({ preventScroll: true });
    this.#place(anchor);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#ask(() => this.#place(anchor));
  }

  close() {
    if (this.element.open) this.element.close();
  }

  #closed() {
    clearInterval(this.#timer);
    this.#message = null;
  }

  #tick() {
    if (this.#stale && !store.away) this.#ask();
    this.#draw();
  }

  async #ask(then = () => {}) {
    const message = this.#message;
    this.#stale = true;
    // An answer that is on its way may be older than what just happened: it is asked once more after it.
    if (!message || this.#asking) return;
    this.#asking = true;
    this.#stale = false;
    try {
      const told = await connection.ask({ t: "delivery", message: message.id });
      if (message !== this.#message) return;
      this.#message = Object.assign(message, { at: told.message.at });
      this.#recipients = told.recipients;
      this.#parts.problem.hidden = true;
      this.#draw();
      then();
    } catch (problem) {
      if (message !== this.#message) return;
      this.#stale = problem.retryable;
      setText(this.#parts.problem, problem.message);
      this.#parts.problem.hidden = false;
    } finally {
      this.#asking = false;
      if (this.#message && message !== this.#message) this.#ask(then);
    }
  }

  #draw() {
    const { title, accepted, list } = this.#parts;
    const message = this.#message;
    if (!message) return;
    const now = store.now();
    setText(title, "Delivery");
    setText(accepted, `Accepted ${when.moment(message.at, now)}: it is on this computer's disk.`);
    setAttribute(accepted, "title", when.full(message.at));
    reconcile(list, this.#recipients.map((one, nth) => ({ ...one, nth })), ({ nth }) => String(nth), make,
      (element, one) => drawRecipient(element, one, now));
  }

  /** Beside what was pressed, within the window; a sheet at the bottom of a small screen. */
  #place(anchor) {
    const { style } = this.element;
    style.left = style.top = "";
    if (isNarrow() || !anchor?.isConnected) return;
    const box = anchor.getBoundingClientRect();
    const own = this.element.getBoundingClientRect();
    const left = Math.min(Math.max(EDGE_PX, box.right - own.width), window.innerWidth - own.width - EDGE_PX);
    const below = box.bottom + 6 + own.height < window.innerHeight - EDGE_PX;
    style.left = `${left}px`;
    style.top = `${Math.max(EDGE_PX, below ? box.bottom + 6 : box.top - own.height - 6)}px`;
  }
}

function make() {
  const parts = {
    face: avatar(),
    name: h("span", { class: "name", dir: "auto" }),
    word: h("span", { class: "outcome" }),
    why: h("span", { class: "why", dir: "auto" }),
  };
  const element = h("li", {}, parts.face, h("span", { class: "what" }, h("span", { class: "line" }, parts.name, parts.word), parts.why));
  element.parts = parts;
  return element;
}

function drawRecipient(element, one, now) {
  const { face, name, word, why } = element.parts;
  drawAvatar(face, { ...one, link: "unknown" });
  setText(name, called(one));
  setText(word, one.label);
  setAttribute(word, "data-tone", one.tone);
  setAttribute(word, "data-label", one.label);
  const next = one.next_at ? ` Next try ${when.until(one.next_at, now)}.` : "";
  const stored = `On their disk${one.at ? ` since ${when.moment(one.at, now)}` : ""}`;
  const read = one.read_at ? `, read at ${when.moment(one.read_at, now)}` : ", and read";
  setText(why, one.label === "read" ? `${stored}${read}.` : one.label === "delivered" ? `${stored}.` : `${one.why}${next}`);
  setAttribute(why, "title", one.read_at ?? one.at ? when.full(one.read_at ?? one.at) : null);
}
