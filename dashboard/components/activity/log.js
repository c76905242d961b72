// The event log: newest at the top, live while the reader looks at its top, older ones on demand, filtered by the server.
// At most MAX_ROWS rows are kept here; nothing moves under somebody who reads, everything new waits behind a button.

import { many, NUMBER } from "../shared/amount.js";
import { LOST_MS } from "../shared/connection.js";
import { Children, focusAround, h, icon, setAttribute, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";
import { Filters } from "./filters.js";
import { isGap, makeRow, Row } from "./row.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { EventPage, EventRow, RowsFrame } from "../shared/schema.js" */
/** @import { Gap } from "./row.js" */

/** Most rows kept in this tab; beyond, the oldest are dropped, and can be loaded again. */
const MAX_ROWS = 1000;
/** Rows on a page of older ones. */
const PAGE = 100;
/** Relative times are drawn anew so often, in ms. */
const TICK_MS = 5000;
const STEPS = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["Home", -Infinity], ["End", Infinity]]);

export class Log {
  element;
  #scroller;
  #filters;
  #parts;
  #bar;
  #freshCount = h("span");
  /** @type {Children<EventRow | Gap, Row | Child<Gap>>} */
  #shown;
  /**
   * Newest first.
   *
   * @type {(EventRow | Gap)[]}
   */
  #rows = [];
  /** @type {(EventRow | Gap)[]} */
  #pending = [];
  #paused = false;
  #loading = false;
  /** @type {string | null} */
  #problem = null;
  /**
   * All events from this number on were examined; `more`: there are older ones.
   *
   * @type {number | null}
   */
  #downTo = null;
  /**
   * The log that the rows belong to, and the filters they passed.
   *
   * @type {string | null}
   */
  #log = null;
  /** @type {string | null} */
  #passed = null;
  #more = false;
  /** Number of the present load; an answer to an earlier one is ignored. */
  #era = 0;
  #gaps = 0;
  #ticked = 0;
  /** @type {number | undefined} */
  #timer;
  #stops;

  /** @param {HTMLElement} scroller What scrolls when somebody reads on. */
  constructor(scroller) {
    this.#scroller = scroller;
    this.#filters = new Filters(() => this.begin());
    const pause = h("button", { class: "act", type: "button", "aria-pressed": "false" }, "Pause");
    const fresh = h("button", { class: "fresh", type: "button", hidden: true }, icon("send"), this.#freshCount);
    const rows = h("ol", { class: "rows", "aria-label": "Events, newest first", tabindex: -1 });
    const older = h("button", { class: "act", type: "button", hidden: true }, "Show older");
    const end = h("p", { class: "note end" });
    const told = h("p", { class: "visuallyhidden", role: "status" });
    const again = h("button", { class: "act", type: "button", hidden: true }, "Try again");
    this.#parts = { pause, fresh, rows, older, end, told, again };
    this.#shown = new Children(rows, ({ key }) => key, (row) => makeRow(row, () => this.begin()));
    this.#bar = h("div", { class: "logbar" }, h("div", { class: "logtitle" }, h("h2", {}, "Event log"), fresh, pause),
      this.#filters.element);
    this.element = h("section", { class: "eventlog", "aria-label": "Event log" }, this.#bar, told, rows,
      h("div", { class: "after" }, end, older, again));
    pause.addEventListener("click", () => this.#pause());
    fresh.addEventListener("click", () => this.#show());
    older.addEventListener("click", () => this.#older());
    again.addEventListener("click", () => this.begin());
    onKey(rows, (event) => this.#key(event));
    rows.addEventListener("focusout", () => setTimeout(() => this.#release()));
    rows.addEventListener("toggled", () => this.#release());
    const scrolled = () => {
      // From now on the browser keeps what is read in place when something above it grows.
      setAttribute(this.element, "data-held", this.#held());
      this.#release();
    };
    scroller.addEventListener("scroll", scrolled, { passive: true });
    this.#stops = [() => scroller.removeEventListener("scroll", scrolled), () => this.#filters.destroy()];
  }

  destroy() {
    this.#era += 1;
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
  }

  /**
   * Read the newest page anew: at first, and with other filters. `on`: after a break, what is shown may stay. `quietly`:
   * by itself, and what went wrong stands there until it went well.
   *
   * @param {{ on?: boolean, quietly?: boolean }} [how]
   */
  async begin({ on = false, quietly = false } = {}) {
    const era = ++this.#era;
    clearTimeout(this.#timer);
    this.#loading = true;
    if (!quietly) this.#problem = null;
    const { word } = this.#filters;
    const passed = JSON.stringify(word);
    const stays = on && this.#log === store.cursor.log && this.#passed === passed && this.#downTo !== null;
    if (!stays) this.#pending = [];
    // What comes live meanwhile is newer than the page, and stays.
    const before = new Set([...this.#pending, ...this.#rows].map((row) => row.key));
    this.#draw();
    try {
      const page = await connection.ask({ t: "events", limit: PAGE, ...word });
      if (era !== this.#era) return;
      const known = [...this.#pending, ...this.#rows].filter((row) => before.has(row.key));
      const newest = Math.max(this.#downTo ?? 0, ...known.map((row) => numberOf(row) ?? 0));
      if (stays && page.down_to <= newest + 1) this.#join(page, before);
      else this.#replace(page, before);
      this.#problem = null;
      this.#log = store.cursor.log;
      this.#passed = passed;
      if (this.#filters.some) setText(this.#parts.told, `${many(this.#rows.length, "event")} shown.`);
    } catch (thrown) {
      if (era !== this.#era) return;
      const problem = problemOf(thrown);
      this.#problem = problem.message;
      if (problem.retryable) this.#timer = setTimeout(() => this.begin({ on: true, quietly: true }), LOST_MS);
    }
    this.#loading = false;
    this.#draw();
  }

  /**
   * @param {EventPage} page
   * @param {Set<string>} before
   */
  #replace(page, before) {
    const onPage = new Set(page.rows.map((row) => row.key));
    const fresh = [...this.#pending, ...this.#rows].filter((row) => !before.has(row.key) && !onPage.has(row.key));
    this.#pending = [];
    this.#rows = [...fresh, ...page.rows];
    this.#take(page);
  }

  /**
   * The page overlaps the rows shown: add only its new rows, so that nothing moves under a reader.
   *
   * @param {EventPage} page
   * @param {Set<string>} before
   */
  #join(page, before) {
    const live = [...this.#pending, ...this.#rows].filter((row) => !before.has(row.key));
    const known = new Set([...before, ...live.map((row) => row.key)]);
    const fresh = [...live, ...page.rows.filter((row) => !known.has(row.key))];
    this.#rows = this.#rows.filter((row) => before.has(row.key));
    this.#pending = bounded([...fresh, ...this.#pending.filter((row) => before.has(row.key))]);
    this.#release();
  }

  /** The connection broke: the rows stay, and are loaded again when it is back. */
  lost() {
    this.#era += 1;
    clearTimeout(this.#timer);
    this.#loading = false;
    this.#draw();
  }

  /** The node is back: ask again for what it didn't answer. */
  back() {
    if (this.#problem) this.begin({ on: true });
    else this.#draw();
  }

  /**
   * New events.
   *
   * @param {RowsFrame} frame
   */
  take({ rows, skipped }) {
    const known = new Set([...this.#rows, ...this.#pending].map((row) => row.key));
    /** @type {(EventRow | Gap)[]} */
    const fresh = rows.filter((row) => !known.has(row.key) && this.#filters.match(row)).reverse();
    if (skipped) fresh.push({ key: `gap${++this.#gaps}`, gap: skipped });
    if (!fresh.length) return;
    if (this.#held()) this.#pending = bounded([...fresh, ...this.#pending]);
    else this.#put(fresh);
    this.#draw();
  }

  /** Relative times go on. */
  tick() {
    if (Date.now() - this.#ticked < TICK_MS) return;
    this.#ticked = Date.now();
    for (const row of this.#shown) if (row instanceof Row) row.tick();
  }

  /** @param {EventPage} page */
  #take(page) {
    this.#downTo = page.down_to;
    this.#more = page.more;
  }

  /** @param {(EventRow | Gap)[]} fresh */
  #put(fresh) {
    const all = [...fresh, ...this.#rows];
    this.#rows = bounded(all);
    if (all.length > MAX_ROWS) {
      this.#more = true;
      const last = this.#rows.findLast((row) => numberOf(row));
      this.#downTo = (last && numberOf(last)) ?? this.#downTo;
    }
  }

  async #older() {
    const era = this.#era;
    this.#loading = true;
    this.#problem = null;
    this.#draw();
    try {
      const limit = Math.min(PAGE, MAX_ROWS - this.#rows.length);
      const page = await connection.ask({ t: "events", limit, before: this.#downTo, ...this.#filters.word });
      if (era !== this.#era) return;
      const known = new Set(this.#rows.map((row) => row.key));
      this.#rows = [...this.#rows, ...page.rows.filter((row) => !known.has(row.key))];
      this.#take(page);
      setText(this.#parts.told, `${many(page.rows.length, "older event")} shown.`);
    } catch (problem) {
      if (era !== this.#era) return;
      this.#problem = problemOf(problem).message;
    }
    this.#loading = false;
    this.#draw();
  }

  /** Whether new rows have to wait: the reader has scrolled, focused or opened a row, or paused the log. */
  #held() {
    if (this.#paused) return true;
    const { rows } = this.#parts;
    const focused = focusAround(rows);
    if (focused && focused !== rows && rows.contains(focused) && focused.matches(":focus-visible")) return true;
    if (rows.querySelector("[aria-expanded='true']")) return true;
    return this.#scrolledAway();
  }

  #scrolledAway() {
    return this.#parts.rows.getBoundingClientRect().top < this.#bar.getBoundingClientRect().bottom - 4;
  }

  /** Show what waited, if nobody reads any more. */
  #release() {
    if (!this.#pending.length || this.#held()) return;
    this.#put(this.#pending);
    this.#pending = [];
    this.#draw();
  }

  #show() {
    this.#put(this.#pending);
    this.#pending = [];
    this.#draw();
    const above = this.element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
    this.#scroller.scrollTop += Math.min(0, above);
    // The button is gone: the focus goes to what it brought.
    this.#parts.rows.focus({ preventScroll: true });
  }

  #pause() {
    this.#paused = !this.#paused;
    setAttribute(this.#parts.pause, "aria-pressed", this.#paused);
    setText(this.#parts.pause, this.#paused ? "Go on" : "Pause");
    this.#release();
    this.#draw();
  }

  /**
   * Arrows move between rows; the list is one stop for Tab.
   *
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const step = STEPS.get(event.key);
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const heads = this.#heads();
    const at = heads.findIndex((head) => head === event.target);
    if (at < 0) return;
    event.preventDefault();
    heads[Math.min(heads.length - 1, Math.max(0, at + step))].focus();
  }

  #heads() {
    /** @type {NodeListOf<HTMLElement>} */
    const heads = this.#parts.rows.querySelectorAll(".rowhead");
    return [...heads];
  }

  #draw() {
    const { rows, fresh, older, end, again, pause } = this.#parts;
    setAttribute(this.element, "data-held", this.#held());
    this.#shown.draw(this.#rows);
    const heads = this.#heads();
    const focused = focusAround(rows);
    const current = heads.find((head) => head === focused) ?? heads[0];
    for (const head of heads) head.tabIndex = head === current ? 0 : -1;
    fresh.hidden = !this.#pending.length;
    const waiting = this.#pending.reduce((sum, row) => sum + (isGap(row) ? row.gap : 1), 0);
    const over = this.#pending.length >= MAX_ROWS ? "more than " : "";
    setText(this.#freshCount, `${over}${many(waiting, "new event")}`);
    pause.disabled = Boolean(store.away);
    const full = this.#rows.length >= MAX_ROWS;
    older.hidden = !this.#more || full || Boolean(this.#problem) || (this.#loading && !this.#rows.length);
    older.disabled = this.#loading;
    setText(older, this.#loading ? "Reading…" : this.#rows.length ? "Show older" : "Look further back");
    again.hidden = !this.#problem;
    setAttribute(end, "data-tone", this.#problem ? "bad" : null);
    setText(end, this.#ending(full));
    end.hidden = !end.textContent;
  }

  /**
   * What stands below the rows.
   *
   * @param {boolean} full
   */
  #ending(full) {
    if (this.#problem) return `The log can't be read right now. ${this.#problem}`;
    if (this.#loading) return this.#rows.length ? "" : "Reading the log…";
    if (this.#downTo === null) return store.away ? "The log is shown as soon as the node is back." : "";
    if (full) {
      return `This page keeps ${many(MAX_ROWS, "row")}. Narrow it down with the filters, or read on in a terminal: python -m node tail --since N`;
    }
    if (!this.#more) return this.#rows.length ? "That is all that is kept." : `Nothing like that in the log${this.#filters.some ? ". Try other filters." : " yet."}`;
    return this.#rows.length ? "" : `Nothing like that since event ${NUMBER.format(this.#downTo)}.`;
  }
}

/** @param {EventRow | Gap} row */
const numberOf = (row) => (isGap(row) ? null : row.seq);

/** @param {(EventRow | Gap)[]} rows */
function bounded(rows) {
  return rows.length > MAX_ROWS ? rows.slice(0, MAX_ROWS) : rows;
}
