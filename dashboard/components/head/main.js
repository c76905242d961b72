// The head of a native part (head/__init__.py): hands the pass to the script, has it run again when something changed,
// tells which keys were pressed in its text fields, announces what it says, and shows the strip.

import { pass } from "../door/browser.js";
import { clock } from "../shared/clock.js";
import { h, setText } from "../shared/dom.js";
import { rootOf } from "../shared/mount.js";
import { connection, store } from "../shared/session.js";
import { beforeReturn } from "../shared/streamlit.js";
import { strip } from "../shared/strip.js";
import "../shared/theme.js";
import { tips } from "../shared/tip.js";
import { Typing, watchKeys } from "./keys.js";
import { Refresher } from "./refresher.js";

/**
 * What the script says: what it hears, how often it looks by itself (s), the keys of its text fields, what is to be
 * announced, and whether it wants to be run once more (another number each time; 0: it doesn't).
 * @typedef {{ hears: (keyof import("../shared/store.js").Told)[], every: number, fields: string[], said: string, again: number }} Told
 * @typedef {{ parentElement: ParentNode, data: Told, setStateValue: (name: string, value: unknown) => void,
 *   setTriggerValue: (name: string, value: unknown) => void }} Component
 */

/** @type {WeakMap<Element, ReturnType<typeof build>>} */
const mounted = new WeakMap();

/**
 * Called by the loader, and again for each run of the script that says something else.
 * @param {Component} component
 */
export function mount(component) {
  const root = rootOf(component.parentElement, ".head");
  const head = mounted.get(root) ?? build(root, component);
  mounted.set(root, head);
  head.told(component);
  return head.destroy;
}

/**
 * @param {HTMLElement} root
 * @param {Component} first
 */
function build(root, first) {
  let component = first;
  /** The pass that the script was told last. */
  let word = "";
  const bar = h("div", { class: "bar" });
  const said = h("p", { class: "visuallyhidden", role: "status" });
  root.append(bar, said);

  /** Without the pass the script shows nothing. After a new start of the server it is another one. */
  async function prove() {
    const own = await pass();
    if (!own || own === word) return;
    word = own;
    component.setStateValue("word", own);
  }

  const fields = () => component.data.fields;
  const typing = new Typing(fields, clock);
  const refresher = new Refresher(() => {
    component.setTriggerValue("news", { typing: typing.fields });
    if (typing.fields.length) refresher.note();
  }, { clock, visible: () => document.visibilityState === "visible" });
  const look = () => refresher.look();
  document.addEventListener("visibilitychange", look);
  let away = Boolean(store.away);
  let beat = 0;
  const news = () => connection.state === "open" && refresher.note();
  // The strip lies over the page, which has room for it above: so it stays in sight.
  const room = new ResizeObserver(() => {
    document.documentElement.style.setProperty("--strip", `${bar.offsetHeight}px`);
  });
  room.observe(bar);
  beforeReturn.add(prove);
  const stops = [
    strip(bar),
    store.on("lists", () => {
      if (away !== Boolean(store.away)) news();
      away = Boolean(store.away);
    }),
    store.on("reload", news),
    ...first.data.hears.map((kind) => store.on(kind, news)),
    connection.onChange((state) => {
      if (state !== "open") return;
      prove();
      news();
    }),
    watchKeys(fields, (act) => {
      typing.told(act.field);
      component.setTriggerValue("act", act);
    }),
    () => typing.destroy(),
    () => beforeReturn.delete(prove),
    () => document.removeEventListener("visibilitychange", look),
    () => refresher.destroy(),
    () => room.disconnect(),
    () => clearInterval(beat),
  ];
  if (first.data.every) beat = window.setInterval(news, first.data.every * 1000);
  tips(root);
  prove();

  return {
    /** @param {Component} latest */
    told(latest) {
      component = latest;
      // The same words, said again, are announced again.
      setText(said, "");
      setText(said, latest.data.said);
      if (latest.data.again) news();
    },
    destroy() {
      for (const stop of stops) stop();
      document.documentElement.style.removeProperty("--strip");
      mounted.delete(root);
      root.replaceChildren();
    },
  };
}
