// What was found, newest first, under the days on which it was said; and in words when there is nothing to show.

import { avatar, drawAvatar, h, reconcile, setAttribute, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { addressOf, place } from "../shared/place.js";
import { drawPrivacy, privacyBadge } from "../shared/privacy.js";
import { snippet } from "../shared/query.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { finding, MAX_SHOWN } from "../shared/finding.js";

export class Results {
  element;
  #parts;
  #everywhere;

  /** `everywhere()` looks in all conversations. */
  constructor({ everywhere }) {
    this.#everywhere = everywhere;
    const parts = {
      sum: h("p", { class: "sum", role: "status" }),
      pending: h("p", { class: "pending", hidden: true }),
      hits: h("div", { class: "hits" }),
      problem: h("p", { class: "problem", role: "alert", hidden: true }),
      more: h("button", { class: "act more", type: "button", hidden: true, onclick: () => this.#extend() }, "Show more"),
      full: h("p", { class: "full", hidden: true },
        `These are the newest ${MAX_SHOWN.toLocaleString("en")}. One more word finds what is older.`),
      state: h("div", { class: "state", hidden: true }),
    };
    parts.title = h("h2");
    parts.text = h("p");
    parts.wider = h("button", { class: "act", type: "button", onclick: () => this.#everywhere() }, "Look in all conversations");
    parts.again = h("button", { class: "act", type: "button", onclick: () => finding.again() }, "Try again");
    parts.state.append(parts.title, parts.text, h("div", { class: "acts" }, parts.wider, parts.again));
    this.#parts = parts;
    this.element = h("section", { class: "results", "aria-label": "Results" }, parts.sum, parts.pending, parts.state,
      parts.hits, parts.problem, parts.more, parts.full);
  }

  /** What the arrow keys go through. */
  stops() {
    return [...this.#parts.hits.querySelectorAll("a"), ...(this.#parts.more.hidden ? [] : [this.#parts.more])];
  }

  /** Back to the hit from which one left; says whether there is one. */
  focusCurrent() {
    const link = this.#parts.hits.querySelector(`a[data-id="${Number(finding.current)}"]`);
    link?.focus({ preventScroll: true });
    return Boolean(link);
  }

  draw() {
    const { sum, pending, hits, problem, more, full } = this.#parts;
    const { state } = finding;
    const shown = finding.hits.filter((hit) => store.rooms.has(hit.room));
    const groups = this.#groups(shown);
    reconcile(hits, groups, (group) => group.key, () => this.#makeGroup(), (element, group) => this.#drawGroup(element, group));
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

  /** In words, when there are no hits to show. */
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

  /** Hits in a row that were said on one day. */
  #groups(shown) {
    const now = store.now();
    const groups = [];
    const days = new Map();
    for (const hit of shown) {
      const day = when.dayNumber(hit.at);
      if (groups.at(-1)?.day !== day) {
        // A day may come again: newest is what came in last, whatever the clocks of others said.
        const nth = (days.get(day) ?? 0) + 1;
        days.set(day, nth);
        groups.push({ key: `${day}-${nth}`, day, title: when.day(hit.at, now), hits: [] });
      }
      groups.at(-1).hits.push(hit);
    }
    return groups;
  }

  #makeGroup() {
    return h("section", { class: "group" }, h("h2"), h("div", { role: "list" }));
  }

  #drawGroup(element, group) {
    const [title, list] = element.children;
    setText(title, group.title);
    setAttribute(list, "aria-label", group.title);
    reconcile(list, group.hits, (hit) => String(hit.id), () => this.#makeHit(), (row, hit) => this.#drawHit(row, hit));
  }

  #makeHit() {
    const parts = {
      face: avatar(),
      name: h("span", { class: "name", dir: "auto" }),
      privacy: privacyBadge(),
      time: h("time"),
      who: h("span", { class: "who", dir: "auto" }),
      text: h("span", { class: "text", dir: "auto" }),
    };
    const link = h("a", { class: "hit", draggable: "false" }, parts.face,
      h("span", { class: "what" }, h("span", { class: "line" }, parts.name, parts.privacy, parts.time),
        h("span", { class: "snippet" }, parts.who, parts.text)));
    const element = h("div", { role: "listitem" }, link);
    element.parts = { ...parts, link };
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      const { room, id } = element.hit;
      finding.current = id;
      place.go("chats", room, { around: id, results: finding.typed.trim() });
    });
    return element;
  }

  #drawHit(element, hit) {
    const { link, face, name, privacy, time, who, text } = element.parts;
    const room = store.rooms.get(hit.room);
    drawAvatar(face, room);
    setText(name, called(room));
    const encrypted = room.encrypted && !hit.plain;
    drawPrivacy(privacy, encrypted, encrypted ? "encrypted" : "plain", encrypted ? room.privacy_title : "Others on the network could read this.");
    setText(who, hit.mine ? "You: " : hit.name === room.name ? "" : `${hit.name}: `);
    if (element.hit === hit && element.terms === finding.terms) return;
    element.hit = hit;
    element.terms = finding.terms;
    setAttribute(link, "href", addressOf(hit.room, hit.id));
    setAttribute(link, "data-id", hit.id);
    setText(time, when.time(hit.at));
    setAttribute(time, "datetime", new Date(hit.at).toISOString());
    setAttribute(time, "data-tip", when.full(hit.at));
    text.replaceChildren(...snippet(hit.text, finding.terms));
  }

  async #extend() {
    const focused = this.#parts.more.getRootNode().activeElement === this.#parts.more;
    const last = this.stops().at(-2);
    await finding.extend();
    // The button may be gone with the last page: go on from where the new hits begin.
    this.draw();
    if (focused && this.#parts.more.hidden) last?.focus({ preventScroll: true });
  }
}
