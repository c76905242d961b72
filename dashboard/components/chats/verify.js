// "Is this really bela?": both codes beside each other, in the order that the other screen has them too, and what follows
// when they match and when they don't. The heading has the focus at first: Enter never verifies by accident.

import { h, icon, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { onKey } from "../shared/keyboard.js";
import { called } from "../shared/names.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";
import { blockQuestion } from "./blocking.js";

/** @import { RoomView } from "../shared/schema.js" */
/** @import { Sheet } from "./sheet.js" */

export class Verify {
  element = h("dialog", { class: "wide verify", "aria-labelledby": "verify-title" });
  #sheet;
  #done;

  /**
   * @param {Sheet} sheet Asks once more before somebody is blocked.
   * @param {(text: string) => void} done Tells what was done.
   */
  constructor(sheet, done) {
    this.#sheet = sheet;
    this.#done = done;
    onKey(this.element, (event) => {
      // Nothing below it hears of keys.
      event.stopPropagation();
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
  }

  close() {
    if (this.element.open) this.element.close();
  }

  /** Compare the codes with the other side of a conversation. @param {RoomView} room */
  show(room) {
    const { me } = store;
    const { peer, code } = room;
    if (!me || !peer || !code.length) return;
    const mine = { id: me.id, title: `You, ${me.name}`, code: me.code.toLowerCase().match(/[a-z0-9]+/g) ?? [], where: "this node" };
    const theirs = { id: peer, title: called(room), code, where: room.address };
    // Both screens show the lower PeerId first (BUS.md, verify).
    const both = mine.id < theirs.id ? [mine, theirs] : [theirs, mine];
    // What was compared is what stands here, whatever the lists say when it is pressed.
    const match = this.#act("primary", room.verified ? "They still match" : "They match: mark as verified",
      () => connection.command("verify", { peer, code: code.join(" ") }, key), () => {
        this.close();
        this.#done(`${room.name} is verified.`);
      }, room.verified ? null : icon("done"));
    const differ = room.verified
      ? this.#act("grave", "They don't match", () => connection.command("unverify", { peer }, key), () => this.#differ(room))
      : h("button", { type: "button", class: "grave", onclick: () => this.#differ(room) }, "They don't match");
    const key = newKey();
    this.#put(`Is this really ${called(room)}?`,
      [h("p", {}, `Compare with ${room.name} in person or on the phone. If both screens show the same two codes, nobody stands ` +
        "between you."),
      h("div", { class: "people" }, ...both.map((one, at) => person(`${at + 1}. ${one.title}`, one.code, one.where)))],
      [differ, match]);
  }

  /**
   * A button that gives the node a command, and says below why it didn't work.
   *
   * @param {string} look
   * @param {string} label
   * @param {() => Promise<unknown>} ask
   * @param {() => void} then
   * @param {Element | null} [mark]
   */
  #act(look, label, ask, then, mark = null) {
    let asking = false;
    const button = h("button", { type: "button", class: look, onclick: async () => {
      if (asking) return;
      asking = true;
      const problem = this.element.querySelector(".problem");
      try {
        await ask();
        if (button.isConnected && this.element.open) then();
      } catch (thrown) {
        const { message, retryable } = problemOf(thrown);
        if (problem instanceof HTMLElement) {
          setText(problem, `${message}${retryable ? " Try again in a moment." : ""}`);
          problem.hidden = false;
        }
      } finally {
        asking = false;
      }
    } }, mark, label);
    return button;
  }

  /** What to do when they don't match. @param {RoomView} room */
  #differ(room) {
    const block = h("button", { type: "button", class: "grave", onclick: () => {
      this.close();
      this.#sheet.ask(blockQuestion(room));
    } }, "Block…");
    this.#put("The codes don't match", [
      h("p", { dir: "auto" }, `Then this may not be ${room.name}, or somebody stands between you. It isn't marked as verified.`),
      h("p", { dir: "auto" }, `Write nothing here that only ${room.name} may read. Ask them, by another way, whether they have a new ` +
        "machine or another key, and compare once more. If it is somebody else, block them."),
    ], [block, h("button", { type: "button", onclick: () => this.close() }, "Close")]);
  }

  /**
   * @param {string} title
   * @param {Element[]} body
   * @param {Element[]} answers
   */
  #put(title, body, answers) {
    const heading = h("h3", { id: "verify-title", tabindex: -1, dir: "auto" }, title);
    const close = h("button", { class: "closer", type: "button", "aria-label": "Close", onclick: () => this.close() }, icon("close"));
    this.element.replaceChildren(h("div", { class: "inner" }, h("div", { class: "top" }, heading, close), ...body,
      h("p", { class: "problem", role: "alert", hidden: true }), h("div", { class: "answers" }, ...answers)));
    if (!this.element.open) this.element.showModal();
    heading.focus({ preventScroll: true });
  }
}

/**
 * Somebody's code, one group a line.
 *
 * @param {string} title
 * @param {string[]} code
 * @param {string} where
 */
function person(title, code, where) {
  return h("div", { class: "person" }, h("h4", { dir: "auto" }, title),
    h("p", { class: "groups" }, ...code.map((group) => h("span", {}, group))), where ? h("p", { class: "where" }, where) : null);
}
