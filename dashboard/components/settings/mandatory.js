// Peers that are greeted once at each start: the list, the greeting, the networks, and this start's outcomes.

import { h, reconcile, refocus, setAttribute, setText } from "../shared/dom.js";
import { onSubmit } from "../shared/keyboard.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Choice, drawSource, Field, group, Note, Saver, source } from "./field.js";

export class Mandatory {
  element;
  #note = new Note();
  #saver = new Saver(this.#note);
  #list = h("ul", { class: "mandatory" });
  #none = h("p", { class: "note" });
  #input = h("input", { placeholder: "192.168.1.20:5000", autocomplete: "off", spellcheck: "false", inputmode: "url",
    maxlength: 300, "aria-label": "Address of a mandatory peer", "aria-describedby": this.#note.id, name: "mandatory" });
  #button = h("button", { class: "act save", type: "submit" }, "Add");
  #source = source();
  #form;
  #held = null;
  #view = null;
  #fixed = true;
  #greeting = new Field({
    key: "mandatory_greeting",
    label: "What they are told",
    attributes: { maxlength: 1000, dir: "auto", name: "greeting" },
    read: (text) => text.trim() || { problem: "Type a greeting: 1 to 500 characters." },
  });
  #rule = new Choice({
    key: "mandatory_rule",
    label: "From where",
    choices: [["on", "Only from within the network that stands with their address"], ["off", "From any network"]],
  });

  constructor() {
    const form = this.#form = h("form", { class: "line", novalidate: true }, this.#input, this.#button);
    this.element = group("Mandatory peers",
      h("p", { class: "quiet" }, "Greeted once, each time the node starts; what is changed here counts from the next start on. An address may name the network it belongs to: ",
        h("code", {}, "IP:PORT@NETWORK"), "."),
      h("div", { class: "field" }, h("div", { class: "labelline" }, h("p", { class: "label" }, "Who"), this.#source), this.#list, this.#none, form, this.#note.element), this.#greeting.element, this.#rule.element);
    onSubmit(form, () => this.#add());
    this.#input.addEventListener("input", () => {
      this.#note.say("");
      setAttribute(this.#input, "aria-invalid", null);
    });
  }

  draw(view) {
    this.#view = view;
    this.#held = view.settings.mandatory ?? null;
    const option = view.options?.mandatory;
    this.#fixed = this.#held === null || Boolean(option?.fixed);
    this.#input.disabled = this.#button.disabled = this.#fixed;
    this.#settle();
    const outcomes = new Map(view.greetings.map((one) => [one.address, one]));
    const rows = (this.#held ?? []).map((entry) => ({ entry, outcome: outcomes.get(entry.split("@")[0]) }));
    reconcile(this.#list, rows, (row) => row.entry, () => this.#make(), (element, row) => this.#drawRow(element, row));
    this.#none.hidden = rows.length > 0;
    setText(this.#none, this.#held === null ? "This node doesn't tell." : "Nobody is greeted.");
    this.#note.origin(option);
    drawSource(this.#source, this.#held === null ? null : option);
    this.#greeting.draw(view);
    this.#rule.draw(view);
  }

  #make() {
    const parts = {
      entry: h("span", { class: "entry" }),
      network: h("span", { class: "quiet" }),
      word: h("span", { class: "word" }),
      why: h("span", { class: "quiet", dir: "auto" }),
      remove: h("button", { class: "act quiet", type: "button" }, "Remove"),
    };
    const element = h("li", {}, h("div", { class: "names" }, parts.entry, " ", parts.network,
      h("div", { class: "outcome" }, parts.word, " ", parts.why)), parts.remove);
    element.parts = parts;
    parts.remove.addEventListener("click", () => this.#remove(element));
    return element;
  }

  #drawRow(element, { entry, outcome }) {
    const { parts } = element;
    element.entry = entry;
    const [address, network] = entry.split("@");
    setText(parts.entry, address);
    setText(parts.network, network ? `from within ${network}` : "");
    setText(parts.word, outcome ? outcome.label : "not greeted yet");
    setAttribute(parts.word, "data-tone", outcome?.tone ?? "plain");
    setText(parts.why, outcome ? `${when.ago(outcome.at, store.now())}. ${outcome.why}` : "From the next start on.");
    setAttribute(parts.why, "data-tip", outcome ? when.full(outcome.at) : null);
    setAttribute(parts.remove, "aria-label", `Remove ${address}`);
    parts.remove.hidden = this.#fixed;
  }

  async #add() {
    if (this.#fixed || this.#saver.busy) return;
    const entry = this.#input.value.trim();
    const fail = () => {
      if (this.#input.value.trim() === entry) setAttribute(this.#input, "aria-invalid", "true");
      refocus(this.#input, this.#form);
    };
    if (!entry) {
      this.#note.say("Type an address, as 192.168.1.20:5000.", "bad");
      return fail();
    }
    if (this.#held.includes(entry)) {
      this.#note.say(`${entry} is on the list already.`, "wait");
      return fail();
    }
    if (await this.#save([...this.#held, entry], `Saved: ${entry} is greeted from the next start on.`)) {
      // The next one may be typed already.
      if (this.#input.value.trim() === entry) this.#input.value = "";
    } else fail();
  }

  /** Saved after all, though the answer was lost. */
  #settle() {
    if (!this.#saver.finds({ mandatory: this.#held })) return false;
    if (this.#held.includes(this.#input.value.trim())) this.#input.value = "";
    setAttribute(this.#input, "aria-invalid", null);
    return true;
  }

  async #save(mandatory, said) {
    if (!(await this.#saver.save({ mandatory }, said))) return this.#settle();
    // The event tells what it became; until then what was saved holds: the next change is one of that.
    this.#view.settings.mandatory = mandatory;
    this.draw(this.#view);
    return true;
  }

  async #remove(element) {
    const { remove } = element.parts;
    if (this.#saver.busy) return;
    remove.disabled = true;
    const { entry } = element;
    if (await this.#save(this.#held.filter((one) => one !== entry), `Saved: ${entry} is greeted no more.`)) {
      // The row goes; the focus must not go with it.
      refocus(this.#input, element);
    }
    remove.disabled = false;
  }
}
