// An invite: the link by which others add this node, as text and as a QR code, which is dark on white in either theme.

import { h, icon, setText, toClipboard } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { problemOf } from "../shared/problem.js";
import { qrCode } from "../shared/qr.js";
import { connection, store } from "../shared/session.js";

/** @import { Invite as Made } from "../shared/schema.js" */

export class Invite {
  element = h("dialog", { class: "wide invite", "aria-labelledby": "invite-title" });
  /** How often it was opened: an answer to an earlier question isn't shown. */
  #turn = 0;

  constructor() {
    onKey(this.element, (event) => {
      // Nothing below it hears of keys.
      event.stopPropagation();
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.element.close();
    });
  }

  async show() {
    const turn = ++this.#turn;
    this.#put([h("p", {}, "Asking your node…")], []);
    try {
      const made = await connection.command("invite", {});
      if (turn === this.#turn && this.element.open) this.#draw(made);
    } catch (thrown) {
      if (turn === this.#turn) this.#put([h("p", { class: "problem", role: "alert" }, problemOf(thrown).message)], []);
    }
  }

  /** @param {Made} made */
  #draw({ link, note, path, side }) {
    const code = qrCode(path, side, "The link as a QR code");
    const said = h("p", { role: "status" });
    const copy = h("button", { class: "primary", type: "button", onclick: async () => {
      await toClipboard(link);
      setText(said, "Copied.");
    } }, icon("copy"), "Copy the link");
    this.#put([
      h("div", { class: "shown" }, code, h("dl", {}, h("dt", {}, "Name"), h("dd", { dir: "auto" }, store.me?.name ?? ""),
        h("dt", {}, "Short code"), h("dd", {}, store.me?.code.replaceAll("-", " · ") ?? ""))),
      h("p", { class: "link" }, link),
      ...(note ? [h("p", { class: "problem" }, note)] : []),
      h("p", {}, "Whoever has it can write to you, and is sure to reach you and nobody else. They must be where one of the " +
        "addresses can be reached."),
      said,
    ], [copy]);
  }

  /**
   * @param {Element[]} body
   * @param {Element[]} answers
   */
  #put(body, answers) {
    const heading = h("h3", { id: "invite-title", tabindex: -1 }, "Invite somebody");
    const close = h("button", { class: "closer", type: "button", "aria-label": "Close", onclick: () => this.element.close() }, icon("close"));
    this.element.replaceChildren(h("div", { class: "inner" }, h("div", { class: "top" }, heading, close), ...body,
      h("div", { class: "answers" }, ...answers)));
    if (!this.element.open) this.element.showModal();
    heading.focus({ preventScroll: true });
  }
}
