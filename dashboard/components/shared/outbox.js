// What people wrote and the node has not yet taken, and what they are still writing: kept in the browser's storage, so
// that a reload, a crash of the tab or a node that is away loses nothing.
//
// Each text gets a key when it is written. It is sent with that key until the node answers; the node remembers keys for
// 24 hours and takes each once, so asking again after a lost answer never doubles a message.

import { newKey } from "./key.js";

/** After this, a key may have been forgotten by the node: the text is not sent by itself any more. In ms. */
const KEY_LIFETIME_MS = 23 * 3600 * 1000;
/** Pause before asking again, in ms: at first and at most. */
const PAUSE_MS = [400, 4000];
/** Answers after which the outcome is unknown: asking again must use the same key. */
const UNKNOWN_OUTCOME = new Set(["lost", "away", "protocol", "internal"]);
/** So many of the messages that were answered last are remembered: their events may still come. */
const MAX_SAID = 100;

/** Storage that may be full or forbidden: then things live as long as the page. */
const storage = {
  get(area, name) {
    try {
      return area().getItem(name);
    } catch {
      return null;
    }
  },
  set(area, name, value) {
    try {
      if (value === null || value === "") area().removeItem(name);
      else area().setItem(name, value);
    } catch {
      // Kept in memory only.
    }
  },
};
const lasting = () => window.localStorage;
const ofTab = () => window.sessionStorage;

/** Names in a storage that begin so. */
function named(area, prefix) {
  try {
    return Object.keys(area()).filter((name) => name.startsWith(prefix));
  } catch {
    return [];
  }
}

/** Two drafts of one text field: neither is lost. */
function joined(older, newer) {
  return older && older !== newer ? `${older}\n${newer}` : newer;
}

export class Outbox {
  /** {key, room, text, at, state: "queued" | "asking" | "refused", problem, seenAs}, in the order written. */
  entries = [];

  #connection;
  #store;
  #node = null;
  #drafts = new Map();
  #pumping = false;
  #pause = PAUSE_MS[0];
  #wake = null;
  #said = new Set();
  #listeners = new Set();

  constructor(connection, store) {
    this.#connection = connection;
    this.#store = store;
    store.on("lists", () => {
      this.#adopt();
      if (!store.away) this.#hurry();
    });
    store.on("message", (op) => this.#seen(op.message));
    store.on("gone", (op) => this.#follow(op));
    connection.onChange(() => this.#hurry());
  }

  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener();
  }

  // -- drafts

  #draftName(room) {
    return `snicher/${this.#node}/draft/${room}`;
  }

  /** What was being written in this conversation: this tab's own text, else what any tab wrote last. */
  draft(room) {
    const own = this.#drafts.get(room) ?? storage.get(ofTab, this.#draftName(room));
    return own ?? storage.get(lasting, this.#draftName(room)) ?? "";
  }

  setDraft(room, text) {
    this.#drafts.set(room, text);
    storage.set(ofTab, this.#draftName(room), text);
    storage.set(lasting, this.#draftName(room), text);
  }

  // -- what is to be sent

  in(room) {
    return this.entries.filter((entry) => entry.room === room && entry.seenAs === null);
  }

  /** Say something. It is kept here from now on until the node has it on its disk. */
  add(room, text) {
    this.#keep({ key: newKey(), room, text, at: this.#store.now(), state: "queued", problem: null, seenAs: null });
    this.#tell();
    this.#pump();
  }

  /** Try a refused one again. */
  again(key) {
    const entry = this.entries.find((one) => one.key === key);
    if (!entry || entry.state !== "refused") return;
    // A refusal means that nothing was done: a new key. Where the outcome is unknown, the old one guards.
    if (!UNKNOWN_OUTCOME.has(entry.problem?.code)) {
      this.#forget(entry);
      this.#keep({ ...entry, key: newKey(), state: "queued", problem: null, seenAs: null });
    } else {
      entry.state = "queued";
      entry.problem = null;
    }
    this.#tell();
    this.#pump();
  }

  /** Take one back; returns its text. */
  takeBack(key) {
    const entry = this.entries.find((one) => one.key === key);
    if (!entry || entry.state === "asking") return null;
    this.#forget(entry);
    this.#tell();
    return entry.text;
  }

  #name(key) {
    return `snicher/${this.#node}/out/${key}`;
  }

  #keep(entry) {
    this.entries.push(entry);
    const { key, room, text, at } = entry;
    storage.set(lasting, this.#name(key), JSON.stringify({ key, room, text, at }));
  }

  #forget(entry) {
    this.entries = this.entries.filter((one) => one !== entry);
    storage.set(lasting, this.#name(entry.key), null);
  }

  /** Once it is known which node this is: take up what an earlier page left, and what was written before. */
  #adopt() {
    const me = this.#store.me;
    if (!me || this.#node === me.id) return;
    const early = this.#node === null ? this.entries : [];
    const drafts = this.#node === null ? [...this.#drafts] : [];
    for (const entry of early) storage.set(lasting, this.#name(entry.key), null);
    for (const [room] of drafts) for (const area of [ofTab, lasting]) storage.set(area, this.#draftName(room), null);
    this.#drafts.clear();
    if (this.#node === null) this.#settle(me.id);
    this.#node = me.id;
    this.entries = [];
    for (const name of named(lasting, this.#name(""))) {
      const kept = this.#kept(name);
      if (!kept) continue;
      const { key, room, text, at } = kept;
      const old = this.#store.now() - at > KEY_LIFETIME_MS;
      const problem = old ? { code: "old", message: "It was written more than a day ago and never sent." } : null;
      this.entries.push({ key, room, text, at, state: old ? "refused" : "queued", problem, seenAs: null });
    }
    this.entries.sort((a, b) => a.at - b.at);
    for (const entry of early) this.#keep(entry);
    for (const [room, text] of drafts) {
      if (text) this.setDraft(room, joined(this.draft(room), text));
    }
    this.#tell();
    this.#pump();
  }

  /** What pages wrote that were closed before they knew the node is this node's, if it is about its conversations. */
  #settle(node) {
    const out = this.#name("");
    for (const name of named(lasting, out)) {
      const room = this.#kept(name)?.room;
      if (!this.#store.rooms.has(room)) continue;
      storage.set(lasting, `snicher/${node}/out/${name.slice(out.length)}`, storage.get(lasting, name));
      storage.set(lasting, name, null);
    }
    const drafts = this.#draftName("");
    for (const area of [ofTab, lasting]) {
      for (const name of named(area, drafts)) {
        const room = name.slice(drafts.length);
        if (!this.#store.rooms.has(room)) continue;
        const here = `snicher/${node}/draft/${room}`;
        storage.set(area, here, joined(storage.get(area, here), storage.get(area, name)));
        storage.set(area, name, null);
      }
    }
  }

  /** An entry as it was kept, or null when there is something else. */
  #kept(name) {
    try {
      const kept = JSON.parse(storage.get(lasting, name));
      return [kept.key, kept.room, kept.text].every((part) => typeof part === "string") ? kept : null;
    } catch {
      return null;
    }
  }

  /** The message came round as an event before the answer did: don't show it twice. */
  #seen(message) {
    if (!message.mine || this.#said.has(message.id)) return;
    const asked = (one) => one.state === "asking" || (one.state === "queued" && one.problem);
    const entry = this.entries.find(
      (one) => asked(one) && one.room === message.room && one.seenAs === null && one.text === message.text,
    );
    if (!entry) return;
    entry.seenAs = message.id;
    this.#tell();
  }

  #hurry() {
    this.#pause = PAUSE_MS[0];
    if (this.#wake) this.#wake();
    else this.#pump();
  }

  /** What was to be said in a conversation that is gone goes where its messages went: into another one, or nowhere. */
  #follow({ id, into }) {
    const draft = this.draft(id);
    this.setDraft(id, "");
    if (into && draft && !this.draft(into)) this.setDraft(into, draft);
    for (const entry of this.entries.filter((one) => one.room === id && one.state !== "asking")) {
      this.#forget(entry);
      if (into) this.#keep({ ...entry, room: into });
    }
    this.#tell();
  }

  /** One after the other, in the order written, so that the node gets them in that order. */
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

  async #send(entry) {
    try {
      const { key, room, text } = entry;
      const said = await this.#connection.ask({ t: "send", key, room, text });
      this.#forget(entry);
      this.#pause = PAUSE_MS[0];
      this.#said.add(said.message.id);
      if (this.#said.size > MAX_SAID) this.#said.delete(this.#said.values().next().value);
      this.#store.said(said.message);
    } catch (problem) {
      if (problem.retryable) {
        // Seen already: then only the answer was lost, and what stands there is this one.
        entry.state = "queued";
        entry.problem = { code: problem.code, message: problem.message };
        this.#tell();
        await this.#rest();
      } else {
        entry.seenAs = null;
        entry.state = "refused";
        entry.problem = { code: problem.code ?? "internal", message: problem.message };
      }
    }
  }

  #rest() {
    const pause = this.#pause;
    this.#pause = Math.min(this.#pause * 1.6, PAUSE_MS[1]);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, pause);
      this.#wake = done;
    });
  }
}
