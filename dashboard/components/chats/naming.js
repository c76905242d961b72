// Asks once what others shall call this person, above everything else on the page: only where nobody has ever chosen a
// name. Whatever is answered, the node saves it, so no page asks again. Nothing below waits for the answer.

import { focusAround, h, refocus, setAttribute, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { onKey, onSubmit } from "../shared/keyboard.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";

/** Characters that the field takes; the node refuses a name long before, and says why. */
const MOST = 200;

export class Naming {
  #field = h("input", { name: "name", maxlength: MOST, autocomplete: "nickname", spellcheck: "false", dir: "auto",
    "aria-describedby": "naming-note" });
  #button = h("button", { class: "primary", type: "submit" });
  #note = h("p", { class: "namenote", id: "naming-note", role: "status" });
  element = h("form", { class: "naming", hidden: true, "aria-label": "Your name" },
    h("label", {}, h("span", { class: "question" }, "What shall others call you?"), this.#field), this.#button, this.#note);
  /** The name that the node has now; null while nothing is asked. @type {string | null} */
  #suggested = null;
  /** Which node has answered that a name was chosen there. @type {string | null} */
  #settled = null;
  #asking = false;
  /** Whether it is to be asked again, because something changed meanwhile. */
  #stale = false;
  /** The idempotency key of this attempt, so that a retry doesn't double it. @type {string | null} */
  #key = null;
  #done;
  #stops;

  /** @param {(name: string, focused: boolean) => void} done A name was saved; whether the focus was in here. */
  constructor(done) {
    this.#done = done;
    this.#say("");
    this.#field.addEventListener("input", () => {
      this.#key = null;
      this.#say("");
      this.#draw();
    });
    onSubmit(this.element, () => void this.#save(this.#field.value));
    onKey(this.element, (event) => {
      if (event.key !== "Escape" || this.#suggested === null) return;
      event.preventDefault();
      event.stopPropagation();
      this.#field.value = this.#suggested;
      void this.#save(this.#suggested);
    });
    this.#stops = [
      // Another page may have answered.
      store.on("options", () => void this.look(true)),
      store.on("reload", () => void this.look(true)),
      store.on("lists", () => void this.look()),
    ];
  }

  destroy() {
    for (const stop of this.#stops) stop();
  }

  /**
   * Ask the node whether a name was chosen, if that isn't known. `again`: it may have changed.
   *
   * @param {boolean} [again]
   */
  async look(again = false) {
    const node = store.me?.id ?? null;
    if (node === null || store.away || this.#settled === node) return;
    if (this.#suggested !== null && !again) return;
    this.#stale = this.#asking && again;
    if (this.#asking) return;
    this.#asking = true;
    try {
      const { name, chosen } = await connection.ask({ t: "naming" });
      if (chosen) this.#settle(node);
      else this.#offer(name);
    } catch {
      // It is asked again with the next news.
    } finally {
      this.#asking = false;
    }
    if (this.#stale) void this.look(true);
  }

  /** @param {string} node */
  #settle(node) {
    this.#settled = node;
    this.#suggested = null;
    this.element.hidden = true;
  }

  /** @param {string} name */
  #offer(name) {
    const first = this.#suggested === null;
    // What somebody has typed stays.
    if (first || this.#field.value === this.#suggested) this.#field.value = name;
    this.#suggested = name;
    this.element.hidden = false;
    this.#draw();
    // Nobody is taken out of what they do, and no touch keyboard covers a page that has just come.
    if (!first || focusAround(this.element) || document.activeElement !== document.body || matchMedia("(pointer: coarse)").matches) return;
    this.#field.focus({ preventScroll: true });
    this.#field.select();
  }

  #draw() {
    setText(this.#button, this.#field.value.trim() === this.#suggested ? "Keep this name" : "Save");
  }

  /** @param {string} name */
  async #save(name) {
    if (this.#button.disabled) return;
    const node = store.me?.id ?? null;
    this.#key ??= newKey();
    this.#button.disabled = true;
    this.#say("Saving…");
    try {
      const saved = await connection.ask({ t: "name", name, key: this.#key });
      const focused = this.element.contains(focusAround(this.element));
      this.#say("");
      if (node !== null) this.#settle(node);
      this.#done(saved.name, focused);
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (!problem.retryable) this.#key = null;
      this.#say(`${problem.message}${problem.retryable ? " Try again in a moment." : ""}`, true);
      refocus(this.#field, this.element);
    } finally {
      this.#button.disabled = false;
    }
  }

  /**
   * @param {string} text Empty: what a name is for.
   * @param {boolean} [wrong]
   */
  #say(text, wrong = false) {
    setText(this.#note, text || "People you write to see it. It is a suggestion so far; Settings changes it at any time.");
    setAttribute(this.#note, "data-tone", wrong ? "bad" : null);
    setAttribute(this.#field, "aria-invalid", wrong ? "true" : null);
  }
}
