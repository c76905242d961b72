// What a person must see at once, on whatever page they are: it is in doubt who a peer is, or another machine uses this
// node's identity. An alarm stands until it is closed, its conversation is opened, or the doubt has ended; it outlasts a
// reload of the tab.

import { Children, h, icon, setAttribute, setText } from "./dom.js";
import { place } from "./place.js";
import { store } from "./session.js";

/** Most alarms shown at once; further ones follow when those are closed. */
const MAX_SHOWN = 3;
/** Most alarms kept; the oldest go first. Each stays as a mark in the lists. */
const MAX_KEPT = 50;
const KEPT = "snicher/alarms";
const CLOSED = "snicher/identity";

/**
 * About a peer, or about this node's identity, with the `mark` of that news. `seen`: the doubt stood in the lists, so that
 * its end can be told.
 *
 * @typedef {{ key: string, peer: string | null, room: string | null, name: string | null, text: string, seen: boolean,
 *   mark?: string }} Alarm
 */

/** @type {Alarm[]} */
let alarms = read();
/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {Alarm[]} */
function read() {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.text === "string") : [];
  } catch {
    return [];
  }
}

/**
 * Which news about the identity was closed last, in any tab of this browser: whoever has read it isn't told again.
 *
 * @param {string} [mark]
 */
function closed(mark) {
  try {
    if (mark) window.localStorage.setItem(CLOSED, mark);
    return window.localStorage.getItem(CLOSED);
  } catch {
    return null;
  }
}

/** @param {Alarm[]} next */
function set(next) {
  alarms = next.slice(-MAX_KEPT);
  try {
    window.sessionStorage.setItem(KEPT, JSON.stringify(alarms));
  } catch {
    // They stand as long as the page.
  }
  for (const listener of [...listeners]) listener();
}

/** @param {Alarm} alarm */
function add(alarm) {
  set([...alarms.filter(({ key }) => key !== alarm.key), alarm]);
  settle();
}

/**
 * Whether the alarm's conversation is before the reader, where the doubt stands above it.
 *
 * @param {Alarm} alarm
 */
const isOpen = ({ room }) => Boolean(room) && place.page === "chats" && place.room === room;

/** Drop what is settled: the doubt has ended, or stands above the open conversation. */
function settle() {
  let changed = false;
  const stay = alarms.filter((alarm) => {
    if (!alarm.peer) return true;
    const doubted = Boolean(store.peers.get(alarm.peer)?.doubt);
    if (doubted && !alarm.seen) changed = alarm.seen = true;
    return !(alarm.seen && store.whole && (!doubted || isOpen(alarm)));
  });
  if (changed || stay.length !== alarms.length) set(stay);
}

store.on("warned", ({ peer, room, name, text }) => add({ key: `peer ${peer}`, peer, room, name, text, seen: false }));
store.on("shared", ({ seq, text }) => {
  const mark = `${store.cursor.log} ${seq}`;
  if (closed() !== mark) add({ key: "identity", peer: null, room: null, name: null, text, seen: true, mark });
});
store.on("gone", ({ id, into }) => set(alarms.map((alarm) => (alarm.room === id ? { ...alarm, room: into } : alarm))));
store.on("lists", settle);
place.onChange(settle);

/**
 * Mounts the alarms in a page, below `after`; returns a function that removes them.
 *
 * @param {Element} after
 */
export function mountAlarms(after) {
  // It stands before there is one: else screen readers would not tell of the first.
  const box = h("div", { class: "alarms", role: "alert" });
  after.after(box);
  const shown = new Children(box, ({ key }) => key, makeAlarm);
  const draw = () => shown.draw(alarms.slice(0, MAX_SHOWN));
  listeners.add(draw);
  draw();
  return () => listeners.delete(draw);
}

/** @param {Alarm} alarm */
function makeAlarm(alarm) {
  let now = alarm;
  const title = h("strong", { dir: "auto" });
  const text = h("span", { dir: "auto" });
  const open = h("button", { class: "act", type: "button", onclick: () => place.go("chats", now.room) },
    "Open the conversation");
  const close = h("button", { class: "closer", type: "button", onclick: () => {
    closed(now.mark);
    set(alarms.filter(({ key }) => key !== now.key));
  } }, icon("close"));
  return {
    element: h("div", { class: "alarm" }, icon("alert"), h("p", {}, title, " ", text), h("span", { class: "acts" }, open, close)),
    /** @param {Alarm} next */
    draw(next) {
      now = next;
      setText(title, now.name === null ? "Your identity is used twice." : `Is this really ${now.name}?`);
      setText(text, now.text);
      open.hidden = !now.room;
      setAttribute(close, "aria-label", `Close: ${title.textContent}`);
    },
  };
}
