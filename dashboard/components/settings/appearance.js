// Light, dark, or as the system is: for this browser only.

import { h } from "../shared/dom.js";
import { choose, theme, THEMES } from "../shared/theme.js";
import { group } from "./field.js";

const WORDS = { system: "As the system is", light: "Light", dark: "Dark" };

/** The section; `draw` shows what was chosen, also in another tab. */
export function appearance() {
  const inputs = THEMES.map((name) => {
    const input = h("input", { type: "radio", name: "theme", value: name });
    input.addEventListener("change", () => choose(name));
    return input;
  });
  const labels = inputs.map((input) => h("label", {}, input, h("span", {}, WORDS[input.value])));
  const draw = () => {
    for (const input of inputs) input.checked = input.value === theme();
  };
  draw();
  const element = group("Appearance", h("fieldset", { class: "field choice" }, h("legend", {}, "Colours, in this browser"),
    h("div", { class: "choices" }, ...labels)));
  return { element, draw };
}
