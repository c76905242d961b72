// Whether others on the network can read along: a closed or an open lock and a word, never a colour alone.

import { h, icon, setAttribute, setText } from "./dom.js";

/** An empty badge; `drawPrivacy` fills it. */
export function privacyBadge(attributes = {}, tag = "span") {
  return h(tag, { ...attributes, class: `privacy ${attributes.class ?? ""}`.trim() }, icon("open"), h("span", { class: "word" }));
}

/** `word`: what stands beside the lock; `title`: what it means. */
export function drawPrivacy(element, encrypted, word, title) {
  const kind = encrypted ? "good" : "plain";
  if (element.dataset.kind !== kind) {
    element.firstChild.replaceWith(icon(encrypted ? "lock" : "open"));
    setAttribute(element, "data-kind", kind);
  }
  setText(element.lastChild, word);
  setAttribute(element, "data-tip", title);
}
