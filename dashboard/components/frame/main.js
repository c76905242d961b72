// The frame: navigation with counts, who this node is, and the page's title and icon with the unread count.

import { Announcer } from "../shared/announcer.js";
import { calm } from "../shared/calm.js";
import { addressList } from "../shared/address.js";
import { drawing, h, icon, setAttribute, setText } from "../shared/dom.js";
import { rootOf } from "../shared/mount.js";
import { place } from "../shared/place.js";
import { protection } from "../shared/protection.js";
import { isHere } from "../shared/reaching.js";
import { connection, store } from "../shared/session.js";
import { trouble } from "../shared/strip.js";
import "../shared/theme.js";
import { tips } from "../shared/tip.js";
import { drawTitle } from "./title.js";

/** @import { Component } from "../shared/mount.js" */
/**
 * The number beside a page, where one says something: `say` is it in words, `urgent` that it wants to be seen. `wrong` is
 * what is amiss there, in words: it shows as a triangle; empty: nothing.
 * @typedef {{ count?: () => number, say?: (n: number) => string, urgent?: boolean, wrong?: () => string }} Count
 * @typedef {{ name: string, title: string, icon: string }} Page
 */

/**
 * By the name of the page; the pages themselves are told by registry.py.
 *
 * @type {Partial<Record<string, Count>>}
 */
const COUNTS = {
  chats: { count: () => store.unread, say: (n) => `${n} unread`, urgent: true },
  peers: { count: () => store.totals.peers, say: (n) => `${n} known` },
  doctor: { wrong: () => (!store.away && store.nearby?.tone === "bad" ? "others may not see you" : "") },
};
/** Addresses shown; further ones stand on the Peers page. */
const MAX_ADDRESSES = 2;
/** @type {WeakMap<HTMLElement, ReturnType<typeof build>>} */
const mounted = new WeakMap();

/**
 * Called by the loader, and again for each run of the script: with the page that is shown now.
 *
 * @param {Component & { data: { page: string, pages: Page[] }, setTriggerValue: (name: string, value: string) => void }} component
 */
export function mount({ parentElement, data, setTriggerValue }) {
  const root = rootOf(parentElement, ".frame");
  const frame = mounted.get(root) ?? build(root, data.pages);
  mounted.set(root, frame);
  place.arrive(data.page, (page) => setTriggerValue("goto", page));
  // Streamlit's own scroller: nothing scrolls in it, so the Tab key would stop at nothing that can be seen.
  document.querySelector("[data-testid='stMain']")?.setAttribute("tabindex", "-1");
  frame.draw();
  return frame.destroy;
}

/**
 * @param {HTMLElement} root
 * @param {Page[]} pages
 */
function build(root, pages) {
  const links = new Map(pages.map((page, at) => [page.name, link(page, at === 0)]));
  const name = h("span", { class: "name", dir: "auto" });
  const state = h("span", { class: "state" });
  const addresses = h("div", { class: "addresses" });
  const shownAddresses = addressList(addresses, "address");
  const code = h("div", { class: "code", tabindex: "0", "data-tip": "The short code of your key. Friends who see the same code in their " +
    "Snicher are sure that it is you, and nobody in between." });
  const weaker = protection();
  const guarded = weaker ? h("div", { class: "weaker", "data-tip": weaker, tabindex: "0" }, "Weaker protection") : null;
  const me = h("div", { class: "me", hidden: true }, h("div", { class: "line" }, name, state), addresses, code, guarded);
  root.append(h("div", { class: "brand" }, "Snicher"),
    h("nav", { "aria-label": "Pages" }, ...[...links.values()].map((one) => one.element)), me);
  const announcer = new Announcer();
  root.append(announcer.element);
  tips(root);
  // A touch keyboard makes the page smaller, instead of lying on what one writes.
  /** @type {HTMLMetaElement | null} */
  const viewport = document.querySelector("meta[name='viewport']");
  if (viewport && !viewport.content.includes("interactive-widget")) viewport.content += ", interactive-widget=resizes-content";

  function draw() {
    for (const one of links.values()) one.draw();
    const wrong = trouble();
    const inside = !wrong && store.me !== null && store.me.addresses.every(isHere);
    setAttribute(state, "data-tone", wrong ? wrong.tone : inside ? "wait" : "good");
    setAttribute(state, "data-tip", inside ? "It listens on this machine's own address only: nobody else can reach it." : null);
    setText(state, !wrong ? (inside ? "this machine only" : "on the network") : connection.state === "open" ? "node away" : "no connection");
    if (wrong?.tone === "bad" && store.health) setText(state, "disk problem");
    me.hidden = !store.me;
    if (store.me) {
      setText(name, store.me.name);
      setText(code, store.me.code.replaceAll("-", " · "));
      shownAddresses.draw(store.me.addresses.slice(0, MAX_ADDRESSES));
    }
    drawTitle(store.unread, pages.find((page) => page.name === place.page)?.title ?? "Chats");
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

/**
 * @param {Page} page
 * @param {boolean} first
 */
function link(page, first) {
  const counted = COUNTS[page.name];
  const count = h("span", { class: "count", "data-urgent": counted?.urgent, "aria-hidden": "true" });
  const wrong = h("span", { class: "wrong", hidden: true }, icon("alert"));
  const said = h("span", { class: "visuallyhidden" });
  const element = h("a", { href: first ? "/" : `/${page.name}`, class: "page" }, drawing(page.icon), h("span", { class: "title" }, page.title), count, wrong,
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
      const number = counted?.count?.() ?? 0;
      const amiss = counted?.wrong?.() ?? "";
      setAttribute(element, "aria-current", place.page === page.name ? "page" : null);
      // More digits than that don't fit beside the icon on a small screen; the title and the page tell the number.
      setText(count, number > 999 ? "999+" : number ? String(number) : "");
      wrong.hidden = !amiss;
      setText(said, amiss ? `, ${amiss}` : number && counted?.say ? `, ${counted.say(number)}` : "");
    },
  };
}
