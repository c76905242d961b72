// The Peers page: get to know somebody by address, and see how everybody's connection is.

import { addressList } from "../shared/address.js";
import { h } from "../shared/dom.js";
import { mounting } from "../shared/mount.js";
import { store } from "../shared/session.js";
import { strip } from "../shared/strip.js";
import { tips } from "../shared/tip.js";
import { Form } from "./form.js";
import { Invite } from "./invite.js";
import { Table } from "./table.js";

export const mount = mounting(".peers", build);

/** @param {HTMLElement} root */
function build(root) {
  const form = new Form();
  const table = new Table();
  const invite = new Invite();
  const own = h("div", { class: "own" });
  const ownAddresses = addressList(own);
  const ownBox = h("p", { class: "ownbox", hidden: true }, "Others reach you at ", own, h("button", { class: "act", type: "button",
    onclick: () => void invite.show() }, "Invite somebody…"));
  root.append(h("div", { class: "sheet" }, h("h1", {}, "Peers"), form.element, ownBox, table.element), invite.element);
  const stopStrip = strip(root);
  tips(root);

  function draw() {
    const addresses = store.me?.addresses ?? [];
    ownBox.hidden = !addresses.length;
    ownAddresses.draw(addresses);
  }

  const stops = [store.on("lists", draw), stopStrip, () => table.destroy(), () => form.destroy()];
  draw();
  return () => {
    for (const stop of stops) stop();
  };
}
