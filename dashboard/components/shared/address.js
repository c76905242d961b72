// A text to pass on, such as an address, with a button that copies it.

import { copy, h, icon } from "./dom.js";

/** `shape` is the class of the element: "chip" stands among others, "address" is a line of its own. */
export function makeAddress(address, shape = "chip") {
  return h(shape === "chip" ? "span" : "div", { class: shape }, h("span", {}, address), copyButton(() => address, address));
}

/** A small button that copies what `text()` gives; `what` is named to screen readers. */
export function copyButton(text, what) {
  const button = h("button", { class: "copybutton", type: "button", "aria-label": `Copy ${what}`, "data-tip": "Copy" }, icon("copy"));
  button.addEventListener("click", () => copy(button, text()));
  return button;
}
