// One explaining bubble for a whole component: shown on hover and on focus for whatever carries `data-tip`.

import { closest, h, holds, setText } from "./dom.js";
import { onKey } from "./keyboard.js";

/**
 * `textOf(element)` gives the words; asked again each second, so that "next try in 40 s" counts down.
 *
 * @param {HTMLElement} root
 * @param {(element: HTMLElement) => string | undefined} [textOf]
 */
export function tips(root, textOf = (element) => element.dataset.tip) {
  const bubble = h("div", { class: "tip", role: "tooltip", hidden: true });
  root.append(bubble);
  /** @type {HTMLElement | null} */
  let target = null;
  /** @type {number | undefined} */
  let timer;

  function place() {
    if (!target?.isConnected) return hide();
    setText(bubble, textOf(target) ?? "");
    const box = target.getBoundingClientRect();
    const own = bubble.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - own.width / 2), window.innerWidth - own.width - 8);
    const above = box.top - own.height - 6;
    bubble.style.left = `${left}px`;
    bubble.style.top = `${above > 8 ? above : box.bottom + 6}px`;
  }

  /** @param {Event} event */
  function show(event) {
    const found = closest(event, "[data-tip]");
    if (!found || found === target) return;
    target = found;
    bubble.hidden = false;
    place();
    clearInterval(timer);
    timer = setInterval(place, 1000);
  }

  function hide() {
    target = null;
    bubble.hidden = true;
    clearInterval(timer);
  }

  root.addEventListener("mouseover", show);
  root.addEventListener("focusin", show);
  root.addEventListener("mouseout", (event) => {
    if (target && !holds(target, event.relatedTarget)) hide();
  });
  root.addEventListener("focusout", hide);
  onKey(root, (event) => event.key === "Escape" && hide());
  root.addEventListener("scroll", hide, true);
  return hide;
}
