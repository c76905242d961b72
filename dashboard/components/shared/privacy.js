// Whether others on the network can read along: a closed or an open lock and a word, never a colour alone.

import { h, icon, setAttribute, setText } from "./dom.js";
import { PRIVACY } from "./words.js";

/** @typedef {import("./dom.js").Attributes} Attributes */

/**
 * An empty badge; `drawPrivacy` fills it.
 *
 * @param {Attributes} [attributes]
 * @param {"span" | "button"} [tag]
 */
export function privacyBadge(attributes = {}, tag = "span") {
  return h(tag, { ...attributes, class: `privacy ${attributes.class ?? ""}`.trim() }, icon("open"), h("span", { class: "word" }));
}

/**
 * @param {HTMLElement} element
 * @param {boolean} encrypted
 * @param {string} word What stands beside the lock.
 * @param {string} title What it means.
 */
export function drawPrivacy(element, encrypted, word, title) {
  const [lock, label] = element.children;
  const kind = encrypted ? "good" : "plain";
  if (element.dataset.kind !== kind) {
    lock.replaceWith(icon(encrypted ? "lock" : "open"));
    setAttribute(element, "data-kind", kind);
  }
  setText(label, word);
  setAttribute(element, "data-tip", title);
}

/**
 * The word and the sentence for one message. `encrypted`: its conversation is; `plain`: it was said before that.
 *
 * @param {boolean} encrypted
 * @param {boolean | undefined} plain
 * @returns {[string, string]}
 */
export function privacyOf(encrypted, plain) {
  if (!encrypted) return [PRIVACY.plain.short, PRIVACY.plain.sentence];
  return plain ? [PRIVACY.plain.short, PRIVACY.clear.sentence] : [PRIVACY.encrypted.short, PRIVACY.encrypted.sentence];
}
