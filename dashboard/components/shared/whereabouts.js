// Where the reader is: the page, the open conversation, and the requested message. The address keeps it, so that reload
// and links work: `/?room=ID` is a conversation, `/?room=ID&message=NUMBER` a message in it. place.js has the one of this
// tab.

/** Name under which the open conversation is kept, for coming back from another page; this tab only. */
const KEPT = "snicher/room";
/** Longest id of a conversation, in characters; a longer one in an address is invalid. */
export const MAX_ID = 128;
/** What is open in place of a conversation while the reader looks at who asks to write. */
export const REQUESTS = "requests";
/** Where a page stands still when Streamlit doesn't show another one, in ms, and how long that is looked at. */
const SHOWN_MS = 5000;
const PATIENCE_MS = 30000;

/** @typedef {{ id: string, into: string | null, name: string, hidden?: boolean }} Gone The end of a
 *   conversation, see operations.py; or `hidden`: its peer is blocked. */
/** @typedef {{ again: boolean, gone?: Gone | null, arrived?: boolean }} Change */
/**
 * @typedef {object} World What it needs of the browser.
 * @property {Pick<import("./tab.js").Tab, "address" | "load" | "write" | "narrow">} tab
 * @property {Pick<import("./storage.js").Area, "get" | "set">} ofTab
 * @property {import("./clock.js").Clock} clock
 * @property {() => boolean} open Whether our server answers.
 */

/** @param {string} pathname */
const isOfChats = (pathname) => pathname === "/" || pathname === "/chats";

/**
 * The conversation and message that an address names, if it is one of the Chats page.
 *
 * @param {URL} address
 * @returns {{ room: string | null, message: number | null }}
 */
function named({ pathname, searchParams }) {
  if (!isOfChats(pathname)) return { room: null, message: null };
  const message = Number(searchParams.get("message"));
  return {
    room: searchParams.get("room")?.slice(0, MAX_ID) || null,
    message: Number.isSafeInteger(message) && message > 0 ? message : null,
  };
}

/**
 * The address of a conversation, or of a message in it; for links.
 *
 * @param {string} room
 * @param {number | null} message
 */
export function addressOf(room, message = null) {
  return `/?room=${encodeURIComponent(room)}${message === null ? "" : `&message=${message}`}`;
}

export class Whereabouts {
  page = "chats";
  /** The open conversation's id, or null. @type {string | null} */
  room;
  /** The message requested by a link or a hit; null once the reader has gone on. @type {number | null} */
  message = null;
  /** The same, to show first, once. @type {number | null} */
  around = null;
  /** The search by which the open conversation was found, for the way back to its results; or null. @type {string | null} */
  results = null;
  /** The Chats page is to begin in its search box, once. */
  find = false;

  #store;
  #world;
  /** @type {Set<(change: Change) => void>} */
  #listeners = new Set();
  /** Has Streamlit show another page; null until the frame stands. @type {((page: string) => void) | null} */
  #ask = null;
  #stop = () => {};

  /**
   * @param {Pick<import("./store.js").Store, "canonical" | "on">} store
   * @param {World} world
   */
  constructor(store, world) {
    this.#store = store;
    this.#world = world;
    this.room = named(world.tab.address).room;
    store.on("gone", (op) => this.#follow(op));
    store.on("hidden", ({ id, name }) => this.#follow({ id, name, into: null, hidden: true }));
  }

  /**
   * Calls `listener` when the conversation or the page changed; returns how to stop that. `again`: it is the same
   * conversation. `gone`: what was open before is gone. `arrived`: it is only that the frame told which page is shown,
   * which it may do after that page was built.
   *
   * @param {(change: Change) => void} listener
   */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {Change} change */
  #tell(change) {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** @param {string | null} room */
  #remember(room) {
    this.#world.ofTab.set(KEPT, room || null);
  }

  /**
   * Open a conversation (null: back to the list). `gone`: what was open before is gone; the operation that said so.
   *
   * @param {string | null} id
   * @param {{ around?: number | null, gone?: Gone | null }} how
   */
  open(id, { around = null, gone = null } = {}) {
    const room = this.#store.canonical(id);
    const changed = room !== this.room;
    // A new action on this page cancels a pending change to another page.
    if (!gone) this.#stop();
    this.room = room;
    this.around = this.message = around;
    if (changed) this.results = null;
    this.#remember(room);
    this.#write(changed && this.#world.tab.narrow && !gone);
    this.#tell({ again: !changed, gone });
  }

  /**
   * Go to another page; with a room, to that conversation, at a message of it, found by searching for `results`.
   *
   * @param {string} page
   * @param {string | null} [room]
   * @param {{ around?: number | null, results?: string | null }} how
   */
  go(page, room, { around = null, results = null } = {}) {
    this.#stop();
    if (room !== undefined) {
      this.room = this.#store.canonical(room);
      this.around = this.message = around;
      this.results = results;
      this.#remember(this.room);
    }
    if (page === this.page) {
      this.#write(false);
      this.#tell({ again: false });
    } else if (this.#ask) {
      this.#ask(page);
      this.#expect(page);
    } else this.#load(page);
  }

  /**
   * Streamlit forgets what it is asked while its own connection is away, and tells nobody. Every page also has an address
   * that can be loaded, which takes longer but always works. So that is done if the page isn't shown in time and our
   * server, which is Streamlit's as well, is there.
   *
   * A public way to ask Streamlit would make this unnecessary: as soon as what a component triggers while disconnected
   * is sent after reconnecting. tests/e2e/test_dashboard_streamlit.py says when that is so.
   *
   * @param {string} page
   */
  #expect(page) {
    const { clock, open } = this.#world;
    const until = clock.now() + PATIENCE_MS;
    const look = () => {
      if (open()) this.#load(page);
      else if (clock.now() < until) this.#stop = clock.later(SHOWN_MS, look);
    };
    this.#stop = clock.later(SHOWN_MS, look);
  }

  /** @param {string} page */
  #load(page) {
    this.#world.tab.load(page === "chats" ? "/" : `/${page}`);
  }

  /** The reader has gone on from the message that was asked for. */
  leaveMessage() {
    if (this.message === null) return;
    this.message = null;
    this.#write(false);
  }

  /**
   * The frame tells which page Streamlit shows, and how to show another.
   *
   * @param {string} page
   * @param {(page: string) => void} ask
   */
  arrive(page, ask) {
    this.#stop();
    this.#ask = ask;
    this.page = page;
    this.#tell({ again: true, arrived: true });
  }

  /** Called by the Chats page when it appears: the address wins, then what was open before. */
  settle() {
    const asked = named(this.#world.tab.address);
    if (asked.room) {
      const room = this.#store.canonical(asked.room);
      if (room !== this.room) this.results = null;
      this.room = room;
      this.around = this.message = asked.message;
    } else this.room ||= this.#world.ofTab.get(KEPT) || null;
    this.#write(false);
  }

  /** The browser went back or forward: the address is another one. */
  back() {
    const { address } = this.#world.tab;
    // From one page to another: Streamlit shows it, and it settles by itself.
    if (this.page !== "chats" || !isOfChats(address.pathname)) return;
    const { room: asked, message } = named(address);
    const room = this.#store.canonical(asked);
    if (room === this.room && message === this.message) return;
    if (room !== this.room) this.results = null;
    this.room = room;
    this.around = this.message = message;
    this.#remember(room);
    this.#tell({ again: false });
  }

  /**
   * A conversation that was merged into another one is opened there; from one that was deleted, back to the list.
   *
   * @param {Gone} op
   */
  #follow(op) {
    // A message that was asked for is there as well.
    if (this.room === op.id) this.open(op.into, { gone: op, around: op.into ? (this.around ?? this.message) : null });
  }

  /**
   * On a small screen opening a conversation is a step of its own, so that "back" leads to the list.
   *
   * @param {boolean} step
   */
  #write(step) {
    const { tab } = this.#world;
    const { address } = tab;
    if (!isOfChats(address.pathname)) return;
    const before = address.href;
    if (this.room) address.searchParams.set("room", this.room);
    else address.searchParams.delete("room");
    if (this.room && this.message !== null) address.searchParams.set("message", String(this.message));
    else address.searchParams.delete("message");
    if (address.href !== before) tab.write(address, step && this.room !== null);
  }
}
