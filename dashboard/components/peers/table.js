// Everybody we know, live, one row each.

import { calm } from "../shared/calm.js";
import { Children, h, icon, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { nameKey } from "../shared/names.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";
import { Row } from "./row.js";

/** @import { PeerView } from "../shared/schema.js" */
/** @import { Wish } from "./row.js" */

/**
 * Who is here comes first. Among the others a name's place doesn't change with each try to reach it.
 *
 * @param {PeerView} peer
 */
const isHere = ({ link }) => link === "online" || link === "reachable";

export class Table {
  element;
  #parts;
  /** @type {Children<PeerView>} */
  #rows;
  #empty;
  #filter = "";
  #redraw = calm(() => this.draw());
  #stops;

  constructor() {
    const field = h("input", { type: "search", placeholder: "Filter by name, address or code", autocomplete: "off",
      spellcheck: "false", "aria-label": "Filter peers" });
    field.addEventListener("input", () => {
      this.#filter = nameKey(field.value.trim());
      this.draw();
    });
    this.#parts = {
      rows: h("div", { class: "body", role: "rowgroup" }),
      sum: h("span", { class: "sum", role: "status" }),
      title: h("h2"),
      text: h("p"),
      problem: h("p", { class: "connectnote", "data-tone": "bad", role: "alert", hidden: true }),
      head: h("div", { class: "head", role: "row" },
        ...["Peer", "Connection", "Address", "Dialect", "Last seen", ""].map((column) =>
          h("span", { role: "columnheader" }, column || h("span", { class: "visuallyhidden" }, "Actions")))),
    };
    const { rows, sum, title, text, problem, head } = this.#parts;
    this.#rows = new Children(rows, ({ id }) => id, (peer) => new Row(peer, (...asked) => this.#ask(...asked)));
    this.#empty = h("div", { class: "empty", hidden: true }, title, text);
    this.element = h("section", { class: "known" },
      h("div", { class: "bar" }, h("div", { class: "search" }, icon("search"), field), sum), problem,
      h("div", { class: "table", role: "table", "aria-label": "Peers" }, head, rows), this.#empty);
    const tick = setInterval(() => this.draw(), 1000);
    this.#stops = [store.on("lists", this.#redraw), () => this.#redraw.stop(), () => clearInterval(tick)];
    this.draw();
  }

  destroy() {
    for (const stop of this.#stops) stop();
  }

  draw() {
    const { sum, title, text, head } = this.#parts;
    const all = [...store.peers.values()];
    const shown = all
      .filter((peer) => nameKey(`${peer.name} ${peer.address} ${peer.code.join(" ")}`).includes(this.#filter))
      .sort((a, b) => Number(isHere(b)) - Number(isHere(a)) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
    this.#rows.draw(shown);
    const here = all.filter(isHere).length;
    setText(sum, all.length ? (store.away ? `${all.length} known` : `${all.length} known, ${here} reachable now`) : "");
    head.hidden = !shown.length;
    this.#empty.hidden = Boolean(shown.length) || !store.loaded || !store.me;
    setText(title, all.length ? "Nobody by that name" : "Nobody yet");
    setText(text, all.length
      ? "No peer's name, address or code holds what you typed."
      : "Type somebody's address above, or give them yours. Whoever connects to you appears here by themselves.");
  }

  /**
   * @param {Wish} wish
   * @param {PeerView} peer
   * @param {HTMLButtonElement} button
   */
  async #ask(wish, { id }, button) {
    button.disabled = true;
    const { problem } = this.#parts;
    try {
      if (wish === "connect") await connection.command("connect", { address: id }, newKey());
      else await connection.command(wish, { peer: id }, newKey());
      problem.hidden = true;
    } catch (error) {
      setText(problem, problemOf(error).message);
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  }
}
