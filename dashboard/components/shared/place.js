// Where the reader is: the page, and the conversation that is open. The address keeps it, so reload and links work.

import { store } from "./session.js";

const listeners = new Set();
/** Set by the frame: has Streamlit show another page. */
let changePage = null;

/** Kept for coming back from another page; this tab only. */
function remembered() {
  try {
    return window.sessionStorage.getItem("snicher/room");
  } catch {
    return null;
  }
}

function remember(room) {
  try {
    window.sessionStorage.setItem("snicher/room", room ?? "");
  } catch {
    // It is a convenience.
  }
}

export const place = {
  page: "chats",
  /** The open conversation's id, or null. */
  room: new URLSearchParams(window.location.search).get("room") || null,
  /** A message to show first, once; for search hits. */
  around: null,

  /** Calls `listener` when the conversation or the page changed; returns how to stop that. */
  onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  /** Open a conversation (null: back to the list). `gone`: what was open before is gone; the operation that said so. */
  open(room, { around = null, gone = null } = {}) {
    const changed = room !== this.room;
    this.room = room;
    this.around = around;
    remember(room);
    this.writeAddress(changed && isNarrow());
    for (const listener of [...listeners]) listener({ again: !changed, gone });
  },

  /** Go to another page; with a room, to that conversation. */
  go(page, room) {
    if (room !== undefined) {
      this.room = room;
      remember(room);
    }
    if (page === this.page) {
      this.writeAddress(false);
      for (const listener of [...listeners]) listener({ again: false });
    } else if (changePage) changePage(page);
    else window.location.assign(page === "chats" ? "/" : `/${page}`);
  },

  /** The frame tells which page Streamlit shows, and how to show another. */
  arrive(page, change) {
    changePage = change;
    this.page = page;
    for (const listener of [...listeners]) listener({ again: true });
  },

  /** Called by the Chats page when it appears: the address wins, then what was open before. */
  settle() {
    const wanted = new URLSearchParams(window.location.search).get("room") || this.room || remembered() || null;
    this.room = wanted;
    this.writeAddress(false);
  },

  /** On a small screen opening a conversation is a step of its own, so that "back" leads to the list. */
  writeAddress(step) {
    const address = new URL(window.location.href);
    if (this.room) address.searchParams.set("room", this.room);
    else address.searchParams.delete("room");
    if (address.href === window.location.href) return;
    if (step && this.room) window.history.pushState(window.history.state, "", address);
    else window.history.replaceState(window.history.state, "", address);
  },
};

/** One column at a time; the same bound as in the style sheets. */
export function isNarrow() {
  return window.matchMedia("(max-width: 759px)").matches;
}

window.addEventListener("popstate", () => {
  if (place.page !== "chats") return;
  const room = new URLSearchParams(window.location.search).get("room") || null;
  if (room === place.room) return;
  place.room = room;
  place.around = null;
  remember(room);
  for (const listener of [...listeners]) listener({ again: false });
});

// A conversation that was merged into another one is opened there; from one that was deleted, back to the list.
store.on("gone", (op) => {
  if (place.room === op.id) place.open(op.into, { gone: op });
});
