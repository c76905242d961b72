// From messages to rows, and from rows to elements: day breaks, the New line, notices, grouped bubbles, waiting texts.

import { h, icon, reconcile, setAttribute, setText } from "../shared/dom.js";
import { linked } from "../shared/links.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";

/** Messages of one person closer together than this stand as one group, in ms. */
const GROUP_MS = 5 * 60 * 1000;
/** A longer text is folded; so many characters or lines are shown of it. */
const FOLD_CHARS = 1600;
const FOLD_LINES = 24;

/**
 * Rows for these messages; `newAfter` is the id after which the New line goes, or null. `begun`: nothing stands before
 * them. Where it isn't, and all of them are newer, the line's place is further up, and there is none here.
 */
export function rowsOf(messages, pending, { newAfter, begun, now }) {
  const rows = [];
  let previous = null;
  let today = null;
  /** Whether the last text was said in clear, in a conversation that is encrypted by now; null: there was none. */
  let plain = null;
  let lined = newAfter === null || !(begun || messages.some(({ id }) => id <= newAfter));
  const days = new Map();
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
  const add = (row, at, mine, author) => {
    breakDay(at);
    row.first = !(
      previous && previous.mine === mine && previous.author === author && Math.abs(at - previous.at) < GROUP_MS &&
      !previous.closed
    );
    if (!row.first) previous.row.last = false;
    row.last = true;
    previous = { row, at, mine, author, closed: row.closes };
    rows.push(row);
  };
  for (const message of messages) {
    breakDay(message.at);
    if (message.notice) {
      rows.push({ kind: "notice", key: `m-${message.id}`, message });
      previous = null;
      continue;
    }
    if (!lined && !message.mine && message.id > newAfter) {
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
    add({ kind: "message", key: `m-${message.id}`, message, closes }, message.at, message.mine, message.author);
  }
  for (const entry of pending) {
    add({ kind: "pending", key: `p-${entry.key}`, entry, closes: entry.state === "refused" }, entry.at, true, "me");
  }
  return rows;
}

/** What the mark "plain" on a message means. */
const IN_CLEAR = "Said in clear: others on the network could read it. What is said now is encrypted.";

export function makeRow(row) {
  if (row.kind === "day") return h("div", { class: "day", role: "separator" }, h("span"));
  if (row.kind === "new") return h("div", { class: "newline", role: "separator" }, h("span", {}, "New"));
  if (row.kind === "seal") {
    return h("div", { class: "seal", role: "separator", "data-kind": row.encrypted ? "good" : "plain" },
      icon(row.encrypted ? "lock" : "open"),
      h("span", {}, row.encrypted ? "Encrypted from here on" : "Not encrypted: said before encryption began"));
  }
  if (row.kind === "notice") return h("div", { class: "notice" }, h("span", { dir: "auto" }));
  const parts = {
    who: h("div", { class: "who", dir: "auto" }),
    text: h("span", { class: "text" }),
    more: h("button", { class: "more", hidden: true }, "Show all"),
    marks: h("span", { class: "marks" }),
    time: h("time"),
    state: h("button", { class: "state", type: "button", tabindex: -1 }),
    why: h("span", { class: "why" }),
    acts: h("span", { class: "acts" }),
  };
  const meta = h("span", { class: "meta" }, parts.marks, parts.time, parts.state);
  parts.bubble = h("div", { class: "bubble" }, parts.who, h("div", { class: "body", dir: "auto" }, parts.text, meta), parts.more);
  const element = h("article", { class: "row", tabindex: -1 }, parts.bubble,
    h("div", { class: "repair" }, parts.why, parts.acts));
  element.parts = parts;
  parts.more.addEventListener("click", () => {
    element.unfolded = true;
    drawText(element, element.fullText);
  });
  return element;
}

function drawText(element, text) {
  element.fullText = text;
  const lines = text.split("\n");
  const long = !element.unfolded && (text.length > FOLD_CHARS || lines.length > FOLD_LINES);
  const shown = long ? lines.slice(0, FOLD_LINES).join("\n").slice(0, FOLD_CHARS) : text;
  // Only if it differs, so that a selection or a screen reader isn't disturbed.
  const whole = long ? `${shown}…` : shown;
  if (element.drawnText !== whole) {
    element.drawnText = whole;
    element.parts.text.replaceChildren(...linked(shown, { cut: long }), long ? "…" : "");
  }
  element.parts.more.hidden = !long;
}

/**
 * The buttons of a row, each [label, action]; those that stand already stay, so that no press and no focus is lost. One
 * that was pressed can be pressed again when the message has another `version`.
 */
function drawActs(acts, wanted, of, version) {
  reconcile(acts, wanted, ([, action]) => action,
    ([, action]) => h("button", { class: "act", "data-act": action }),
    (element, [label]) => {
      setText(element, label);
      setAttribute(element, "data-of", of);
      if (element.version !== version) element.disabled = false;
      element.version = version;
    });
}

/** `context` gives `now`, and `room` (its view, for what waits). */
export function drawRow(element, row, context) {
  if (row.kind === "day") return setText(element.firstChild, row.text);
  if (row.kind === "new" || row.kind === "seal") return;
  if (row.kind === "notice") {
    setText(element.firstChild, `${row.message.text} · ${when.time(row.message.at)}`);
    return setAttribute(element, "title", when.full(row.message.at));
  }
  // Unchanged since it was drawn, as most rows are.
  const { version, delivery, at } = row.message ?? {};
  const signature = row.message
    ? `${version}|${row.first}|${row.last}|${at}|${delivery?.wait ? context.room?.wait : ""}`
    : JSON.stringify(row);
  if (element.signature === signature) return;
  element.signature = signature;
  const { parts } = element;
  const mine = row.kind === "pending" || row.message.mine;
  const flash = element.classList.contains("flash") && "flash";
  const classes = ["row", mine ? "mine" : "theirs", row.first && "first", row.last && "last", flash];
  element.className = classes.filter(Boolean).join(" ");
  element.message = row.message ?? null;
  if (row.kind === "pending") return drawPending(element, row.entry);
  const { message } = row;
  setText(parts.who, message.name);
  parts.who.hidden = mine || !row.first;
  drawText(element, message.text);
  setText(parts.time, when.time(message.at));
  setAttribute(parts.time, "datetime", new Date(message.at).toISOString());
  setAttribute(parts.time, "data-tip", when.full(message.at));
  parts.marks.replaceChildren(
    ...(message.plain ? [h("span", { class: "mark plain", role: "note", "data-tip": IN_CLEAR, "aria-label": `plain: ${IN_CLEAR}` },
      icon("open"), "plain")] : []),
    ...(message.marks ?? []).map((mark) =>
      h("span", { class: "mark", role: "note", "data-tip": mark.title, tabindex: 0, "aria-label": `${mark.label}: ${mark.title}` },
        mark.label),
    ),
  );
  drawDelivery(element, message, context);
}

function drawDelivery(element, message, context) {
  const { parts } = element;
  const { delivery } = message;
  parts.state.hidden = !delivery;
  setAttribute(element, "data-tone", delivery?.tone);
  if (delivery) {
    setText(parts.state, delivery.label);
    setAttribute(parts.state, "data-wait", delivery.wait);
    const why = delivery.wait ? (context.room?.wait ?? "") : (delivery.why ?? "");
    setAttribute(parts.state, "data-tip", why || null);
    setAttribute(parts.state, "data-label", delivery.label);
    setAttribute(parts.state, "aria-label", why ? `${delivery.label}: ${why}` : delivery.label);
    setAttribute(parts.state, "aria-haspopup", "dialog");
    setAttribute(parts.state, "aria-disabled", null);
    setAttribute(parts.state, "data-act", "details");
    setAttribute(parts.state, "data-of", message.id);
    stateReachable(element, element.reached ?? false);
  }
  const repair = delivery?.repair;
  setText(parts.why, repair ? (delivery.why ?? "") : "");
  drawActs(parts.acts, repair ? [[repair, "resend"]] : [], message.id, message.version);
}

/** Make a message's state reachable by the keyboard, or not: a log has hundreds. One with a problem always is. */
export function stateReachable(element, yes) {
  const { parts, message } = element ?? {};
  if (!parts?.state) return;
  element.reached = yes;
  const tone = message?.delivery?.tone;
  setAttribute(parts.state, "tabindex", yes || tone === "wait" || tone === "bad" ? 0 : -1);
}

function drawPending(element, entry) {
  const { parts } = element;
  for (const name of ["data-act", "data-of", "aria-haspopup", "data-label"]) setAttribute(parts.state, name, null);
  setAttribute(parts.state, "aria-disabled", true);
  parts.who.hidden = true;
  drawText(element, entry.text);
  setText(parts.time, when.time(entry.at));
  parts.marks.replaceChildren();
  const refused = entry.state === "refused";
  const late = entry.problem && !refused;
  setAttribute(element, "data-tone", refused ? "bad" : "wait");
  setAttribute(element, "data-pending", true);
  parts.state.hidden = false;
  setText(parts.state, refused ? "not sent" : late ? "not yet taken" : "…");
  const why = entry.problem?.message ?? "On its way to your node.";
  setAttribute(parts.state, "data-tip", late ? `${why} It is kept here and sent by itself.` : why);
  setAttribute(parts.state, "aria-label", `${parts.state.textContent}: ${why}`);
  setText(parts.why, refused ? why : "");
  drawActs(parts.acts, refused ? [["Try again", "again"], ["Edit", "edit"], ["Discard", "discard"]] : [], entry.key);
}

/** Words for the explaining bubble: a waiting message's reason counts down. */
export function tipOf(element, room) {
  if (!element.hasAttribute("data-wait") || !room) return element.dataset.tip;
  const next = room.next_at ? `, next try ${when.until(room.next_at, store.now())}` : "";
  return `${element.dataset.label} · ${room.wait}${next}`;
}
