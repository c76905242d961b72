// One conversation in the list: who, the newest text, when, and what waits for the reader.

import { avatar, drawAvatar, h, icon, setAttribute, setText } from "../shared/dom.js";
import { addressOf, place } from "../shared/place.js";
import { drawPrivacy, privacyBadge } from "../shared/privacy.js";
import { store } from "../shared/session.js";
import { verifiedMark } from "../shared/verified.js";
import * as when from "../shared/when.js";

/** @import { RoomView } from "../shared/schema.js" */

export class Entry {
  element;
  #parts;
  #link;
  #room;
  #ticks;
  /** What was drawn last. */
  #signature = "";

  /**
   * @param {RoomView} room
   * @param {(id: string) => void} open
   * @param {() => number} ticks Changes when times are to be said anew.
   */
  constructor(room, open, ticks) {
    this.#room = room;
    this.#ticks = ticks;
    const parts = {
      face: avatar(),
      name: h("span", { class: "name", dir: "auto" }),
      presence: h("span", { class: "visuallyhidden" }),
      tag: privacyBadge({ class: "tag" }),
      doubt: h("span", { class: "doubtmark", hidden: true }, icon("alert"), h("span", { class: "visuallyhidden" }, ", warning")),
      verified: verifiedMark(),
      mark: h("span", { class: "namemark" }),
      last: h("span", { class: "preview", dir: "auto" }),
      time: h("time"),
      count: h("span", { class: "count", "aria-hidden": "true" }),
      said: h("span", { class: "visuallyhidden" }),
    };
    this.#parts = parts;
    this.#link = h("a", { class: "room", draggable: "false", onclick: (event) => {
      if (!isPlain(event)) return;
      event.preventDefault();
      open(this.#room.id);
    } }, parts.face,
    h("span", { class: "what" }, h("span", { class: "line" }, parts.name, parts.verified, parts.presence, parts.tag,
      parts.doubt),
      h("span", { class: "line" }, parts.mark, parts.last)),
    h("span", { class: "side" }, parts.time, parts.count, parts.said));
    this.element = h("div", { role: "listitem" }, this.#link);
  }

  /** @param {RoomView} room */
  draw(room) {
    const open = room.id === place.room;
    const unread = store.unreadIn(room);
    const types = store.typesIn(room);
    // Nothing about it changed since it was drawn: most rows, most of the time.
    const signature = `${open}|${unread}|${types}|${store.away !== null}|${this.#ticks()}`;
    if (this.#room === room && this.#signature === signature) return;
    this.#room = room;
    this.#signature = signature;
    const { face, name, verified, mark, tag, doubt, presence, last: preview, time } = this.#parts;
    setAttribute(this.#link, "href", addressOf(room.id));
    setAttribute(this.#link, "aria-current", open ? "true" : null);
    this.#link.classList.toggle("unread", unread > 0);
    drawAvatar(face, room);
    setText(name, room.name);
    verified.hidden = !room.verified;
    setText(mark, room.mark);
    drawPrivacy(tag, room.encrypted, room.privacy, room.privacy_title);
    doubt.hidden = !room.doubt;
    setAttribute(doubt, "data-tip", room.doubt?.text);
    setText(presence, `, ${store.away ? "presence unknown" : room.presence}, `);
    const { last } = room;
    preview.classList.toggle("types", types);
    setText(preview, types ? "is typing…" : last ? (last.mine ? `You: ${last.text}` : last.text) : "Nothing said yet");
    setText(time, last ? when.short(last.at, store.now()) : "");
    setAttribute(time, "title", last ? when.full(last.at) : null);
    this.#drawState(unread, last?.delivery ?? null);
  }

  /**
   * How much is unread; else that the newest text waits, or failed.
   *
   * @param {number} unread
   * @param {{ label: string, tone: string } | null} delivery
   */
  #drawState(unread, delivery) {
    const { count, said } = this.#parts;
    const troubled = delivery?.tone === "wait" || delivery?.tone === "bad" ? delivery : null;
    const state = unread ? "unread" : (troubled?.tone ?? "");
    setAttribute(count, "data-state", state);
    if (unread) setText(count, unread > 999 ? "999+" : String(unread));
    else if (count.dataset.drawn !== state || !state) {
      count.replaceChildren(...(troubled ? [icon(troubled.tone === "bad" ? "alert" : "clock")] : []));
    }
    count.dataset.drawn = state;
    setText(said, unread ? `, ${unread} unread` : troubled ? `, ${troubled.label}` : "");
  }
}

/**
 * Any other click is the browser's: a new tab, for one.
 *
 * @param {MouseEvent} event
 */
export function isPlain(event) {
  return !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
}
