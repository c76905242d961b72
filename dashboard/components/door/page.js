// The door's page: takes the code out of the address and brings it in; comes back by the browser's key; or asks for a
// link. At a spare host (127.0.0.1) it leads to the name, if this browser can find it.

import { arrive, dropWorkers, enter } from "./browser.js";

/** Timeout of a request to the name, in ms. It is this machine, so it answers at once or can't be found. */
const FIND_MS = 3000;
/** Returning to this page so often within so many ms means that the browser doesn't send its cookie or pass. */
const AGAIN = [3, 10000];
const LET_IN = "snicher-let-in";

const { host = "", name = "", question = "", echo = "" } = document.querySelector("main")?.dataset ?? {};

/**
 * An element of this page.
 *
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 */
function part(id, kind) {
  const one = document.getElementById(id);
  if (one instanceof kind) return one;
  throw new Error(`This page has no ${id}.`);
}

const wrong = part("wrong", HTMLElement);

/**
 * Show one of the page's parts, and no other.
 *
 * @param {string} id
 * @param {Record<string, string>} [values] Texts by the class of their element.
 */
function show(id, values = {}) {
  for (const one of document.querySelectorAll("section")) one.hidden = one.id !== id;
  for (const [key, value] of Object.entries(values)) for (const place of document.querySelectorAll(`#${id} .${key}`)) place.textContent = value;
  /** @type {HTMLElement | null} */
  const first = document.querySelector(`#${id} input, #${id} button`);
  first?.focus();
}

/**
 * The page to go on to: this address without the code. It is absolute, so that it stays at this host.
 *
 * @param {string} [at]
 * @param {string | null} [code]
 */
function target(at = window.location.origin, code = null) {
  const here = new URL(window.location.href);
  here.searchParams.delete("link");
  if (code) here.searchParams.set("link", code);
  return `${at}${here.pathname}${here.search}${here.hash}`;
}

/** Go on to the dashboard, unless that has just led back to this page several times. */
function goIn() {
  try {
    /** @type {number[]} */
    const known = JSON.parse(window.sessionStorage.getItem(LET_IN) ?? "[]");
    const last = known.filter((at) => Date.now() - at < AGAIN[1]);
    window.sessionStorage.setItem(LET_IN, JSON.stringify([...last, Date.now()]));
    if (last.length >= AGAIN[0]) return show("blocked");
  } catch {
    // The storage is full; the dashboard works without it.
  }
  window.location.replace(target());
}

/** Whether the name leads to the server that sent this page: only that one knows the echo. */
async function found() {
  try {
    const answer = await fetch(`${name}/door/here?question=${encodeURIComponent(question)}`, {
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(FIND_MS),
    });
    return (await answer.json()).echo === echo;
  } catch {
    return false;
  }
}

/** @param {string} code */
async function bring(code) {
  show("wait");
  const how = await enter(code);
  if (how === "in") return goIn();
  if (how === "blocked") return show("blocked");
  if (how === "away") return show("away");
  // The link is used up, perhaps by this browser; then it has a session or a key.
  const back = await arrive();
  if (back === "in") return goIn();
  if (back === "stranger") return show("stranger");
  show("ask");
  wrong.hidden = false;
}

/** @param {Event} event */
function paste(event) {
  event.preventDefault();
  const text = part("link", HTMLInputElement).value.trim();
  let code = text;
  try {
    code = new URL(text).searchParams.get("link") ?? text;
  } catch {
    // The code alone.
  }
  if (!/^[\w-]{1,100}$/.test(code)) {
    wrong.hidden = false;
    return;
  }
  // Through the address, so that the server may lead to the name.
  window.location.replace(target(window.location.origin, code));
}

async function start() {
  if (host !== window.location.host) return show("proxy", { seen: host, used: window.location.host });
  await dropWorkers();
  part("paste", HTMLFormElement).addEventListener("submit", paste);
  const code = new URL(window.location.href).searchParams.get("link");
  if (code === null) {
    const back = await arrive();
    if (back === "in") return goIn();
    return show(back === "out" ? "ask" : back);
  }
  // From here on, the address bar and the tab's history hold no code.
  window.history.replaceState(null, "", target());
  if (!name) return bring(code);
  if (await found()) return window.location.replace(target(name, code));
  show("spare", { used: window.location.host });
  part("stay", HTMLElement).addEventListener("click", () => bring(code), { once: true });
}

for (const again of document.querySelectorAll(".again")) again.addEventListener("click", () => window.location.reload());
start();
