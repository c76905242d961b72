// The Activity page: says to the server that it is shown, and hands what comes to its parts.

import { h } from "../shared/dom.js";
import { mounting } from "../shared/mount.js";
import { connection, store } from "../shared/session.js";
import { strip } from "../shared/strip.js";
import { tips } from "../shared/tip.js";
import { Figures } from "./figures.js";
import { Health } from "./health.js";
import { Log } from "./log.js";

export const mount = mounting(".activity", build);

/** @param {HTMLElement} root */
function build(root) {
  const sheet = h("div", { class: "sheet" });
  const figures = new Figures();
  const health = new Health();
  const log = new Log(sheet);
  sheet.append(h("h1", {}, "Activity"), figures.element, health.element, log.element);
  root.append(sheet);
  const stopStrip = strip(root);
  tips(root);
  /** @type {import("../shared/schema.js").Figures | null} */
  let latest = null;

  function draw() {
    figures.draw(latest);
    health.draw(latest);
    log.tick();
  }

  /** Also after the connection broke, and when the node's log began anew. */
  function begin() {
    if (connection.state !== "open") return;
    // Whoever asks the server in this order misses nothing between the page of the log and the rows that come live.
    connection.ask({ t: "watch", on: true }).catch(() => {});
    log.begin({ on: true });
  }

  let away = Boolean(store.away);
  const tick = setInterval(draw, 1000);
  const stops = [
    store.on("figures", (frame) => {
      latest = frame.figures;
      draw();
    }),
    store.on("rows", (frame) => log.take(frame)),
    store.on("reload", begin),
    store.on("lists", () => {
      draw();
      if (away && !store.away) log.back();
      away = Boolean(store.away);
    }),
    connection.onChange((state) => (state === "open" ? begin() : log.lost())),
    stopStrip,
    () => clearInterval(tick),
    () => log.destroy(),
    () => connection.state === "open" && connection.ask({ t: "watch", on: false }).catch(() => {}),
  ];
  draw();
  begin();
  return () => {
    for (const stop of stops) stop();
  };
}
