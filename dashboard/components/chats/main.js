// The Chats page: list beside conversation; one column at a time on a small screen. Wires the parts and the keyboard.

import { focusAround, h, icon, setText } from "../shared/dom.js";
import { onKey } from "../shared/keyboard.js";
import { mounting } from "../shared/mount.js";
import { isFindKey, isNarrow, place, REQUESTS } from "../shared/place.js";
import { store } from "../shared/session.js";
import { strip } from "../shared/strip.js";
import { Alone } from "./alone.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { List } from "./list.js";
import { Naming } from "./naming.js";
import { Requests } from "./requests.js";

/** @import { Change } from "../shared/whereabouts.js" */

export const mount = mounting(".chats", build);

/** @param {HTMLElement} root */
function build(root) {
  const composer = new Composer();
  const talk = new Conversation({ composer });
  const list = new List();
  const requests = new Requests();
  const choose = h("div", {}, h("h2", {}, "Choose a conversation"),
    h("p", {}, "Or press ", h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "K"), " to find somebody."));
  const alone = new Alone();
  const nothing = h("section", { class: "nothing" }, choose, alone.element);
  const line = h("p", { class: "calmline", role: "status", hidden: true, tabindex: -1 });
  root.append(line, h("div", { class: "columns" }, list.element, nothing, requests.element, talk.element));
  const heading = h("h1", { class: "visuallyhidden" }, "Chats");
  root.prepend(heading);
  const found = h("button", { class: "link", type: "button", onclick: () => place.go("search") });
  const foundLine = h("p", { class: "foundline", hidden: true }, icon("back"), found);
  line.after(foundLine);
  const naming = new Naming((name, focused) => {
    say(`You are called ${name}. Settings has it, if you want another one.`);
    if (focused) line.focus({ preventScroll: true });
  });
  line.before(naming.element);
  const stopStrip = strip(root);
  composer.onSent = () => talk.sent();
  alone.element.addEventListener("focusout", () => setTimeout(showNothing));

  function showNothing() {
    // Whoever types an address there goes on, though somebody appears meanwhile.
    const isAlone = !store.sorted().length || (!alone.element.hidden && alone.typing);
    choose.hidden = isAlone;
    alone.element.hidden = !isAlone || !store.me;
    alone.draw();
  }

  /**
   * What just happened to the conversation; it stands until another one is opened.
   *
   * @param {string} text
   */
  function say(text) {
    line.hidden = !text;
    setText(line, text);
  }

  /** @param {string | null} room */
  const isRequest = (room) => (room !== null && store.requests.has(room) ? room : null);

  /** @param {Change} [change] */
  function show({ again, gone } = { again: false }) {
    if (gone?.into) say(`Merged: what was said with ${gone.name} is now here.`);
    else if (gone?.hidden) say(`${gone.name} is blocked. Unblock them in Settings, and the conversation is back as it was.`);
    else if (gone) say(`The conversation with ${gone.name} was deleted.`);
    else if (!again) say("");
    // A request is looked at among the others, and never as if it were a conversation.
    const asked = isRequest(place.room);
    if (asked) {
      requests.choose(asked);
      place.open(REQUESTS);
      requests.enter(asked);
    }
    const asks = place.room === REQUESTS;
    const left = gone && talk.element.contains(focusAround(root));
    showNothing();
    foundLine.hidden = place.results === null || !place.room;
    setText(found, `Back to what was found for “${place.results ?? ""}”`);
    root.classList.toggle("open", Boolean(place.room));
    nothing.hidden = Boolean(place.room);
    alone.draw();
    talk.element.hidden = !place.room || asks;
    talk.open(asks ? null : place.room, place.around);
    requests.show(asks);
    place.around = null;
    // The focus went with the conversation.
    if (left && !place.room) line.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (place.page !== "chats") return;
    const control = event.ctrlKey || event.metaKey;
    if (isFindKey(event)) {
      event.preventDefault();
      if (isNarrow() && place.room) place.open(null);
      list.focusSearch();
    } else if (event.altKey && !control && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      list.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      escape();
    }
  }

  /** Closes what is on top: the search, then (small screen) the conversation, then leaves the field. */
  function escape() {
    const inside = focusAround(root);
    if (inside?.matches("[type='search']") || list.element.contains(inside)) {
      list.closeSearch();
      if (place.room && !isNarrow()) composer.focus();
    } else if (isNarrow() && place.room) place.open(null);
    else if (composer.focused) talk.focusLog();
    else if (place.results !== null) place.go("search");
    else if (place.room) place.open(null);
  }

  place.settle();
  show();
  void naming.look();
  if (place.find) list.focusSearch();
  place.find = false;
  const adopted = () => (store.whole ? store.me?.id : undefined);
  let known = adopted();
  const stops = [
    // Whoever was led to a message stays there: this page has shown itself when it was built.
    place.onChange((change) => change.arrived || show(change)),
    store.on("lists", () => {
      showNothing();
      if (isRequest(place.room)) show({ again: true });
      // Drafts are kept per node; shared/outbox.js looks for them once all conversations are known.
      if (adopted() && known !== adopted()) composer.refill();
      known = adopted() ?? known;
    }),
    store.on("gone", ({ into }) => into && into === place.room && composer.refill()),
    stopStrip,
    onKey(document, key),
    () => naming.destroy(),
    () => list.destroy(),
    () => requests.destroy(),
    () => talk.destroy(),
    () => alone.destroy(),
    () => composer.destroy(),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
