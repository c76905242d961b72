// The conversation: its head, the log that scrolls, what waits, and the jump to the newest. Follows the end only while the
// reader is there; otherwise nothing moves under the reader. Marks as read only what the reader really has before them.

import { calm } from "../shared/calm.js";
import { avatar, drawAvatar, h, icon, reconcile, setAttribute, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { isNarrow, place } from "../shared/place.js";
import { connection, outbox, store } from "../shared/session.js";
import { tips } from "../shared/tip.js";
import * as when from "../shared/when.js";
import { Menu } from "./menu.js";
import { drawRow, makeRow, rowsOf, tipOf } from "./rows.js";
import { Talk } from "./talk.js";

/** So close to the end, in px, counts as being there. */
const AT_END_PX = 48;
/** Between two reports of what was read, in ms, and at random so much more: several tabs need not all report at once. */
const READ_PACE_MS = 250;
const READ_SPREAD_MS = 250;
/** So close to either end of what is loaded, in px, the next page is asked for. */
const NEAR_PX = 700;

export class Conversation {
  element;
  #parts;
  #talk = null;
  #composer;
  #menu = new Menu();
  #newAfter = null;
  /** Whether to stay at the end when something is added. */
  #follow = true;
  /** Where the last jump to the end led: the reader may have left since, before the browser tells of it. */
  #endTop = 0;
  #readAsked = 0;
  #readTimer = null;
  #redraw = calm(() => this.#picture());
  #stops = [];
  #flash = null;
  #said = () => {};

  constructor({ composer, announce }) {
    this.#composer = composer;
    this.#said = announce;
    const parts = {
      back: h("button", { class: "plainbutton back", "aria-label": "Back to the list", onclick: () => place.open(null) },
        icon("back")),
      avatar: avatar(),
      name: h("h2", { dir: "auto" }),
      presence: h("span", { class: "presence" }),
      address: h("span", { class: "address" }),
      badge: h("span", { class: "badge", tabindex: 0 }),
      rows: h("div", { class: "rows" }),
      top: h("div", { class: "top" }),
      waits: h("div", { class: "waits", hidden: true }),
      count: h("span", { class: "count" }),
      error: h("div", { class: "broken", hidden: true }),
    };
    parts.scroller = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": "Messages", tabindex: 0 },
      parts.top, parts.rows);
    parts.jump = h("button", { class: "jump", hidden: true, "aria-label": "Jump to the newest message",
      onclick: () => this.toNewest() }, icon("down"), parts.count);
    const title = h("div", { class: "title" }, h("div", { class: "line" }, parts.name, parts.badge),
      h("div", { class: "line small" }, parts.presence, parts.address));
    this.element = h("section", { class: "talk", "aria-label": "Conversation" },
      h("header", {}, parts.back, parts.avatar, title, this.#menu.element),
      h("div", { class: "middle" }, parts.scroller, parts.error, parts.jump), parts.waits, composer.element);
    this.#parts = parts;
    parts.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.element.addEventListener("click", (event) => this.#clicked(event));
    tips(this.element, (element) => tipOf(element, store.rooms.get(place.room)));
    const resized = new ResizeObserver(() => this.#keepEnd());
    resized.observe(parts.scroller);
    resized.observe(parts.rows);
    const seen = () => this.#markRead();
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("focus", seen);
    const tick = setInterval(() => this.#tick(), 1000);
    this.#stops = [
      store.on("lists", () => this.#listsChanged()),
      store.on("message", (op) => this.#arrived(op)),
      store.on("state", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("expired", (op) => op.room === this.#talk?.room && this.#talk.take(op)),
      store.on("said", (message) => message.room === this.#talk?.room && this.#talk.takeSaid(message)),
      store.on("reload", () => this.#talk?.refresh()),
      outbox.onChange(() => this.#redraw()),
      () => this.#redraw.stop(),
      () => clearTimeout(this.#readTimer),
      () => resized.disconnect(),
      () => document.removeEventListener("visibilitychange", seen),
      () => window.removeEventListener("focus", seen),
      () => clearInterval(tick),
    ];
  }

  destroy() {
    for (const stop of this.#stops) stop();
    this.#talk?.close();
  }

  /** Show a conversation (null: none). `around`: a message to show and point out. */
  open(room, around = null) {
    if (this.#talk?.room === room && around === null) {
      if (room && !isNarrow()) this.#composer.focus();
      return;
    }
    this.#talk?.close();
    this.#talk = null;
    this.#menu.close();
    this.#parts.rows.replaceChildren();
    this.#parts.rows.keyed = new Map();
    this.#parts.error.hidden = true;
    this.#composer.open(room);
    if (!room) return;
    const view = store.rooms.get(room);
    this.#newAfter = view?.unread ? view.read_upto : null;
    this.#readAsked = 0;
    this.#follow = around === null;
    this.#endTop = 0;
    this.#flash = around;
    this.#talk = new Talk(room, connection, (why) => this.#changed(why));
    this.#drawHead();
    if (store.loaded) this.#load(around);
    if (!isNarrow()) this.#composer.focus();
  }

  /** For the keyboard: arrows then scroll. */
  focusLog() {
    this.#parts.scroller.focus({ preventScroll: true });
  }

  toNewest() {
    this.#follow = true;
    this.#endTop = 0;
    if (this.#talk?.moreAfter) this.#talk.open();
    else this.#toEnd();
    this.#composer.focus();
  }

  /** Something of one's own was just sent from here: back to the end, and the New line has done its duty. */
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
    if (this.#talk.state === "new" || (this.#talk.state === "failed" && !store.away)) {
      const view = store.rooms.get(this.#talk.room);
      if (this.#newAfter === null && view?.unread) this.#newAfter = view.read_upto;
      this.#load(this.#flash);
    }
    this.#redraw();
  }

  #arrived(op) {
    const { message } = op;
    const room = store.rooms.get(message.room);
    if (message.room === this.#talk?.room) {
      if (!message.mine && !message.notice && this.#newAfter === null && !this.#reading()) {
        this.#newAfter = room?.read_upto ?? message.id - 1;
      }
      this.#talk.take(op);
    }
    if (!message.mine && !message.notice) this.#said(`${room?.name ?? message.name}: ${message.text.slice(0, 200)}`);
  }

  #changed(why) {
    if (why === "changed" && this.#talk.state === "ready") return this.#redraw();
    this.#draw();
    if (why === "opened") this.#firstLook();
    this.#parts.error.hidden = this.#talk.state !== "failed";
    if (this.#talk.state === "failed") {
      setText(this.#parts.error, `Can't show this conversation right now. ${this.#talk.problem?.message ?? ""}`);
    }
    this.#fillView();
    this.#markRead();
  }

  /** Where to look at first: the message asked for, the New line when what is new fills more than the view, the end. */
  #firstLook() {
    const { scroller, rows } = this.#parts;
    if (this.#flash !== null) {
      const found = rows.keyed.get(`m-${this.#flash}`);
      this.#flash = null;
      if (found) {
        found.scrollIntoView({ block: "center" });
        found.classList.add("flash");
        setTimeout(() => found.classList.remove("flash"), 2500);
        this.#follow = false;
        return;
      }
    }
    const line = rows.keyed.get("new");
    if (line && this.#follow) {
      const top = line.offsetTop - scroller.clientHeight * 0.2;
      if (this.#talk.moreAfter || top < scroller.scrollHeight - scroller.clientHeight - AT_END_PX) {
        this.#follow = false;
        scroller.scrollTop = top;
        return;
      }
    }
    if (this.#follow) this.#toEnd();
  }

  #clicked(event) {
    const pressed = event.target.closest?.("button[data-act]");
    if (!pressed) return;
    const { act, of } = pressed.dataset;
    if (act === "again") outbox.again(of);
    else if (act === "discard") outbox.takeBack(of);
    else if (act === "edit") this.#composer.give(outbox.takeBack(of));
    else if (act === "resend") this.#resend(pressed, Number(of));
  }

  async #resend(pressed, message) {
    pressed.disabled = true;
    try {
      // A new key: a second click after an answer is a new wish; a lost answer leaves the message waiting anyway.
      await connection.ask({ t: "resend", key: newKey(), message });
    } catch (problem) {
      pressed.disabled = false;
      setText(pressed.closest(".repair").firstChild, problem.message);
    }
  }

  // -- drawing

  /** All of it, as it is now; called through `#redraw`. */
  #picture() {
    if (!this.#talk) return;
    this.#drawHead();
    this.#draw();
    this.#fillView();
    this.#markRead();
  }

  #tick() {
    if (!this.#talk) return;
    this.#drawWaits();
    this.#drawHead();
  }

  #drawHead() {
    const room = store.rooms.get(this.#talk?.room);
    const { avatar: face, name, presence, address, badge } = this.#parts;
    this.element.classList.toggle("unknown", store.loaded && !room && !store.away);
    this.#menu.draw(room);
    if (!room) {
      setText(name, store.loaded && store.me ? "This conversation isn't here" : "…");
      setText(presence, "");
      setText(address, "");
      badge.hidden = true;
      return;
    }
    drawAvatar(face, room);
    setText(name, room.name);
    const seen = room.last_seen && room.link === "offline" ? `, last seen ${when.ago(room.last_seen, store.now())}` : "";
    setText(presence, store.away ? "presence unknown" : room.presence + seen);
    setAttribute(presence, "data-tone", store.away ? "plain" : room.presence_tone);
    setAttribute(presence, "data-tip", room.presence_title);
    setText(address, room.address === room.name ? "" : room.address);
    badge.hidden = !room.badge && !room.encrypted;
    setText(badge, room.encrypted ? "encrypted" : "not encrypted");
    setAttribute(badge, "data-kind", room.encrypted ? "good" : "plain");
    setAttribute(badge, "data-tip", room.badge_title || "Only you and the other side can read this.");
    setAttribute(badge, "aria-label", badge.dataset.tip);
    this.#composer.address(room);
  }

  #draw() {
    if (!this.#talk || this.#talk.state !== "ready") return;
    const { scroller, rows, top, jump, count } = this.#parts;
    const room = store.rooms.get(this.#talk.room);
    const pending = this.#talk.moreAfter ? [] : outbox.in(this.#talk.room);
    const now = store.now();
    const list = rowsOf(this.#talk.messages, pending, this.#newAfter, now);
    if (this.#left()) this.#follow = false;
    const anchor = this.#follow ? null : this.#anchor();
    const context = { now, room };
    reconcile(rows, list, (row) => row.key, makeRow, (element, row) => drawRow(element, row, context));
    const empty = !list.length;
    setText(top, empty ? "" : this.#talk.moreBefore ? "Loading older messages…" : "This is where it begins.");
    top.hidden = empty;
    rows.classList.toggle("empty", empty);
    setAttribute(rows, "data-hint", empty ? `Say hello to ${room?.name ?? "them"}.` : null);
    if (this.#follow) this.#keepEnd();
    else if (anchor?.element.isConnected) {
      const shift = anchor.element.getBoundingClientRect().top - anchor.top;
      if (Math.abs(shift) > 0.5) scroller.scrollTop += shift;
    }
    jump.hidden = this.#atEnd();
    setText(count, room?.unread ? String(room.unread) : "");
    this.#drawWaits();
  }

  /** What waits here, and why: once for all of it, above the composer. */
  #drawWaits() {
    const { waits } = this.#parts;
    const room = store.rooms.get(this.#talk?.room);
    const number = (this.#talk?.messages ?? []).filter((message) => message.delivery?.wait).length;
    waits.hidden = !number || !room || room.link === "online" || Boolean(store.away);
    if (waits.hidden) return;
    const next = room.next_at ? `, next try ${when.until(room.next_at, store.now())}` : "";
    setText(waits, `${number === 1 ? "1 message waits" : `${number} messages wait`}: ${room.wait}${next}.`);
  }

  /** A row in view to hold on to while things above it change. */
  #anchor() {
    const { scroller, rows } = this.#parts;
    const edge = scroller.getBoundingClientRect().top;
    for (const element of rows.children) {
      const box = element.getBoundingClientRect();
      if (box.bottom > edge && element.dataset.key.startsWith("m-")) return { element, top: box.top };
    }
    return null;
  }

  // -- scrolling and reading

  #atEnd() {
    const { scroller } = this.#parts;
    if (this.#talk?.moreAfter) return false;
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_END_PX;
  }

  #toEnd() {
    const { scroller } = this.#parts;
    scroller.scrollTop = scroller.scrollHeight;
    this.#endTop = scroller.scrollTop;
    this.#parts.jump.hidden = this.#atEnd();
  }

  /** Stay at the end, if that is where the reader is. While newer messages aren't loaded, there is no end to stay at. */
  #keepEnd() {
    if (this.#follow && !this.#talk?.moreAfter) this.#toEnd();
  }

  /** Whether the reader scrolled away from the end and the event about it is still to come. */
  #left() {
    return this.#follow && this.#parts.scroller.scrollTop < this.#endTop - 1 && !this.#atEnd() && !this.#talk.moreAfter;
  }

  #scrolled() {
    this.#follow = this.#atEnd();
    this.#parts.jump.hidden = this.#follow;
    this.#fillView();
    this.#markRead();
  }

  #fillView() {
    if (!this.#talk || this.#talk.state !== "ready") return;
    const { scroller } = this.#parts;
    if (scroller.scrollTop < NEAR_PX) this.#talk.older();
    if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX) this.#talk.newer();
  }

  /** Whether the reader has the end of this conversation before their eyes. */
  #reading() {
    return (
      document.visibilityState === "visible" &&
      this.element.offsetParent !== null &&
      this.#talk?.state === "ready" &&
      this.#atEnd()
    );
  }

  #markRead() {
    const room = store.rooms.get(this.#talk?.room);
    if (this.#readTimer !== null || !room?.unread || !this.#reading()) return;
    const upto = this.#talk.newestId;
    if (upto <= room.read_upto || upto <= this.#readAsked) return;
    this.#readAsked = upto;
    connection.ask({ t: "read", room: room.id, upto }).catch(() => {
      this.#readAsked = 0;
    });
    this.#readTimer = setTimeout(() => {
      this.#readTimer = null;
      this.#markRead();
    }, READ_PACE_MS + Math.random() * READ_SPREAD_MS);
  }
}
