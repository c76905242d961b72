// The conversation list: newest first, live, with a search box that filters people and finds messages. Only the rows in view
// are drawn (shared/windowed.js).

import { calm } from "../shared/calm.js";
import { avatar, drawAvatar, h, icon, reconcile, setAttribute, setText } from "../shared/dom.js";
import { finding } from "../shared/finding.js";
import { onKey } from "../shared/keyboard.js";
import { called } from "../shared/names.js";
import { addressOf, place } from "../shared/place.js";
import { drawPrivacy, privacyBadge } from "../shared/privacy.js";
import { store } from "../shared/session.js";
import { tips } from "../shared/tip.js";
import { Windowed } from "../shared/windowed.js";
import * as when from "../shared/when.js";
import { guide } from "./guide.js";
import { Search } from "./search.js";

/** Height of a row with what is between two, in px; as in list.css. */
const ROW_PX = 61;

export class List {
  element;
  #parts;
  #search;
  #rows;
  /** The conversations that are listed. */
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
      rooms: h("div", { class: "rooms", role: "list", "aria-label": "Conversations" }),
      people: h("h2", { hidden: true }, "People"),
      empty: h("div", { class: "empty", hidden: true }),
      found: h("h2", { hidden: true }, "Messages"),
      hits: h("div", { class: "hits", role: "list", "aria-label": "Messages found" }),
      all: h("a", { class: "all", hidden: true }, "Show all hits"),
      hint: h("p", { class: "hint", hidden: true }),
    };
    this.#parts = parts;
    const scroller = h("div", { class: "scroll" },
      parts.people, parts.rooms, parts.empty, parts.found, parts.hits, parts.all, parts.hint);
    this.element = h("aside", { class: "list" }, this.#search.element, scroller);
    this.#rows = new Windowed(scroller, parts.rooms, {
      height: ROW_PX,
      keyOf: (room) => room.id,
      make: () => this.#make(),
      update: (element, room) => this.#drawRoom(element, room),
    });
    parts.all.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
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
    this.#stops = [guide(parts.empty), store.on("lists", this.#redraw), () => this.#redraw.stop(),
      store.on("gone", (op) => this.#search.follow(op)),
      place.onChange(() => this.draw()), () => clearInterval(tick)];
    this.draw();
  }

  destroy() {
    for (const stop of this.#stops) stop();
    this.#rows.destroy();
    this.#search.destroy();
  }

  focusSearch() {
    this.#search.focus();
  }

  closeSearch() {
    this.#search.clear();
    this.#search.field.blur();
  }

  /** Open the conversation `step` rows further down (or up). */
  move(step) {
    const { length } = this.#shown;
    const at = this.#indexOf(place.room);
    const next = at < 0 ? (step > 0 ? 0 : length - 1) : at + step;
    if (next < 0 || next >= length) return;
    place.open(this.#shown[next].id);
    this.#rows.reveal(next);
  }

  /** Where a conversation stands among those that are listed; -1: it doesn't. */
  #indexOf(id) {
    return this.#words ? this.#shown.findIndex((room) => room.id === id) : store.indexOf(id);
  }

  /** What was found first: a conversation, else a message. */
  #openFirst() {
    const [room] = this.#shown;
    if (room) this.#open(room.id);
    else this.#parts.hits.querySelector(".hit")?.click();
  }

  #open(id) {
    this.#search.clear();
    place.open(id);
  }

  draw() {
    const { people, empty, found, hits, all, hint } = this.#parts;
    const words = this.#search.words;
    const shown = words ? store.sorted().filter((room) => this.#search.fits(room)) : store.sorted();
    const other = words !== this.#words;
    if (other && !this.#words) this.#top = this.#rows.top;
    this.#words = words;
    this.#shown = shown;
    people.hidden = !words || !shown.length;
    this.#rows.draw(shown, (id) => this.#indexOf(id), { live: !words && !other });
    if (other) {
      this.#rows.measure();
      // What is found begins at the top; and afterwards the list is where it was.
      this.#rows.top = words ? 0 : this.#top;
    }
    const none = store.loaded && !shown.length && !words && store.me;
    empty.hidden = !none;
    const results = this.#search.hits;
    found.hidden = all.hidden = !results.length;
    setAttribute(all, "href", `/search?q=${encodeURIComponent(this.#search.typed.trim())}`);
    setText(all, this.#search.more ? "Show all hits" : "Show on a page of their own");
    reconcile(hits, results, (hit) => String(hit.id), () => this.#makeHit(), (element, hit) => this.#drawHit(element, hit));
    const nothing = words && !shown.length && !results.length && !this.#search.busy;
    hint.hidden = !(nothing || this.#search.problem);
    setText(hint, this.#search.problem || "Nobody and nothing found. Fewer words find more.");
  }

  #make() {
    const link = h("a", { class: "room", draggable: "false" },
      avatar(),
      h("span", { class: "what" },
        h("span", { class: "line" }, h("span", { class: "name", dir: "auto" }),
          h("span", { class: "visuallyhidden" }), privacyBadge({ class: "tag" }),
          h("span", { class: "doubtmark", hidden: true }, icon("alert"), h("span", { class: "visuallyhidden" }, ", warning"))),
        h("span", { class: "line" }, h("span", { class: "namemark" }), h("span", { class: "preview", dir: "auto" }))),
      h("span", { class: "side" }, h("time"), h("span", { class: "count", "aria-hidden": "true" }),
        h("span", { class: "visuallyhidden" })));
    const element = h("div", { role: "listitem" }, link);
    const [face, what, side] = link.children;
    const [name, presence, tag, doubt] = what.firstChild.children;
    const [mark, last] = what.lastChild.children;
    const [time, count, said] = side.children;
    element.parts = { link, face, name, mark, presence, tag, doubt, last, time, count, said };
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.#open(element.dataset.key);
    });
    return element;
  }

  #drawRoom(element, room) {
    const { parts } = element;
    const open = room.id === place.room;
    const unread = store.unreadIn(room);
    // Nothing about it changed since it was drawn: most rows, most of the time.
    const types = store.typesIn(room);
    const signature = `${open}|${unread}|${types}|${store.away !== null}|${this.#ticks}`;
    if (element.room === room && element.signature === signature) return;
    element.room = room;
    element.signature = signature;
    setAttribute(parts.link, "href", addressOf(room.id));
    setAttribute(parts.link, "aria-current", open ? "true" : null);
    parts.link.classList.toggle("unread", unread > 0);
    drawAvatar(parts.face, room);
    setText(parts.name, room.name);
    setText(parts.mark, room.mark);
    drawPrivacy(parts.tag, room.encrypted, room.encrypted ? "encrypted" : "plain", room.privacy_title);
    parts.doubt.hidden = !room.doubt;
    setAttribute(parts.doubt, "data-tip", room.doubt?.text);
    const { last } = room;
    parts.last.classList.toggle("types", types);
    setText(parts.last, types ? "is typing…" : last ? (last.mine ? `You: ${last.text}` : last.text) : "Nothing said yet");
    const now = store.now();
    setText(parts.time, last ? when.short(last.at, now) : "");
    setAttribute(parts.time, "title", last ? when.full(last.at) : null);
    const tone = last?.delivery?.tone;
    const state = unread ? "unread" : tone === "wait" || tone === "bad" ? tone : "";
    setAttribute(parts.count, "data-state", state);
    if (state === "unread") setText(parts.count, unread > 999 ? "999+" : String(unread));
    else if (parts.count.dataset.drawn !== state || !state) {
      parts.count.replaceChildren(...(state ? [icon(state === "bad" ? "alert" : "clock")] : []));
    }
    parts.count.dataset.drawn = state;
    setText(parts.presence, `, ${store.away ? "presence unknown" : room.presence}, `);
    setText(parts.said, state === "unread" ? `, ${unread} unread` : state ? `, ${last.delivery.label}` : "");
  }

  #makeHit() {
    const link = h("a", { class: "hit", draggable: "false" }, h("span", { class: "line" },
      h("span", { class: "name", dir: "auto" }), privacyBadge({ class: "tag" }), h("time")),
    h("span", { class: "snippet", dir: "auto" }));
    const element = h("div", { role: "listitem" }, link);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      const { room, id } = element.hit;
      place.open(room, { around: id });
    });
    return element;
  }

  #drawHit(element, hit) {
    element.hit = hit;
    const [line, snippet] = element.firstChild.children;
    setAttribute(element.firstChild, "href", addressOf(hit.room, hit.id));
    const room = store.rooms.get(hit.room);
    const name = room ? called(room) : null;
    setText(line.firstChild, hit.mine ? `You to ${name ?? "somebody"}` : (name ?? hit.name));
    const encrypted = Boolean(room?.encrypted) && !hit.plain;
    drawPrivacy(line.children[1], encrypted, encrypted ? "encrypted" : "plain", encrypted ? room.privacy_title : "Others on the network could read this.");
    setText(line.lastChild, when.short(hit.at, store.now()));
    snippet.replaceChildren(...this.#search.snippet(hit.text));
  }

  /** Arrows go through what is shown, from the search box on. */
  #key(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const below = [...this.element.querySelectorAll(".hit, .all:not([hidden])")];
    const { length } = this.#shown;
    const stop = (at) => {
      if (at < 0) return this.#search.field;
      return at < length ? this.#rows.reveal(at)?.firstElementChild : below[at - length];
    };
    const at = this.#stopOf(event.target, below);
    if (at === null) return;
    const to = at + (event.key === "ArrowDown" ? 1 : -1);
    const next = stop(to);
    if (!next || next === event.target) return;
    event.preventDefault();
    next.focus({ preventScroll: to < length });
  }

  /** The number of what has the focus: -1 is the search box, then come the conversations, then what is below; null: nothing. */
  #stopOf(target, below) {
    if (target === this.#search.field) return -1;
    const row = this.#indexOf(this.#rows.keyAt(target));
    if (row >= 0) return row;
    const at = below.indexOf(target);
    return at < 0 ? null : this.#shown.length + at;
  }
}
