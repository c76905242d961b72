// Everybody we know, live, one row each.

import { calm } from "../shared/calm.js";
import { Children, h, icon, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { findable, nameKey } from "../shared/names.js";
import { place } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";
import { Row } from "./row.js";

/** @import { PeerView } from "../shared/schema.js" */
/** @import { Wish } from "./row.js" */

/** So many rows are drawn at first, and so many more whenever the reader comes near the end. */
const STEP = 60;
/** How near that is, in px. */
const NEAR_PX = 800;

export class Table {
  element;
  #parts;
  /** @type {Children<PeerView>} */
  #rows;
  /** Those with whom nobody here has dealt yet. @type {Children<PeerView>} */
  #strangers;
  #empty;
  /** Where the rows end, as long as there are more. */
  #end = h("div");
  #filter = "";
  #limit = STEP;
  #redraw = calm(() => this.draw());
  #stops;

  constructor() {
    const field = h("input", { type: "search", placeholder: "Filter by name, address or code", autocomplete: "off",
      spellcheck: "false", "aria-label": "Filter peers" });
    field.addEventListener("input", () => {
      this.#filter = nameKey(field.value.trim());
      this.#limit = STEP;
      this.draw();
    });
    this.#parts = {
      rows: h("div", { class: "body", role: "rowgroup" }),
      strangers: h("div", { class: "body", role: "rowgroup", "aria-labelledby": "strangers-title" }),
      apart: h("div", { class: "apart", hidden: true }, h("h2", { id: "strangers-title" }, "Not your contacts"),
        h("p", {}, "They found you by themselves. What they say waits among the requests until you decide.")),
      sum: h("span", { class: "sum", role: "status" }),
      title: h("h2"),
      text: h("p"),
      problem: h("p", { class: "connectnote", "data-tone": "bad", role: "alert", hidden: true }),
      head: h("div", { class: "head", role: "row" },
        ...["Peer", "Connection", "Address", "Dialect", "Last seen", ""].map((column) =>
          h("span", { role: "columnheader" }, column || h("span", { class: "visuallyhidden" }, "Actions")))),
    };
    const { rows, strangers, apart, sum, title, text, problem, head } = this.#parts;
    /** @param {PeerView} peer */
    const make = (peer) => new Row(peer, (...asked) => this.#ask(...asked));
    this.#rows = new Children(rows, ({ id }) => id, make);
    this.#strangers = new Children(strangers, ({ id }) => id, make);
    this.#empty = h("div", { class: "empty", hidden: true }, title, text);
    this.element = h("section", { class: "known" },
      h("div", { class: "bar" }, h("div", { class: "search" }, icon("search"), field), sum), problem,
      h("div", { class: "table", role: "table", "aria-label": "Peers" }, head, rows), apart,
      h("div", { class: "table", role: "table", "aria-labelledby": "strangers-title" }, strangers), this.#end, this.#empty);
    const tick = setInterval(() => this.draw(), 1000);
    const near = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.#more(near), {
      rootMargin: `${NEAR_PX}px`,
    });
    near.observe(this.#end);
    this.#stops = [store.on("lists", this.#redraw), () => this.#redraw.stop(), () => clearInterval(tick),
      () => near.disconnect()];
    this.draw();
  }

  destroy() {
    for (const stop of this.#stops) stop();
  }

  draw() {
    const { apart, sum, title, text, head } = this.#parts;
    const all = store.totals.peers;
    const shown = this.#first(this.#limit);
    const known = shown.filter(({ asks }) => !asks), strangers = shown.filter(({ asks }) => asks);
    this.#rows.draw(known);
    this.#strangers.draw(strangers);
    apart.hidden = !strangers.length;
    setText(sum, all ? (store.away ? `${all} known` : `${all} known, ${store.here} reachable now`) : "");
    head.hidden = !known.length;
    this.#end.hidden = shown.length < this.#limit;
    this.#empty.hidden = Boolean(shown.length) || !store.whole || !store.me;
    setText(title, all ? "Nobody by that name" : "Nobody yet");
    setText(text, all
      ? "No peer's name, address or code holds what you typed."
      : "Type somebody's address above, or give them yours. Whoever connects to you appears here by themselves.");
  }

  /** The first so many of those that the filter lets through. @param {number} limit */
  #first(limit) {
    const found = [];
    for (const peer of store.sortedPeers()) {
      if (found.length === limit) break;
      if (this.#fits(peer)) found.push(peer);
    }
    return found;
  }

  /** @param {PeerView} peer */
  #fits(peer) {
    return !this.#filter || findable(peer).includes(this.#filter);
  }

  /** The reader is near the end. @param {IntersectionObserver} near */
  #more(near) {
    if (this.#end.hidden) return;
    this.#limit += STEP;
    this.draw();
    // It tells of changes only: whoever is still near is told of once more.
    near.unobserve(this.#end);
    near.observe(this.#end);
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
      else if (wish === "accept") {
        const { peer } = await connection.command("accept", { peer: id }, newKey());
        place.go("chats", peer.room);
      } else await connection.command(wish, { peer: id }, newKey());
      problem.hidden = true;
    } catch (error) {
      setText(problem, problemOf(error).message);
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  }
}
