// How node, disk and bus are, in words; and who listens: front ends that follow, and cursors that the node keeps.

import { many } from "../shared/amount.js";
import { h, reconcile, setAttribute, setText } from "../shared/dom.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";

export class Health {
  element;
  #signs = h("dl", { class: "signs" });
  #shut = h("p", { class: "note", "data-tone": "wait", hidden: true });
  #listeners = h("ul", { class: "listeners" });
  #none = h("p", { class: "quiet" }, "Asking…");

  constructor() {
    this.element = h("div", { class: "halves" },
      h("section", { class: "card", "aria-label": "Health" }, h("h2", {}, "Health"), this.#signs, this.#shut),
      h("section", { class: "card", "aria-label": "Who listens" }, h("h2", {}, "Who listens"), this.#listeners, this.#none));
  }

  /** `figures` as the server told them last, or null. */
  draw(figures) {
    const now = store.now();
    const signs = store.away || !figures ? away(figures) : figures.signs;
    reconcile(this.#signs, signs, (sign) => sign.name, makeSign, (element, sign) => drawSign(element, sign, now));
    const shut = store.away ? [] : (figures?.shut_out ?? []);
    this.#shut.hidden = !shut.length;
    setText(this.#shut, shut.map((one) => `${one.host} sent too much within a day and is shut out until ${when.moment(one.until, now)}.`).join(" "));
    this.#drawListeners(figures, now);
  }

  #drawListeners(figures, now) {
    const subscribers = store.away ? [] : (figures?.subscribers ?? []);
    const consumers = store.away ? [] : (figures?.consumers ?? []);
    const rows = [
      ...subscribers.map((one) => ({ ...one, key: `s ${one.name}`, kind: "follows live" })),
      ...consumers.map((one) => ({ ...one, key: `c ${one.name}`, kind: "named consumer" })),
    ];
    reconcile(this.#listeners, rows, (row) => row.key, makeListener, (element, row) => drawListener(element, row, now));
    setText(this.#none, this.#nothing(figures, rows));
    this.#none.hidden = !this.#none.textContent;
  }

  #nothing(figures, rows) {
    if (store.away) return "Nobody hears anything while the node is away. Whoever comes back goes on where it stopped.";
    if (!figures) return "Asking…";
    if (figures.subscribers === null && figures.consumers === null) return "This node doesn't tell who listens.";
    if (!rows.length) return "Nobody has said lately how far they are.";
    return "";
  }
}

function away(figures) {
  if (!store.away) return [{ name: "Node", label: figures ? "unknown" : "asking…", tone: "plain", text: "" }];
  const { since, reason } = store.away;
  return [
    { name: "Node", label: "away", tone: "bad", text: reason, moment: since, moment_word: "Since" },
    { name: "Disk", label: "unknown", tone: "plain", text: "Only the node can tell." },
    { name: "Bus", label: "silent", tone: "wait", text: "Reconnecting by itself." },
  ];
}

function makeSign(sign) {
  const parts = { word: h("span", { class: "word" }), text: h("span", { class: "quiet", dir: "auto" }), moment: h("time", { class: "quiet" }) };
  const element = h("div", { class: "sign" }, h("dt", {}, sign.name), h("dd", {}, parts.word, parts.text, parts.moment));
  element.parts = parts;
  return element;
}

function drawSign(element, sign, now) {
  const { word, text, moment } = element.parts;
  setText(word, sign.label);
  setAttribute(word, "data-tone", sign.tone);
  setText(text, sign.text);
  const told = sign.moment_word === "Since" ? `Since ${when.moment(sign.moment, now)}.` : `${sign.moment_word} ${when.ago(sign.moment, now)}.`;
  setText(moment, sign.moment ? told : "");
  setAttribute(moment, "data-tip", sign.moment ? when.full(sign.moment) : null);
}

function makeListener() {
  const parts = {
    name: h("span", { class: "name", dir: "auto" }),
    kind: h("span", { class: "quiet" }),
    word: h("span", { class: "word" }),
    why: h("span", { class: "quiet why" }),
  };
  const element = h("li", { class: "listener" }, h("span", { class: "who" }, parts.name, " ", parts.kind), parts.word, parts.why);
  element.parts = parts;
  return element;
}

function drawListener(element, row, now) {
  const { name, kind, word, why } = element.parts;
  setText(name, row.name);
  setText(kind, row.own ? "this dashboard" : row.kind);
  if (row.lapsed) {
    setText(word, "lapsed");
    setAttribute(word, "data-tone", "bad");
    setText(why, "Events it had not read are no longer kept. It has to start anew (consumer_create with restart).");
    return;
  }
  setText(word, row.lag ? `${many(row.lag, "event")} behind` : "up to date");
  setAttribute(word, "data-tone", row.lag ? "wait" : "good");
  const moment = row.at ?? row.used;
  setText(why, row.kind === "named consumer" ? (moment ? `read ${when.ago(moment, now)}` : "never read") : "");
  setAttribute(why, "data-tip", moment ? when.full(moment) : null);
}
