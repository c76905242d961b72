// Who may open this dashboard: the link with the token. It is shown and copied on wish only, and can be made anew.

import { h, setAttribute, setText, toClipboard } from "../shared/dom.js";
import { connection } from "../shared/session.js";
import { group, Note } from "./field.js";

/** A second press within this time makes a new token, in ms. */
const CONFIRM_MS = 5000;
const HIDDEN = "••••••••";

const linkOf = (token) => `${window.location.origin}/?token=${token}`;

export class Access {
  element;
  #note = new Note();
  #link = h("code", {});
  #show = h("button", { class: "act", type: "button", "aria-pressed": "false" }, "Show");
  #renew = h("button", { class: "act quiet", type: "button" }, "Make a new link");
  #shown = false;
  #timer = null;

  constructor() {
    const copying = h("button", { class: "act", type: "button" }, "Copy the link");
    this.#conceal();
    this.element = group("This dashboard", h("div", { class: "field" },
      h("p", { class: "quiet" }, "Whoever has this link reads and writes as you. It opens the dashboard in another browser of this machine."),
      h("div", { class: "path" }, this.#link), h("div", { class: "line" }, copying, this.#show, this.#renew), this.#note.element));
    this.#note.say("");
    copying.addEventListener("click", () => this.#copy());
    this.#show.addEventListener("click", () => this.#toggle());
    this.#renew.addEventListener("click", () => this.#again());
  }

  #conceal() {
    this.#shown = false;
    setText(this.#link, linkOf(HIDDEN));
    setText(this.#show, "Show");
    setAttribute(this.#show, "aria-pressed", "false");
  }

  async #ask(word) {
    try {
      return (await connection.ask({ t: word })).token;
    } catch (problem) {
      this.#note.say(problem.message, "bad");
      return null;
    }
  }

  async #copy() {
    const token = await this.#ask("access");
    if (!token) return;
    await toClipboard(linkOf(token));
    this.#note.say("The link is on the clipboard.", "good");
  }

  async #toggle() {
    if (this.#shown) return this.#conceal();
    const token = await this.#ask("access");
    if (!token) return;
    this.#shown = true;
    setText(this.#link, linkOf(token));
    setText(this.#show, "Hide");
    setAttribute(this.#show, "aria-pressed", "true");
  }

  /** Twice: every other browser has to open the new link. */
  async #again() {
    if (!this.#timer) {
      setText(this.#renew, "Really? Other browsers need the new link");
      this.#timer = setTimeout(() => this.#calm(), CONFIRM_MS);
      return;
    }
    this.#calm();
    this.#renew.disabled = true;
    const token = await this.#ask("renew");
    // By its own new link this browser stays in.
    if (token) window.location.assign(`/settings?token=${encodeURIComponent(token)}`);
    else this.#renew.disabled = false;
  }

  #calm() {
    clearTimeout(this.#timer);
    this.#timer = null;
    setText(this.#renew, "Make a new link");
  }
}
