// The event log of the Activity page: says to the server that it is shown, and hands what comes to the log. The figures
// above it are Streamlit's (views/activity.py); the server asks the node for them while this is shown.

import { mounting } from "../shared/mount.js";
import { connection, store } from "../shared/session.js";
import { tips } from "../shared/tip.js";
import { Log } from "./log.js";

export const mount = mounting(".activity", build);

/** @param {HTMLElement} root */
function build(root) {
  const log = new Log(scrollerOf(root));
  root.append(log.element);
  tips(root);

  /** Also after the connection broke, and when the node's log began anew. */
  function begin() {
    if (connection.state !== "open") return;
    // Whoever asks the server in this order misses nothing between the page of the log and the rows that come live.
    connection.ask({ t: "watch", on: true }).catch(() => {});
    log.begin({ on: true });
  }

  let away = Boolean(store.away);
  const tick = setInterval(() => log.tick(), 1000);
  const stops = [
    store.on("rows", (/** @type {import("../shared/schema.js").RowsFrame} */ frame) => log.take(frame)),
    store.on("reload", begin),
    store.on("lists", () => {
      log.tick();
      if (away && !store.away) log.back();
      away = Boolean(store.away);
    }),
    connection.onChange((state) => (state === "open" ? begin() : log.lost())),
    () => clearInterval(tick),
    () => log.destroy(),
    () => connection.state === "open" && connection.ask({ t: "watch", on: false }).catch(() => {}),
  ];
  begin();
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * What scrolls when the reader scrolls the log: Streamlit's page.
 * @param {HTMLElement} root
 * @returns {HTMLElement}
 */
function scrollerOf(root) {
  /** @type {Node | null} */
  let at = root;
  while (at) {
    if (at instanceof HTMLElement && /auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
    at = at instanceof ShadowRoot ? at.host : at.parentNode;
  }
  return document.documentElement;
}
