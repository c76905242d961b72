// The composer. Typed text is a draft from the first letter on, kept by the outbox. Sending empties the field only once
// the outbox has the text.

import { many } from "../shared/amount.js";
import { closest, h, icon, setAttribute, setText } from "../shared/dom.js";
import { onKey, onSubmit } from "../shared/keyboard.js";
import { called } from "../shared/names.js";
import { outbox } from "../shared/session.js";
import { Typing } from "./typing.js";

/** Bytes (UTF-8) of one text that the node takes; BUS.md section 7. */
const MAX_BYTES = 64 * 1024;
/** From here on, what is left is shown. */
const WARN_BYTES = 60 * 1024;
const encoder = new TextEncoder();

export class Composer {
  element;
  /** Set by the page: called after something was sent. */
  onSent = () => {};
  #field;
  #send;
  #note;
  /** @type {string | null} */
  #room = null;
  #typing = new Typing();

  constructor() {
    this.#field = h("textarea", { rows: 1, dir: "auto", enterkeyhint: "send", "aria-label": "Message",
      autocomplete: "off", spellcheck: "true" });
    this.#send = h("button", { class: "send", type: "submit", "aria-label": "Send", disabled: true }, icon("send"));
    this.#note = h("p", { class: "note", role: "alert", hidden: true });
    this.element = h("form", { class: "composer" }, this.#note,
      h("div", { class: "box" }, this.#field, this.#send));
    onSubmit(this.element, () => this.#submit());
    this.element.addEventListener("click", (event) => closest(event, "button") || this.#field.focus());
    this.#field.addEventListener("input", () => {
      if (this.#room) {
        outbox.setDraft(this.#room, this.#field.value);
        this.#typing.typed(this.#room, this.#field.value);
      }
      this.#measure();
    });
    onKey(this.#field, (event) => {
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      this.#submit();
    });
  }

  destroy() {
    this.#typing.destroy();
  }

  /** @param {string | null} room */
  open(room) {
    if (room !== this.#room) this.#typing.stop();
    this.#room = room;
    this.element.hidden = !room;
    this.#field.value = room ? outbox.draft(room) : "";
    this.#measure();
  }

  /** The draft changed while it stood here: another node's, or that of a conversation that was merged into this one. */
  refill() {
    if (!this.#room) return;
    const draft = outbox.draft(this.#room);
    const { value, selectionStart: start, selectionEnd: end } = this.#field;
    if (value === draft) return;
    this.open(this.#room);
    // Keep the writer's cursor in its place.
    const before = draft.startsWith(value) ? 0 : draft.length - value.length;
    if (value && draft.startsWith(value, before)) this.#field.setSelectionRange(start + before, end + before);
  }

  /**
   * To whom it goes.
   *
   * @param {{ name: string, mark: string }} room
   */
  address(room) {
    setAttribute(this.#field, "placeholder", `Message ${called(room)}`);
    setAttribute(this.#field, "aria-label", `Message ${called(room)}`);
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  get focused() {
    return this.#field.matches(":focus");
  }

  /**
   * Put a text back for editing, above the present draft.
   *
   * @param {string | null} text
   */
  give(text) {
    if (!text || !this.#room) return;
    this.#field.value = this.#field.value ? `${text}\n${this.#field.value}` : text;
    outbox.setDraft(this.#room, this.#field.value);
    this.#measure();
    this.focus();
  }

  #submit() {
    const text = this.#field.value.replace(/\s+$/, "");
    if (!this.#room || !text.trim() || encoder.encode(text).length > MAX_BYTES) return;
    outbox.add(this.#room, text);
    outbox.setDraft(this.#room, "");
    this.#field.value = "";
    this.#typing.stop();
    this.#measure();
    this.onSent();
  }

  #measure() {
    const field = this.#field;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    const text = field.value;
    // A character has at most 3 bytes per UTF-16 unit: short texts need no counting.
    const bytes = text.length * 3 < WARN_BYTES ? 0 : encoder.encode(text).length;
    const over = bytes > MAX_BYTES;
    this.#send.disabled = !text.trim() || over;
    this.#note.hidden = bytes < WARN_BYTES;
    if (bytes >= WARN_BYTES) {
      setText(this.#note, over
        ? `Too long for one message by ${many(bytes - MAX_BYTES, "byte")}. Nothing is lost; send it in parts.`
        : `Room for ${many(MAX_BYTES - bytes, "byte")} more.`);
    }
    setAttribute(this.element, "data-over", over);
  }
}
