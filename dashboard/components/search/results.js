// What was found, newest first, under the days on which it was said; and in words when there is nothing to show.

import { avatar, Children, drawAvatar, focusAround, h, setAttribute, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { addressOf, place } from "../shared/place.js";
import { drawPrivacy, privacyBadge, privacyOf } from "../shared/privacy.js";
import { snippet } from "../shared/query.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { finding, MAX_SHOWN } from "../shared/finding.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { Term } from "../shared/query.js" */
/** @import { MessageView, RoomView } from "../shared/schema.js" */
/** @typedef {{ hit: MessageView, room: RoomView }} Found A hit in a conversation that is here. */
/** @typedef {{ key: string, day: number, title: string, found: Found[] }} Group Hits in a row that were said on one day. */

export class Results {
  element;
  #parts;
  /** @type {Children<Group>} */
  #groups;

  /** @param {{ everywhere: () => void }} how `everywhere()` looks in all conversations. */
  constructor({ everywhere }) {
    const parts = {
      sum: h("p", { class: "sum", role: "status" }),
      pending: h("p", { class: "pending", hidden: true }),
      hits: h("div", { class: "hits" }),
      problem: h("p", { class: "problem", role: "alert", hidden: true }),
      more: h("button", { class: "act more", type: "button", hidden: true, onclick: () => this.#extend() }, "Show more"),
      full: h("p", { class: "full", hidden: true },
        `These are the newest ${MAX_SHOWN.toLocaleString("en")}. One more word finds what is older.`),
      state: h("div", { class: "state", hidden: true }),
      title: h("h2"),
      text: h("p"),
      wider: h("button", { class: "act", type: "button", onclick: everywhere }, "Look in all conversations"),
      again: h("button", { class: "act", type: "button", onclick: () => finding.again() }, "Try again"),
    };
    parts.state.append(parts.title, parts.text, h("div", { class: "acts" }, parts.wider, parts.again));
    this.#parts = parts;
    this.#groups = new Children(parts.hits, ({ key }) => key, makeGroup);
    this.element = h("section", { class: "results", "aria-label": "Results" }, parts.sum, parts.pending, parts.state,
      parts.hits, parts.problem, parts.more, parts.full);
  }

  /** What the arrow keys go through. */
  stops() {
    return [...this.#parts.hits.querySelectorAll("a"), ...(this.#parts.more.hidden ? [] : [this.#parts.more])];
  }

  /** Back to the hit from which one left; says whether there is one. */
  focusCurrent() {
    /** @type {HTMLAnchorElement | null} */
    const link = this.#parts.hits.querySelector(`a[data-id="${Number(finding.current)}"]`);
    link?.focus({ preventScroll: true });
    return Boolean(link);
  }

  draw() {
    const { sum, pending, hits, problem, more, full } = this.#parts;
    const { state } = finding;
    const shown = finding.hits.flatMap((hit) => {
      const room = store.rooms.get(hit.room);
      return room ? [{ hit, room }] : [];
    });
    this.#groups.draw(grouped(shown));
    const number = shown.length.toLocaleString("en");
    const ready = state === "ready";
    setText(sum, ready && shown.length
      ? finding.more ? `The newest ${number} messages` : `${number} message${shown.length === 1 ? "" : "s"}`
      : "");
    setAttribute(hits, "aria-busy", state === "asking");
    pending.hidden = !ready || !finding.pending;
    setText(pending, finding.pending === 1
      ? "The newest message is still being indexed; it joins by itself."
      : `The newest ${finding.pending.toLocaleString("en")} messages are still being indexed; they join by themselves.`);
    problem.hidden = !ready || !finding.problem;
    setText(problem, finding.problem?.message ?? "");
    more.hidden = !ready || !finding.more || finding.full;
    setText(more, finding.extending ? "Looking further back…" : "Show more");
    full.hidden = !ready || !finding.more || !finding.full;
    this.#drawState(shown.length);
  }

  /**
   * In words, when there are no hits to show.
   *
   * @param {number} number Of hits.
   */
  #drawState(number) {
    const { state: box, title, text, wider, again } = this.#parts;
    const { state, room, problem } = finding;
    const told = this.#told(number);
    box.hidden = !told;
    if (!told) return;
    setText(title, told[0]);
    setText(text, told[1]);
    wider.hidden = !room || state === "idle" || (state === "failed" && problem?.code !== "not_found");
    again.hidden = state !== "failed" || problem?.code === "not_found";
  }

  /**
   * @param {number} number Of hits.
   * @returns {[title: string, text: string] | null}
   */
  #told(number) {
    const { state, room, problem, typed } = finding;
    if (state === "idle") {
      return typed.trim()
        ? ["Type a word", "Signs alone can't be found; letters and digits can."]
        : ["Find what was said", "Everything that anybody said to you or you to them is here, however long ago."];
    }
    if (state === "failed") {
      if (problem?.code === "not_found") return ["That conversation isn't here", "It was deleted, or the link is another node's."];
      if (store.away) return ["The node is away", "What was said can be found when it is back; your words are kept."];
      return ["That didn't work", problem?.message ?? ""];
    }
    // Hits may be in conversations that haven't come yet.
    if (state !== "ready" || number || !store.whole) return null;
    const known = room && store.rooms.get(room);
    return [`Nothing found${known ? ` with ${called(known)}` : ""}`,
      "No message holds all of these words. Fewer words find more; word* finds every word that begins so."];
  }

  async #extend() {
    const focused = focusAround(this.#parts.more) === this.#parts.more;
    const last = this.stops().at(-2);
    await finding.extend();
    // The button may be gone with the last page: go on from where the new hits begin.
    this.draw();
    if (focused && this.#parts.more.hidden) last?.focus({ preventScroll: true });
  }
}

/**
 * @param {Found[]} shown
 * @returns {Group[]}
 */
function grouped(shown) {
  const now = store.now();
  /** @type {Group[]} */
  const groups = [];
  /** @type {Map<number, number>} */
  const days = new Map();
  for (const found of shown) {
    const { at } = found.hit;
    const day = when.dayNumber(at);
    const last = groups.at(-1);
    if (last?.day === day) last.found.push(found);
    else {
      // A day may come again: newest is what came in last, whatever the clocks of others said.
      const nth = (days.get(day) ?? 0) + 1;
      days.set(day, nth);
      groups.push({ key: `${day}-${nth}`, day, title: when.day(at, now), found: [found] });
    }
  }
  return groups;
}

/** @returns {Child<Group>} */
function makeGroup() {
  const title = h("h2");
  const list = h("div", { role: "list" });
  const hits = new Children(list, ({ hit }) => String(hit.id), makeHit);
  return {
    element: h("section", { class: "group" }, title, list),
    draw(group) {
      setText(title, group.title);
      setAttribute(list, "aria-label", group.title);
      hits.draw(group.found);
    },
  };
}

/**
 * @param {Found} found
 * @returns {Child<Found>}
 */
function makeHit(found) {
  let { hit } = found;
  /**
   * What was drawn last, and for which search.
   *
   * @type {{ hit?: MessageView, terms?: Term[] }}
   */
  let drawn = {};
  const face = avatar();
  const name = h("span", { class: "name", dir: "auto" });
  const privacy = privacyBadge();
  const time = h("time");
  const who = h("span", { class: "who", dir: "auto" });
  const text = h("span", { class: "text", dir: "auto" });
  /** @param {MouseEvent} event */
  const follow = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    finding.current = hit.id;
    place.go("chats", hit.room, { around: hit.id, results: finding.typed.trim() });
  };
  const link = h("a", { class: "hit", draggable: "false", onclick: follow }, face,
    h("span", { class: "what" }, h("span", { class: "line" }, name, privacy, time), h("span", { class: "snippet" }, who, text)));
  return {
    element: h("div", { role: "listitem" }, link),
    draw({ hit: next, room }) {
      hit = next;
      drawAvatar(face, room);
      setText(name, called(room));
      drawPrivacy(privacy, room.encrypted && !hit.plain, ...privacyOf(room.encrypted, hit.plain));
      setText(who, hit.mine ? "You: " : hit.name === room.name ? "" : `${hit.name}: `);
      if (drawn.hit === hit && drawn.terms === finding.terms) return;
      drawn = { hit, terms: finding.terms };
      setAttribute(link, "href", addressOf(hit.room, hit.id));
      setAttribute(link, "data-id", hit.id);
      setText(time, when.time(hit.at));
      setAttribute(time, "datetime", new Date(hit.at).toISOString());
      setAttribute(time, "data-tip", when.full(hit.at));
      text.replaceChildren(...snippet(hit.text, finding.terms));
    },
  };
}
