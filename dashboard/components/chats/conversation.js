// The conversation: its head, the log, waiting texts, and the jump to the newest message. Where the log stands is decided
// in scrolling.js, what is loaded in talk.js.

import { calm } from "../shared/calm.js";
import { clock } from "../shared/clock.js";
import { h, icon, reconcile, setAttribute, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { isNarrow, place } from "../shared/place.js";
import { connection, outbox, store } from "../shared/session.js";
import { tips } from "../shared/tip.js";
import { rowActs } from "./acts.js";
import { Details } from "./details.js";
import { Head } from "./head.js";
import { Reading } from "./reading.js";
import { drawRow, makeRow, rowsOf, tipOf } from "./rows.js";
import { Scrolling } from "./scrolling.js";
import { Talk } from "./talk.js";
import { Notes } from "./notes.js";
import { Tools } from "./tools.js";

/** How long a requested message is highlighted, in ms. */
const FLASH_MS = 2500;

export class Conversation {
  element;
  #parts;
  #talk = null;
  #composer;
  #notes = new Notes();
  #head = new Head((text) => this.#notes.say(text));
  #tools;
  #details = new Details();
  #reading = new Reading(() => this.#seen(), { connection, store, clock, random: Math.random });
  #scrolling;
  #newAfter = null;
  #redraw = calm(() => this.#picture());
  /** Whether the messages changed since they were drawn, and what else stood in the drawing. */
  #stale = true;
  #drawn = "";
  /** Whether the reader had the end before their eyes when it was last asked. */
  #readNow = false;
  #stops = [];
  /** A message to show first and to point out; null when there is none (any more). */
  #flash = null;

  constructor({ composer }) {
    this.#composer = composer;
    const parts = {
      rows: h("div", { class: "rows" }),
      top: h("div", { class: "top" }),
      count: h("span", { class: "count" }),
    };
    parts.scroller = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": "Messages", tabindex: 0 },
      parts.top, parts.rows);
    parts.jump = h("button", { class: "jump", hidden: true, onclick: () => this.toNewest() }, icon("down"), parts.count);
    const details = (message, anchor) => this.#details.show(message, anchor);
    const tools = { done: (text) => this.#notes.say(text), toEnd: () => this.#toNewest(), details };
    this.#tools = new Tools(parts.scroller, parts.rows, tools);
    this.element = h("section", { class: "talk", "aria-label": "Conversation" }, this.#head.element, this.#head.banner,
      h("div", { class: "middle" }, parts.scroller, this.#notes.error, parts.jump, this.#notes.toast),
      this.#notes.typing, this.#notes.waits, composer.element, this.#tools.element, this.#details.element);
    this.#parts = parts;
    this.#scrolling = new Scrolling(parts.scroller, parts.rows.children, () => Boolean(this.#talk?.moreAfter));
    parts.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const moved of ["wheel", "touchmove", "pointerdown"]) {
      parts.scroller.addEventListener(moved, () => this.#scrolling.giveUp(), { passive: true });
    }
    onKey(parts.scroller, (event) => this.#typed(event));
    rowActs(this.element, { edit: (text) => composer.give(text), details });
    tips(this.element, (element) => tipOf(element, store.rooms.get(place.room)));
    const resized = new ResizeObserver(() => this.#keepEnd());
    resized.observe(parts.scroller);
    resized.observe(parts.rows);
    const seen = () => {
      this.#look();
      if (document.visibilityState === "hidden") this.#reading.leave();
      else this.#reading.mark();
    };
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("focus", seen);
    const tick = setInterval(() => this.#tick(), 1000);
    this.#stops = [
      store.on("lists", () => this.#listsChanged()),
      store.on("message", (op) => this.#arrived(op)),
      store.on("state", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("receipt", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("changed", (op) => op.message.room === this.#talk?.room && this.#talk.take(op)),
      store.on("expired", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("said", (message) => message.room === this.#talk?.room && this.#talk.takeSaid(message)),
      store.on("reload", () => this.#talk?.refresh()),
      store.on("gone", ({ into }) => into && into === this.#talk?.room && this.#talk.refresh()),
      store.readWith((id) => this.#reads(id)),
      outbox.onChange(() => this.#change()),
      () => this.#redraw.stop(),
      () => this.#reading.leave(),
      () => this.#notes.clear(),
      () => resized.disconnect(),
      () => document.removeEventListener("visibilitychange", seen),
      () => window.removeEventListener("focus", seen),
      () => clearInterval(tick),
    ];
  }

  destroy() {
    for (const stop of this.#stops) stop();
    this.#details.destroy();
    this.#head.destroy();
    this.#talk?.close();
  }

  /** Show a conversation (null: none). `around`: a message to show and point out. */
  open(room, around = null) {
    if (this.#talk?.room === room && around === null) {
      if (room && !isNarrow()) this.#composer.focus();
      return;
    }
    this.#reading.leave();
    this.#talk?.close();
    this.#talk = null;
    this.#head.close();
    this.#tools.close();
    this.#details.close();
    this.#clear();
    this.#parts.rows.className = "rows opening";
    this.#notes.clear();
    this.#composer.open(room);
    if (!room) return;
    const view = store.rooms.get(room);
    this.#newAfter = view?.unread ? view.read_upto : null;
    this.#scrolling.begin(around !== null);
    this.#flash = around;
    this.#talk = new Talk(room, connection, (why) => this.#changed(why), () => this.#scrolling.reader());
    this.#drawHead();
    if (store.loaded) this.#load(around);
    // A requested message gets the focus, not the composer.
    if (!isNarrow() && around === null) this.#composer.focus();
  }

  #clear() {
    const { rows, top, jump } = this.#parts;
    rows.replaceChildren();
    rows.keyed = new Map();
    top.hidden = jump.hidden = true;
  }

  /** For the keyboard: arrows then scroll. */
  focusLog() {
    this.#parts.scroller.focus({ preventScroll: true });
  }

  toNewest() {
    this.#toNewest();
    this.#composer.focus();
  }

  #toNewest() {
    place.leaveMessage();
    if (this.#scrolling.wantEnd()) this.#loadEnd();
    else this.#drawJump();
  }

  #loadEnd() {
    const talk = this.#talk;
    this.#scrolling.jump();
    talk.open().finally(() => {
      if (talk !== this.#talk) return;
      this.#scrolling.landed();
      this.#draw();
    });
  }

  /** Ask again for pages that failed. */
  #again() {
    if (connection.state !== "open" || store.away) return;
    const wanting = this.#talk.wanting(this.#scrolling.stuck);
    if (wanting === "all") this.#load(this.#flash);
    else if (wanting === "end") this.#loadEnd();
    else if (wanting === "news") this.#talk.refresh();
    else if (wanting === "more") this.#fillView();
  }

  /** A text was just sent from here: go back to the end, and remove the New line. */
  sent() {
    this.#newAfter = null;
    this.toNewest();
    this.#draw();
  }

  #load(around) {
    const view = store.rooms.get(this.#talk.room);
    this.#talk.open({ around, unread: view?.unread ?? 0, readUpto: view?.read_upto ?? 0 });
  }

  // -- events

  #listsChanged() {
    if (!this.#talk) return;
    const view = store.rooms.get(this.#talk.room);
    if (this.#talk.state === "new" || (this.#talk.state === "failed" && view && !store.away)) {
      if (this.#newAfter === null && view?.unread) this.#newAfter = view.read_upto;
      this.#load(this.#flash);
    } else this.#again();
    this.#redraw();
  }

  #arrived(op) {
    const { message } = op;
    const room = store.rooms.get(message.room);
    if (message.room === this.#talk?.room) {
      if (!message.mine && !message.notice && this.#newAfter === null && !this.#before()) {
        this.#newAfter = room?.read_upto ?? message.id - 1;
      }
      this.#talk.take(op);
    }
  }

  #changed(why) {
    if (why === "changed" && this.#talk.state === "ready") return this.#change();
    if (this.#talk.state === "ready") outbox.find(this.#talk.messages);
    if (this.#talk.state === "failed") this.#clear();
    if (why === "opened" && !this.#talk.moreAfter) this.#scrolling.giveUp();
    this.#draw();
    if (why === "opened") this.#firstLook();
    this.#notes.drawError(this.#talk);
    this.#fillView();
    this.#reading.mark();
  }

  /** Where to look at first: the message asked for, the New line, or the end. */
  #firstLook() {
    const { keyed } = this.#parts.rows;
    const asked = this.#flash === null ? null : keyed.get(`m-${this.#flash}`);
    this.#flash = null;
    // Without a line, reading may have stopped further up: then one begins with the first that is here.
    const above = this.#newAfter !== null && this.#talk.moreBefore && Boolean(store.rooms.get(this.#talk.room)?.unread);
    if (asked === undefined) {
      if (this.#talk.missed) this.#notes.say("That message isn't here any more.");
      place.leaveMessage();
      if (!isNarrow()) this.#composer.focus();
    }
    this.#scrolling.look({ asked, line: keyed.get("new"), above });
    this.#drawJump();
    if (!asked) return;
    asked.classList.add("flash");
    clock.later(FLASH_MS, () => asked.classList.remove("flash"));
    if (asked.matches(".row")) this.#tools.focus(asked, { scroll: false });
  }

  // -- drawing

  #change() {
    this.#stale = true;
    this.#redraw();
  }

  /** All of it, as it is now; called through `#redraw`. */
  #picture() {
    if (!this.#talk) return;
    this.#drawHead();
    if (this.#stale || this.#drawn !== this.#beside()) {
      this.#draw();
      this.#fillView();
    }
    this.#reading.mark();
  }

  /** The parts of the drawing that don't come from messages. */
  #beside() {
    const room = store.rooms.get(this.#talk?.room);
    const { name, wait, link, next_at: next } = room ?? {};
    return JSON.stringify([name, wait, link, next, room && store.unreadIn(room), store.away !== null]);
  }

  #tick() {
    if (!this.#talk) return;
    this.#notes.drawWaits(this.#talk);
    this.#drawHead();
    this.#again();
  }

  #drawHead() {
    const room = store.rooms.get(this.#talk?.room);
    this.element.classList.toggle("unknown", store.loaded && !room && !store.away);
    this.element.classList.toggle("direct", Boolean(room?.encrypted));
    this.#head.draw(room);
    this.#notes.drawTyping(room);
    if (room) this.#composer.address(room);
  }

  #draw() {
    if (!this.#talk || this.#talk.state !== "ready") return;
    const { rows, top, jump, count } = this.#parts;
    const room = store.rooms.get(this.#talk.room);
    const { messages, beyond, moreAfter } = this.#talk;
    const { stuck } = this.#scrolling;
    const pending = moreAfter && !stuck ? [] : outbox.in(this.#talk.room);
    const said = stuck ? [...messages, ...beyond] : messages;
    const now = store.now();
    const list = rowsOf(said, pending, { newAfter: this.#newAfter, begun: !this.#talk.moreBefore, now });
    const settle = this.#scrolling.hold();
    const context = { now, room };
    reconcile(rows, list, (row) => row.key, makeRow, (element, row) => drawRow(element, row, context));
    const empty = !list.length;
    setText(top, empty ? "" : this.#talk.moreBefore ? "Loading older messages…" : "This is where it begins.");
    top.hidden = empty;
    setAttribute(rows, "class", empty ? "rows empty" : "rows");
    setAttribute(rows, "data-hint", empty ? `Say hello to ${room?.name ?? "them"}.` : null);
    this.#stale = false;
    this.#drawn = this.#beside();
    settle();
    this.#drawJump();
    const unread = room ? store.unreadIn(room) : 0;
    setText(count, unread ? (unread > 999 ? "999+" : String(unread)) : "");
    setAttribute(jump, "aria-label", `Jump to the newest message${unread ? `, ${unread} unread` : ""}`);
    this.#notes.drawWaits(this.#talk);
    this.#look();
  }

  // -- scrolling and reading

  #drawJump() {
    this.#parts.jump.hidden = this.#scrolling.atEnd;
  }

  #keepEnd() {
    this.#scrolling.keepEnd();
    if (this.#scrolling.follows) this.#drawJump();
  }

  #scrolled() {
    this.#scrolling.moved();
    this.#parts.jump.hidden = this.#scrolling.follows;
    this.#look();
    this.#fillView();
    this.#reading.mark();
  }

  #fillView() {
    // What came in is drawn first: only then it shows how far the reader is from either end.
    if (!this.#talk || this.#talk.state !== "ready" || this.#stale) return;
    const { older, newer } = this.#scrolling.near();
    if (older) this.#talk.older();
    if (newer) this.#talk.newer();
  }

  /** Whether the reader has the end of this conversation before their eyes. */
  #before() {
    return (
      document.visibilityState === "visible" &&
      this.element.offsetParent !== null &&
      this.#talk?.state === "ready" &&
      this.#scrolling.atEnd
    );
  }

  /** The same of any conversation, from what is known without asking the browser for a layout. */
  #reads(id) {
    return (
      id === this.#talk?.room &&
      this.#talk.state === "ready" &&
      !this.#talk.moreAfter &&
      this.#scrolling.follows &&
      !this.element.hidden &&
      document.visibilityState === "visible"
    );
  }

  /** The lists show as read what is before the reader's eyes: they must know when that changes. */
  #look() {
    const reads = Boolean(this.#talk) && this.#reads(this.#talk.room);
    if (reads === this.#readNow) return;
    this.#readNow = reads;
    if (store.rooms.get(this.#talk?.room)?.unread) store.looked();
  }

  /** What the reader sees now, for reporting it as read. */
  #seen() {
    const room = store.rooms.get(this.#talk?.room);
    return room?.unread && this.#before() ? { room, upto: this.#talk.newestId } : null;
  }

  /** Typing while the log has the focus goes to the composer. */
  #typed(event) {
    const { target, key } = event;
    if (["PageUp", "ArrowUp", "Home"].includes(key)) this.#scrolling.giveUp();
    if (target !== this.#parts.scroller && !target.matches?.(".row")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || key === " " || [...key].length !== 1) return;
    this.#composer.focus();
  }
}
