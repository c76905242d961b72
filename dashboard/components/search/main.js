// The Search page: one field, all that was ever said. The address keeps what is looked for, so links, back and forward work.

import { calm } from "../shared/calm.js";
import { Children, focusAround, h, icon, setText } from "../shared/dom.js";
import { onKey, onSubmit } from "../shared/keyboard.js";
import { mounting } from "../shared/mount.js";
import { called } from "../shared/names.js";
import { isFindKey, isNarrow, MAX_ID, place } from "../shared/place.js";
import { MAX_QUERY } from "../shared/query.js";
import { store } from "../shared/session.js";
import { strip } from "../shared/strip.js";
import { tips } from "../shared/tip.js";
import { finding } from "../shared/finding.js";
import { Results } from "./results.js";

/** Wait so long after the last letter before asking, in ms. */
const PAUSE_MS = 220;
const EVERYWHERE = "";
/** Up to so many conversations can be chosen from at any time; of more, the list is made when somebody wants to choose. */
const MAX_CHOICES = 200;
/** In the order of names, whatever language they are in. */
const collator = new Intl.Collator();
/** @import { Child } from "../shared/dom.js" */
/** @typedef {{ id: string, name: string, mark: string }} Where One conversation, or all. */

export const mount = mounting(".searchpage", build);

/**
 * @param {Where} where
 * @returns {Child<Where>}
 */
function makeOption({ id }) {
  const element = h("option", { value: id });
  return { element, draw: (where) => setText(element, called(where)) };
}

/** @param {HTMLElement} root */
function build(root) {
  const field = h("input", { type: "search", name: "q", placeholder: "Words that were said", autocomplete: "off",
    spellcheck: "false", enterkeyhint: "search", maxlength: MAX_QUERY - 1, dir: "auto", "aria-label": "Search messages",
    "aria-describedby": "search-help" });
  const where = h("select", { name: "room" });
  const options = new Children(where, ({ id }) => id, makeOption);
  const results = new Results({
    everywhere: () => {
      where.value = EVERYWHERE;
      ask();
    },
  });
  const form = h("form", { class: "query", role: "search" },
    h("div", { class: "search" }, icon("search"), field),
    h("label", {}, h("span", {}, "In"), where));
  const help = h("p", { class: "help", id: "search-help" }, "All words must occur; the last one may be a beginning. ",
    h("code", {}, "word*"), " finds any word that begins so, ", h("code", {}, '"two words"'), " finds them in a row. ",
    "In Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese, any part of what was said is found.");
  const sheet = h("div", { class: "sheet" }, h("h1", {}, "Search"), form, help, results.element);
  root.append(sheet);
  const stopStrip = strip(root);
  tips(root);

  /** @type {number | undefined} */
  let timer;
  /** What the list of conversations was drawn from; and whether somebody is choosing from it. */
  let named = "";
  let choosing = false;
  /** The next letter begins a search of its own: "back" leads to the one before it. */
  let begun = false;

  /** @param {boolean} step */
  function write(step) {
    const address = new URL(window.location.href);
    if (address.pathname !== "/search") return;
    for (const [name, value] of Object.entries({ q: finding.typed, room: finding.room })) {
      if (value) address.searchParams.set(name, value);
      else address.searchParams.delete(name);
    }
    if (address.href === window.location.href) return;
    if (step) window.history.pushState(window.history.state, "", address);
    else window.history.replaceState(window.history.state, "", address);
  }

  /**
   * Look for what the fields say.
   *
   * @param {{ typing?: boolean }} [how]
   */
  function ask({ typing = false } = {}) {
    clearTimeout(timer);
    const before = `${finding.typed}\n${finding.room ?? ""}`;
    finding.look(field.value, where.value || null);
    if (before !== `${finding.typed}\n${finding.room ?? ""}`) {
      sheet.scrollTop = 0;
      write(!(typing && begun));
    }
    begun = typing;
  }

  /** By name; of very many only the chosen one, until somebody wants to choose. */
  function choices() {
    const chosen = store.rooms.get(finding.room ?? "");
    const rooms = store.sorted();
    if (rooms.length > MAX_CHOICES && !choosing) return chosen ? [chosen] : [];
    return [...rooms].sort((a, b) => collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
  }

  function drawChoices() {
    /** @type {Where[]} */
    const places = [{ id: EVERYWHERE, name: "All conversations", mark: "" }, ...choices()];
    const { room } = finding;
    const unknown = store.whole ? "A conversation that isn't here" : "…";
    if (room && !store.rooms.has(room)) places.push({ id: room, name: unknown, mark: "" });
    options.draw(places);
  }

  function drawWhere() {
    const { room } = finding;
    // Names change rarely: most of the time nothing is to be done, however many conversations there are.
    const now = `${store.named} ${store.whole} ${choosing} ${room}`;
    if (now !== named) drawChoices();
    named = now;
    if (where.value !== (room ?? EVERYWHERE)) where.value = room ?? EVERYWHERE;
  }

  /**
   * Take up what the address says; one that says nothing leaves what was looked for before.
   *
   * @param {{ exactly: boolean }} how
   */
  function arrive({ exactly }) {
    const asked = new URLSearchParams(window.location.search);
    const typed = (asked.get("q") ?? "").slice(0, MAX_QUERY - 1);
    const room = store.canonical(asked.get("room")?.slice(0, MAX_ID) || null);
    if (exactly || typed || room) finding.look(typed, room);
    if (field.value !== finding.typed) field.value = finding.typed;
    begun = false;
    drawWhere();
    write(false);
    results.draw();
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask({ typing: true }), PAUSE_MS);
  });
  where.addEventListener("change", () => ask());
  /** @param {boolean} yes */
  function choose(yes) {
    choosing = yes;
    drawWhere();
  }

  for (const kind of ["pointerdown", "focus"]) where.addEventListener(kind, () => choose(true));
  where.addEventListener("blur", () => choose(false));
  onSubmit(form, () => {
    ask();
    if (isNarrow()) field.blur();
  });

  function back() {
    // Going to another page changes the path, and that page settles by itself.
    if (window.location.pathname === "/search") arrive({ exactly: true });
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (place.page !== "search") return;
    if (isFindKey(event)) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      if (focusAround(root) !== field) field.focus();
      else if (field.value) {
        field.value = "";
        ask();
      } else place.go("chats");
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const stops = [field, ...results.stops()];
      const focused = focusAround(root);
      const at = stops.findIndex((stop) => stop === focused);
      const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
      if (at < 0 || !next) return;
      event.preventDefault();
      next.focus();
    }
  }

  function redraw() {
    drawWhere();
    results.draw();
  }

  const calmly = calm(redraw);
  const stops = [
    finding.onChange(calmly),
    store.on("lists", calmly),
    calmly.stop,
    stopStrip,
    store.on("gone", () => write(false)),
    () => {
      clearTimeout(timer);
      // Typing had not rested yet.
      if (field.value !== finding.typed) finding.look(field.value, where.value || null);
    },
    onKey(document, key),
    () => window.removeEventListener("popstate", back),
  ];
  window.addEventListener("popstate", back);
  sheet.addEventListener("scroll", () => (finding.scroll = sheet.scrollTop), { passive: true });
  const { scroll } = finding;
  arrive({ exactly: false });
  sheet.scrollTop = scroll;
  if (!results.focusCurrent() && !(isNarrow() && finding.hits.length)) {
    field.focus({ preventScroll: true });
    field.select();
  }
  return () => {
    for (const stop of stops) stop();
  };
}
