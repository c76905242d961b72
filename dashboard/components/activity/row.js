// One row of the event log: plain words and when; behind it the number, the type, and the event as the bus tells it.

import { copyButton } from "../shared/address.js";
import { many, NUMBER } from "../shared/amount.js";
import { h, icon, setAttribute, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { place } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";

/** @import { IconName } from "../shared/dom.js" */
/** @import { EventRow } from "../shared/schema.js" */
/** @typedef {{ key: string, gap: number }} Gap So many events came too quickly to be listed. */

/** @type {Map<string, IconName>} */
const ICONS = new Map([
  ["messages", "chats"],
  ["peers", "peers"],
  ["conversations", "rooms"],
  ["node", "node"],
  ["connections", "link"],
]);
const NOT_KEPT = "The node says this once and doesn't keep it.";
let numbers = 0;

/**
 * @param {EventRow | Gap} row
 * @returns {row is Gap}
 */
export function isGap(row) {
  return "gap" in row;
}

/**
 * `reload` reads the log anew.
 *
 * @param {EventRow | Gap} row
 * @param {() => void} reload
 */
export function makeRow(row, reload) {
  return isGap(row) ? makeGap(row, reload) : new Row(row);
}

/**
 * @param {Gap} row
 * @param {() => void} reload
 */
function makeGap({ gap }, reload) {
  const again = h("button", { class: "link", type: "button", onclick: reload }, "Read the log anew");
  const said = h("span", {}, `${many(gap, "event")} came too quickly to be listed here. `);
  return { element: h("li", { class: "row gap" }, said, again) };
}

export class Row {
  element;
  #row;
  #parts;
  #drawn = false;

  /** @param {EventRow} row */
  constructor(row) {
    this.#row = row;
    const id = `event-${++numbers}`;
    const parts = {
      text: h("span", { class: "rowtext" }, ...row.parts.map((part, i) => (i % 2 ? h("bdi", {}, part) : part))),
      moment: h("span", { class: "quiet" }),
      time: h("time", { class: "rowtime", "data-tip": when.full(row.at) }),
      panel: h("div", { class: "rowpanel", id, hidden: true }),
    };
    const head = h("button", { class: "rowhead", type: "button", "aria-expanded": "false", "aria-controls": id, tabindex: -1,
      onclick: () => this.#toggle() },
      h("span", { class: "rowicon", "data-tone": row.tone ?? "plain" }, icon(ICONS.get(row.kind) ?? "node")),
      h("span", { class: "rowwords" }, parts.text, " ", parts.moment,
        row.seq ? null : h("span", { class: "passing", "data-tip": NOT_KEPT }, "not kept")),
      parts.time, icon("right"));
    this.#parts = { ...parts, head };
    this.element = h("li", { class: "row", "data-kind": row.kind }, head, parts.panel);
    onKey(head, (event) => event.key === "Escape" && !parts.panel.hidden && this.#toggle());
  }

  /** An event stays as it is; only its times go on. */
  draw() {
    if (this.#drawn) return;
    this.#drawn = true;
    this.tick();
  }

  /** Times are relative: they go on. */
  tick() {
    const { at, moment, moment_word: word } = this.#row;
    const { time, moment: shown } = this.#parts;
    const now = store.now();
    setText(time, when.ago(at, now));
    if (!moment) setText(shown, "");
    else if (word === "Until") setText(shown, `until ${when.moment(moment, now)}`);
    else setText(shown, moment > now ? `next try ${when.until(moment, now)}` : `next try was at ${when.moment(moment, now)}`);
  }

  #toggle() {
    const { head, panel } = this.#parts;
    const open = panel.hidden;
    setAttribute(head, "aria-expanded", open);
    panel.hidden = !open;
    if (open) this.#fill();
    else head.dispatchEvent(new Event("toggled", { bubbles: true }));
  }

  async #fill() {
    const { seq, type, at, by, room, raw: known } = this.#row;
    const raw = h("pre", { class: "raw", tabindex: 0, "aria-label": "The event as JSON" }, known || "Reading…");
    const facts = [seq ? `Event ${NUMBER.format(seq)}` : NOT_KEPT, type, when.full(at)];
    if (by) facts.push(`asked for by ${by}`);
    const open = h("button", { class: "link", type: "button", onclick: () => place.go("chats", room) }, "Open the conversation");
    open.hidden = !room || store.lacks(room);
    this.#parts.panel.replaceChildren(
      h("p", { class: "quiet facts" }, ...facts.flatMap((fact, i) => [i ? " · " : null, h("bdi", {}, fact)]), " ", open),
      h("div", { class: "rawbox" }, raw, copyButton(() => raw.textContent, "the event as JSON")));
    if (known || !seq) return;
    try {
      setText(raw, (await connection.ask({ t: "event", seq })).raw);
    } catch (problem) {
      setText(raw, problemOf(problem).message);
    }
  }
}
