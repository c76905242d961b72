// A conversation's notes beside its messages: what waits and why, what was just done, why it can't be shown.

import { h, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { place } from "../shared/place.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";

/** @import { RoomView } from "../shared/schema.js" */
/** @import { Talk } from "./talk.js" */

/** How long a word about what was done stands, in ms. */
const TOAST_MS = 3500;

export class Notes {
  waits = h("div", { class: "waits", hidden: true });
  /** In conversations with nodes it always takes its place, so that nothing moves when somebody begins to type. */
  #typist = h("span", { class: "name", dir: "auto" });
  #types = h("span");
  typing = h("p", { class: "typing", role: "status" }, this.#typist, this.#types);
  toast = h("p", { class: "toast", role: "status" });
  #title = h("h3");
  #text = h("p");
  #back = h("button", { class: "act", type: "button", onclick: () => place.open(null) }, "All conversations");
  error = h("div", { class: "broken", hidden: true }, this.#title, this.#text, this.#back);
  /** @type {number | undefined} */
  #timer;

  clear() {
    this.error.hidden = true;
    this.say("");
  }

  /**
   * A word about what was just done.
   *
   * @param {string} text
   */
  say(text) {
    clearTimeout(this.#timer);
    setText(this.toast, text);
    if (text) this.#timer = setTimeout(() => setText(this.toast, ""), TOAST_MS);
  }

  /**
   * Why the conversation can't be shown, if it can't.
   *
   * @param {Talk} talk
   */
  drawError(talk) {
    // While it is tried once more, what went wrong stays.
    this.error.hidden = talk.state === "ready" || !talk.problem;
    if (this.error.hidden) return;
    const gone = talk.problem?.code === "not_found";
    setText(this.#title, gone ? "This conversation isn't here" : "Can't show this conversation right now");
    setText(this.#text, gone
      ? "It was deleted or merged into another one, or the link is another dashboard's."
      : `${talk.problem?.message ?? ""} It is shown as soon as that is over.`.trim());
    this.#back.hidden = !gone;
  }

  /**
   * That the other side types.
   *
   * @param {RoomView | undefined} room
   */
  drawTyping(room) {
    const typist = room && store.typesIn(room) ? room : null;
    setText(this.#typist, typist ? called(typist) : "");
    setText(this.#types, typist ? " is typing…" : "");
  }

  /**
   * What waits here, and why: once for all of it, above the composer.
   *
   * @param {Talk} talk
   */
  drawWaits(talk) {
    const room = store.rooms.get(talk.room);
    const number = talk.messages.filter((message) => message.delivery?.wait).length;
    const waits = number && room && (room.link !== "online" || room.refused) && !store.away;
    this.waits.hidden = !waits;
    if (!waits) return;
    const next = room.next_at ? `, next try ${when.until(room.next_at, store.now())}` : "";
    setText(this.waits, `${number === 1 ? "1 message waits" : `${number} messages wait`}: ${room.wait}${next}.`);
  }
}
