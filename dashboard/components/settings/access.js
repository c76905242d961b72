// Who may open this dashboard: another link, for another browser; and all others can be shut out.

import { h, setText, toClipboard } from "../shared/dom.js";
import { protection } from "../shared/protection.js";
import { connection } from "../shared/session.js";
import { group, Note } from "./field.js";

/** A second press within this time shuts the others out, in ms. */
const CONFIRM_MS = 5000;

export class Access {
  element;
  #note = new Note();
  #link = h("code", {});
  #path = h("div", { class: "path", hidden: true });
  #copy = h("button", { class: "act", type: "button", hidden: true }, "Copy the link");
  #make = h("button", { class: "act", type: "button" }, "Make a link");
  #shut = h("button", { class: "act quiet", type: "button" }, "Shut out all other browsers");
  #timer = null;

  constructor() {
    this.#path.append(this.#link);
    const weaker = protection();
    this.element = group("This dashboard", h("div", { class: "field" },
      h("p", { class: "quiet" }, "A link opens the dashboard in another browser, once, within a day. Who opens it reads and writes as you."),
      weaker ? h("p", { class: "quiet weaker" }, weaker) : null,
      this.#path, h("div", { class: "line" }, this.#make, this.#copy, this.#shut), this.#note.element));
    this.#note.say("");
    this.#make.addEventListener("click", () => this.#another());
    this.#copy.addEventListener("click", () => this.#toClipboard());
    this.#shut.addEventListener("click", () => this.#shutOut());
  }

  async #ask(word) {
    try {
      return await connection.ask({ t: word });
    } catch (problem) {
      this.#note.say(problem.message, "bad");
      return null;
    }
  }

  #showLink(link) {
    setText(this.#link, link ?? "");
    this.#path.hidden = this.#copy.hidden = !link;
  }

  async #another() {
    const told = await this.#ask("link");
    if (!told) return;
    this.#showLink(`${window.location.origin}/?link=${told.code}`);
    this.#note.say("Open it in the other browser. It works once.", "good");
  }

  async #toClipboard() {
    await toClipboard(this.#link.textContent);
    this.#note.say("The link is on the clipboard.", "good");
  }

  /** Twice: every other browser needs a link again. */
  async #shutOut() {
    if (!this.#timer) {
      setText(this.#shut, "Really? They need a link again");
      this.#timer = setTimeout(() => this.#calm(), CONFIRM_MS);
      return;
    }
    this.#calm();
    this.#shut.disabled = true;
    const told = await this.#ask("shut_out");
    this.#shut.disabled = false;
    if (!told) return;
    this.#showLink(null);
    this.#note.say("All other browsers are shut out, and earlier links don't work any more.", "good");
  }

  #calm() {
    clearTimeout(this.#timer);
    this.#timer = null;
    setText(this.#shut, "Shut out all other browsers");
  }
}
