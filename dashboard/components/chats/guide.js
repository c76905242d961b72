// Shown while there is no conversation yet: three ways to begin.

import { addressList } from "../shared/address.js";
import { h } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { store } from "../shared/session.js";

/**
 * Draws the ways to begin into `box` and keeps it up to date; returns a function that stops that.
 *
 * @param {Element} box
 */
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
  const addresses = addressList(own);
  const draw = () => addresses.draw(store.me?.addresses ?? []);
  draw();
  return store.on("lists", draw);
}
