// The frame: navigation with counts, who this node is, and the page's title and icon with the unread count.

import { Announcer } from "../shared/announcer.js";
import { calm } from "../shared/calm.js";
import { makeAddress } from "../shared/address.js";
import { h, icon, reconcile, setAttribute, setText } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { protection } from "../shared/protection.js";
import { connection, store } from "../shared/session.js";
import "../shared/unknown_rooms.js";
import { trouble } from "../shared/strip.js";
import "../shared/theme.js";
import { tips } from "../shared/tip.js";
import { drawTitle } from "./title.js";

/** In the order of the navigation; `count` and `say` only where a number says something, `urgent` where it wants to be seen. */
const PAGES = [
  { name: "chats", title: "Chats", href: "/", count: () => store.unread, say: (n) => `${n} unread`, urgent: true },
  { name: "peers", title: "Peers", href: "/peers", count: () => store.totals.peers, say: (n) => `${n} known` },
  { name: "search", title: "Search", href: "/search" },
  { name: "activity", title: "Activity", href: "/activity" },
  { name: "settings", title: "Settings", href: "/settings" },
];
/** Addresses shown; further ones stand on the Peers page. */
const MAX_ADDRESSES = 2;
const mounted = new WeakMap();

/** Called by the loader, and again for each run of the script: with the page that is shown now. */
export function mount({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".frame");
  if (!mounted.has(root)) mounted.set(root, build(root));
  const frame = mounted.get(root);
  place.arrive(data.page, (page) => setTriggerValue("goto", page));
  // Streamlit's own scroller: nothing scrolls in it, so the Tab key would stop at nothing that can be seen.
  document.querySelector("[data-testid='stMain']")?.setAttribute("tabindex", "-1");
  frame.draw();
  return frame.destroy;
}

function build(root) {
  const links = new Map(PAGES.map((page) => [page.name, link(page)]));
  const name = h("span", { class: "name", dir: "auto" });
  const state = h("span", { class: "state" });
  const addresses = h("div", { class: "addresses" });
  const code = h("div", { class: "code", "data-tip": "The short code of your node." });
  const weaker = protection();
  const guarded = weaker ? h("div", { class: "weaker", "data-tip": weaker, tabindex: "0" }, "Weaker protection") : null;
  const me = h("div", { class: "me", hidden: true }, h("div", { class: "line" }, name, state), addresses, code, guarded);
  root.append(h("div", { class: "brand" }, "Snicher"),
    h("nav", { "aria-label": "Pages" }, ...[...links.values()].map((one) => one.element)), me);
  const announcer = new Announcer();
  root.append(announcer.element);
  tips(root);
  // A touch keyboard makes the page smaller, instead of lying on what one writes.
  const viewport = document.querySelector("meta[name='viewport']");
  if (viewport && !viewport.content.includes("interactive-widget")) viewport.content += ", interactive-widget=resizes-content";

  function draw() {
    for (const page of PAGES) links.get(page.name).draw();
    const wrong = trouble();
    setAttribute(state, "data-tone", wrong ? wrong.tone : "good");
    setText(state, !wrong ? "on the network" : connection.state === "open" ? "node away" : "no connection");
    if (wrong?.tone === "bad" && store.health) setText(state, "disk problem");
    me.hidden = !store.me;
    if (store.me) {
      setText(name, store.me.name);
      setText(code, store.me.code.replaceAll("-", " · "));
      const shown = store.me.addresses.slice(0, MAX_ADDRESSES);
      reconcile(addresses, shown, (one) => one, (one) => makeAddress(one, "address"), () => {});
    }
    drawTitle(store.unread, PAGES.find((page) => page.name === place.page)?.title ?? "Chats");
  }

  const redraw = calm(draw);
  const stops = [store.on("lists", redraw), redraw.stop, connection.onChange(draw), place.onChange(draw)];
  const timer = setInterval(draw, 2000);
  return {
    draw,
    destroy() {
      clearInterval(timer);
      for (const stop of stops) stop();
      announcer.destroy();
      mounted.delete(root);
      root.replaceChildren();
    },
  };
}

function link(page) {
  const count = h("span", { class: "count", "data-urgent": page.urgent, "aria-hidden": "true" });
  const said = h("span", { class: "visuallyhidden" });
  const element = h("a", { href: page.href, class: "page" }, icon(page.name), h("span", { class: "title" }, page.title), count,
    said);
  element.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    // On a small screen the Chats button also leads from a conversation back to the list.
    if (page.name === "chats" && place.page === "chats") place.open(null);
    else place.go(page.name);
  });
  return {
    element,
    draw() {
      const number = page.count?.() ?? 0;
      setAttribute(element, "aria-current", place.page === page.name ? "page" : null);
      // More digits than that don't fit beside the icon on a small screen; the title and the page tell the number.
      setText(count, number > 999 ? "999+" : number ? String(number) : "");
      setText(said, number ? `, ${page.say(number)}` : "");
    },
  };
}
