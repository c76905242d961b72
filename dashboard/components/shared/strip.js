// The strip on top of a page that says what is wrong, since when, and what to do. Empty when all is well.

import { mountAlarms } from "./alarms.js";
import { h, icon, setAttribute, setText } from "./dom.js";
import { connection, store } from "./session.js";
import * as when from "./when.js";

/** A page that has just opened gets this long to connect before anything is called wrong, in ms. */
const PATIENCE_MS = 1200;
const opened = Date.now();

/** @typedef {{ tone: "bad" | "wait", title: string, text: string, code?: string }} Trouble */

/**
 * The present problem.
 *
 * @returns {Trouble | null}
 */
export function trouble() {
  const early = Date.now() - opened < PATIENCE_MS;
  if (connection.state === "denied") {
    return {
      tone: "bad",
      title: "This browser isn't let in any more.",
      text: "Open another link in it. What you wrote is kept here. For a link, run this in Snicher's folder:",
      code: "python -m dashboard.app --link",
    };
  }
  if (connection.state === "stranger") {
    return {
      tone: "bad",
      title: `Since ${when.time(connection.since)}, somebody else answers in place of your dashboard.`,
      text: "Another program listens on its port; this page told it nothing. Don't reload this page. Find out what listens "
        + "there, and start the dashboard again. What you wrote is kept here.",
    };
  }
  if (connection.state === "lost" || (connection.state === "connecting" && !early)) {
    return {
      tone: "wait",
      title: `The dashboard's server doesn't answer since ${when.moment(connection.since, Date.now())}.`,
      text: "Is it still running? What you write is kept and sent when it is back. Reconnecting…",
    };
  }
  if (store.away && !early) {
    const { since, reason, start } = store.away;
    return {
      tone: "wait",
      title: since ? `The node is away since ${when.moment(since, store.now())}, ${when.ago(since, store.now())}.` : "The node is away.",
      text: `${reason} What you write is kept and sent when it is back. Reconnecting… If it stays away, start it:`,
      code: start,
    };
  }
  if (store.health) {
    return {
      tone: "bad",
      title: "The node can't write to its disk.",
      text: `${store.health.problem} Nothing is lost; make room on the disk, and it goes on by itself.`,
    };
  }
  return null;
}

/**
 * Mount the strip as the first child of `parent`, and the alarms below it; returns a function that removes both.
 *
 * @param {HTMLElement} parent
 */
export function strip(parent) {
  const title = h("strong");
  const text = h("span");
  const code = h("code");
  const box = h("div", { class: "strip", role: "status", hidden: true }, icon("alert"), h("p", {}, title, " ", text, " ", code));
  parent.prepend(box);
  const stopAlarms = mountAlarms(box);

  function draw() {
    const found = trouble();
    box.hidden = !found;
    setAttribute(box, "data-tone", found?.tone);
    setAttribute(parent, "data-away", found?.tone === "wait");
    if (!found) return;
    setText(title, found.title);
    setText(text, found.text);
    setText(code, found.code ?? "");
  }

  const stops = [stopAlarms, store.on("lists", draw), connection.onChange(draw)];
  const timer = setInterval(draw, 1000);
  draw();
  return () => {
    clearInterval(timer);
    for (const stop of stops) stop();
  };
}
