// An invite: the link by which others add this node, as text and as a QR code.

import { h, icon, setText, toClipboard } from "../shared/dom.js";
import { problemOf } from "../shared/problem.js";
import { drawnQr } from "../shared/qr.js";
import { connection, store } from "../shared/session.js";
import { Wide } from "../shared/wide.js";

/** @import { Invite as Made } from "../shared/schema.js" */

export class Invite {
  #dialog = new Wide("invite");
  /** How often it was opened: an answer to an earlier question isn't shown. */
  #turn = 0;

  get element() {
    return this.#dialog.element;
  }

  async show() {
    const turn = ++this.#turn;
    this.#put([h("p", {}, "Asking your node…")], []);
    try {
      const made = await connection.command("invite", {});
      if (turn === this.#turn && this.#dialog.open) this.#draw(made);
    } catch (thrown) {
      if (turn === this.#turn) this.#put([h("p", { class: "problem", role: "alert" }, problemOf(thrown).message)], []);
    }
  }

  /** @param {Made} made */
  #draw({ link, note, qr }) {
    const said = h("p", { role: "status" });
    const copy = h("button", { class: "primary", type: "button", onclick: async () => {
      await toClipboard(link);
      setText(said, "Copied.");
    } }, icon("copy"), "Copy the link");
    this.#put([
      h("div", { class: "shown" }, drawnQr(qr, "The link as a QR code"), h("dl", {}, h("dt", {}, "Name"),
        h("dd", { dir: "auto" }, store.me?.name ?? ""), h("dt", {}, "Short code"),
        h("dd", {}, store.me?.code.replaceAll("-", " · ") ?? ""))),
      h("p", { class: "link" }, link),
      note ? h("p", { class: "problem" }, note) : null,
      h("p", {}, "Whoever has it can write to you, and is sure to reach you and nobody else. They must be where one of the " +
        "addresses can be reached."),
      said,
    ], [copy]);
  }

  /**
   * @param {(Element | null)[]} body
   * @param {Element[]} answers
   */
  #put(body, answers) {
    this.#dialog.put("Invite somebody", body, answers);
  }
}
