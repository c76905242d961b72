// What became of one of our own messages: when it was accepted, and for each it is for whether it is on their disk and was
// read, or why not and when the next try is.

import { avatar, Children, drawAvatar, h, setAttribute, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Panel } from "./panel.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { MessageView, RecipientView, Told } from "../shared/schema.js" */
/** @typedef {{ nth: number, one: RecipientView }} Recipient */

export class Details {
  element;
  #accepted = h("p", { class: "accepted" });
  #list = h("ul", {});
  #recipients = new Children(this.#list, ({ nth }) => String(nth), makeRecipient);
  /** @type {Panel<MessageView, Told>} */
  #panel = new Panel({
    name: "delivery",
    body: [this.#accepted, this.#list],
    ask: (message) => connection.command("delivery", { message: message.id }),
    draw: (message, told) => this.#draw(told?.message ?? message, told?.recipients ?? []),
  });
  #stops;

  constructor() {
    this.element = this.#panel.element;
    /** @param {string} room */
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

  /**
   * Show what became of `message`, beside `anchor`.
   *
   * @param {MessageView} message
   * @param {Element} anchor
   */
  show(message, anchor) {
    this.#panel.show(message, "Delivery", anchor);
  }

  close() {
    this.#panel.close();
  }

  /**
   * @param {MessageView} message
   * @param {RecipientView[]} recipients
   */
  #draw(message, recipients) {
    const now = store.now();
    setText(this.#accepted, `Accepted ${when.moment(message.at, now)}: it is on this computer's disk.`);
    setAttribute(this.#accepted, "title", when.full(message.at));
    this.#recipients.draw(recipients.map((one, nth) => ({ one, nth })));
  }
}

/** @returns {Child<Recipient>} */
function makeRecipient() {
  const face = avatar();
  const name = h("span", { class: "name", dir: "auto" });
  const word = h("span", { class: "outcome" });
  const why = h("span", { class: "why", dir: "auto" });
  return {
    element: h("li", {}, face, h("span", { class: "what" }, h("span", { class: "line" }, name, word), why)),
    draw({ one }) {
      const now = store.now();
      drawAvatar(face, { ...one, link: "unknown" });
      setText(name, called(one));
      setText(word, one.label);
      setAttribute(word, "data-tone", one.tone);
      setAttribute(word, "data-label", one.label);
      const next = one.next_at ? ` Next try ${when.until(one.next_at, now)}.` : "";
      const stored = `On their disk${one.at ? ` since ${when.moment(one.at, now)}` : ""}`;
      const read = one.read_at ? `, read at ${when.moment(one.read_at, now)}` : ", and read";
      setText(why, one.label === "read" ? `${stored}${read}.` : one.label === "delivered" ? `${stored}.` : `${one.why}${next}`);
      const at = one.read_at ?? one.at;
      setAttribute(why, "title", at ? when.full(at) : null);
    },
  };
}
