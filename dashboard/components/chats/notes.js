// A conversation's notes beside its messages: what waits and why, what was just done, why it can't be shown.

import { h, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { place } from "../shared/place.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";

/** How long a word about what was done stands, in ms. */
const TOAST_MS = 3500;

export class Notes {
  waits = h("div", { class: "waits", hidden: true });
  /** In conversations with nodes it always takes its place, so that nothing moves when somebody begins to type. */
  typing = h("p", { class: "typing", role: "status" }, h("span", { class: "name", dir: "auto" }), h("span"));
  toast = h("p", { class: "toast", role: "status" });
  error = h("div", { class: "broken", hidden: true }, h("h3"), h("p"),
    h("button", { class: "act", type: "button", onclick: () => place.open(null) }, "All conversations"));
  #timer = null;

  clear() {
    this.error.hidden = true;
    this.say("");
  }

  /** A word about what was just done. */
  say(text) {
    clearTimeout(this.#timer);
    setText(this.toast, text);
    if (text) this.#timer = setTimeout(() => setText(this.toast, ""), TOAST_MS);
  }

  /** Why the conversation can't be shown, if it can't. */
  drawError(talk) {
    // While it is tried once more, what went wrong stays.
    this.error.hidden = talk.state === "ready" || !talk.problem;
    if (this.error.hidden) return;
    const [title, text, back] = this.error.children;
    const gone = talk.problem?.code === "not_found";
    setText(title, gone ? "This conversation isn't here" : "Can't show this conversation right now");
    setText(text, gone
      ? "It was deleted or merged into another one, or the link is another dashboard's."
      : `${talk.problem?.message ?? ""} It is shown as soon as that is over.`.trim());
    back.hidden = !gone;
  }

  /** That the other side types. `room` is the conversation's view, or undefined. */
  drawTyping(room) {
    const types = room && store.typesIn(room);
    setText(this.typing.firstChild, types ? called(room) : "");
    setText(this.typing.lastChild, types ? " is typing…" : "");
  }

  /** What waits here, and why: once for all of it, above the composer. */
  drawWaits(talk) {
    const room = store.rooms.get(talk?.room);
    const number = (talk?.messages ?? []).filter((message) => message.delivery?.wait).length;
    this.waits.hidden = !number || !room || room.link === "online" || Boolean(store.away);
    if (this.waits.hidden) return;
    const next = room.next_at ? `, next try ${when.until(room.next_at, store.now())}` : "";
    setText(this.waits, `${number === 1 ? "1 message waits" : `${number} messages wait`}: ${room.wait}${next}.`);
  }
}
