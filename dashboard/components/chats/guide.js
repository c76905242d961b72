// Shown while there is no conversation yet: three ways to begin.

import { copy, h, icon, reconcile } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { store } from "../shared/session.js";

function chip(address) {
  const button = h("button", { class: "copybutton", "aria-label": `Copy ${address}` }, icon("copy"));
  button.addEventListener("click", () => copy(button, address));
  return h("span", { class: "chip" }, h("span", {}, address), button);
}

/** Draws the ways to begin into `box` and keeps it up to date; returns a function that stops that. */
export function guide(box) {
  const own = h("div", { class: "own" });
  box.append(
    h("h2", {}, "No conversation yet"),
    h("p", {}, "Three ways to begin:"),
    h("ol", {},
      h("li", {}, h("button", { class: "link", onclick: () => place.go("peers") }, "Connect to somebody"),
        " whose address you know."),
      h("li", {}, "Give somebody your own address: ", own),
      h("li", {}, "Wait: whoever connects to you appears here by themselves.")),
  );
  const draw = () => reconcile(own, store.me?.addresses ?? [], (one) => one, chip, () => {});
  draw();
  return store.on("lists", draw);
}
