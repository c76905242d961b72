// What somebody typed that says where somebody can be reached: an address, or an invite. It draws nothing.

/** @import { Connection } from "./connection.js" */
/** @import { PeerView } from "./schema.js" */

/**
 * `text` is what the node is told. `assumed`: the port is ours, because none was typed.
 *
 * @typedef {{ kind: "address" | "invite", text: string, assumed: boolean }} Target
 */

/** The port that nodes listen on unless they are told otherwise; for an address that is typed without one. */
export const USUAL_PORT = 5000;
/** Characters of an invite that the node takes; it says what is wrong with one. */
export const MAX_LINK = 2048;
/** Characters of an address that the server takes; names of machines have at most 253. */
export const MAX_ADDRESS = 300;

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
/** An IPv6 address in its brackets, with its zone; the node says whether it is one. */
const BRACKETED = /^\[[0-9a-f:.]*:[0-9a-f:.]*(?:%[\w.-]+)?\]$/i;
/** A machine's name as people type it: it has a letter, or it would be a number. */
const NAMED = /^(?=.*\p{L})[\p{L}\p{N}](?:[\p{L}\p{N}._-]*[\p{L}\p{N}])?$/u;

/**
 * What is surely meant as an address or an invite; null: it is something else, such as words that are looked for.
 *
 * @param {string} typed
 * @returns {Target | null}
 */
export function targetOf(typed) {
  const text = typed.trim();
  if (text.length > MAX_LINK) return null;
  if (/^<?snicher:/i.test(text)) return { kind: "invite", text, assumed: false };
  if (text.length > MAX_ADDRESS) return null;
  if (IPV4.test(text) || BRACKETED.test(text)) return { kind: "address", text: `${text}:${USUAL_PORT}`, assumed: true };
  const at = text.lastIndexOf(":");
  const host = text.slice(0, at);
  const port = text.slice(at + 1);
  if (at < 1 || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) return null;
  return IPV4.test(host) || BRACKETED.test(host) || NAMED.test(host) ? { kind: "address", text, assumed: false } : null;
}

/**
 * Whether an address (HOST:PORT) can be reached from its own machine only.
 *
 * @param {string} address
 */
export function isHere(address) {
  return /^(?:127(?:\.\d+){3}|\[::1\]):/.test(address);
}

/**
 * What is typed where an address or an invite is asked for. A known peer's name is taken too: the node has the last word.
 *
 * @param {string} typed
 * @returns {Target}
 */
export function asTarget(typed) {
  return targetOf(typed) ?? { kind: "address", text: typed.trim(), assumed: false };
}

/**
 * What somebody can do with it, as a label.
 *
 * @param {Target} target
 */
export function offer({ kind, text }) {
  return kind === "address" ? `Connect to ${text}` : `Add ${invited(text) ?? "who made this invite"}`;
}

/**
 * Whom an invite names, as it says; null: it doesn't say.
 *
 * @param {string} link
 */
export function invited(link) {
  const query = link.split("?")[1]?.split("#")[0] ?? "";
  const name = new URLSearchParams(query.replace(/>$/, "")).get("name")?.trim();
  return name ? [...name].slice(0, 64).join("") : null;
}

/**
 * Have the node connect to it, or add it. Throws what a command throws.
 *
 * @param {Pick<Connection, "command">} connection
 * @param {Target} target
 * @param {string} key The command takes effect once for each.
 * @param {string} [dialect] Of an address.
 * @returns {Promise<{ peer: PeerView, note: string }>} What is to be said beside how the connection is; empty: nothing.
 */
export async function reach(connection, { kind, text, assumed }, key, dialect = "auto") {
  if (kind === "invite") return connection.command("add", { link: text }, key);
  const { peer } = await connection.command("connect", { address: text, dialect }, key);
  return { peer, note: assumed ? `No port was typed, so ${USUAL_PORT} was taken.` : "" };
}
