// A dialog that tells more about one thing, beside what was pressed. It asks the node when it opens, and again when
// something about that thing changes; a countdown in it goes on.

import { h, icon, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { isNarrow } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { store } from "../shared/session.js";

/** How often what may have changed is looked at while it is open, in ms; countdowns go on as well. */
const TICK_MS = 1000;
/** Distance to the edges of the window, in px. */
const EDGE_PX = 8;

/**
 * @template {object} Thing
 * @template Answer
 */
export class Panel {
  element;
  /**
   * What it tells about; null while it is closed.
   *
   * @type {Thing | null}
   */
  thing = null;
  /** @type {Answer | null} */
  #answer = null;
  #title;
  #problem = h("p", { class: "problem", role: "alert", hidden: true });
  #close = h("button", { class: "closer", type: "button", "aria-label": "Close", onclick: () => this.close() }, icon("close"));
  #ask;
  #draw;
  /** Whether something changed since the node was asked. */
  #stale = false;
  #asking = false;
  /** @type {number | undefined} */
  #timer;

  /**
   * `body`: the elements in it. `ask(thing)` asks the node; what it resolves with goes to `draw(thing, answer)`, which is
   * called without an answer as well: before there is one (null), and each second.
   *
   * @param {{ name: string, body: Node[], ask: (thing: Thing) => Promise<Answer>,
   *   draw: (thing: Thing, answer: Answer | null) => void }} how
   */
  constructor({ name, body, ask, draw }) {
    this.#ask = ask;
    this.#draw = draw;
    this.#title = h("h3", { id: `${name}-title`, dir: "auto" });
    this.element = h("dialog", { class: `details ${name}`, "aria-labelledby": `${name}-title` },
      h("div", { class: "inner" }, h("div", { class: "top" }, this.#title, this.#close), ...body, this.#problem));
    // What lies around it closes it.
    this.element.addEventListener("click", (event) => event.target === this.element && this.close());
    this.element.addEventListener("close", () => this.#closed());
    onKey(this.element, (event) => {
      event.stopPropagation();
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
  }

  /**
   * Tell about `thing`, beside `anchor`.
   *
   * @param {Thing} thing
   * @param {string} title
   * @param {Element} anchor
   */
  show(thing, title, anchor) {
    this.thing = thing;
    this.#answer = null;
    this.#stale = false;
    this.#problem.hidden = true;
    setText(this.#title, title);
    this.#draw(thing, null);
    this.element.showModal();
    this.#close.focus({ preventScroll: true });
    this.#place(anchor);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.again(() => this.#place(anchor));
  }

  close() {
    if (this.element.open) this.element.close();
  }

  /** Something may have changed: the node is asked with the next tick. */
  doubt() {
    this.#stale = true;
  }

  /**
   * Something changed: ask the node now.
   *
   * @param {() => void} [then]
   */
  async again(then = () => {}) {
    const { thing } = this;
    this.#stale = true;
    // An answer that is on its way may be older than what just happened: it is asked once more after it.
    if (!thing || this.#asking) return;
    this.#asking = true;
    this.#stale = false;
    try {
      const answer = await this.#ask(thing);
      if (thing !== this.thing) return;
      this.#answer = answer;
      this.#problem.hidden = true;
      this.#draw(thing, answer);
      then();
    } catch (thrown) {
      if (thing !== this.thing) return;
      const problem = problemOf(thrown);
      this.#stale = problem.retryable;
      setText(this.#problem, problem.message);
      this.#problem.hidden = false;
    } finally {
      this.#asking = false;
      if (this.thing && thing !== this.thing) this.again(then);
    }
  }

  #closed() {
    clearInterval(this.#timer);
    this.thing = null;
  }

  #tick() {
    if (this.#stale && !store.away) this.again();
    if (this.thing) this.#draw(this.thing, this.#answer);
  }

  /**
   * Beside what was pressed, within the window; a sheet at the bottom of a small screen.
   *
   * @param {Element} anchor
   */
  #place(anchor) {
    const { style } = this.element;
    style.left = style.top = "";
    if (isNarrow() || !anchor.isConnected) return;
    const box = anchor.getBoundingClientRect();
    const own = this.element.getBoundingClientRect();
    // To the right of its left edge where there is room: what is pressed at the left has the list beside it.
    const right = window.innerWidth - own.width - EDGE_PX;
    const left = box.left <= right ? box.left : Math.min(Math.max(EDGE_PX, box.right - own.width), right);
    const below = box.bottom + 6 + own.height < window.innerHeight - EDGE_PX;
    style.left = `${left}px`;
    style.top = `${Math.max(EDGE_PX, below ? box.bottom + 6 : box.top - own.height - 6)}px`;
  }
}
