// Announces news to screen readers: politely, and one sentence at a time, however much comes in.

import { h, setText } from "./dom.js";
import { called } from "./names.js";
import { store } from "./session.js";

/** Pause between two announcements, in ms; news that comes meanwhile is summed up. */
const PACE_MS = 1500;
/** Up to so many messages are read out one by one. */
const MANY = 3;
/** Characters of a message that are read out. */
const SPOKEN = 200;

export class Announcer {
  element = h("div", { class: "visuallyhidden", role: "status", "aria-live": "polite" });
  /** @type {string[]} */
  #waiting = [];
  /** @type {number | undefined} */
  #timer;
  #stops;

  constructor() {
    /** @param {string} id */
    const nameOf = (id) => {
      const room = store.rooms.get(id);
      return room && called(room);
    };
    this.#stops = [
      store.on("message", ({ message }) => {
        if (message.mine || message.notice) return;
        this.#say(`${nameOf(message.room) ?? message.name}: ${message.text.slice(0, SPOKEN)}`);
      }),
      store.on("state", ({ room, delivery }) => {
        if (delivery?.tone !== "bad") return;
        this.#say(`A message to ${nameOf(room) ?? "somebody"} ${delivery.label}: ${delivery.why ?? ""}`);
      }),
    ];
  }

  /** @param {string} text */
  #say(text) {
    this.#waiting.push(text);
    this.#timer ??= setTimeout(() => this.#speak(), 0);
  }

  destroy() {
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
  }

  #speak() {
    const waiting = this.#waiting;
    this.#waiting = [];
    const last = waiting.at(-1);
    setText(this.element, waiting.length > MANY ? `${waiting.length} new messages, the last: ${last}` : waiting.join(". "));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // Empty it, so that the same words are read out again when they are repeated.
      setText(this.element, "");
      if (this.#waiting.length) this.#speak();
    }, PACE_MS);
  }
}
