// The row below what was found by the search box, while an address or an invite is typed there: it connects, or adds.

import { h, icon, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { place } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { offer, reach, targetOf } from "../shared/reaching.js";
import { connection } from "../shared/session.js";

/** @import { Target } from "../shared/reaching.js" */

export class Reach {
  #label = h("span", { class: "name", dir: "auto" });
  #note = h("span", { class: "preview" });
  button = h("button", { class: "reach", type: "button", onclick: () => this.act() },
    h("span", { class: "ring", "aria-hidden": "true" }, icon("link")),
    h("span", { class: "what" }, h("span", { class: "line" }, this.#label), h("span", { class: "line", role: "status" }, this.#note)));
  element = h("div", { class: "reaching", hidden: true }, this.button);
  /** @type {Target | null} */
  #target = null;
  /**
   * The idempotency key of what is typed now, so that a second click or a retry doesn't double it.
   *
   * @type {string | null}
   */
  #key = null;
  #done;

  /** @param {() => void} done The conversation was opened. */
  constructor(done) {
    this.#done = done;
  }

  /** Whether there is something to choose. */
  get offered() {
    return this.#target !== null;
  }

  /** @param {string} typed */
  draw(typed) {
    const target = targetOf(typed);
    this.element.hidden = !target;
    if (target?.text === this.#target?.text) return;
    this.#target = target;
    this.#key = null;
    if (!target) return;
    setText(this.#label, offer(target));
    this.#say(target.kind === "invite" ? "Only the one whose key it names can answer." : target.assumed ? "No port was typed: this is the usual one." : "");
  }

  async act() {
    const target = this.#target;
    if (!target) return;
    this.#key ??= newKey();
    this.#say("Asking your node…");
    try {
      const { peer } = await reach(connection, target, this.#key);
      if (target !== this.#target) return;
      this.#done();
      place.open(peer.room);
    } catch (thrown) {
      if (target !== this.#target) return;
      const problem = problemOf(thrown);
      if (!problem.retryable) this.#key = null;
      this.#say(`${problem.message}${problem.retryable ? " Try again in a moment." : ""}`, "bad");
    }
  }

  /**
   * @param {string} text
   * @param {string} [tone]
   */
  #say(text, tone = "") {
    setText(this.#note, text);
    this.#note.dataset.tone = tone;
  }
}
