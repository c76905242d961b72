// A text to pass on, such as an address, with a button that copies it.

import { Children, copy, h, icon } from "./dom.js";

/** @typedef {"chip" | "address"} Shape A chip stands among others, an address is a line of its own. */

/**
 * @param {Element} parent Holds nothing else.
 * @param {Shape} [shape]
 * @returns {Children<string>}
 */
export function addressList(parent, shape) {
  return new Children(parent, (address) => address, (address) => ({ element: makeAddress(address, shape) }));
}

/**
 * @param {string} address
 * @param {Shape} [shape]
 */
export function makeAddress(address, shape = "chip") {
  return h(shape === "chip" ? "span" : "div", { class: shape }, h("span", {}, address), copyButton(() => address, address));
}

/**
 * A small button that copies what `text()` gives.
 *
 * @param {() => string} text
 * @param {string} what Named to screen readers.
 */
export function copyButton(text, what) {
  const button = h("button", { class: "copybutton", type: "button", "aria-label": `Copy ${what}`, "data-tip": "Copy" }, icon("copy"));
  button.addEventListener("click", () => copy(button, text()));
  return button;
}
