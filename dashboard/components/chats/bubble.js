// A message as it stands in the log, or a text that waits to be sent: who, what, when, and what became of it.

import { Children, h, icon, setAttribute, setText } from "../shared/dom.js";
import { linked, reachable } from "../shared/links.js";
import * as when from "../shared/when.js";
import { PRIVACY } from "../shared/words.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { Entry } from "../shared/outbox.js" */
/** @import { Mark, RoomView } from "../shared/schema.js" */
/** @import { MessageRow, PendingRow } from "./rows.js" */
/** @import { Message } from "./talk.js" */

/** A longer text is folded; so many characters or lines are shown of it. */
const FOLD_CHARS = 1600;
const FOLD_LINES = 24;

/** @type {WeakMap<Element, Bubble>} */
const bubbles = new WeakMap();

/**
 * The bubble whose row this element is.
 *
 * @param {Element | null} row
 */
export function bubbleOf(row) {
  return row ? (bubbles.get(row) ?? null) : null;
}

export class Bubble {
  element;
  /**
   * Null: a text that waits to be sent.
   *
   * @type {Message | null}
   */
  message = null;
  /** Where the button stands that belongs to the message under the pointer. */
  box;
  #parts;
  /** @type {Children<Act>} */
  #acts;
  #text = "";
  #unfolded = false;
  #drawnText = "";
  /** What was drawn last. */
  #signature = "";
  #reachable = false;

  constructor() {
    const parts = {
      who: h("div", { class: "who", dir: "auto" }),
      text: h("span", { class: "text" }),
      more: h("button", { class: "more", hidden: true, onclick: () => this.#unfold() }, "Show all"),
      marks: h("span", { class: "marks" }),
      time: h("time"),
      state: h("button", { class: "state", type: "button", tabindex: -1 }),
      why: h("span", { class: "why" }),
      acts: h("span", { class: "acts" }),
    };
    this.#parts = parts;
    this.#acts = new Children(parts.acts, ({ act }) => act, makeAct);
    const meta = h("span", { class: "meta" }, parts.marks, parts.time, parts.state);
    this.box = h("div", { class: "bubble" }, parts.who, h("div", { class: "body", dir: "auto" }, parts.text, meta), parts.more);
    this.element = h("article", { class: "row", tabindex: -1 }, this.box, h("div", { class: "repair" }, parts.why, parts.acts));
    bubbles.set(this.element, this);
  }

  /**
   * @param {MessageRow | PendingRow} row
   * @param {RoomView | undefined} room
   */
  draw(row, room) {
    // Unchanged since it was drawn, as most are.
    const signature = row.kind === "message" ? signatureOf(row, room) : JSON.stringify(row);
    if (this.#signature === signature) return;
    this.#signature = signature;
    const mine = row.kind === "pending" || row.message.mine;
    const flash = this.element.classList.contains("flash") && "flash";
    const classes = ["row", mine ? "mine" : "theirs", row.first && "first", row.last && "last", flash];
    this.element.className = classes.filter(Boolean).join(" ");
    this.message = row.kind === "message" ? row.message : null;
    if (row.kind === "pending") this.#drawPending(row.entry);
    else this.#drawMessage(row.message, row.first, room);
  }

  /**
   * Make its links and its state reachable by the keyboard, or not: a log has hundreds. A state with a problem always is.
   *
   * @param {boolean} yes
   */
  reach(yes) {
    reachable(this.element, yes);
    this.#reachable = yes;
    this.#reachState();
  }

  /**
   * Why what was tried to repair it went wrong.
   *
   * @param {string} why
   */
  say(why) {
    setText(this.#parts.why, why);
  }

  #reachState() {
    const tone = this.message?.delivery?.tone;
    setAttribute(this.#parts.state, "tabindex", this.#reachable || tone === "wait" || tone === "bad" ? 0 : -1);
  }

  /**
   * @param {Message} message
   * @param {boolean} first
   * @param {RoomView | undefined} room
   */
  #drawMessage(message, first, room) {
    const { who, time, marks } = this.#parts;
    setText(who, message.name);
    who.hidden = message.mine || !first;
    this.#drawText(message.text);
    setText(time, when.time(message.at));
    setAttribute(time, "datetime", new Date(message.at).toISOString());
    setAttribute(time, "data-tip", when.full(message.at));
    marks.replaceChildren(...(message.plain ? [plainMark()] : []), ...(message.marks ?? []).map(mark));
    this.#drawDelivery(message, room);
  }

  /**
   * @param {Message} message
   * @param {RoomView | undefined} room
   */
  #drawDelivery({ id, version, delivery }, room) {
    const { state } = this.#parts;
    state.hidden = !delivery;
    setAttribute(this.element, "data-tone", delivery?.tone);
    if (delivery) {
      setText(state, delivery.label);
      setAttribute(state, "data-wait", delivery.wait);
      const why = delivery.wait ? (room?.wait ?? "") : (delivery.why ?? "");
      setAttribute(state, "data-tip", why || null);
      setAttribute(state, "data-label", delivery.label);
      setAttribute(state, "aria-label", why ? `${delivery.label}: ${why}` : delivery.label);
      setAttribute(state, "aria-haspopup", "dialog");
      setAttribute(state, "aria-disabled", null);
      setAttribute(state, "data-act", "details");
      setAttribute(state, "data-of", id);
      this.#reachState();
    }
    const repair = delivery?.repair;
    this.say(repair ? (delivery.why ?? "") : "");
    this.#acts.draw(repair ? [{ label: repair, act: "resend", of: id, version }] : []);
  }

  /** @param {Entry} entry */
  #drawPending({ key: of, text, at, state: how, problem }) {
    const { who, time, marks, state } = this.#parts;
    for (const name of ["data-act", "data-of", "aria-haspopup", "data-label"]) setAttribute(state, name, null);
    setAttribute(state, "aria-disabled", true);
    who.hidden = true;
    this.#drawText(text);
    setText(time, when.time(at));
    marks.replaceChildren();
    const refused = how === "refused";
    const late = problem && !refused;
    setAttribute(this.element, "data-tone", refused ? "bad" : "wait");
    setAttribute(this.element, "data-pending", true);
    state.hidden = false;
    setText(state, refused ? "not sent" : late ? "not yet taken" : "…");
    const why = problem?.message ?? "On its way to your node.";
    setAttribute(state, "data-tip", late ? `${why} It is kept here and sent by itself.` : why);
    setAttribute(state, "aria-label", `${state.textContent}: ${why}`);
    this.say(refused ? why : "");
    this.#acts.draw(refused
      ? [{ label: "Try again", act: "again", of }, { label: "Edit", act: "edit", of }, { label: "Discard", act: "discard", of }]
      : []);
  }

  /** @param {string} text */
  #drawText(text) {
    this.#text = text;
    const lines = text.split("\n");
    const long = !this.#unfolded && (text.length > FOLD_CHARS || lines.length > FOLD_LINES);
    const shown = long ? lines.slice(0, FOLD_LINES).join("\n").slice(0, FOLD_CHARS) : text;
    // Only if it differs, so that a selection or a screen reader isn't disturbed.
    const whole = long ? `${shown}…` : shown;
    if (this.#drawnText !== whole) {
      this.#drawnText = whole;
      this.#parts.text.replaceChildren(...linked(shown, { cut: long }), long ? "…" : "");
    }
    this.#parts.more.hidden = !long;
  }

  #unfold() {
    this.#unfolded = true;
    this.#drawText(this.#text);
  }
}

function plainMark() {
  return h("span", { class: "mark plain", role: "note", "data-tip": PRIVACY.clear.sentence, "aria-label": PRIVACY.clear.sentence },
    icon("open"), PRIVACY.plain.short);
}

/** @param {Mark} mark */
function mark({ label, title }) {
  return h("span", { class: "mark", role: "note", "data-tip": title, tabindex: 0, "aria-label": `${label}: ${title}` }, label);
}

/**
 * @param {MessageRow} row
 * @param {RoomView | undefined} room
 */
function signatureOf({ message, first, last }, room) {
  return `${message.version}|${first}|${last}|${message.at}|${message.delivery?.wait ? room?.wait : ""}`;
}

/**
 * A button of a row. One that was pressed can be pressed again when the message has another `version`.
 *
 * @typedef {{ label: string, act: string, of: string | number, version?: number }} Act
 */

/**
 * One that stands already stays, so that no press and no focus is lost.
 *
 * @param {Act} act
 * @returns {Child<Act>}
 */
function makeAct({ act }) {
  const element = h("button", { class: "act", "data-act": act });
  /** @type {number | undefined} */
  let drawn;
  return {
    element,
    draw({ label, of, version }) {
      setText(element, label);
      setAttribute(element, "data-of", of);
      if (drawn !== version) element.disabled = false;
      drawn = version;
    },
  };
}
