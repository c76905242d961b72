// One setting: its control, the source of its value, and the outcome of saving it. Nothing is shown as saved before the
// node has it on disk. An error is shown beside the field, in the node's words.

import { h, refocus, setAttribute, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { onKey, onSubmit } from "../shared/keyboard.js";
import { connection } from "../shared/session.js";

let numbers = 0;

/** How often something was saved: an answer from before doesn't know of it. */
export const saves = { number: 0 };

/** A few words beside a label: where the value comes from. */
export const source = () => h("span", { class: "source" });

export function drawSource(element, option) {
  setText(element, option ? option.origin : "");
  setAttribute(element, "data-tip", option?.meaning || null);
}

/** How long "Saved." is shown, in ms. */
const SAVED_MS = 6000;

/** A section of the page. */
export function group(title, ...children) {
  const id = `group-${++numbers}`;
  return h("section", { class: "card group", "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

/** The line below a control: what was saved, what went wrong, who fixed it. */
export class Note {
  element;
  id = `note-${++numbers}`;
  #said = h("span");
  #origin = h("span");
  #timer = null;

  constructor() {
    this.element = h("p", { class: "note", id: this.id }, h("span", { role: "status" }, this.#said), " ", this.#origin);
  }

  say(text, tone = "plain") {
    clearTimeout(this.#timer);
    setText(this.#said, text);
    setAttribute(this.element, "data-tone", text ? tone : null);
    if (tone === "good") this.#timer = setTimeout(() => this.say(""), SAVED_MS);
    this.#hide();
  }

  /** What to do about a value that the node's start has fixed; nothing when it can be changed here. */
  origin(option) {
    setText(this.#origin, option?.how ?? "");
    this.#hide();
  }

  #hide() {
    this.element.hidden = !this.#said.textContent && !this.#origin.textContent;
  }
}

/** Saves changes one at a time, each with an idempotency key, so that a retry after a lost answer doesn't double it. */
export class Saver {
  busy = false;
  #note;
  #key = null;
  #asked = "";
  /** Whether the last answer was lost, so that the change may be saved all the same. */
  #unsure = false;
  #saved = "";

  constructor(note) {
    this.#note = note;
  }

  /** Save; resolves with whether the node has stored it. If not, the note says why. */
  async save(changes, saved = "Saved.") {
    const wish = JSON.stringify(changes);
    if (wish !== this.#asked || !this.#key) this.#key = newKey();
    this.#asked = wish;
    this.#unsure = false;
    this.#saved = saved;
    this.busy = true;
    this.#note.say("Saving…");
    try {
      await connection.ask({ t: "change", key: this.#key, ...changes });
      this.#key = null;
      saves.number++;
      this.#note.say(saved, "good");
      return true;
    } catch (problem) {
      this.#unsure = problem.retryable;
      if (!problem.retryable) this.#key = null;
      this.#note.say(problem.retryable ? `Perhaps not saved. ${problem.message} Try again in a moment.` : `Not saved. ${problem.message}`, "bad");
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** What the node holds now: if that is what was asked for and only the answer was lost, it is saved. */
  finds(changes) {
    if (!this.#unsure || JSON.stringify(changes) !== this.#asked) return false;
    this.#unsure = false;
    this.#key = null;
    this.#note.say(this.#saved, "good");
    return true;
  }
}

/** A setting with a text or a number, saved by its button or by Enter. */
export class Field {
  element;
  input;
  #button;
  #note = new Note();
  #saver = new Saver(this.#note);
  #key;
  #read;
  #show;
  #sure;
  #label;
  #source = source();
  /** What the node holds, and its text. */
  #value = null;
  #held = null;
  #fixed = false;
  #view = null;

  /**
   * `key`: of the setting. `attributes`: of the input. `show(value)` is its text; `read(text)` gives what to save, or
   * {problem}. `sure(value, held)` gives a question to be asked before what can't be undone; its answer is a second press.
   */
  constructor({ key, label, help = "", attributes = {}, show = String, read = (text) => text, unit = "", sure = () => "" }) {
    this.#key = key;
    this.#read = read;
    this.#show = show;
    this.#sure = sure;
    const id = `field-${++numbers}`;
    const helpId = `${id}-help`;
    this.input = h("input", { id, autocomplete: "off", spellcheck: "false", "aria-describedby": `${helpId} ${this.#note.id}`, ...attributes });
    this.#label = `Save: ${label}`;
    this.#button = h("button", { class: "act save", type: "submit", disabled: true, "aria-label": this.#label }, "Save");
    this.element = h("form", { class: "field", novalidate: true },
      h("div", { class: "labelline" }, h("label", { for: id }, label), this.#source), help ? h("p", { class: "quiet", id: helpId }, help) : null,
      h("div", { class: "line" }, this.input, unit ? h("span", { class: "quiet" }, unit) : null, this.#button), this.#note.element);
    this.input.addEventListener("input", () => {
      this.#calm();
    });
    onSubmit(this.element, () => this.#save());
    onKey(this.input, (event) => {
      if (event.key !== "Escape" || !this.#dirty) return;
      event.preventDefault();
      this.#restore();
    });
  }

  /** What the node holds, and what it says of it. Somebody's half-typed text stays. */
  draw(view) {
    this.#view = view;
    const value = view.settings[this.#key];
    const option = view.options?.[this.#key];
    const unknown = value === null || value === undefined;
    const dirty = this.#dirty;
    // What can't be told right now is no change of it.
    const text = !unknown ? this.#show(value) : dirty ? this.#held : "";
    const elsewhere = this.#held !== null && text !== this.#held && dirty && !this.#saver.busy && this.input.value !== text;
    this.#held = text;
    this.#value = value;
    this.#fixed = unknown || Boolean(option?.fixed);
    this.input.disabled = this.#fixed;
    setAttribute(this.input, "placeholder", unknown ? "This node doesn't tell" : null);
    if (!dirty) this.input.value = text;
    if (this.#saver.finds({ [this.#key]: value })) setAttribute(this.input, "aria-invalid", null);
    if (elsewhere) this.#note.say(`Changed elsewhere meanwhile, to “${text}”. Save yours, or press Esc to take that.`, "wait");
    this.#note.origin(option);
    drawSource(this.#source, unknown ? null : option);
    this.#enable();
  }

  get #dirty() {
    return this.#held !== null && this.input.value !== this.#held;
  }

  #restore() {
    this.input.value = this.#held;
    this.#calm();
  }

  #calm() {
    this.#note.say("");
    setAttribute(this.input, "aria-invalid", null);
    setText(this.#button, "Save");
    setAttribute(this.#button, "aria-label", this.#label);
    this.#enable();
  }

  #enable() {
    this.#button.disabled = this.#fixed || this.#saver.busy || this.#held === null || this.input.value === this.#held;
  }

  async #save() {
    if (this.#button.disabled) return;
    const value = this.#read(this.input.value);
    if (value?.problem) {
      this.#note.say(value.problem, "bad");
      setAttribute(this.input, "aria-invalid", "true");
      return this.input.focus();
    }
    const question = this.#sure(value, this.#value);
    if (question && this.#button.textContent !== question) {
      setText(this.#button, question);
      setAttribute(this.#button, "aria-label", question);
      return this.#note.say("Press the button once more to do it, or Esc to leave it as it is.", "wait");
    }
    setText(this.#button, "Save");
    setAttribute(this.#button, "aria-label", this.#label);
    const wanted = this.input.value;
    const saving = this.#saver.save({ [this.#key]: value });
    this.#enable();
    if (await saving) {
      // The event tells what it became; until then what was saved holds, also when something else is drawn anew.
      this.#view.settings[this.#key] = this.#value = value;
      if (this.input.value === wanted) this.input.value = this.#show(value);
      this.#held = this.#show(value);
    } else if (!this.#saver.finds({ [this.#key]: this.#value })) {
      if (this.input.value === wanted) setAttribute(this.input, "aria-invalid", "true");
      refocus(this.input, this.element);
    }
    this.#enable();
  }
}

/** A setting that is on or off, or one of a few: saved at once, but shown as the node has it. */
export class Choice {
  element;
  #key;
  #note = new Note();
  #saver = new Saver(this.#note);
  #inputs;
  #held = null;
  #view = null;
  #source = source();

  /** `choices`: [value, label] each. */
  constructor({ key, label, help = "", choices }) {
    this.#key = key;
    const name = `choice-${++numbers}`;
    this.#inputs = choices.map(([value, text]) => {
      const input = h("input", { type: "radio", name, value: String(value), disabled: true });
      input.addEventListener("change", () => this.#save(value));
      return { value, input, element: h("label", {}, input, h("span", {}, text)) };
    });
    this.element = h("fieldset", { class: "field choice", "aria-describedby": this.#note.id },
      h("legend", {}, label, " ", this.#source), help ? h("p", { class: "quiet" }, help) : null,
      h("div", { class: "choices" }, ...this.#inputs.map((one) => one.element)), this.#note.element);
  }

  draw(view) {
    this.#view = view;
    this.#held = view.settings[this.#key];
    const option = view.options?.[this.#key];
    const unknown = this.#held === null || this.#held === undefined;
    for (const { input } of this.#inputs) input.disabled = unknown || Boolean(option?.fixed);
    drawSource(this.#source, unknown ? null : option);
    this.#note.origin(unknown ? { how: "This node doesn't tell." } : option);
    this.#saver.finds({ [this.#key]: this.#held });
    if (!this.#saver.busy) this.#show();
  }

  #show() {
    for (const { value, input } of this.#inputs) input.checked = value === this.#held;
  }

  async #save(value) {
    const saving = this.#saver.save({ [this.#key]: value });
    // Not before the node says so.
    this.#show();
    if (await saving) this.#view.settings[this.#key] = this.#held = value;
    else this.#saver.finds({ [this.#key]: this.#held });
    this.#show();
  }
}
