// Who this node is to others: its name, where they reach it, and the short code.

import { makeAddress } from "../shared/address.js";
import { h, reconcile } from "../shared/dom.js";
import { MAX_NAME, MAX_TYPED } from "../shared/names.js";
import { store } from "../shared/session.js";
import { Field, group } from "./field.js";

export class You {
  element;
  #name = new Field({
    key: "name",
    label: "Your name",
    help: "What others see. Peers who gave you another name keep theirs.",
    attributes: { maxlength: MAX_TYPED, dir: "auto", name: "name" },
    read: (text) => text.trim() || { problem: `Type a name: 1 to ${MAX_NAME} characters.` },
  });
  #addresses = h("div", { class: "chipline" });
  #code = h("div", { class: "chipline" });
  #none = h("p", { class: "note" }, "The node knows of no address yet. Is this machine on a network?");

  constructor() {
    this.element = group("You", this.#name.element,
      h("div", { class: "field" }, h("p", { class: "label" }, "Where others reach you"),
        h("p", { class: "quiet" }, "Pass one on; the first is usually the right one."), this.#addresses, this.#none),
      h("div", { class: "field" }, h("p", { class: "label" }, "Your node's short code"), this.#code));
  }

  draw(view) {
    this.#name.draw(view);
    const addresses = store.me?.addresses ?? [];
    const chips = (parent, texts) => reconcile(parent, texts, (one) => one, (one) => makeAddress(one), () => {});
    chips(this.#addresses, addresses);
    this.#none.hidden = addresses.length > 0;
    chips(this.#code, store.me ? [store.me.code] : []);
  }
}
