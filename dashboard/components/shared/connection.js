// The WebSocket to live.py: reconnects by itself, resumes by the store's cursor, and matches answers to requests.
// It draws nothing and decides nothing. Before it reconnects it authenticates the dashboard, because texts written
// meanwhile must not reach another program on that port.

import { arrive, pass } from "../door/browser.js";

/** Backoff between attempts to connect, in ms: first and longest pause. Short, because the server is on this machine. */
const PAUSE_MS = [150, 3000];
/** The server sends a frame every 5 s. After so long a silence, in ms, it hangs or the machine slept. */
const SILENT_MS = 16000;
/** Timeout of a request, in ms; the caller may retry with the same key. */
const ANSWER_MS = 15000;
/** Pause before a request may be retried that the node or the server didn't answer, in ms. */
export const LOST_MS = 2000;
/** Most requests in flight; more are refused here, so that a runaway loop can't fill the memory. */
const MAX_WAITING = 200;
/** The close code of a connection whose session has ended, or that came without its pass. */
const SHUT_OUT = 4004;

/** Why a request failed. `retryable`: the same request, with the same key, may work later. */
export class Problem extends Error {
  constructor({ code, message, retryable = false }) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/** Replaces a lone surrogate, as a cut may leave it, because UTF-8 can't encode it. */
function wellFormed(_, value) {
  return typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value;
}

export class Connection {
  /** "connecting" (the first time), "open", "lost", "denied" (a link is needed) or "stranger" (somebody else answers). */
  state = "connecting";
  /** When `state` changed last, in ms. */
  since = Date.now();

  #store;
  #socket = null;
  #pause = PAUSE_MS[0];
  #timer = null;
  #heard = 0;
  /** Whether the server must authenticate before anything is sent: on every connection but the first. */
  #doubtful = false;
  /** Whether the server refused our session the last time. */
  #refused = false;
  #number = 0;
  #waiting = new Map();
  #listeners = new Set();
  /** Requests made before it was known whether the server is there. */
  #early = [];

  constructor(store) {
    this.#store = store;
  }

  start() {
    this.#open();
    setInterval(() => this.#watch(), 4000);
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#hurry();
    });
  }

  /** Calls `listener` whenever `state` changes; returns a function that stops that. */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Send a request; resolves with the result, rejects with a Problem. On a new page it waits for the server. */
  async ask(word) {
    if (this.state === "connecting" && this.#early.length < MAX_WAITING) await new Promise((go) => this.#early.push(go));
    if (this.state !== "open" || this.#waiting.size >= MAX_WAITING) {
      throw new Problem({ code: "lost", message: "The dashboard's server doesn't answer.", retryable: true });
    }
    const n = ++this.#number;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(n);
        reject(new Problem({ code: "lost", message: "No answer in time.", retryable: true }));
      }, ANSWER_MS);
      this.#waiting.set(n, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ ...word, n }, wellFormed));
    });
  }

  /** Give the node a command; `key` for one that changes something. Else as `ask`. */
  command(op, args, key = null) {
    return this.ask({ t: "command", op, args, ...(key && { key }) });
  }

  /**
   * Resolves once it is certain that our dashboard answers and lets this browser in. Rejects when nobody answers, or when
   * `signal` aborts.
   */
  async ours(signal) {
    const found = await arrive();
    if (found === "in") return;
    if (found === "away") throw new TypeError("The dashboard's server doesn't answer.");
    await new Promise((go, stop) => {
      const end = this.onChange((state) => {
        if (state !== "open") return;
        end();
        go();
      });
      signal?.addEventListener("abort", () => {
        end();
        stop(signal.reason);
      });
    });
  }

  async #open() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#doubtful && !(await this.#isOurs())) return;
    const word = await pass();
    const address = new URL("/live", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = "";
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.onopen = () => {
      this.#heard = Date.now();
      socket.send(JSON.stringify({ t: "hello", ...this.#store.cursor, pass: word }));
    };
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      this.#heard = Date.now();
      this.#take(JSON.parse(event.data));
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#refused = code === SHUT_OUT;
      this.#closed();
    };
  }

  #take(frame) {
    if (frame.t === "reply") {
      const asked = this.#waiting.get(frame.n);
      if (!asked) return;
      this.#waiting.delete(frame.n);
      clearTimeout(asked.timer);
      if (frame.problem) asked.reject(new Problem(frame.problem));
      else asked.resolve(frame.result ?? {});
    } else if (frame.t === "all") {
      this.#pause = PAUSE_MS[0];
      // Set the state first, because listeners of the new lists may send requests at once. But tell listeners of the
      // connection only after the lists have come, because these may be another node's by now.
      const became = this.#set("open");
      this.#store.all(frame);
      if (became) this.#tell();
    } else if (frame.t === "patch") {
      this.#store.patch(frame);
    } else {
      this.#store.other(frame);
    }
  }

  #closed() {
    this.#socket = null;
    this.#doubtful = true;
    for (const asked of this.#waiting.values()) {
      clearTimeout(asked.timer);
      asked.reject(new Problem({ code: "lost", message: "The connection to the dashboard broke.", retryable: true }));
    }
    this.#waiting.clear();
    if (this.state !== "denied" && this.state !== "stranger") this.#become("lost");
    this.#again();
  }

  #again() {
    this.#timer = setTimeout(() => this.#open(), this.#pause * (0.8 + 0.4 * Math.random()));
    this.#pause = Math.min(this.#pause * 1.7, PAUSE_MS[1]);
  }

  /** Whether our dashboard answers and lets this browser in. If not, it is tried again later. */
  async #isOurs() {
    const found = await arrive(this.#refused);
    if (found === "in") return true;
    this.#become({ out: "denied", stranger: "stranger" }[found] ?? "lost");
    this.#again();
    return false;
  }

  #become(state) {
    if (this.#set(state)) this.#tell();
  }

  #set(state) {
    if (state === this.state) return false;
    this.state = state;
    this.since = Date.now();
    for (const go of this.#early.splice(0)) go();
    return true;
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener(this.state);
  }

  #watch() {
    if (this.#socket && Date.now() - this.#heard > SILENT_MS) {
      const socket = this.#socket;
      this.#closed();
      socket.close();
    }
  }

  #hurry() {
    if (this.#timer === null) return;
    this.#pause = PAUSE_MS[0];
    this.#open();
  }
}
