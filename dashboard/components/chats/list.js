// The conversation list: newest first, live, with a search box that filters people and finds messages. Only the rows in view
// are drawn (shared/windowed.js).

import { calm } from "../shared/calm.js";
import { Children, h, icon, setAttribute, setText } from "../shared/dom.js";
import { finding } from "../shared/finding.js";
import { onKey } from "../shared/keyboard.js";
import { called } from "../shared/names.js";
import { addressOf, place, REQUESTS } from "../shared/place.js";
import { drawPrivacy, privacyBadge, privacyOf } from "../shared/privacy.js";
import { store } from "../shared/session.js";
import { tips } from "../shared/tip.js";
import { Windowed } from "../shared/windowed.js";
import * as when from "../shared/when.js";
import { Alone } from "./alone.js";
import { Entry, isPlain } from "./entry.js";
import { Near } from "./near.js";
import { Reach } from "./reach.js";
import { Search } from "./search.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { MessageView, RoomView } from "../shared/schema.js" */

/** Height of a row with what is between two, in px; as in list.css. */
const ROW_PX = 61;
/** Names in the row of those who ask to write; hardly more fit into it. */
const NAMES = 5;

export class List {
  element;
  #parts;
  #search;
  /** For a small screen, where there is no column beside the list. */
  #alone = new Alone();
  #near = new Near((id) => this.#open(id));
  #reach = new Reach(() => this.#search.clear());
  /** @type {Windowed<RoomView>} */
  #rows;
  /** @type {Children<MessageView>} */
  #hits;
  /**
   * The conversations that are listed.
   *
   * @type {readonly RoomView[]}
   */
  #shown = [];
  /** What was looked for in the last picture; and how far the list was scrolled before anything was. */
  #words = "";
  #top = 0;
  /** Changes when times are to be said anew. */
  #ticks = 0;
  #redraw = calm(() => this.draw());
  #stops;

  constructor() {
    this.#search = new Search(() => this.draw(), () => this.#openFirst());
    const parts = {
      asks: makeAsks(),
      rooms: h("div", { class: "rooms", role: "list", "aria-label": "Conversations" }),
      people: h("h2", { hidden: true }, "People"),
      empty: h("div", { class: "empty", hidden: true }, this.#alone.element),
      found: h("h2", { hidden: true }, "Messages"),
      hits: h("div", { class: "hits", role: "list", "aria-label": "Messages found" }),
      all: h("a", { class: "all", hidden: true }, "Show all hits"),
      hint: h("p", { class: "hint", hidden: true }),
    };
    this.#parts = parts;
    const scroller = h("div", { class: "scroll" },
      parts.asks.element, parts.people, parts.rooms, this.#near.element, parts.empty, this.#reach.element, parts.found, parts.hits, parts.all, parts.hint);
    this.element = h("aside", { class: "list" }, this.#search.element, scroller);
    this.#rows = new Windowed(scroller, parts.rooms, {
      height: ROW_PX,
      keyOf: (room) => room.id,
      make: (room) => new Entry(room, (id) => this.#open(id), () => this.#ticks),
    });
    this.#hits = new Children(parts.hits, ({ id }) => String(id), (hit) => makeHit(hit, (text) => this.#search.snippet(text)));
    parts.all.addEventListener("click", (event) => {
      if (!isPlain(event)) return;
      event.preventDefault();
      finding.look(this.#search.typed.trim(), null);
      place.go("search");
    });
    onKey(this.element, (event) => this.#key(event));
    tips(this.element);
    const tick = setInterval(() => {
      this.#ticks++;
      this.draw();
    }, 20000);
    this.#stops = [store.on("lists", this.#redraw), () => this.#redraw.stop(),
      store.on("gone", (op) => this.#search.follow(op)),
      place.onChange(() => this.draw()), () => clearInterval(tick)];
    this.draw();
  }

  destroy() {
    for (const stop of this.#stops) stop();
    this.#rows.destroy();
    this.#alone.destroy();
    this.#search.destroy();
  }

  focusSearch() {
    this.#search.focus();
  }

  closeSearch() {
    this.#search.clear();
    this.#search.field.blur();
  }

  /**
   * Open the conversation `step` rows further down (or up).
   *
   * @param {number} step
   */
  move(step) {
    // Who asks to write stands above all conversations.
    const above = this.#parts.asks.link ? 1 : 0;
    const length = above + this.#shown.length;
    const row = place.room ? this.#indexOf(place.room) : -1;
    const at = above && place.room === REQUESTS ? 0 : row < 0 ? -1 : above + row;
    const next = at < 0 ? (step > 0 ? 0 : length - 1) : at + step;
    if (next < 0 || next >= length) return;
    place.open(next < above ? REQUESTS : this.#shown[next - above].id);
    if (next >= above) this.#rows.reveal(next - above);
  }

  /**
   * Where a conversation stands among those that are listed; -1: it doesn't.
   *
   * @param {string} id
   */
  #indexOf(id) {
    return this.#words ? this.#shown.findIndex((room) => room.id === id) : store.indexOf(id);
  }

  /** What was found first: a conversation, else somebody to connect to, else a message. */
  #openFirst() {
    const [room] = this.#shown;
    const [near] = this.#near.links;
    if (room) this.#open(room.id);
    else if (near) near.click();
    else if (this.#reach.offered) this.#reach.act();
    else this.#parts.hits.querySelector("a")?.click();
  }

  /** @param {string} id */
  #open(id) {
    this.#search.clear();
    place.open(id);
  }

  draw() {
    const { people, empty, found, all, hint } = this.#parts;
    const words = this.#search.words;
    const shown = words ? store.sorted().filter((room) => this.#search.fits(room)) : store.sorted();
    const other = words !== this.#words;
    if (other && !this.#words) this.#top = this.#rows.top;
    this.#words = words;
    this.#shown = shown;
    people.hidden = !words || !shown.length;
    // What is above the rows has another height.
    if (this.#parts.asks.draw(!words)) this.#rows.measure();
    this.#rows.draw(shown, (id) => this.#indexOf(id), { live: !words && !other });
    if (other) {
      this.#rows.measure();
      // What is found begins at the top; and afterwards the list is where it was.
      this.#rows.top = words ? 0 : this.#top;
    }
    const none = store.loaded && !shown.length && !words && store.me;
    empty.hidden = !none && !(!empty.hidden && this.#alone.typing);
    this.#alone.draw();
    const results = this.#search.hits;
    found.hidden = all.hidden = !results.length;
    setAttribute(all, "href", `/search?q=${encodeURIComponent(this.#search.typed.trim())}`);
    setText(all, this.#search.more ? "Show all hits" : "Show on a page of their own");
    this.#hits.draw(results);
    this.#reach.draw(this.#search.typed);
    const near = this.#near.draw(words.split(/\s+/).filter(Boolean));
    const nothing = words && !shown.length && !near && !results.length && !this.#search.busy && !this.#reach.offered;
    hint.hidden = !(nothing || this.#search.problem);
    setText(hint, this.#search.problem || "Nobody and nothing found. Fewer words find more.");
  }

  /**
   * Arrows go through what is shown, from the search box on.
   *
   * @param {KeyboardEvent} event
   */
  #key(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { asks, hits, all } = this.#parts;
    const above = asks.link ? [asks.link] : [];
    const below = [...this.#near.links, ...(this.#reach.offered ? [this.#reach.button] : []), ...hits.querySelectorAll("a"), ...(all.hidden ? [] : [all])];
    const { length } = this.#shown;
    /** @param {number} number */
    const stop = (number) => {
      if (number < 0) return this.#search.field;
      if (number < above.length) return above[number];
      const row = number - above.length;
      return row < length ? this.#rows.reveal(row)?.querySelector("a") : below[row - length];
    };
    const at = this.#stopOf(event.target, above, below);
    if (at === null) return;
    const to = at + (event.key === "ArrowDown" ? 1 : -1);
    const next = stop(to);
    if (!next || next === event.target) return;
    event.preventDefault();
    next.focus({ preventScroll: to >= above.length && to < above.length + length });
  }

  /**
   * The number of what has the focus: -1 is the search box, then come what is above the conversations, these, and what is
   * below; null: nothing.
   *
   * @param {EventTarget | null} target
   * @param {Element[]} above
   * @param {Element[]} below
   */
  #stopOf(target, above, below) {
    if (target === this.#search.field) return -1;
    const first = above.findIndex((one) => one === target);
    if (first >= 0) return first;
    const key = target instanceof Element ? this.#rows.keyAt(target) : null;
    const row = key === null ? -1 : this.#indexOf(key);
    if (row >= 0) return above.length + row;
    const at = below.findIndex((one) => one === target);
    return at < 0 ? null : above.length + this.#shown.length + at;
  }
}

/** The row above all conversations, which is there only while somebody asks to write. Its number is no part of any total. */
function makeAsks() {
  const names = h("span", { class: "preview", dir: "auto" });
  const time = h("time");
  const count = h("span", { class: "count", "aria-hidden": "true" });
  const said = h("span", { class: "visuallyhidden" });
  const link = h("a", { class: "room asks", href: addressOf(REQUESTS), draggable: "false", onclick: (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    place.open(REQUESTS);
  } }, h("span", { class: "ring", "aria-hidden": "true" }, icon("asks")),
  h("span", { class: "what" }, h("span", { class: "line" }, h("span", { class: "name" }, "Requests")),
    h("span", { class: "line" }, names)),
  h("span", { class: "side" }, time, count, said));
  const element = h("div", { hidden: true });
  return {
    element,
    /** Its link, while it is there. */
    get link() {
      return element.hidden ? null : link;
    },
    /** @param {boolean} wanted Returns whether it came or went. */
    draw(wanted) {
      const { requests: number } = store.totals;
      const hidden = !wanted || !number;
      const changed = element.hidden !== hidden;
      element.hidden = hidden;
      if (changed) element.replaceChildren(...(hidden ? [] : [link]));
      if (hidden) return changed;
      const all = store.sortedRequests();
      setText(names, all.slice(0, NAMES).map(({ room }) => room.name).join(", "));
      const last = all[0]?.room.last;
      setText(time, last ? when.short(last.at, store.now()) : "");
      setText(count, number > 999 ? "999+" : String(number));
      setText(said, `, ${number === 1 ? "1 person waits" : `${number} people wait`}`);
      setAttribute(link, "aria-current", place.room === REQUESTS ? "true" : null);
      return changed;
    },
  };
}

/**
 * A message that was found.
 *
 * @param {MessageView} first
 * @param {(text: string) => (string | Node)[]} snippet
 * @returns {Child<MessageView>}
 */
function makeHit(first, snippet) {
  let hit = first;
  const name = h("span", { class: "name", dir: "auto" });
  const tag = privacyBadge({ class: "tag" });
  const time = h("time");
  const text = h("span", { class: "snippet", dir: "auto" });
  const link = h("a", { class: "hit", draggable: "false", onclick: (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    place.open(hit.room, { around: hit.id });
  } }, h("span", { class: "line" }, name, tag, time), text);
  return {
    element: h("div", { role: "listitem" }, link),
    draw(next) {
      hit = next;
      setAttribute(link, "href", addressOf(hit.room, hit.id));
      const room = store.rooms.get(hit.room);
      const whose = room ? called(room) : null;
      setText(name, hit.mine ? `You to ${whose ?? "somebody"}` : (whose ?? hit.name));
      const encrypted = Boolean(room?.encrypted);
      drawPrivacy(tag, encrypted && !hit.plain, ...privacyOf(encrypted, hit.plain));
      setText(time, when.short(hit.at, store.now()));
      text.replaceChildren(...snippet(hit.text));
    },
  };
}
