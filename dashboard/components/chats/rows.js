// From messages to rows, and from rows to elements: day breaks, the New line, notices, grouped bubbles, waiting texts.

import { h, icon, setAttribute, setText } from "../shared/dom.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Bubble } from "./bubble.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { Entry } from "../shared/outbox.js" */
/** @import { RoomView } from "../shared/schema.js" */
/** @import { Message } from "./talk.js" */
/**
 * `first` and `last` of a group. No further one joins the group after one that `closes` it.
 *
 * @typedef {{ first: boolean, last: boolean, closes: boolean }} Grouped
 */
/** @typedef {Grouped & { kind: "message", key: string, message: Message }} MessageRow */
/** @typedef {Grouped & { kind: "pending", key: string, entry: Entry }} PendingRow */
/**
 * @typedef {{ kind: "day", key: string, text: string } | { kind: "new", key: string } | MessageRow | PendingRow
 *   | { kind: "seal", key: string, encrypted: boolean } | { kind: "notice", key: string, message: Message }} Row
 */

/** Messages of one person closer together than this stand as one group, in ms. */
const GROUP_MS = 5 * 60 * 1000;
/** A text is a group by itself until another one joins it. */
const ALONE = { first: true, last: true };

/**
 * Rows for these messages; `newAfter` is the id after which the New line goes, or null. `begun`: nothing stands before
 * them. Where it isn't, and all of them are newer, the line's place is further up, and there is none here.
 *
 * @param {Message[]} messages
 * @param {Entry[]} pending
 * @param {{ newAfter: number | null, begun: boolean, now: number }} how
 */
export function rowsOf(messages, pending, { newAfter, begun, now }) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {{ row: MessageRow | PendingRow, at: number, mine: boolean, author: string } | null} */
  let previous = null;
  /** @type {number | null} */
  let today = null;
  /**
   * Whether the last text was said in clear, in a conversation that is encrypted by now; null: there was none.
   *
   * @type {boolean | null}
   */
  let plain = null;
  let lined = newAfter === null || !(begun || messages.some(({ id }) => id <= newAfter));
  /** @type {Map<number, number>} */
  const days = new Map();
  /** @param {number} at */
  const breakDay = (at) => {
    const number = when.dayNumber(at);
    if (number === today) return;
    // A day may occur twice, because the order is the node's, and the times come from many clocks.
    const nth = (days.get(number) ?? 0) + 1;
    days.set(number, nth);
    rows.push({ kind: "day", key: `day-${number}-${nth}`, text: when.day(at, now) });
    today = number;
    previous = null;
  };
  /** @type {(row: MessageRow | PendingRow, at: number, mine: boolean, author: string) => void} */
  const add = (row, at, mine, author) => {
    breakDay(at);
    const joins = previous?.mine === mine && previous.author === author && Math.abs(at - previous.at) < GROUP_MS &&
      !previous.row.closes;
    row.first = !joins;
    if (previous && joins) previous.row.last = false;
    previous = { row, at, mine, author };
    rows.push(row);
  };
  for (const message of messages) {
    breakDay(message.at);
    if (message.notice) {
      rows.push({ kind: "notice", key: `m-${message.id}`, message });
      previous = null;
      continue;
    }
    if (!lined && !message.mine && message.id > (newAfter ?? 0)) {
      rows.push({ kind: "new", key: "new" });
      lined = true;
      previous = null;
    }
    if ((plain ?? (begun ? false : null)) === !message.plain) {
      rows.push({ kind: "seal", key: `seal-${message.id}`, encrypted: !message.plain });
      previous = null;
    }
    plain = Boolean(message.plain);
    const closes = Boolean(message.delivery?.repair);
    add({ kind: "message", key: `m-${message.id}`, message, closes, ...ALONE }, message.at, message.mine, message.author);
  }
  for (const entry of pending) {
    const closes = entry.state === "refused";
    add({ kind: "pending", key: `p-${entry.key}`, entry, closes, ...ALONE }, entry.at, true, "me");
  }
  return rows;
}

/**
 * A row of this kind, to be drawn into.
 *
 * @param {Row} row
 * @param {() => RoomView | undefined} room The view of the conversation, for what waits.
 * @returns {Child<Row>}
 */
export function makeRow(row, room) {
  if (row.kind === "day") return makeDay();
  if (row.kind === "new") return { element: h("div", { class: "newline", role: "separator" }, h("span", {}, "New")) };
  if (row.kind === "seal") return { element: seal(row.encrypted) };
  if (row.kind === "notice") return makeNotice();
  const bubble = new Bubble();
  return {
    element: bubble.element,
    draw(next) {
      if (next.kind === "message" || next.kind === "pending") bubble.draw(next, room());
    },
  };
}

/** @returns {Child<Row>} */
function makeDay() {
  const text = h("span");
  return {
    element: h("div", { class: "day", role: "separator" }, text),
    draw(row) {
      if (row.kind === "day") setText(text, row.text);
    },
  };
}

/** @param {boolean} encrypted */
function seal(encrypted) {
  return h("div", { class: "seal", role: "separator", "data-kind": encrypted ? "good" : "plain" },
    icon(encrypted ? "lock" : "open"),
    h("span", {}, encrypted ? "Encrypted from here on" : "Not encrypted: said before encryption began"));
}

/** @returns {Child<Row>} */
function makeNotice() {
  const text = h("span", { dir: "auto" });
  const element = h("div", { class: "notice" }, text);
  return {
    element,
    draw(row) {
      if (row.kind !== "notice") return;
      setText(text, `${row.message.text} · ${when.time(row.message.at)}`);
      setAttribute(element, "title", when.full(row.message.at));
    },
  };
}

/**
 * Words for the explaining bubble: a waiting message's reason counts down.
 *
 * @param {HTMLElement} element
 * @param {RoomView | undefined} room
 */
export function tipOf(element, room) {
  if (!element.hasAttribute("data-wait") || !room) return element.dataset.tip;
  const next = room.next_at ? `, next try ${when.until(room.next_at, store.now())}` : "";
  return `${element.dataset.label} · ${room.wait}${next}`;
}
