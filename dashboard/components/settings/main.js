// The Settings page: what people may change, each saved by itself and told so once the node has it; what the node's start
// has fixed; where everything is; and who may open this dashboard.

import { h } from "../shared/dom.js";
import { connection, store } from "../shared/session.js";
import { strip } from "../shared/strip.js";
import { tips } from "../shared/tip.js";
import { Access } from "./access.js";
import { appearance } from "./appearance.js";
import { Connections } from "./connections.js";
import { saves } from "./field.js";
import { Kept } from "./kept.js";
import { Mandatory } from "./mandatory.js";
import { Place } from "./place.js";
import { Started } from "./started.js";
import { You } from "./you.js";

/** Sizes and counts are asked for again so often, in ms. */
const AGAIN_MS = 15000;
const mounted = new WeakMap();

/** Called by the loader, and again whenever Streamlit runs the component's script: the same page then. */
export function mount({ parentElement }) {
  const root = parentElement.querySelector(".settings");
  if (!mounted.has(root)) mounted.set(root, build(root));
  return mounted.get(root);
}

function build(root) {
  const left = [new You(), new Connections(), new Kept(), new Place()];
  const right = [new Mandatory(), new Access(), appearance()];
  const started = new Started();
  const parts = [...left, ...right, started];
  const note = h("p", { class: "note loading", role: "status" }, "Reading the settings…");
  const column = (some) => h("div", { class: "column" }, ...some.map((part) => part.element));
  const groups = h("div", { class: "groups" }, column(left), column(right), started.element);
  root.append(h("div", { class: "sheet" }, h("h1", {}, "Settings"), note, groups));
  const stopStrip = strip(root);
  tips(root);
  let view = null;
  let asking = false;
  let again = false;

  function draw() {
    note.hidden = Boolean(view) && Object.keys(view.settings).length > 0;
    groups.hidden = !note.hidden;
    if (view && !note.hidden) note.textContent = "The settings are shown as soon as the node is there.";
    if (view) for (const part of parts) part.draw?.(view);
  }

  /** Ask what holds now. One question at a time; what changes meanwhile is asked for after it. */
  async function ask() {
    if (asking) return void (again = true);
    asking = true;
    const { number } = saves;
    try {
      const told = await connection.ask({ t: "options" });
      if (number === saves.number) view = told;
      else again = true;
      draw();
    } catch {
      // The strip says that the server is away; it is asked again when that is back.
    }
    asking = false;
    if (again) {
      again = false;
      ask();
    }
  }

  const timer = setInterval(() => document.visibilityState === "visible" && connection.state === "open" && ask(), AGAIN_MS);
  let away = Boolean(store.away);
  const stops = [
    store.on("options", ask),
    store.on("reload", ask),
    store.on("lists", () => {
      draw();
      if (away !== Boolean(store.away)) ask();
      away = Boolean(store.away);
    }),
    connection.onChange((state) => state === "open" && ask()),
    stopStrip,
    () => clearInterval(timer),
  ];
  if (connection.state === "open") ask();
  return () => {
    for (const stop of stops) stop();
    mounted.delete(root);
    root.replaceChildren();
  };
}
