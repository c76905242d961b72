// A long list of which only the rows in view are in the page, and a few around them. All rows have the same height, so the
// place of each follows from its number. What one gives up for that: the browser's own search in the page finds only what is
// drawn, which is why each such list has a search field of its own.

import { Children, focusAround, setAttribute } from "./dom.js";

/** Rows drawn above and below those in view: so many may come into view before the next picture. */
const AROUND = 8;

/** Rows that stay where they are differ by so many at most in how far they have moved: when one between them has left. */
const ALIKE = 2;

/**
 * @template T
 * @typedef {object} Kind
 * @property {number} height Of each row with what is between two, in px, as the style sheet has it.
 * @property {(item: T) => string} keyOf
 * @property {(item: T) => import("./dom.js").Child<T>} make
 */
/**
 * @template T
 * @typedef {{ number: number, item: T }} Row
 */

/** @template T */
export class Windowed {
  #scroller;
  #box;
  #kind;
  /** @type {Children<Row<T>>} */
  #rows;
  /** @type {readonly T[]} */
  #items = [];
  /** @type {(key: string) => number} */
  #indexOf = () => -1;
  /** The numbers of the drawn rows in the last picture, by key. @type {Map<string, number>} */
  #drawn = new Map();
  /** What was measured last, so that drawing needn't ask the browser for a layout: px scrolled, in view, and above the list. */
  #top = 0;
  #view = 0;
  #above = 0;
  #stops;

  /**
   * Draws rows into `box`, which lies in `scroller`.
   *
   * @param {HTMLElement} scroller
   * @param {HTMLElement} box
   * @param {Kind<T>} kind
   */
  constructor(scroller, box, kind) {
    this.#scroller = scroller;
    this.#box = box;
    this.#kind = kind;
    this.#rows = new Children(box, ({ item }) => kind.keyOf(item), ({ item }) => this.#make(item));
    const scrolled = () => {
      this.#top = scroller.scrollTop;
      if (this.#isBlank()) this.#picture();
    };
    scroller.addEventListener("scroll", scrolled, { passive: true });
    const resized = new ResizeObserver(() => this.measure());
    resized.observe(scroller);
    this.#stops = [() => scroller.removeEventListener("scroll", scrolled), () => resized.disconnect()];
  }

  destroy() {
    for (const stop of this.#stops) stop();
  }

  /** Px that are scrolled. */
  get top() {
    return this.#scroller.scrollTop;
  }

  set top(px) {
    this.#scroller.scrollTop = px;
    this.#top = this.#scroller.scrollTop;
    this.#picture();
  }

  /** What is above the list, or the view, may have another height now. */
  measure() {
    const { clientHeight, scrollTop } = this.#scroller;
    // It isn't shown.
    if (!clientHeight) return;
    this.#view = clientHeight;
    this.#top = scrollTop;
    this.#above = this.#box.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top + scrollTop;
    this.#picture();
  }

  /**
   * Show these; `indexOf` tells where one of them stands. `live`: it is the same list as before with some changes. Then what
   * the reader has scrolled to stays where it is.
   *
   * @param {readonly T[]} items
   * @param {(key: string) => number} indexOf
   * @param {{ live?: boolean }} [how]
   */
  draw(items, indexOf, { live = true } = {}) {
    const moved = live ? this.#moved(indexOf) : 0;
    this.#items = items;
    this.#indexOf = indexOf;
    this.#picture(moved);
  }

  /**
   * By how many rows the first one in view has moved, or the next one if that has moved by itself, past the others.
   *
   * @param {(key: string) => number} indexOf
   */
  #moved(indexOf) {
    const [from, to] = this.#inView();
    // At the top one wants to see what comes in there.
    if (from <= 0) return 0;
    const moves = [];
    for (const [key, was] of this.#drawn) {
      if (was < from || was >= to) continue;
      const now = indexOf(key);
      if (now >= 0) moves.push(now - was);
    }
    const usual = [...moves].sort((a, b) => a - b)[moves.length >> 1];
    return moves.find((move) => Math.abs(move - usual) <= ALIKE) ?? 0;
  }

  /** The numbers of the rows in view: the first, and the one after the last. @returns {[number, number]} */
  #inView() {
    const from = this.#top - this.#above;
    const { height } = this.#kind;
    return [Math.floor(from / height), Math.ceil((from + (this.#view || window.innerHeight)) / height)];
  }

  /** Whether a row in view isn't drawn, or hardly any around it are. */
  #isBlank() {
    const [from, to] = this.#inView();
    const numbers = [...this.#drawn.values()];
    const spare = AROUND / 2;
    const is = (/** @type {number} */ number) => numbers.includes(number);
    return !is(Math.max(0, from - spare)) || !is(Math.min(this.#items.length - 1, to - 1 + spare));
  }

  #picture(moved = 0) {
    const { height, keyOf } = this.#kind;
    const { length } = this.#items;
    this.#box.style.height = `${length * height}px`;
    if (moved) {
      this.#scroller.scrollTop += moved * height;
      this.#top = this.#scroller.scrollTop;
    }
    const [from, to] = this.#inView();
    const numbers = new Set();
    for (let at = Math.max(0, from - AROUND); at < Math.min(length, to + AROUND); at++) numbers.add(at);
    // Whoever has the focus stays, wherever it is: else the next key would go nowhere.
    const focused = this.#focused();
    if (focused >= 0) numbers.add(focused);
    const rows = [...numbers].sort((a, b) => a - b).map((number) => ({ number, item: this.#items[number] }));
    this.#drawn = new Map(rows.map(({ number, item }) => [keyOf(item), number]));
    this.#rows.draw(rows);
  }

  /**
   * @param {T} first
   * @returns {import("./dom.js").Child<Row<T>>}
   */
  #make(first) {
    const { height, make } = this.#kind;
    const row = make(first);
    const { element } = row;
    return {
      element,
      draw: ({ number, item }) => {
        const top = `${number * height}px`;
        if (element.style.top !== top) element.style.top = top;
        setAttribute(element, "aria-posinset", number + 1);
        setAttribute(element, "aria-setsize", this.#items.length);
        row.draw?.(item);
      },
    };
  }

  /** The number of the row that has the focus; -1: none has. */
  #focused() {
    const focused = focusAround(this.#box);
    const key = focused && this.#box.contains(focused) && this.keyAt(focused);
    return key ? this.#indexOf(key) : -1;
  }

  /** The key of the row that holds `element`. @param {Element} element */
  keyAt(element) {
    /** @type {HTMLElement | null} */
    const row = element.closest("[aria-posinset]");
    return row?.dataset.key ?? null;
  }

  /** Bring a row into view; returns its element. @param {number} number */
  reveal(number) {
    const { height, keyOf } = this.#kind;
    const at = this.#above + number * height;
    const { clientHeight, scrollTop } = this.#scroller;
    if (number === 0) this.#scroller.scrollTop = 0;
    else if (at < scrollTop) this.#scroller.scrollTop = at;
    else if (at + height > scrollTop + clientHeight) this.#scroller.scrollTop = at + height - clientHeight;
    this.#top = this.#scroller.scrollTop;
    this.#picture();
    return this.#rows.get(keyOf(this.#items[number]))?.element;
  }
}
