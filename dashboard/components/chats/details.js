// What became of one of our own messages: when it was accepted, and for each it is for whether it is on their disk and was
// read, or why not and when the next try is.

import { avatar, drawAvatar, h, reconcile, setAttribute, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Panel } from "./panel.js";

export class Details {
  element;
  #accepted = h("p", { class: "accepted" });
  #list = h("ul", {});
  #panel = new Panel({
    name: "delivery",
    body: [this.#accepted, this.#list],
    ask: (message) => connection.command("delivery", { message: message.id }),
    draw: (message, told) => this.#draw(told?.message ?? message, told?.recipients ?? []),
  });
  #stops;

  constructor() {
    this.element = this.#panel.element;
    const about = (room) => room === this.#panel.thing?.room;
    this.#stops = [
      store.on("state", (op) => about(op.room) && this.#panel.again()),
      store.on("receipt", (op) => about(op.room) && this.#panel.again()),
      store.on("changed", (op) => op.message.id === this.#panel.thing?.id && this.#panel.again()),
      store.on("lists", () => this.#panel.doubt()),
      store.on("gone", (op) => about(op.id) && this.close()),
    ];
  }

  destroy() {
    this.close();
    for (const stop of this.#stops) stop();
  }

  /** Show what became of `message`, beside `anchor`. */
  show(message, anchor) {
    this.#panel.show(message, "Delivery", anchor);
  }

  close() {
    this.#panel.close();
  }

  #draw(message, recipients) {
    const now = store.now();
    setText(this.#accepted, `Accepted ${when.moment(message.at, now)}: it is on this computer's disk.`);
    setAttribute(this.#accepted, "title", when.full(message.at));
    reconcile(this.#list, recipients.map((one, nth) => ({ ...one, nth })), ({ nth }) => String(nth), make,
      (element, one) => drawRecipient(element, one, now));
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
