// The Peers page: get to know somebody by address, and see how everybody's connection is.

import { makeAddress } from "../shared/address.js";
import { h, reconcile } from "../shared/dom.js";
import { store } from "../shared/session.js";
import { strip } from "../shared/strip.js";
import { tips } from "../shared/tip.js";
import { Form } from "./form.js";
import { Table } from "./table.js";

const mounted = new WeakMap();

/** Called by the loader, and again whenever Streamlit runs the component's script: the same page then. */
export function mount({ parentElement }) {
  const root = parentElement.querySelector(".peers");
  if (!mounted.has(root)) mounted.set(root, build(root));
  return mounted.get(root);
}

function build(root) {
  const form = new Form();
  const table = new Table();
  const own = h("div", { class: "own" });
  const ownBox = h("p", { class: "ownbox", hidden: true }, "Others reach you at ", own);
  root.append(h("div", { class: "sheet" }, h("h1", {}, "Peers"), form.element, ownBox, table.element));
  const stopStrip = strip(root);
  tips(root);

  function draw() {
    const addresses = store.me?.addresses ?? [];
    ownBox.hidden = !addresses.length;
    reconcile(own, addresses, (one) => one, (one) => makeAddress(one), () => {});
  }

  const stops = [store.on("lists", draw), stopStrip, () => table.destroy(), () => form.destroy()];
  draw();
  return () => {
    for (const stop of stops) stop();
    mounted.delete(root);
    root.replaceChildren();
  };
}
