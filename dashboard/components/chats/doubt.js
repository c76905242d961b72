// The banner above a conversation while it is in doubt who the other side is: why, what to do, and the button that ends it.
// Before anything is decided, a sheet shows the codes of all who may be meant.

import { h, icon, setText } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { connection } from "../shared/session.js";

export class Doubt {
  element;
  #parts;
  #sheet;
  #done;
  #room = null;

  /** `sheet` asks once more; `done(text)` tells what went wrong. */
  constructor(sheet, done) {
    this.#sheet = sheet;
    this.#done = done;
    const parts = {
      text: h("strong", { dir: "auto" }),
      advice: h("span", { dir: "auto" }),
      act: h("button", { class: "act", type: "button", onclick: () => this.#decide() }),
    };
    this.#parts = parts;
    this.element = h("section", { class: "doubt", "aria-label": "Warning", hidden: true }, icon("alert"),
      h("p", {}, parts.text, " ", parts.advice), parts.act);
  }

  /** `room` is the conversation's view, or undefined while there is none. */
  draw(room) {
    const doubt = room?.doubt;
    this.element.hidden = !doubt;
    this.#room = doubt ? room : null;
    if (!doubt) return;
    setText(this.#parts.text, doubt.text);
    setText(this.#parts.advice, doubt.advice);
    setText(this.#parts.act, `${doubt.act}…`);
  }

  async #decide() {
    const { id, peer, doubt } = this.#room;
    const { question, meaning, act, plain } = doubt;
    let sides, rival;
    try {
      ({ sides, rival } = await connection.ask({ t: "doubt", peer }));
    } catch (problem) {
      return this.#done(problem.message);
    }
    // The reader has gone on meanwhile.
    if (this.#room?.peer !== peer || this.#sheet.open) return;
    this.#sheet.ask({
      title: question,
      text: meaning,
      fields: h("div", { class: "people" }, ...sides.map(side)),
      yes: act,
      grave: plain,
      careful: true,
      // The key whose code was shown: if another one answered meanwhile, that isn't trusted.
      wish: () => ({ op: "trust", args: { peer, plain, rival } }),
      // Another key is another peer, with a conversation of its own.
      then: ({ peer: meant }) => meant.room !== id && place.room === id && place.open(meant.room),
    });
  }
}

/** One who may be meant, with the code to compare: one group a line, so that it can be read out. */
function side({ title, code, where }) {
  return h("div", { class: "person" }, h("h4", { dir: "auto" }, title),
    code.length
      ? h("p", { class: "groups" }, ...code.map((group) => h("span", {}, group)))
      : h("p", { class: "nocode" }, icon("open"), "No code: a plain client can't prove who it is."),
    where ? h("p", { class: "where" }, where) : null);
}
