// What one can do with one message, and how the keyboard goes from message to message. One button for the whole log: it
// comes to the message under the pointer or the focus. So do the links in a message.

import { h, icon, setAttribute, toClipboard } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { reachable } from "../shared/links.js";
import { linkTo } from "../shared/place.js";
import { Popup } from "./popup.js";
import { stateReachable } from "./rows.js";

/** Characters of a message that are read out when the keyboard comes to it. */
const SPOKEN = 600;

export class Tools {
  /** The menu; it lies beside the log, which would cut it off. */
  element;
  #log;
  #rows;
  #button;
  #popup;
  #row = null;
  /** Where the button was when its menu was placed beside it, in px from above. */
  #placedAt = 0;
  #done;
  #toEnd;
  #delivery;

  /**
   * `log` scrolls and holds `rows`; `done(text)` tells what was done; `toEnd()` goes to the newest message;
   * `details(message, element)` tells what became of one.
   */
  constructor(log, rows, { done, toEnd, details }) {
    this.#log = log;
    this.#rows = rows;
    this.#done = done;
    this.#toEnd = toEnd;
    this.#button = h("button", { class: "tools", type: "button", "aria-label": "More about this message" }, icon("more"));
    this.#popup = new Popup(this.#button, "message-menu", { onShow: () => this.#place() });
    this.#delivery = this.#popup.add("Delivery…", () => this.#message && details(this.#message, this.#button));
    this.#popup.add("Copy text", () => this.#copy(this.#message?.text, "Text copied."));
    const link = () => this.#message && linkTo(this.#message.room, this.#message.id);
    this.#popup.add("Copy link to this message", () => this.#copy(link(), "Link copied."));
    this.element = h("div", { class: "menu float" }, this.#popup.items);
    rows.addEventListener("pointerover", (event) => this.#come(event.target.closest(".row")));
    rows.addEventListener("focusin", (event) => this.#come(event.target.closest(".row")));
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

  /** Give a message the focus, and have it read out. */
  focus(row, { scroll = true } = {}) {
    const { name, text, delivery, mine } = row.message ?? { name: "", text: row.textContent };
    const clear = row.message?.plain ? ", plain" : "";
    const said = `${mine ? "You" : name}, ${row.querySelector("time")?.textContent ?? ""}${clear}: ${text.slice(0, SPOKEN)}`;
    setAttribute(row, "aria-label", delivery ? `${said}, ${delivery.label}` : said);
    row.addEventListener("blur", () => setAttribute(row, "aria-label", null), { once: true });
    if (scroll) row.scrollIntoView({ block: "nearest" });
    row.focus({ preventScroll: true });
  }

  get #message() {
    return this.#row?.message;
  }

  #come(row) {
    // What is only on its way has no number yet, and so no link.
    if (!row?.message || row === this.#row || this.#popup.open) return;
    this.#take(row);
  }

  #leave() {
    if (this.#popup.open || this.#rows.contains(this.#log.getRootNode().activeElement)) return;
    this.#take(null);
  }

  #take(row) {
    reachable(this.#row, false);
    stateReachable(this.#row, false);
    reachable(row, true);
    stateReachable(row, true);
    this.#row = row;
    if (row) row.parts.bubble.append(this.#button);
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

  async #copy(text, done) {
    if (!text) return;
    await toClipboard(text);
    this.#done(done);
  }

  /** Arrows go from message to message; Home and End to the ends of what there is. */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const row = event.target.closest?.(".row");
    if (event.target !== this.#log && event.target !== row) return;
    const stops = () => [...this.#rows.querySelectorAll(".row")];
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

  #lastInView(rows) {
    const edge = this.#log.getBoundingClientRect().bottom;
    return rows.findLast((row) => row.getBoundingClientRect().top < edge - 8);
  }
}
