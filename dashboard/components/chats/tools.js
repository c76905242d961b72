// What one can do with one message, and how the keyboard goes from message to message. One button for the whole log: it
// comes to the message under the pointer or the focus. So do the links in a message.

import { closest, focusAround, h, icon, setAttribute, toClipboard } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { linkTo } from "../shared/place.js";
import { bubbleOf } from "./bubble.js";
import { Popup } from "./popup.js";

/** @import { Bubble } from "./bubble.js" */
/** @import { Message } from "./talk.js" */

/** Characters of a message that are read out when the keyboard comes to it. */
const SPOKEN = 600;

export class Tools {
  /** The menu; it lies beside the log, which would cut it off. */
  element;
  #log;
  #rows;
  #button;
  #popup;
  /**
   * The message under the pointer or the focus.
   *
   * @type {Bubble | null}
   */
  #bubble = null;
  /** Where the button was when its menu was placed beside it, in px from above. */
  #placedAt = 0;
  #done;
  #toEnd;
  #delivery;

  /**
   * `log` scrolls and holds `rows`; `done(text)` tells what was done; `toEnd()` goes to the newest message;
   * `details(message, element)` tells what became of one.
   *
   * @param {HTMLElement} log
   * @param {HTMLElement} rows
   * @param {{ done: (text: string) => void, toEnd: () => void, details: (message: Message, anchor: HTMLElement) => void }} how
   */
  constructor(log, rows, { done, toEnd, details }) {
    this.#log = log;
    this.#rows = rows;
    this.#done = done;
    this.#toEnd = toEnd;
    this.#button = h("button", { class: "tools", type: "button", "aria-label": "More about this message" }, icon("more"));
    this.#popup = new Popup(this.#button, "message-menu", { onShow: () => this.#place() });
    this.#delivery = this.#popup.add("Delivery…", () => this.#message && details(this.#message, this.#button));
    this.#popup.add("Copy text", () => this.#message && this.#copy(this.#message.text, "Text copied."));
    this.#popup.add("Copy link to this message",
      () => this.#message && this.#copy(linkTo(this.#message.room, this.#message.id), "Link copied."));
    this.element = h("div", { class: "menu float" }, this.#popup.items);
    for (const come of ["pointerover", "focusin"]) {
      rows.addEventListener(come, (event) => this.#come(bubbleOf(closest(event, ".row"))));
    }
    rows.addEventListener("pointerleave", () => this.#leave());
    new ResizeObserver(() => this.#popup.hide(false)).observe(log);
    // Older messages that come in above scroll the log as well, and nothing moves for the reader.
    log.addEventListener("scroll", () => this.#strayed() && this.#popup.hide(false), { passive: true });
    onKey(log, (event) => this.#key(event));
  }

  /** The conversation changes: nothing of the old one stays. */
  close() {
    this.#popup.hide(false);
    this.#take(null);
  }

  /**
   * Give a message the focus, and have it read out.
   *
   * @param {HTMLElement} row
   * @param {{ scroll?: boolean }} [how]
   */
  focus(row, { scroll = true } = {}) {
    const message = bubbleOf(row)?.message;
    const who = message?.mine ? "You" : (message?.name ?? "");
    const text = message?.text ?? row.textContent;
    const clear = message?.plain ? ", plain" : "";
    const said = `${who}, ${row.querySelector("time")?.textContent ?? ""}${clear}: ${text.slice(0, SPOKEN)}`;
    setAttribute(row, "aria-label", message?.delivery ? `${said}, ${message.delivery.label}` : said);
    row.addEventListener("blur", () => setAttribute(row, "aria-label", null), { once: true });
    if (scroll) row.scrollIntoView({ block: "nearest" });
    row.focus({ preventScroll: true });
  }

  get #message() {
    return this.#bubble?.message;
  }

  /** @param {Bubble | null} bubble */
  #come(bubble) {
    // What is only on its way has no number yet, and so no link.
    if (!bubble?.message || bubble === this.#bubble || this.#popup.open) return;
    this.#take(bubble);
  }

  #leave() {
    if (this.#popup.open || this.#rows.contains(focusAround(this.#log))) return;
    this.#take(null);
  }

  /** @param {Bubble | null} bubble */
  #take(bubble) {
    this.#bubble?.reach(false);
    bubble?.reach(true);
    this.#bubble = bubble;
    if (bubble) bubble.box.append(this.#button);
    else this.#button.remove();
  }

  #place() {
    this.#delivery.hidden = !this.#message?.delivery;
    const { items } = this.#popup;
    const box = this.#button.getBoundingClientRect();
    this.#placedAt = box.top;
    items.hidden = false;
    const own = items.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.right - own.width), window.innerWidth - own.width - 8);
    const below = box.bottom + 4 + own.height < window.innerHeight;
    items.style.left = `${left}px`;
    items.style.top = `${below ? box.bottom + 4 : box.top - own.height - 4}px`;
  }

  /** Whether the menu no longer lies beside its button. */
  #strayed() {
    return Math.abs(this.#button.getBoundingClientRect().top - this.#placedAt) > 2;
  }

  /**
   * @param {string} text
   * @param {string} done
   */
  async #copy(text, done) {
    if (!text) return;
    await toClipboard(text);
    this.#done(done);
  }

  /**
   * Arrows go from message to message; Home and End to the ends of what there is.
   *
   * @param {KeyboardEvent} event
   */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const row = closest(event, ".row");
    if (event.target !== this.#log && event.target !== row) return;
    const stops = () => {
      /** @type {NodeListOf<HTMLElement>} */
      const rows = this.#rows.querySelectorAll(".row");
      return [...rows];
    };
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const step = event.key === "ArrowUp" ? -1 : 1;
      const next = row ? stops()[stops().indexOf(row) + step] : this.#lastInView(stops());
      if (next) this.focus(next);
      else if (step < 0) this.#log.scrollTop = 0;
    } else if (event.key === "Home") {
      this.#log.scrollTop = 0;
    } else if (event.key === "End") {
      this.#toEnd();
      this.#log.focus({ preventScroll: true });
    } else return;
    event.preventDefault();
  }

  /** @param {HTMLElement[]} rows */
  #lastInView(rows) {
    const edge = this.#log.getBoundingClientRect().bottom;
    return rows.findLast((row) => row.getBoundingClientRect().top < edge - 8);
  }
}
