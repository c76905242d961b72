// The WebSocket to live.py: reconnects by itself, resumes by the store's cursor, and matches answers to requests.
// It draws nothing and decides nothing. Before it reconnects it authenticates the dashboard, because texts written
// meanwhile must not reach another program on that port.

/** Backoff between attempts to connect, in ms: first and longest pause. Short, because the server is on this machine. */
const PAUSE_MS = [150, 3000];
/** The server sends a frame every 5 s. After so long a silence, in ms, it hangs or the machine slept. */
const SILENT_MS = 16000;
/** How often that is looked at, in ms. */
const WATCH_MS = 4000;
/** Timeout of a request, in ms; the caller may retry with the same key. */
const ANSWER_MS = 15000;
/** Pause before a request may be retried that the node or the server didn't answer, in ms. */
export const LOST_MS = 2000;
/** Most requests in flight; more are refused here, so that a runaway loop can't fill the memory. */
const MAX_WAITING = 200;
/** The close code of a connection whose session has ended, or that came without its pass. */
const SHUT_OUT = 4004;

/** @typedef {"connecting" | "open" | "lost" | "denied" | "stranger"} State */
/** @typedef {import("./schema.js").Requests} Requests */
/** @typedef {import("./schema.js").Commands} Commands */
/** @typedef {import("./schema.js").Frame} Frame */
/** @typedef {Pick<WebSocket, "send" | "close" | "onopen" | "onmessage" | "onclose">} Socket */
/** @typedef {{ resolve: (result: any) => void, reject: (problem: Problem) => void, stop: () => void }} Waiting */
/**
 * @typedef {object} World What a connection needs of the browser.
 * @property {() => Socket} connect Begins to connect to the server that this page comes from.
 * @property {(anew?: boolean) => Promise<import("../door/door.js").Arrival>} arrive Finds out who answers, and comes in.
 * @property {() => Promise<string>} pass The pass of this browser's session.
 * @property {(act: () => void) => void} onReturn Calls `act` when there is new hope: the browser is online, or looked at.
 * @property {import("./clock.js").Clock} clock
 * @property {() => number} random From 0 to 1.
 */

/** Why a request failed. `retryable`: the same request, with the same key, may work later. */
export class Problem extends Error {
  /** @param {{ code: string, message: string, retryable?: boolean }} told */
  constructor({ code, message, retryable = false }) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/**
 * Replaces a lone surrogate, as a cut may leave it, because UTF-8 can't encode it.
 *
 * @param {string} _
 * @param {unknown} value
 */
function wellFormed(_, value) {
  return typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value;
}

export class Connection {
  /**
   * "connecting" (the first time), "open", "lost", "denied" (a link is needed) or "stranger" (somebody else answers).
   *
   * @type {State}
   */
  state = "connecting";
  /** When `state` changed last, in ms. */
  since;

  #store;
  #world;
  /** @type {Socket | null} */
  #socket = null;
  #pause = PAUSE_MS[0];
  /** How not to try again; null while no try is planned. @type {(() => void) | null} */
  #stop = null;
  #heard = 0;
  /** Whether the server must authenticate before anything is sent: on every connection but the first. */
  #doubtful = false;
  /** Whether the server refused our session the last time. */
  #refused = false;
  #number = 0;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  /** @type {Set<(state: State) => void>} */
  #listeners = new Set();
  /** Requests made before it was known whether the server is there. @type {(() => void)[]} */
  #early = [];

  /**
   * @param {Pick<import("./store.js").Store, "cursor" | "opened" | "all" | "more" | "patch" | "other">} store
   * @param {World} world
   */
  constructor(store, world) {
    this.#store = store;
    this.#world = world;
    this.since = world.clock.now();
  }

  start() {
    this.#open();
    this.#world.clock.every(WATCH_MS, () => this.#watch());
    this.#world.onReturn(() => this.#hurry());
  }

  /**
   * Calls `listener` whenever `state` changes; returns a function that stops that.
   *
   * @param {(state: State) => void} listener
   */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Send a request; resolves with the result, rejects with a Problem. On a new page it waits for the server.
   *
   * @template {keyof Requests} Kind
   * @param {{ t: Kind } & Omit<Requests[Kind]["request"], "t" | "n">} word
   * @returns {Promise<Requests[Kind]["answer"]>}
   */
  ask(word) {
    return this.#ask(word);
  }

  /**
   * Give the node a command; `key` for one that changes something. Else as `ask`.
   *
   * @template {keyof Commands} Op
   * @param {Op} op
   * @param {Commands[Op]["args"]} args
   * @param {string | null} key
   * @returns {Promise<Commands[Op]["answer"]>}
   */
  command(op, args, key = null) {
    const word = { t: "command", op, args, ...(key && { key }) };
    return this.#ask(word);
  }

  /**
   * @param {{ t: string }} word
   * @returns {Promise<any>} What the server answers to that, as schema.py declares it.
   */
  async #ask(word) {
    if (this.state === "connecting" && this.#early.length < MAX_WAITING) {
      await new Promise((go) => this.#early.push(() => go(undefined)));
    }
    const socket = this.#socket;
    if (this.state !== "open" || !socket || this.#waiting.size >= MAX_WAITING) {
      throw new Problem({ code: "lost", message: "The dashboard's server doesn't answer.", retryable: true });
    }
    const n = ++this.#number;
    return new Promise((resolve, reject) => {
      const stop = this.#world.clock.later(ANSWER_MS, () => {
        this.#waiting.delete(n);
        reject(new Problem({ code: "lost", message: "No answer in time.", retryable: true }));
      });
      this.#waiting.set(n, { resolve, reject, stop });
      socket.send(JSON.stringify({ ...word, n }, wellFormed));
    });
  }

  /**
   * Resolves once it is certain that our dashboard answers and lets this browser in. Rejects when nobody answers, or when
   * `signal` aborts.
   *
   * @param {AbortSignal | null} [signal]
   */
  async ours(signal) {
    const found = await this.#world.arrive();
    if (found === "in") return;
    if (found === "away") throw new TypeError("The dashboard's server doesn't answer.");
    await new Promise((go, stop) => {
      const end = this.onChange((state) => {
        if (state !== "open") return;
        end();
        go(undefined);
      });
      signal?.addEventListener("abort", () => {
        end();
        stop(signal.reason);
      });
    });
  }

  async #open() {
    const { clock } = this.#world;
    this.#stop?.();
    this.#stop = null;
    if (this.#doubtful && !(await this.#isOurs())) return;
    const word = await this.#world.pass();
    const socket = this.#world.connect();
    this.#socket = socket;
    this.#heard = clock.now();
    socket.onopen = () => {
      this.#heard = clock.now();
      socket.send(JSON.stringify({ t: "hello", ...this.#store.cursor, room: this.#store.opened() ?? "", pass: word }));
    };
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      this.#heard = clock.now();
      this.#take(JSON.parse(event.data));
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#refused = code === SHUT_OUT;
      this.#closed();
    };
  }

  /** @param {Frame} frame One of a kind that isn't known yet goes to the store as well. */
  #take(frame) {
    if (frame.t === "reply") {
      const asked = this.#waiting.get(frame.n);
      if (!asked) return;
      this.#waiting.delete(frame.n);
      asked.stop();
      if (frame.problem) asked.reject(new Problem(frame.problem));
      else asked.resolve(frame.result ?? {});
    } else if (frame.t === "all") {
      this.#pause = PAUSE_MS[0];
      // Set the state first, because listeners of the new lists may send requests at once. But tell listeners of the
      // connection only after the lists have come, because these may be another node's by now.
      const became = this.#set("open");
      this.#store.all(frame);
      if (became) this.#tell();
    } else if (frame.t === "more") {
      this.#store.more(frame);
    } else if (frame.t === "patch") {
      this.#store.patch(frame);
    } else if (frame.t !== "beat") {
      this.#store.other(frame);
    }
  }

  #closed() {
    this.#socket = null;
    this.#doubtful = true;
    for (const asked of this.#waiting.values()) {
      asked.stop();
      asked.reject(new Problem({ code: "lost", message: "The connection to the dashboard broke.", retryable: true }));
    }
    this.#waiting.clear();
    if (this.state !== "denied" && this.state !== "stranger") this.#become("lost");
    this.#again();
  }

  #again() {
    const { clock, random } = this.#world;
    this.#stop = clock.later(this.#pause * (0.8 + 0.4 * random()), () => this.#open());
    this.#pause = Math.min(this.#pause * 1.7, PAUSE_MS[1]);
  }

  /** Whether our dashboard answers and lets this browser in. If not, it is tried again later. */
  async #isOurs() {
    const found = await this.#world.arrive(this.#refused);
    if (found === "in") return true;
    this.#become(found === "out" ? "denied" : found === "stranger" ? "stranger" : "lost");
    this.#again();
    return false;
  }

  /** @param {State} state */
  #become(state) {
    if (this.#set(state)) this.#tell();
  }

  /** @param {State} state */
  #set(state) {
    if (state === this.state) return false;
    this.state = state;
    this.since = this.#world.clock.now();
    for (const go of this.#early.splice(0)) go();
    return true;
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener(this.state);
  }

  #watch() {
    if (this.#socket && this.#world.clock.now() - this.#heard > SILENT_MS) {
      const socket = this.#socket;
      this.#closed();
      socket.close();
    }
  }

  #hurry() {
    if (this.#stop === null) return;
    this.#pause = PAUSE_MS[0];
    this.#open();
  }
}
