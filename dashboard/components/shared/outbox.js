// The outbox: drafts, and texts that the node hasn't stored yet. It is kept in the browser's storage, so that a reload, a
// crash of the tab or a node that is away loses nothing.
//
// Each text gets an idempotency key when it is written, and is retried with that key until the node answers. The node
// remembers keys for 24 hours, so a retry after a lost answer never doubles a message.

/** How long a text is retried, in ms. After that, the node may have forgotten its key. */
const KEY_LIFETIME_MS = 23 * 3600 * 1000;
/** Backoff between retries, in ms: first and longest pause. */
const PAUSE_MS = [400, 4000];
/** Error codes after which the outcome is unknown, so that a retry must use the same key. */
const UNKNOWN_OUTCOME = new Set(["lost", "away", "protocol", "internal"]);
/** How many recently answered messages are remembered, because their events may still come. */
const MAX_SAID = 100;

/** @typedef {import("./schema.js").MessageView} MessageView */
/** @typedef {{ code: string, message: string }} Trouble Why a text wasn't taken. */
/**
 * @typedef {object} Entry A text that the node hasn't stored yet, as far as this page knows.
 * @property {string} key
 * @property {string} room Where it shows.
 * @property {string} to Where it was said first, while the node may have taken it there.
 * @property {string} text
 * @property {number} at When it was written, in ms by the server's clock.
 * @property {number} nth Its number in the order written.
 * @property {"queued" | "asking" | "refused"} state
 * @property {Trouble | null} problem
 * @property {number | null} seenAs The message that it became, though the answer is still to come.
 * @property {boolean} left By an earlier page or another tab.
 * @property {string} name Under which it is kept.
 */
/**
 * @typedef {object} World What an outbox needs of the browser.
 * @property {import("./storage.js").Area} lasting
 * @property {import("./storage.js").Area} ofTab
 * @property {import("./clock.js").Clock} clock
 * @property {() => string} newKey
 */

/**
 * Joins two drafts of one text field, so that neither is lost.
 *
 * @param {string | null} older
 * @param {string} newer
 */
function joined(older, newer) {
  if (!older || older === newer) return newer;
  return older.endsWith(`\n${newer}`) ? older : `${older}\n${newer}`;
}

/**
 * Whether the node may have stored an entry although this page has no answer about it.
 *
 * @param {Entry} entry
 */
const asked = ({ state, problem, left }) => state === "asking" || (state === "queued" && (left || Boolean(problem)));

export class Outbox {
  /** In the order written. @type {Entry[]} */
  entries = [];

  #connection;
  #store;
  #world;
  /** The node's id, or null until it is known. @type {string | null} */
  #node = null;
  /** @type {Map<string, string>} */
  #drafts = new Map();
  #pumping = false;
  #pause = PAUSE_MS[0];
  /** @type {(() => void) | null} */
  #wake = null;
  /** @type {Set<number>} */
  #said = new Set();
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /**
   * @param {Pick<import("./connection.js").Connection, "state" | "ask" | "onChange">} connection
   * @param {Pick<import("./store.js").Store, "on" | "me" | "away" | "rooms" | "now" | "said" | "whole">} store
   * @param {World} world
   */
  constructor(connection, store, world) {
    this.#world = world;
    this.#connection = connection;
    this.#store = store;
    let away = false;
    store.on("lists", () => {
      this.#adopt();
      if (away && !store.away) this.#takeUp();
      away = Boolean(store.away);
      if (!away) this.#hurry();
    });
    store.on("message", (op) => this.#seen(op.message));
    store.on("gone", (op) => this.#follow(op));
    connection.onChange((state) => {
      if (state === "open") this.#takeUp();
      this.#hurry();
    });
    world.lasting.watch((name, value) => this.#elsewhere(name, value));
  }

  /**
   * Calls `listener` whenever a text came, changed or went; returns how to stop that.
   *
   * @param {() => void} listener
   */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener();
  }

  // -- drafts

  /** @param {string} room */
  #draftName(room) {
    return `snicher/${this.#node}/draft/${room}`;
  }

  /**
   * What was being written in this conversation: this tab's own text, else what any tab wrote last.
   *
   * @param {string} room
   * @returns {string}
   */
  draft(room) {
    const { lasting, ofTab } = this.#world;
    const own = this.#drafts.get(room) ?? ofTab.get(this.#draftName(room));
    return own ?? lasting.get(this.#draftName(room)) ?? "";
  }

  /**
   * @param {string} room
   * @param {string} text
   */
  setDraft(room, text) {
    const { lasting, ofTab } = this.#world;
    this.#drafts.set(room, text);
    for (const area of [ofTab, lasting]) area.set(this.#draftName(room), text || null);
  }

  // -- texts to send

  /** The conversations with a draft or a text here. */
  get rooms() {
    const { lasting, ofTab } = this.#world;
    const drafts = this.#draftName("");
    const begun = [ofTab, lasting].flatMap((area) => area.names(drafts)).map((name) => name.slice(drafts.length));
    for (const [room, text] of this.#drafts) if (text) begun.push(room);
    return new Set([...this.entries.map(({ room }) => room), ...begun]);
  }

  /** @param {string} room */
  in(room) {
    return this.entries.filter((entry) => entry.room === room && entry.seenAs === null);
  }

  /**
   * Queue a text. It is kept here until the node has it on its disk.
   *
   * @param {string} room
   * @param {string} text
   */
  add(room, text) {
    this.#write({ room, text });
    this.#tell();
    this.#pump();
  }

  /**
   * Retry a refused text.
   *
   * @param {string} key
   */
  again(key) {
    const entry = this.entries.find((one) => one.key === key);
    if (!entry || entry.state !== "refused") return;
    // After a refusal nothing was done, so take a new key. If the outcome is unknown, the old key prevents a double.
    if (!entry.problem || !UNKNOWN_OUTCOME.has(entry.problem.code)) {
      this.#forget(entry);
      this.#write(entry);
    } else {
      entry.state = "queued";
      entry.problem = null;
      this.#save(entry);
    }
    this.#tell();
    this.#pump();
  }

  /**
   * Take a text back; returns it, or null when it is too late.
   *
   * @param {string} key
   */
  takeBack(key) {
    const entry = this.entries.find((one) => one.key === key);
    if (!entry || entry.state === "asking") return null;
    this.#forget(entry);
    this.#tell();
    return entry.text;
  }

  /** @param {string} key */
  #name(key) {
    return `snicher/${this.#node}/out/${key}`;
  }

  /** @param {{ room: string, text: string }} what */
  #write({ room, text }) {
    const key = this.#world.newKey();
    this.#keep({ key, room, to: room, text, at: this.#store.now(), nth: 0, state: "queued", problem: null, seenAs: null, left: false, name: "" });
  }

  /** @param {Entry} entry A new one, or one from before the node was known. */
  #keep(entry) {
    entry.name = this.#name(entry.key);
    entry.nth = this.#following();
    this.entries.push(entry);
    this.#save(entry);
  }

  /** A number above those of all entries, other tabs' too: texts are sent in the order written, whatever clocks say. */
  #following() {
    const kept = this.#world.lasting.names(this.#name("")).map((name) => this.#kept(name)?.nth ?? 0);
    return 1 + Math.max(0, ...kept, ...this.entries.map(({ nth }) => nth));
  }

  #sort() {
    this.entries.sort((a, b) => a.nth - b.nth || a.at - b.at);
  }

  /** @param {Entry} entry */
  #save({ name, key, room, to, text, at, nth, state, problem }) {
    this.#world.lasting.set(name, JSON.stringify({ key, room, to, text, at, nth, refused: state === "refused" ? problem : null }));
  }

  /** @param {Entry} entry */
  #forget(entry) {
    this.entries = this.entries.filter((one) => one !== entry);
    this.#world.lasting.set(entry.name, null);
  }

  /** Once the node's id is known: take over the entries of an earlier page, and those written meanwhile. */
  #adopt() {
    const { me } = this.#store;
    const { lasting, ofTab } = this.#world;
    if (!me || this.#node === me.id) return;
    // What an earlier page left is taken over by its conversation: all of them must be known.
    if (this.#node === null && !this.#store.whole) return;
    const early = this.#node === null ? this.entries : [];
    const drafts = this.#node === null ? [...this.#drafts] : [];
    for (const { name } of early) lasting.set(name, null);
    for (const [room] of drafts) for (const area of [ofTab, lasting]) area.set(this.#draftName(room), null);
    this.#drafts.clear();
    if (this.#node === null) this.#settle(me.id);
    this.#node = me.id;
    this.entries = [];
    for (const name of lasting.names(this.#name(""))) this.#load(name);
    this.#sort();
    for (const entry of early) this.#keep(entry);
    for (const [room, text] of drafts) {
      if (text) this.setDraft(room, joined(this.draft(room), text));
    }
    this.#tell();
    this.#pump();
  }

  /** @param {string} name */
  #load(name) {
    const kept = this.#kept(name);
    if (!kept) return;
    const { key, room, to = room, text, at, nth = 0 } = kept;
    const old = this.#store.now() - at > KEY_LIFETIME_MS;
    // A refused text waits for its writer, here as well.
    const problem = old ? { code: "old", message: "It was written more than a day ago and never sent." } : (kept.refused ?? null);
    this.entries.push({ key, room, to, text, at, nth, state: problem ? "refused" : "queued", problem, seenAs: null, left: true, name });
  }

  /** Take over texts of another tab, which may be closed by now. If both tabs send one, the key makes it count once. */
  #takeUp() {
    if (this.#node === null) return;
    const known = new Set(this.entries.map(({ name }) => name));
    const fresh = this.#world.lasting.names(this.#name("")).filter((name) => !known.has(name) && !this.#kept(name)?.refused);
    if (!fresh.length) return;
    for (const name of fresh) this.#load(name);
    this.#sort();
    this.#tell();
    this.#pump();
  }

  /**
   * Another tab had a text stored by the node, or took it back: drop it here.
   *
   * @param {string | null} name
   * @param {string | null} value
   */
  #elsewhere(name, value) {
    const entry = this.entries.find((one) => one.name === name && one.state !== "asking");
    if (!entry || value !== null) return;
    this.entries = this.entries.filter((one) => one !== entry);
    this.#tell();
  }

  /**
   * Take over texts of pages that were closed before they knew the node's id, if they belong to its conversations.
   *
   * @param {string} node
   */
  #settle(node) {
    const { lasting, ofTab } = this.#world;
    const out = this.#name("");
    for (const name of lasting.names(out)) {
      const room = this.#kept(name)?.room;
      if (room === undefined || !this.#store.rooms.has(room)) continue;
      lasting.set(`snicher/${node}/out/${name.slice(out.length)}`, lasting.get(name));
      lasting.set(name, null);
    }
    const drafts = this.#draftName("");
    for (const area of [ofTab, lasting]) {
      for (const name of area.names(drafts)) {
        const room = name.slice(drafts.length);
        if (!this.#store.rooms.has(room)) continue;
        const here = `snicher/${node}/draft/${room}`;
        area.set(here, joined(area.get(here), area.get(name) ?? "") || null);
        area.set(name, null);
      }
    }
  }

  /**
   * A stored entry, or null when it is invalid.
   *
   * @param {string} name
   * @returns {{ key: string, room: string, text: string, at: number, to?: string, nth?: number, refused?: Trouble | null } | null}
   */
  #kept(name) {
    try {
      const kept = JSON.parse(this.#world.lasting.get(name) ?? "null");
      return [kept.key, kept.room, kept.text].every((part) => typeof part === "string") ? kept : null;
    } catch {
      return null;
    }
  }

  /**
   * A message's event came before the answer: don't show the text twice.
   *
   * @param {MessageView} message
   */
  #seen(message, at = Infinity) {
    if (!message.mine || this.#said.has(message.id)) return;
    const entry = this.entries.find(
      (one) => asked(one) && one.at <= at && one.room === message.room && one.seenAs === null && one.text === message.text,
    );
    if (!entry || this.entries.some((one) => one.seenAs === message.id)) return;
    entry.seenAs = message.id;
    this.#tell();
  }

  /**
   * The same for messages on a page of history; a message older than the text is another one.
   *
   * @param {MessageView[]} messages
   */
  find(messages) {
    if (!this.entries.length) return;
    for (const message of messages) this.#seen(message, message.at);
  }

  #hurry() {
    this.#pause = PAUSE_MS[0];
    if (this.#wake) this.#wake();
    else this.#pump();
  }

  /**
   * A conversation is gone: move its texts to the one it was merged into, or drop them if it was deleted.
   *
   * @param {{ id: string, into: string | null }} op
   */
  #follow({ id, into }) {
    const draft = this.draft(id);
    this.setDraft(id, "");
    if (into && draft) this.setDraft(into, joined(this.draft(into), draft));
    for (const entry of this.entries.filter((one) => one.room === id)) {
      if (!into) {
        this.#forget(entry);
        continue;
      }
      entry.room = into;
      if (entry.problem?.code === "not_found") Object.assign(entry, { state: "queued", problem: null });
      // A text that the node may have stored is retried unchanged, because its key is bound to its command.
      if (!asked(entry)) entry.to = into;
      this.#save(entry);
    }
    this.#tell();
    this.#pump();
  }

  /** Send the texts one after the other, in the order written. */
  async #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (;;) {
        const entry = this.entries.find((one) => one.state === "queued");
        if (!entry || this.#node === null || this.#connection.state !== "open") return;
        if (this.#store.now() - entry.at > KEY_LIFETIME_MS) {
          entry.state = "refused";
          entry.problem = { code: "old", message: "It waited here for more than a day." };
          this.#tell();
          continue;
        }
        entry.state = "asking";
        await this.#send(entry);
        this.#tell();
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** @param {Entry} entry */
  async #send(entry) {
    try {
      const { key, to, text } = entry;
      const said = await this.#connection.ask({ t: "send", key, node: this.#node, room: to, text });
      this.#forget(entry);
      this.#pause = PAUSE_MS[0];
      this.#said.add(said.message.id);
      if (this.#said.size > MAX_SAID) this.#said.delete([...this.#said][0]);
      this.#store.said(said.message);
    } catch (thrown) {
      const problem = /** @type {import("./connection.js").Problem} */ (thrown);
      if (problem.retryable) {
        // Keep `seenAs`: the message that was seen is this one, and only the answer was lost.
        entry.state = "queued";
        entry.problem = { code: problem.code, message: problem.message };
        this.#tell();
        await this.#rest();
      } else if (problem.code === "not_found" && entry.to !== entry.room) {
        // The node didn't store it before its conversation was merged into another one, so send it there.
        entry.to = entry.room;
        entry.state = "queued";
        this.#save(entry);
      } else {
        entry.seenAs = null;
        entry.state = "refused";
        entry.problem = { code: problem.code ?? "internal", message: problem.message };
        if (this.entries.includes(entry)) this.#save(entry);
      }
    }
  }

  #rest() {
    const pause = this.#pause;
    this.#pause = Math.min(this.#pause * 1.6, PAUSE_MS[1]);
    return new Promise((resolve) => {
      const done = () => {
        stop();
        this.#wake = null;
        resolve(undefined);
      };
      const stop = this.#world.clock.later(pause, done);
      this.#wake = done;
    });
  }
}
