// A sheet over the conversation that asks once more before something is done, and says what it means.

import { h, setAttribute, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { onKey, onSubmit } from "../shared/keyboard.js";
import { problemOf } from "../shared/problem.js";
import { connection } from "../shared/session.js";

/** @import { Commands } from "../shared/schema.js" */
/**
 * `wish()` gives the command for the node, or null when there is nothing to ask. `grave`: it can't be taken back, or lets
 * others in; then *Cancel* has the focus, so that a hasty Enter does nothing. `careful`: the same without the colour.
 * `then(answer)` is called with the node's answer.
 *
 * @template {keyof Commands} Op
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text
 * @property {Element | null} [fields]
 * @property {string} yes
 * @property {boolean} [grave]
 * @property {boolean} [careful]
 * @property {() => { op: Op, args: Commands[Op]["args"] } | null} wish
 * @property {(answer: Commands[Op]["answer"]) => void} [then]
 */

export class Sheet {
  element = h("dialog", { class: "ask", "aria-labelledby": "ask-title" });

  constructor() {
    onKey(this.element, (event) => {
      // Nothing below the sheet hears of keys.
      event.stopPropagation();
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.element.close();
    });
    // What was asked doesn't stay: another sheet of the page has a title of the same id.
    this.element.addEventListener("close", () => this.element.open || this.element.replaceChildren());
  }

  get open() {
    return this.element.open;
  }

  close() {
    if (this.element.open) this.element.close();
  }

  /**
   * @template {keyof Commands} Op
   * @param {Question<Op>} question
   */
  ask({ title, text, fields = null, yes, grave = false, careful = grave, wish, then = () => {} }) {
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    const agree = h("button", { class: grave ? "primary grave" : "primary", type: "submit" }, yes);
    const cancel = h("button", { type: "button", onclick: () => this.element.close() }, "Cancel");
    const form = h("form", {}, h("h3", { id: "ask-title", dir: "auto" }, title),
      h("p", { id: "ask-text", dir: "auto" }, text), fields, problem, h("div", { class: "answers" }, cancel, agree));
    // One wish, one key: asking again after a lost answer doesn't double it.
    let key = newKey();
    // Not `disabled`: that would take the focus away.
    let asking = false;
    form.addEventListener("input", () => (key = newKey()));
    onSubmit(form, async () => {
      if (asking) return;
      const command = wish();
      if (!command) return this.element.close();
      asking = true;
      problem.hidden = true;
      try {
        const answer = await connection.command(command.op, command.args, key);
        if (form.isConnected) this.element.close();
        then(answer);
      } catch (thrown) {
        const error = problemOf(thrown);
        if (!error.retryable) key = newKey();
        setText(problem, `${error.message}${error.retryable ? " Try again in a moment." : ""}`);
        problem.hidden = false;
      } finally {
        asking = false;
      }
    });
    setAttribute(this.element, "aria-describedby", "ask-text");
    this.element.replaceChildren(form);
    this.element.showModal();
    if (careful) cancel.focus();
  }
}
