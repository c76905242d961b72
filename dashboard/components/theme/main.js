// Light, dark, or as the system is: for this browser only.

import { h } from "../shared/dom.js";
import { choose, onTheme, theme, THEMES } from "../shared/theme.js";

/** @type {Record<string, string>} */
const WORDS = { system: "As the system is", light: "Light", dark: "Dark" };
/** @type {WeakMap<Element, () => void>} */
const mounted = new WeakMap();

/** @param {{ parentElement: ParentNode }} component */
export function mount({ parentElement }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".theme"));
  const destroy = mounted.get(root) ?? build(root);
  mounted.set(root, destroy);
  return destroy;
}

/** @param {HTMLElement} root */
function build(root) {
  const inputs = THEMES.map((name) => {
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "radio", name: "theme", value: name }));
    input.addEventListener("change", () => choose(name));
    return input;
  });
  const labels = inputs.map((input) => h("label", {}, input, h("span", {}, WORDS[input.value])));
  root.append(h("fieldset", {}, h("legend", {}, "Colours, in this browser"), ...labels));
  const draw = () => {
    for (const input of inputs) input.checked = input.value === theme();
  };
  draw();
  const stop = onTheme(draw);
  return () => {
    stop();
    mounted.delete(root);
    root.replaceChildren();
  };
}
