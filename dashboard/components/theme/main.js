// Light, dark, or as the system is: for this browser only.

import { h } from "../shared/dom.js";
import { mounting } from "../shared/mount.js";
import { choose, onTheme, theme, THEMES } from "../shared/theme.js";

/** @type {Record<string, string>} */
const WORDS = { system: "As the system is", light: "Light", dark: "Dark" };

/** Called by the loader, and again whenever Streamlit runs the component's script. */
export const mount = mounting(".theme", build);

/** @param {HTMLElement} root */
function build(root) {
  const inputs = THEMES.map((name) => {
    const input = h("input", { type: "radio", name: "theme", value: name });
    input.addEventListener("change", () => choose(name));
    return input;
  });
  const labels = inputs.map((input) => h("label", {}, input, h("span", {}, WORDS[input.value])));
  root.append(h("fieldset", {}, h("legend", {}, "Colours, in this browser"), ...labels));
  const draw = () => {
    for (const input of inputs) input.checked = input.value === theme();
  };
  draw();
  return onTheme(draw);
}
