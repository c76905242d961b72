// What a person must see at once, on whatever page they are: it is in doubt who a peer is, or another machine uses this
// node's identity. An alarm stands until it is closed, its conversation is opened, or the doubt has ended; it outlasts a
// reload of the tab.

import { h, icon, reconcile, setText } from "./dom.js";
import { place } from "./place.js";
import { store } from "./session.js";

/** Most alarms shown at once; further ones follow when those are closed. */
const MAX_SHOWN = 3;
/** Most alarms kept; the oldest go first. Each stays as a mark in the lists. */
const MAX_KEPT = 50;
const KEPT = "snicher/alarms";
const CLOSED = "snicher/identity";

/** {key, peer, room, name, text, seen}; `seen`: the doubt stood in the lists, so that its end can be told. */
let alarms = read();
const listeners = new Set();

function read() {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(KEPT));
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.text === "string") : [];
  } catch {
    return [];
  }
}

/** Which news about the identity was closed last, in any tab of this browser: whoever has read it isn't told again. */
function closed(mark = null) {
  try {
    if (mark) window.localStorage.setItem(CLOSED, mark);
    return window.localStorage.getItem(CLOSED);
  } catch {
    return null;
  }
}

function set(next) {
  alarms = next.slice(-MAX_KEPT);
  try {
    window.sessionStorage.setItem(KEPT, JSON.stringify(alarms));
  } catch {
    // They stand as long as the page.
  }
  for (const listener of [...listeners]) listener();
}

function add(alarm) {
  set([...alarms.filter(({ key }) => key !== alarm.key), alarm]);
  settle();
}

/** Whether the alarm's conversation is before the reader, where the doubt stands above it. */
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

/** Mounts the alarms in a page, below `after`; returns a function that removes them. */
export function mountAlarms(after) {
  // It stands before there is one: else screen readers would not tell of the first.
  const box = h("div", { class: "alarms", role: "alert" });
  after.after(box);
  const draw = () => reconcile(box, alarms.slice(0, MAX_SHOWN), ({ key }) => key, make, drawAlarm);
  listeners.add(draw);
  draw();
  return () => listeners.delete(draw);
}

function make({ key }) {
  const parts = {
    title: h("strong", { dir: "auto" }),
    text: h("span", { dir: "auto" }),
    open: h("button", { class: "act", type: "button" }, "Open the conversation"),
    close: h("button", { class: "closer", type: "button" }, icon("close")),
  };
  const element = h("div", { class: "alarm" }, icon("alert"), h("p", {}, parts.title, " ", parts.text),
    h("span", { class: "acts" }, parts.open, parts.close));
  element.parts = parts;
  parts.open.addEventListener("click", () => place.go("chats", element.alarm.room));
  parts.close.addEventListener("click", () => {
    closed(element.alarm.mark);
    set(alarms.filter((one) => one.key !== key));
  });
  return element;
}

function drawAlarm(element, alarm) {
  const { title, text, open, close } = element.parts;
  element.alarm = alarm;
  setText(title, alarm.name === null ? "Your identity is used twice." : `Is this really ${alarm.name}?`);
  setText(text, alarm.text);
  open.hidden = !alarm.room;
  close.setAttribute("aria-label", `Close: ${title.textContent}`);
}
