// The conversation: its head, the log, waiting texts, and the jump to the newest message. Where the log stands is decided
// in scrolling.js, what is loaded in talk.js.

import { calm } from "../shared/calm.js";
import { clock } from "../shared/clock.js";
import { Children, closest, h, icon, setAttribute, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { isNarrow, place } from "../shared/place.js";
import { connection, outbox, store } from "../shared/session.js";
import { tips } from "../shared/tip.js";
import { rowActs } from "./acts.js";
import { Details } from "./details.js";
import { Head } from "./head.js";
import { Reading } from "./reading.js";
import { makeRow, rowsOf, tipOf } from "./rows.js";
import { Scrolling } from "./scrolling.js";
import { Talk } from "./talk.js";
import { Notes } from "./notes.js";
import { Tools } from "./tools.js";

/** @import { MessageOp } from "../shared/schema.js" */
/** @import { Composer } from "./composer.js" */
/** @import { Row } from "./rows.js" */
/** @import { Message, Why } from "./talk.js" */

/** How long a requested message is highlighted, in ms. */
const FLASH_MS = 2500;
/** How often times are drawn anew, and what failed is asked for again, in ms. */
const TICK_MS = 1000;

export class Conversation {
  element;
  #parts;
  /** @type {Children<Row>} */
  #rows;
  /** @type {Talk | null} */
  #talk = null;
  #composer;
  #notes = new Notes();
  #head = new Head((text) => this.#notes.say(text));
  #tools;
  #details = new Details();
  #reading = new Reading(() => this.#seen(), { connection, store, clock, random: Math.random });
  #scrolling;
  /**
   * The message after which the New line goes.
   *
   * @type {number | null}
   */
  #newAfter = null;
  #redraw = calm(() => this.#picture());
  /** Whether the messages changed since they were drawn, and what else stood in the drawing. */
  #stale = true;
  #drawn = "";
  /** Whether the reader had the end before their eyes when it was last asked. */
  #readNow = false;
  #stops;
  /**
   * A message to show first and to point out; null when there is none (any more).
   *
   * @type {number | null}
   */
  #flash = null;

  /** @param {{ composer: Composer }} with */
  constructor({ composer }) {
    this.#composer = composer;
    const rows = h("div", { class: "rows" });
    const top = h("div", { class: "top" });
    const count = h("span", { class: "count" });
    const parts = {
      rows,
      top,
      count,
      scroller: h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": "Messages", tabindex: 0 }, top, rows),
      jump: h("button", { class: "jump", hidden: true, onclick: () => this.toNewest() }, icon("down"), count),
    };
    this.#rows = new Children(rows, ({ key }) => key, (row) => makeRow(row, () => this.#room));
    /** @type {(message: Message, anchor: Element) => void} */
    const details = (message, anchor) => this.#details.show(message, anchor);
    this.#tools = new Tools(parts.scroller, rows, {
      done: (text) => this.#notes.say(text),
      toEnd: () => this.#toNewest(),
      details,
    });
    this.element = h("section", { class: "talk", "aria-label": "Conversation" }, this.#head.element, this.#head.banner,
      h("div", { class: "middle" }, parts.scroller, this.#notes.error, parts.jump, this.#notes.toast),
      this.#notes.typing, this.#notes.waits, composer.element, this.#tools.element, this.#details.element);
    this.#parts = parts;
    const shown = /** @type {HTMLCollectionOf<HTMLElement>} */ (rows.children);
    this.#scrolling = new Scrolling(parts.scroller, shown, () => Boolean(this.#talk?.moreAfter));
    parts.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const moved of ["wheel", "touchmove", "pointerdown"]) {
      parts.scroller.addEventListener(moved, () => this.#scrolling.giveUp(), { passive: true });
    }
    onKey(parts.scroller, (event) => this.#typed(event));
    rowActs(this.element, { edit: (text) => composer.give(text), details });
    tips(this.element, (element) => tipOf(element, this.#room));
    const resized = new ResizeObserver(() => this.#keepEnd());
    resized.observe(parts.scroller);
    resized.observe(rows);
    const seen = () => {
      this.#look();
      if (document.visibilityState === "hidden") this.#reading.leave();
      else this.#reading.mark();
    };
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("focus", seen);
    const stopTick = clock.every(TICK_MS, () => this.#tick());
    this.#stops = [
      store.on("lists", () => this.#listsChanged()),
      store.on("message", (op) => this.#arrived(op)),
      store.on("state", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("receipt", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("changed", (op) => op.message.room === this.#talk?.room && this.#talk.take(op)),
      store.on("expired", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("said", (message) => message.room === this.#talk?.room && this.#talk.takeSaid(message)),
      store.on("reload", () => this.#talk?.refresh()),
      store.on("gone", ({ into }) => into !== null && into === this.#talk?.room && this.#talk.refresh()),
      store.readWith(() => this.#readRoom),
      outbox.onChange(() => this.#change()),
      () => this.#redraw.stop(),
      () => this.#reading.leave(),
      () => this.#notes.clear(),
      () => resized.disconnect(),
      () => document.removeEventListener("visibilitychange", seen),
      () => window.removeEventListener("focus", seen),
      stopTick,
    ];
  }

  destroy() {
    for (const stop of this.#stops) stop();
    this.#details.destroy();
    this.#head.destroy();
    this.#talk?.close();
  }

  /** The view of the conversation that is shown; undefined while there is none. */
  get #room() {
    return this.#talk ? store.rooms.get(this.#talk.room) : undefined;
  }

  /**
   * Show a conversation (null: none). `around`: a message to show and point out.
   *
   * @param {string | null} room
   * @param {number | null} [around]
   */
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
    const talk = new Talk(room, connection, (why) => this.#changed(talk, why), () => this.#scrolling.reader());
    this.#talk = talk;
    this.#drawHead();
    // What to load follows from what is unread, which the room tells; one that isn't here is known once all have come.
    if (view || store.whole) this.#load(talk, around);
    // A requested message gets the focus, not the composer.
    if (!isNarrow() && around === null) this.#composer.focus();
  }

  #clear() {
    const { top, jump } = this.#parts;
    this.#rows.clear();
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
    if (this.#scrolling.wantEnd() && this.#talk) this.#loadEnd(this.#talk);
    else this.#drawJump();
  }

  /** @param {Talk} talk */
  #loadEnd(talk) {
    this.#scrolling.jump();
    talk.open().finally(() => {
      if (talk !== this.#talk) return;
      this.#scrolling.landed();
      this.#draw();
    });
  }

  /**
   * Ask again for pages that failed.
   *
   * @param {Talk} talk
   */
  #again(talk) {
    if (connection.state !== "open" || store.away) return;
    const wanting = talk.wanting(this.#scrolling.stuck);
    if (wanting === "all") this.#load(talk, this.#flash);
    else if (wanting === "end") this.#loadEnd(talk);
    else if (wanting === "news") talk.refresh();
    else if (wanting === "more") this.#fillView();
  }

  /** A text was just sent from here: go back to the end, and remove the New line. */
  sent() {
    this.#newAfter = null;
    this.toNewest();
    this.#draw();
  }

  /**
   * @param {Talk} talk
   * @param {number | null} around
   */
  #load(talk, around) {
    const view = store.rooms.get(talk.room);
    talk.open({ around, unread: view?.unread ?? 0, readUpto: view?.read_upto ?? 0 });
  }

  // -- events

  #listsChanged() {
    const talk = this.#talk;
    if (!talk) return;
    const view = this.#room;
    if ((talk.state === "new" && (view || store.whole)) || (talk.state === "failed" && view && !store.away)) {
      if (this.#newAfter === null && view?.unread) this.#newAfter = view.read_upto;
      this.#load(talk, this.#flash);
    } else this.#again(talk);
    this.#redraw();
  }

  /** @param {MessageOp} op */
  #arrived(op) {
    const { message } = op;
    if (message.room !== this.#talk?.room) return;
    if (!message.mine && !message.notice && this.#newAfter === null && !this.#before()) {
      this.#newAfter = this.#room?.read_upto ?? message.id - 1;
    }
    this.#talk.take(op);
  }

  /**
   * @param {Talk} talk
   * @param {Why} why
   */
  #changed(talk, why) {
    if (talk !== this.#talk) return;
    if (why === "changed" && talk.state === "ready") return this.#change();
    if (talk.state === "ready") outbox.find(talk.messages);
    if (talk.state === "failed") this.#clear();
    if (why === "opened" && !talk.moreAfter) this.#scrolling.giveUp();
    this.#draw();
    if (why === "opened") this.#firstLook(talk);
    this.#notes.drawError(talk);
    this.#fillView();
    this.#reading.mark();
  }

  /**
   * Where to look at first: the message asked for, the New line, or the end.
   *
   * @param {Talk} talk
   */
  #firstLook(talk) {
    const asked = this.#flash === null ? null : this.#rows.get(`m-${this.#flash}`)?.element;
    this.#flash = null;
    // Without a line, reading may have stopped further up: then one begins with the first that is here.
    const above = this.#newAfter !== null && talk.moreBefore && Boolean(this.#room?.unread);
    if (asked === undefined) {
      if (talk.missed) this.#notes.say("That message isn't here any more.");
      place.leaveMessage();
      if (!isNarrow()) this.#composer.focus();
    }
    this.#scrolling.look({ asked, line: this.#rows.get("new")?.element, above });
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
    const room = this.#room;
    const { name, wait, link, refused, next_at: next } = room ?? {};
    return JSON.stringify([name, wait, link, refused, next, room && store.unreadIn(room), store.away !== null]);
  }

  #tick() {
    if (!this.#talk) return;
    this.#notes.drawWaits(this.#talk);
    this.#drawHead();
    this.#again(this.#talk);
  }

  #drawHead() {
    const room = this.#room;
    this.element.classList.toggle("unknown", store.whole && !room && !store.away);
    this.element.classList.toggle("direct", Boolean(room?.encrypted));
    this.#head.draw(room);
    this.#notes.drawTyping(room);
    if (room) this.#composer.address(room);
  }

  #draw() {
    const talk = this.#talk;
    if (talk?.state !== "ready") return;
    const { rows, top, jump, count } = this.#parts;
    const room = this.#room;
    const { messages, beyond, moreAfter, moreBefore } = talk;
    const { stuck } = this.#scrolling;
    const pending = moreAfter && !stuck ? [] : outbox.in(talk.room);
    const said = stuck ? [...messages, ...beyond] : messages;
    const list = rowsOf(said, pending, { newAfter: this.#newAfter, begun: !moreBefore, now: store.now() });
    const settle = this.#scrolling.hold();
    this.#rows.draw(list);
    const empty = !list.length;
    const clear = room && !room.encrypted ? ` ${room.privacy_title}` : "";
    setText(top, empty ? "" : moreBefore ? "Loading older messages…" : `This is where it begins.${clear}`);
    top.hidden = empty;
    setAttribute(rows, "class", empty ? "rows empty" : "rows");
    setAttribute(rows, "data-hint", empty ? `Say hello to ${room?.name ?? "them"}.${clear}` : null);
    this.#stale = false;
    this.#drawn = this.#beside();
    settle();
    this.#drawJump();
    const unread = room ? store.unreadIn(room) : 0;
    setText(count, unread ? (unread > 999 ? "999+" : String(unread)) : "");
    setAttribute(jump, "aria-label", `Jump to the newest message${unread ? `, ${unread} unread` : ""}`);
    this.#notes.drawWaits(talk);
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
    const talk = this.#talk;
    if (talk?.state !== "ready" || this.#stale) return;
    const { older, newer } = this.#scrolling.near();
    if (older) talk.older();
    if (newer) talk.newer();
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

  /** The conversation whose end the reader sees, or null: from what is known without asking the browser for a layout. */
  get #readRoom() {
    const talk = this.#talk;
    const isEnd = talk?.state === "ready" && !talk.moreAfter && this.#scrolling.follows;
    return isEnd && !this.element.hidden && document.visibilityState === "visible" ? talk.room : null;
  }

  /** The lists show as read what is before the reader's eyes: they must know when that changes. */
  #look() {
    const reads = this.#readRoom !== null;
    if (reads === this.#readNow) return;
    this.#readNow = reads;
    if (this.#room?.unread) store.looked();
  }

  /** What the reader sees now, for reporting it as read. */
  #seen() {
    const room = this.#room;
    return this.#talk && room?.unread && this.#before() ? { room, upto: this.#talk.newestId } : null;
  }

  /**
   * Typing while the log has the focus goes to the composer.
   *
   * @param {KeyboardEvent} event
   */
  #typed(event) {
    const { target, key } = event;
    if (["PageUp", "ArrowUp", "Home"].includes(key)) this.#scrolling.giveUp();
    if (target !== this.#parts.scroller && target !== closest(event, ".row")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || key === " " || [...key].length !== 1) return;
    this.#composer.focus();
  }
}
