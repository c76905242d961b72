// Web addresses in what somebody wrote become links: http and https only, and none that leads to this machine. A link
// shows the host that it leads to as the browser reads it, so one that isn't ASCII stands in punycode; else the text stays
// as it was written. Nothing is fetched before somebody follows one, and then the other side learns nothing of the
// dashboard.

import { h } from "./dom.js";
import { hostOf } from "./host.js";
import { store } from "./session.js";
import { pieces } from "./targets.js";

/** @import { Target } from "./targets.js" */

/** The dashboard's own host, and other addresses of the machine on which it runs. */
function ownHosts() {
  const { listen, addresses } = store.me ?? { listen: "", addresses: [] };
  return [window.location.hostname, ...[listen, ...addresses].map(hostOf)];
}

/**
 * A text as nodes. The keyboard doesn't come to its links before `reachable` lets it: a log has hundreds. `cut`: the text
 * goes on beyond its end.
 *
 * @param {string} text
 * @param {{ cut?: boolean }} [how]
 */
export function linked(text, { cut = false } = {}) {
  if (!text.includes("://")) return [text];
  return pieces(text, ownHosts(), cut).map((piece) => (typeof piece === "string" ? piece : link(piece)));
}

/** @param {Target} target */
function link({ href, shown }) {
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", dir: "ltr", tabindex: -1 }, shown);
}

/**
 * Make the links in `element` reachable by the keyboard, or not.
 *
 * @param {Element} element
 * @param {boolean} yes
 */
export function reachable(element, yes) {
  for (const one of element.querySelectorAll("a")) one.tabIndex = yes ? 0 : -1;
}
