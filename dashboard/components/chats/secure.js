// How the encrypted connection with a node is: since when, by which address, between which programs, whose clock differs,
// and the codes to compare; or that there is none now, and when the next try is.

import { h, reconcile, setAttribute, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Panel } from "./panel.js";

export class Secure {
  element;
  #state = h("p", { class: "linkstate" });
  #links = h("div", { class: "links" });
  #codes = h("div", { class: "codes" });
  #advice = h("p", { class: "why" });
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

  /** Show how it is with the node of a conversation (its view), beside `anchor`. */
  show(room, anchor) {
    this.#panel.show({ room: room.id, peer: room.peer }, `Connection with ${called(room)}`, anchor);
  }

  close() {
    this.#panel.close();
  }

  #draw({ room: id }, told) {
    const now = store.now();
    const room = store.rooms.get(id);
    setAttribute(this.#state, "data-tone", !told ? null : told.links.length ? "good" : "plain");
    setText(this.#state, !told || !room ? "Asking your node…" : told.links.length ? since(told, now) : none(room, now));
    reconcile(this.#links, (told?.links ?? []).map((link, nth) => ({ ...link, nth })), ({ nth }) => String(nth), makeLink,
      (element, link) => drawLink(element, link, told, now));
    const codes = told ? [{ whose: "mine", name: "You", groups: told.mine },
      { whose: "theirs", name: room ? called(room) : "", groups: told.theirs }] : [];
    reconcile(this.#codes, codes, ({ whose }) => whose, makeCode, drawCode);
    setText(this.#advice, told ? "If the other screen shows these two codes as well, nobody stands between you." : "");
  }
}

function since({ links, machines }, now) {
  const began = Math.min(...links.map((link) => link.since));
  const where = machines > 1 ? `, with ${machines} of their machines` : "";
  return `Encrypted since ${when.moment(began, now)}${where}.`;
}

function none({ wait, next_at: next, link }, now) {
  const why = link === "online" ? "" : `: ${wait}`;
  return `There is no connection now${why}.${next ? ` Next try ${when.until(next, now)}.` : ""}`;
}

function makeLink() {
  const names = ["Machine", "Since", "Address", "Programs", "Clock"];
  const rows = names.map((name) => h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" })));
  const element = h("dl", {}, ...rows);
  element.parts = Object.fromEntries(names.map((name, nth) => [name, rows[nth]]));
  return element;
}

function drawLink(element, link, { machines, program }, now) {
  const { parts } = element;
  const say = (name, text, full = null) => {
    parts[name].hidden = !text;
    setText(parts[name].lastChild, text);
    setAttribute(parts[name].lastChild, "title", full);
  };
  say("Machine", machines > 1 ? `${link.machine} of ${machines}` : "");
  say("Since", when.moment(link.since, now), when.full(link.since));
  say("Address", `${link.address}, ${link.way}`);
  say("Programs", `yours ${program || "not told"}, theirs ${link.program || "not told"}, protocol ${link.version}`);
  say("Clock", link.clock);
}

function makeCode() {
  return h("div", { class: "owner" }, h("span", { class: "name", dir: "auto" }), h("span", { class: "groups" }));
}

function drawCode(element, { name, groups }) {
  const [title, code] = element.children;
  setText(title, name);
  reconcile(code, groups.map((group, nth) => [nth, group]), ([nth]) => String(nth), () => h("span"),
    (span, [, group]) => setText(span, group));
}
