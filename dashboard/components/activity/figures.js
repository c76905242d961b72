// Four calm figures: how much is said, what waits, who is connected, how much room there is.

import { many, NUMBER } from "../shared/amount.js";
import { h, reconcile, setAttribute, setText } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { called } from "../shared/names.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Spark } from "./spark.js";

const RATE = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });
const UNKNOWN = "–";

const number = (value) => (value === null || value === undefined ? UNKNOWN : NUMBER.format(value));

export class Figures {
  element;
  #spark = new Spark();
  #parts = {};

  constructor() {
    const card = (name, title, ...more) => {
      const value = h("p", { class: "value" }, UNKNOWN);
      const sub = h("p", { class: "quiet" });
      this.#parts[name] = { value, sub };
      return h("section", { class: `card figure ${name}`, "aria-label": title }, h("h2", {}, title), value, sub, ...more);
    };
    this.waiters = h("ul", { class: "waiters" });
    this.element = h("div", { class: "figures" },
      card("rate", "Messages a second", this.#spark.element),
      card("outbox", "Waiting to be sent", this.waiters),
      card("links", "Connections"),
      card("room", "Stored"));
  }

  /** `figures` as the server told them last, or null. */
  draw(figures) {
    const { rate, outbox, links, room } = this.#parts;
    const known = Boolean(figures) && figures.outbox !== null;
    setAttribute(this.element, "data-unknown", !known || Boolean(store.away));
    const say = (part, value, sub) => {
      setText(part.value, value);
      setText(part.sub, sub);
    };
    if (figures) {
      const { now, highest } = speed(figures);
      this.#spark.draw(figures.rate, `Messages a second over the last five minutes: now ${RATE.format(now)}, at most ${RATE.format(highest)}.`);
      say(rate, RATE.format(now), highest ? `at most ${RATE.format(highest)} in the last 5 minutes` : "nothing in the last 5 minutes");
    }
    if (!known) {
      for (const part of [outbox, links, room]) say(part, UNKNOWN, figures || store.away ? "Only the node can tell." : "Asking…");
      this.waiters.replaceChildren();
      this.waiters.keyed = undefined;
      return;
    }
    const peers = [...store.peers.values()];
    const here = peers.filter((peer) => peer.link === "online" || peer.link === "reachable").length;
    say(outbox, number(figures.outbox), figures.outbox ? "" : "Everything you wrote has gone out.");
    say(links, number(figures.links), `${number(here)} of ${many(peers.length, "peer")} reachable`);
    const kept = figures.kept_events === null ? "" : ` and ${many(figures.kept_events, "event")}`;
    say(room, figures.database, `${many(figures.messages, "message")}${kept}; ${figures.free} free on the disk`);
    this.#drawWaiters(figures);
  }

  #drawWaiters(figures) {
    const told = figures.waiting.reduce((sum, one) => sum + one.count, 0);
    const rest = figures.outbox - told;
    const lines = figures.waiting.map((one) => ({ ...one, key: one.room }));
    if (rest > 0) lines.push({ key: "rest", rest, others: lines.length > 0 });
    reconcile(this.waiters, lines, (one) => one.key, (one) => this.#make(one), (element, one) => this.#update(element, one));
  }

  #make(one) {
    if (one.rest) return h("li", { class: "quiet" });
    const name = h("button", { class: "link", type: "button", dir: "auto" });
    name.addEventListener("click", () => place.go("chats", one.room));
    const why = h("span", { class: "quiet" });
    const element = h("li", {}, name, " ", why);
    element.parts = { name, why };
    return element;
  }

  #update(element, one) {
    if (one.rest) return setText(element, one.others ? `and ${NUMBER.format(one.rest)} more` : "They go out as soon as their turn comes.");
    const room = store.rooms.get(one.room);
    const { name, why } = element.parts;
    setText(name, `${NUMBER.format(one.count)}${one.more ? "+" : ""} for ${room ? called(room) : "somebody"}`);
    const next = room?.next_at ? `, next try ${when.until(room.next_at, store.now())}` : "";
    // The name stands there already.
    const wait = room?.wait.replace(`${room.name} is `, "").replace(`${room.name} `, "") ?? "";
    setText(why, `· ${wait}${next}`);
  }
}

/** Messages a second: now (over the last whole step and the one that goes on), and at most. */
function speed({ rate, now }) {
  const { counts, step_ms: step, start } = rate;
  const goesOn = Math.min(step, Math.max(0, now - (start + (counts.length - 1) * step)));
  const recent = (counts.at(-1) + counts.at(-2)) / ((step + goesOn) / 1000);
  return { now: recent, highest: Math.max(recent, ...counts.map((count) => count / (step / 1000))) };
}
