// What of a text leads elsewhere: http and https only, and never to this machine. It draws nothing.

import { addressesIn, trimmed } from "./addresses.js";
import { isLoopback, isSameHost, upToLookalike } from "./host.js";

/** Longest link, in UTF-16 units; a longer address stays text, because nobody could check where it leads. */
const MAX_ADDRESS = 2000;
/** Most links in one text; further ones stay text, so that a message can't fill the page with elements. */
const MAX_LINKS = 100;

/** @typedef {{ href: string, shown: string }} Target Where an address leads, and how it is shown. */

/**
 * A text in pieces: what stays text, and what leads elsewhere. `own`: hosts of this machine. `cut`: the text goes on beyond
 * its end, so an address there isn't whole, and stays text.
 *
 * @param {string} text
 * @param {string[]} own
 * @param {boolean} [cut]
 */
export function pieces(text, own, cut = false) {
  /** @type {(string | Target)[]} */
  const found = [];
  let from = 0;
  for (const { index, run, address: whole } of addressesIn(text)) {
    if (cut && index + run.length === text.length) break;
    if (found.length >= 2 * MAX_LINKS) break;
    const before = upToLookalike(whole);
    const address = before.length < whole.length ? trimmed(before) : whole;
    const leads = address.length > MAX_ADDRESS ? null : target(address, own);
    if (!leads) continue;
    found.push(text.slice(from, index), leads);
    from = index + address.length;
  }
  return [...found, text.slice(from)];
}

/**
 * Null where it is no address, or leads to this machine: a page there could be made to act for its owner.
 *
 * @param {string} address
 * @param {string[]} own
 * @returns {Target | null}
 */
function target(address, own) {
  const [, scheme, written, rest] = /^(https?:\/\/)([^/?#]*)(.*)$/is.exec(address) ?? [];
  // Browsers skip further slashes, and what is shown would lead elsewhere.
  if (!written || written.includes("@")) return null;
  try {
    const { href, protocol, host, hostname } = new URL(address);
    if (!/^https?:$/.test(protocol) || isLoopback(hostname) || own.some((one) => isSameHost(hostname, one))) return null;
    const asWritten = written.toLowerCase();
    const same = /^[!-~]+$/.test(written) && (asWritten === host || asWritten.replace(/:\d*$/, "") === hostname);
    return { href, shown: same ? address : scheme + host + rest };
  } catch {
    return null;
  }
}
