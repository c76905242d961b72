// How the encrypted connection with a node is: since when, by which address, between which programs, whose clock differs,
// and the codes to compare; or that there is none now, and when the next try is.

import { Children, h, setAttribute, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Panel } from "./panel.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { LinkView, RoomView, SecureView } from "../shared/schema.js" */
/** @typedef {{ nth: number, link: LinkView, told: SecureView }} Link */
/** @typedef {{ whose: string, name: string, groups: string[] }} Code */

export class Secure {
  element;
  #state = h("p", { class: "linkstate" });
  #links = h("div", { class: "links" });
  #shownLinks = new Children(this.#links, ({ nth }) => String(nth), makeLink);
  #codes = h("div", { class: "codes" });
  #shownCodes = new Children(this.#codes, ({ whose }) => whose, makeCode);
  #advice = h("p", { class: "why" });
  /** @type {Panel<{ room: string, peer: string }, SecureView>} */
  #panel = new Panel({
    name: "secure",
    body: [this.#state, this.#links, this.#codes, this.#advice],
    ask: ({ peer }) => connection.ask({ t: "secure", peer }),
    draw: (thing, told) => this.#draw(thing, told),
  });
  #stops;

  constructor() {
    this.element = this.#panel.element;
    this.#stops = [
      store.on("links", (op) => op.peer === this.#panel.thing?.peer && this.#panel.again()),
      store.on("reload", () => this.#panel.doubt()),
      store.on("gone", (op) => op.id === this.#panel.thing?.room && this.close()),
    ];
  }

  destroy() {
    this.close();
    for (const stop of this.#stops) stop();
  }

  /**
   * Show how it is with the node of a conversation, beside `anchor`.
   *
   * @param {RoomView} room
   * @param {Element} anchor
   */
  show(room, anchor) {
    if (room.peer) this.#panel.show({ room: room.id, peer: room.peer }, `Connection with ${called(room)}`, anchor);
  }

  close() {
    this.#panel.close();
  }

  /**
   * @param {{ room: string }} thing
   * @param {SecureView | null} told
   */
  #draw({ room: id }, told) {
    const now = store.now();
    const room = store.rooms.get(id);
    setAttribute(this.#state, "data-tone", !told ? null : told.links.length ? "good" : "plain");
    setText(this.#state, !told || !room ? "Asking your node…" : told.links.length ? since(told, now) : none(room, now));
    this.#shownLinks.draw(told ? told.links.map((link, nth) => ({ nth, link, told })) : []);
    const codes = told ? [{ whose: "mine", name: "You", groups: told.mine },
      { whose: "theirs", name: room ? called(room) : "", groups: told.theirs }] : [];
    this.#shownCodes.draw(codes);
    setText(this.#advice, told ? "If the other screen shows these two codes as well, nobody stands between you." : "");
  }
}

/**
 * @param {SecureView} told
 * @param {number} now
 */
function since({ links, machines }, now) {
  const began = Math.min(...links.map((link) => link.since));
  const where = machines > 1 ? `, with ${machines} of their machines` : "";
  return `Encrypted since ${when.moment(began, now)}${where}.`;
}

/**
 * @param {RoomView} room
 * @param {number} now
 */
function none({ wait, next_at: next, link }, now) {
  const why = link === "online" ? "" : `: ${wait}`;
  return `There is no connection now${why}.${next ? ` Next try ${when.until(next, now)}.` : ""}`;
}

/** @returns {Child<Link>} */
function makeLink() {
  /** @param {string} name */
  const row = (name) => {
    const fact = h("dd", { dir: "auto" });
    const element = h("div", {}, h("dt", {}, name), fact);
    /**
     * @param {string} text Empty: there is nothing to say.
     * @param {string | null} [full]
     */
    const say = (text, full = null) => {
      element.hidden = !text;
      setText(fact, text);
      setAttribute(fact, "title", full);
    };
    return { element, say };
  };
  const rows = {
    machine: row("Machine"),
    since: row("Since"),
    address: row("Address"),
    programs: row("Programs"),
    clock: row("Clock"),
  };
  return {
    element: h("dl", {}, ...Object.values(rows).map(({ element }) => element)),
    draw({ link, told: { machines, program } }) {
      const { machine, since: began, address, programs, clock } = rows;
      machine.say(machines > 1 ? `${link.machine} of ${machines}` : "");
      began.say(when.moment(link.since, store.now()), when.full(link.since));
      address.say(`${link.address}, ${link.way}`);
      programs.say(`yours ${program || "not told"}, theirs ${link.program || "not told"}, protocol ${link.version}`);
      clock.say(link.clock);
    },
  };
}

/** @returns {Child<Code>} */
function makeCode() {
  const title = h("span", { class: "name", dir: "auto" });
  const code = h("span", { class: "groups" });
  const shown = new Children(code, ({ nth }) => String(nth), makeGroup);
  return {
    element: h("div", { class: "owner" }, title, code),
    draw({ name, groups }) {
      setText(title, name);
      shown.draw(groups.map((group, nth) => ({ group, nth })));
    },
  };
}

/** @returns {Child<{ group: string, nth: number }>} */
function makeGroup() {
  const element = h("span");
  return { element, draw: ({ group }) => setText(element, group) };
}
