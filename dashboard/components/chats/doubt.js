// The banner above a conversation while it is in doubt who the other side is: why, what to do, and the button that ends it.
// Before anything is decided, a sheet shows the codes of all who may be meant.

import { h, icon, setText } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { connection } from "../shared/session.js";

/** @import { RoomView, Side } from "../shared/schema.js" */
/** @import { Sheet } from "./sheet.js" */

export class Doubt {
  element;
  #parts;
  #sheet;
  #done;
  /**
   * The conversation in doubt.
   *
   * @type {RoomView | null}
   */
  #room = null;

  /**
   * @param {Sheet} sheet Asks once more.
   * @param {(text: string) => void} done Tells what went wrong.
   */
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

  /** @param {RoomView | undefined} room */
  draw(room) {
    const doubt = room?.doubt;
    this.element.hidden = !doubt;
    this.#room = doubt && room ? room : null;
    if (!doubt) return;
    setText(this.#parts.text, doubt.text);
    setText(this.#parts.advice, doubt.advice);
    setText(this.#parts.act, `${doubt.act}…`);
  }

  async #decide() {
    const { id, peer, doubt } = this.#room ?? {};
    if (!peer || !doubt) return;
    const { question, meaning, act, plain } = doubt;
    try {
      const { sides, rival } = await connection.ask({ t: "doubt", peer });
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
    } catch (problem) {
      this.#done(problemOf(problem).message);
    }
  }
}

/**
 * One who may be meant, with the code to compare: one group a line, so that it can be read out.
 *
 * @param {Side} one
 */
function side({ title, code, where }) {
  return h("div", { class: "person" }, h("h4", { dir: "auto" }, title),
    code.length
      ? h("p", { class: "groups" }, ...code.map((group) => h("span", {}, group)))
      : h("p", { class: "nocode" }, icon("open"), "No code: a plain client can't prove who it is."),
    where ? h("p", { class: "where" }, where) : null);
}
