// Web addresses in what somebody wrote become links: http and https only, and none that leads to this machine. A link
// shows the host that it leads to as the browser reads it, so one that isn't ASCII stands in punycode; else the text stays
// as it was written. Nothing is fetched before somebody follows one, and then the other side learns nothing of the
// dashboard.

import { addressesIn, trimmed } from "./addresses.js";
import { h } from "./dom.js";
import { hostOf, isLoopback, isSameHost, upToLookalike } from "./host.js";
import { store } from "./session.js";

/** Longest link, in UTF-16 units; a longer address stays text, because nobody could check where it leads. */
const MAX_ADDRESS = 2000;
/** Most links in one text; further ones stay text, so that a message can't fill the page with elements. */
const MAX_LINKS = 100;

/** @typedef {{ href: string, shown: string }} Target Where an address leads, and how it is shown. */

/**
 * Null where it is no address, or leads to this machine: a page there could be made to act for its owner.
 *
 * @param {string} address
 * @returns {Target | null}
 */
function target(address) {
  const [, scheme, written, rest] = /^(https?:\/\/)([^/?#]*)(.*)$/is.exec(address) ?? [];
  // Browsers skip further slashes, and what is shown would lead elsewhere.
  if (!written || written.includes("@")) return null;
  try {
    const { href, protocol, host, hostname } = new URL(address);
    if (!/^https?:$/.test(protocol) || isLoopback(hostname) || isOwn(hostname)) return null;
    const asWritten = written.toLowerCase();
    const same = /^[!-~]+$/.test(written) && (asWritten === host || asWritten.replace(/:\d*$/, "") === hostname);
    return { href, shown: same ? address : scheme + host + rest };
  } catch {
    return null;
  }
}

/**
 * Whether a host is the dashboard's own, or another address of the machine on which it runs.
 *
 * @param {string} hostname
 */
function isOwn(hostname) {
  if (isSameHost(hostname, window.location.hostname)) return true;
  const { listen, addresses } = store.me ?? { listen: "", addresses: [] };
  return [listen, ...addresses].some((address) => isSameHost(hostname, hostOf(address)));
}

/**
 * A text as nodes. The keyboard doesn't come to its links before `reachable` lets it: a log has hundreds. `cut`: the text
 * goes on beyond its end, so an address there isn't whole, and stays text.
 *
 * @param {string} text
 * @param {{ cut?: boolean }} [how]
 * @returns {(string | Node)[]}
 */
export function linked(text, { cut = false } = {}) {
  if (!text.includes("://")) return [text];
  /** @type {(string | Node)[]} */
  const nodes = [];
  let from = 0;
  for (const { index, run, address: whole } of addressesIn(text)) {
    if (cut && index + run.length === text.length) break;
    if (nodes.length >= 2 * MAX_LINKS) break;
    const before = upToLookalike(whole);
    const address = before.length < whole.length ? trimmed(before) : whole;
    const leads = address.length > MAX_ADDRESS ? null : target(address);
    if (!leads) continue;
    nodes.push(text.slice(from, index), link(leads));
    from = index + address.length;
  }
  return [...nodes, text.slice(from)];
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
