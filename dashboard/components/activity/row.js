// One row of the event log: plain words and when; behind it the number, the type, and the event as the bus tells it.

import { copyButton } from "../shared/address.js";
import { many, NUMBER } from "../shared/amount.js";
import { h, icon, setAttribute, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { place } from "../shared/place.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";

const ICONS = { messages: "chats", peers: "peers", conversations: "rooms", node: "node", connections: "link" };
const NOT_KEPT = "The node says this once and doesn't keep it.";
let numbers = 0;

/** `reload` reads the log anew. */
export function makeRow(row, reload) {
  if (row.gap) return makeGap(row, reload);
  const id = `event-${++numbers}`;
  const parts = {
    text: h("span", { class: "rowtext" }, ...row.parts.map((part, i) => (i % 2 ? h("bdi", {}, part) : part))),
    moment: h("span", { class: "quiet" }),
    time: h("time", { class: "rowtime", "data-tip": when.full(row.at) }),
  };
  const head = h("button", { class: "rowhead", type: "button", "aria-expanded": "false", "aria-controls": id, tabindex: -1 },
    h("span", { class: "rowicon", "data-tone": row.tone ?? "plain" }, icon(ICONS[row.kind] ?? "node")),
    h("span", { class: "rowwords" }, parts.text, " ", parts.moment,
      row.seq ? null : h("span", { class: "passing", "data-tip": NOT_KEPT }, "not kept")),
    parts.time, icon("right"));
  const panel = h("div", { class: "rowpanel", id, hidden: true });
  const element = h("li", { class: "row", "data-kind": row.kind }, head, panel);
  element.parts = { ...parts, head, panel };
  element.row = row;
  head.addEventListener("click", () => toggle(element));
  onKey(head, (event) => event.key === "Escape" && !panel.hidden && toggle(element));
  return element;
}

function makeGap(row, reload) {
  const again = h("button", { class: "link", type: "button" }, "Read the log anew");
  again.addEventListener("click", reload);
  const element = h("li", { class: "row gap" }, h("span", {}, `${many(row.gap, "event")} came too quickly to be listed here. `), again);
  element.row = row;
  return element;
}

export function drawRow(element) {
  if (element.drawn) return;
  element.drawn = true;
  tickRow(element);
}

/** Times are relative: they go on. */
export function tickRow(element) {
  const { row, parts } = element;
  if (row.gap) return;
  const now = store.now();
  setText(parts.time, when.ago(row.at, now));
  if (!row.moment) return setText(parts.moment, "");
  if (row.moment_word === "Until") return setText(parts.moment, `until ${when.moment(row.moment, now)}`);
  setText(parts.moment, row.moment > now ? `next try ${when.until(row.moment, now)}` : `next try was at ${when.moment(row.moment, now)}`);
}

async function toggle(element) {
  const { head, panel } = element.parts;
  const open = panel.hidden;
  setAttribute(head, "aria-expanded", open);
  panel.hidden = !open;
  if (open) fill(element);
  else head.dispatchEvent(new Event("toggled", { bubbles: true }));
}

async function fill({ row, parts }) {
  const { panel } = parts;
  const raw = h("pre", { class: "raw", tabindex: 0, "aria-label": "The event as JSON" }, row.raw || "Reading…");
  const facts = [row.seq ? `Event ${NUMBER.format(row.seq)}` : NOT_KEPT, row.type, when.full(row.at)];
  if (row.by) facts.push(`asked for by ${row.by}`);
  const open = h("button", { class: "link", type: "button" }, "Open the conversation");
  open.addEventListener("click", () => place.go("chats", row.room));
  open.hidden = !row.room || store.lacks(row.room);
  panel.replaceChildren(
    h("p", { class: "quiet facts" }, ...facts.flatMap((fact, i) => [i ? " · " : null, h("bdi", {}, fact)]), " ", open),
    h("div", { class: "rawbox" }, raw, copyButton(() => raw.textContent, "the event as JSON")));
  if (row.raw) return;
  try {
    setText(raw, (await connection.ask({ t: "event", seq: row.seq })).raw);
  } catch (problem) {
    setText(raw, problem.message);
  }
}
