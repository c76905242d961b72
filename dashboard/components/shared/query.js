// Search queries: how they are put to the node, and where their words stand in a text. Words are those of the node's
// index: runs of letters and digits, compared without case or accents; in scripts without spaces, single characters.

import { h } from "./dom.js";
import { CHARACTERS, charactersOf, RUN } from "./unspaced.js";

/** Longest query, in characters; asked.py has the same bound. */
export const MAX_QUERY = 200;
/** Characters shown of a long message, and how many of them before the first word that was found. */
const SNIPPET = 220;
const LEAD = 60;

/** @typedef {import("./schema.js").MessageView} MessageView */
/** @typedef {{ id: string, into: string | null }} Gone A conversation that was merged into another one, or deleted. */
/**
 * A word of a text, or one character of a `run` in a script without spaces; `joined`: in the same run as the one before.
 *
 * @typedef {{ from: number, to: number, key: string, run: boolean, joined: boolean }} Part
 */
/** @typedef {{ parts: Part[], prefix: boolean }} Term Parts in a row; `prefix`: of the last one, a beginning may do. */

const TERM = /"([^"]*)"?|(\S+)/gu;
const WORD = new RegExp(
  `(${RUN})|(?![${CHARACTERS}])[\\p{L}\\p{N}\\p{Co}](?:(?![${CHARACTERS}])[\\p{L}\\p{N}\\p{Co}\\p{M}])*`, "gu");

const ID = /^(?:plain-[0-9]+|direct:.*|[a-z2-7]{52}|[0-9a-f]{64})$/s;

/**
 * Whether a text has the shape of an id (see node/model.py). Such a text is never looked up as a name.
 *
 * @param {string} typed
 */
export function isId(typed) {
  return ID.test(typed.trim().toLowerCase());
}

/** @param {string} word */
function plain(word) {
  return word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * The query for the node: as typed, but with the last word as a prefix, because it is usually unfinished.
 *
 * @param {string} typed
 */
export function asQuery(typed) {
  const query = typed.normalize("NFC").slice(0, MAX_QUERY - 1);
  const open = (query.split('"').length - 1) % 2 === 1;
  return !open && /[\p{L}\p{N}\p{M}]$/u.test(query) ? `${query}*` : query.trim();
}

/**
 * The hits after a conversation is gone: moved to the one it was merged into, or removed.
 *
 * @param {MessageView[]} hits
 * @param {Gone} gone
 */
export function followed(hits, { id, into }) {
  if (!into) return hits.filter((hit) => hit.room !== id);
  return hits.map((hit) => (hit.room === id ? { ...hit, room: into } : hit));
}

/**
 * Whether the query has a word at all.
 *
 * @param {string} typed
 */
export function hasWord(typed) {
  return typed.search(WORD) >= 0;
}

/**
 * The words of a text in order, and the characters of its runs.
 *
 * @param {string} text
 */
function partsOf(text) {
  /** @type {Part[]} */
  const parts = [];
  for (const { 0: found, 1: run, index } of text.matchAll(WORD)) {
    if (!run) parts.push({ from: index, to: index + found.length, key: plain(found), run: false, joined: false });
    else {
      charactersOf(run).forEach(({ from, to, key }, at) =>
        parts.push({ from: index + from, to: index + to, key, run: true, joined: at > 0 }));
    }
  }
  return parts;
}

/** @param {string} query */
export function termsOf(query) {
  /** @type {Term[]} */
  const terms = [];
  for (const [, phrase, bare] of query.matchAll(TERM)) {
    const parts = partsOf(phrase ?? bare);
    if (parts.length) terms.push({ parts, prefix: Boolean(bare?.endsWith("*")) });
  }
  return terms;
}

/**
 * Where the terms stand in a text: from and to of each row of parts, in order.
 *
 * @param {string} text
 * @param {Term[]} terms
 */
function placesOf(text, terms) {
  const there = partsOf(text);
  /** @type {(at: number, term: Term) => boolean} */
  const fits = (at, { parts, prefix }) =>
    parts.every((asked, i) => {
      const one = there[at + i];
      // What is asked for may begin and end within a run, but not pass from one to the next.
      if (one?.run !== asked.run || (i && one.joined !== asked.joined)) return false;
      return prefix && !asked.run && i === parts.length - 1 ? one.key.startsWith(asked.key) : one.key === asked.key;
    });
  /** @type {[from: number, to: number][]} */
  const places = [];
  for (let at = 0; at < there.length; at++) {
    const length = Math.max(0, ...terms.filter((term) => fits(at, term)).map((term) => term.parts.length));
    if (!length) continue;
    places.push([there[at].from, there[at + length - 1].to]);
    at += length - 1;
  }
  return places;
}

/**
 * Whether a text matches all terms: an approximation of the node's search, to know when to ask it again.
 *
 * @param {string} text
 * @param {Term[]} terms
 */
export function holds(text, terms) {
  return terms.length > 0 && terms.every((term) => placesOf(text, [term]).length > 0);
}

/**
 * The part of a text around the first term, on one line, with all terms marked; as nodes.
 *
 * @param {string} text
 * @param {Term[]} terms
 * @param {number} [length]
 * @param {number} [lead]
 */
export function snippet(text, terms, length = SNIPPET, lead = LEAD) {
  const flat = text.replace(/\s+/gu, " ");
  const places = placesOf(flat, terms);
  const first = places[0]?.[0] ?? 0;
  let from = first > lead && flat.length > length ? first - lead : 0;
  // Begin at a word, and never within a character.
  if (from) from = Math.max(0, flat.lastIndexOf(" ", from) + 1, first - 2 * lead);
  let to = Math.min(flat.length, from + length);
  /** @param {number} index */
  const halved = (index) => /[\udc00-\udfff]/.test(flat[index] ?? "") && /[\ud800-\udbff]/.test(flat[index - 1] ?? "");
  if (halved(from)) from--;
  if (halved(to)) to--;
  /** @type {(string | Node)[]} */
  const nodes = [from ? "…" : ""];
  let at = from;
  for (const [start, end] of places) {
    if (start < at || start >= to) continue;
    at = Math.min(end, to);
    nodes.push(flat.slice(from, start), h("mark", {}, flat.slice(start, at)));
    from = at;
  }
  nodes.push(flat.slice(from, to), to < flat.length ? "…" : "");
  return nodes.filter((node) => node !== "");
}
