// What just happened, for screen readers: said politely, and never more than one sentence at a time, however much comes in.

import { h, setText } from "../shared/dom.js";

/** Between two announcements, in ms: what comes in meanwhile is summed up. */
const PACE_MS = 1500;
/** So many are still read out one by one. */
const MANY = 3;
/** Characters of a message that are read out. */
const SPOKEN = 200;

export class Announcer {
  element = h("div", { class: "visuallyhidden", role: "status", "aria-live": "polite" });
  #waiting = [];
  #timer = null;

  /** Something was said: by whom, and what. */
  heard(name, text) {
    this.say(`${name}: ${text.slice(0, SPOKEN)}`);
  }

  say(text) {
    this.#waiting.push(text);
    this.#timer ??= setTimeout(() => this.#speak(), 0);
  }

  destroy() {
    clearTimeout(this.#timer);
  }

  #speak() {
    const waiting = this.#waiting;
    this.#waiting = [];
    const last = waiting.at(-1);
    setText(this.element, waiting.length > MANY ? `${waiting.length} new messages, the last: ${last}` : waiting.join(". "));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // Emptied, so that the same words said again are read out again.
      setText(this.element, "");
      if (this.#waiting.length) this.#speak();
    }, PACE_MS);
  }
}
