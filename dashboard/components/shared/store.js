// The state that the server sent last: it holds the lists, and passes messages on to the components that show them.
// Nothing is decided here; viewmodel.py did that.

/** Operations that are told once the lists are as they say; and those that leave the lists alone. */
const QUIET = new Set(["message", "changed", "state", "receipt", "warned", "shared", "links"]);
const LATER = new Set([...QUIET, "expired", "room_gone", "options"]);
/** Nobody is shown as typing for longer without another word about it, in ms, also when a clock is set meanwhile. */
const LONGEST_TYPING_MS = 15000;

export class Store {
  rooms = new Map();
  peers = new Map();
  /** This node, or null until it was seen. */
  me = null;
  /** {since, reason} while the node is away. */
  away = null;
  /** {problem} while the node's disk has one. */
  health = null;
  /** Whether a first `all` came. */
  loaded = false;
  cursor = { log: "", seq: 0 };
  /** Server's clock minus ours, in ms. */
  skew = 0;

  /** Names of conversations that have vanished for a reason not known yet, by id. */
  #names = new Map();
  #listeners = new Map();
  #reads = null;
  /** Timers for the end of somebody's typing, by conversation. */
  #typing = new Map();

  /**
   * `kind` is "lists", "message" (op), "state" (op), "said" (message), "expired" (op), "reload" (everything), "gone" (op),
   * "changed" (op: a message is another), "receipt" (op), "links" (op: of a node), "warned" (op), "shared" (op: this node's identity), "options" (the settings may differ), or the name of a frame that only some pages ask for: "rows", "figures".
   */
  on(kind, listener) {
    if (!this.#listeners.has(kind)) this.#listeners.set(kind, new Set());
    this.#listeners.get(kind).add(listener);
    return () => this.#listeners.get(kind).delete(listener);
  }

  #tell(kind, what) {
    for (const listener of [...(this.#listeners.get(kind) ?? [])]) listener(what);
  }

  #tellOf(op) {
    this.#tell(op.op === "room_gone" ? "gone" : op.op, op);
  }

  /** The conversation that goes by this id now: itself, or the one that it became part of; else the id as it is. */
  canonical(id) {
    if (!id || this.rooms.has(id)) return id;
    for (const room of this.rooms.values()) if (room.aliases.includes(id)) return room.id;
    return id;
  }

  /** Now by the server's clock, in ms. */
  now() {
    return Date.now() + this.skew;
  }

  /**
   * `reads(id)`: whether the reader has the end of that conversation before their eyes. What comes in there is shown as
   * read at once: else each message would be drawn once as unread and, when the node has heard of the reading, once more.
   * Returns how to end that.
   */
  readWith(reads) {
    this.#reads = reads;
    return () => {
      if (this.#reads === reads) this.#reads = null;
    };
  }

  /** What the reader sees has changed. */
  looked() {
    this.#tell("lists");
  }

  /** The number of unread messages to show for a conversation. */
  unreadIn(room) {
    return room.unread && this.#reads?.(room.id) ? 0 : room.unread;
  }

  /** Whether the other side of a conversation types right now. */
  typesIn(room) {
    return room.typing > this.now() && this.away === null;
  }

  /** Somebody's typing ends by itself, without another word about it. */
  #watchTyping(room) {
    clearTimeout(this.#typing.get(room.id));
    this.#typing.delete(room.id);
    if (!this.typesIn(room)) return;
    const rest = Math.min(room.typing - this.now(), LONGEST_TYPING_MS);
    this.#typing.set(room.id, setTimeout(() => {
      this.#typing.delete(room.id);
      const { typing } = this.rooms.get(room.id) ?? {};
      if (typing === room.typing) this.rooms.set(room.id, { ...this.rooms.get(room.id), typing: 0 });
      this.#tell("lists");
    }, rest));
  }

  get unread() {
    let sum = 0;
    for (const room of this.rooms.values()) sum += this.unreadIn(room);
    return sum;
  }

  /** Rooms in the order of the list: where something came in last first; of two with the same place, the one begun last. */
  sorted() {
    return [...this.rooms.values()].reverse().sort((a, b) => b.place - a.place);
  }

  /** Take the answer to a `send` or `resend`: it is shown at once, before its event comes. */
  said(message) {
    this.#tell("said", message);
  }

  /** Take the late news of what became of conversations. */
  tellGone(ops) {
    for (const op of ops) {
      if (!this.rooms.has(op.id)) this.#tell("gone", { ...op, name: this.#names.get(op.id) ?? op.name });
    }
    this.#names.clear();
  }

  /** Take a frame that only some pages ask for. */
  other(frame) {
    this.#tell(frame.t, frame);
  }

  all(frame) {
    const { everything } = frame;
    this.skew = frame.now - Date.now();
    if (!everything.me && this.me) {
      // A dashboard that was started while the node is away knows nothing yet, so keep the state we have.
      this.away = everything.away;
      return this.#tell("lists");
    }
    const other = this.cursor.log !== everything.log;
    const before = this.rooms;
    this.rooms = new Map(everything.rooms.map((room) => [room.id, room]));
    this.#names.clear();
    for (const { id, name } of before.values()) if (!this.rooms.has(id)) this.#names.set(id, name);
    this.peers = new Map(everything.peers.map((peer) => [peer.id, peer]));
    this.me = everything.me;
    this.away = everything.away;
    this.health = everything.health;
    this.cursor = { log: everything.log, seq: everything.seq };
    const first = !this.loaded;
    this.loaded = true;
    for (const room of this.rooms.values()) if (room.typing || this.#typing.has(room.id)) this.#watchTyping(room);
    this.#tell("lists");
    if (everything.shared) this.#tell("shared", everything.shared);
    if (frame.missed && !other) for (const op of frame.missed) this.#tellOf(op);
    else if (!first) this.#tell("reload");
  }

  patch(frame) {
    this.cursor.seq = Math.max(this.cursor.seq, frame.seq);
    let lists = false;
    const later = [];
    for (const op of frame.ops) {
      if (op.op === "room") {
        this.rooms.set(op.room.id, op.room);
        if (op.room.typing || this.#typing.has(op.room.id)) this.#watchTyping(op.room);
      } else if (op.op === "room_gone") this.rooms.delete(op.id);
      else if (op.op === "peer") this.peers.set(op.peer.id, op.peer);
      else if (op.op === "peer_gone") this.peers.delete(op.id);
      else if (op.op === "self") this.me = op.me;
      else if (op.op === "away") this.away = op.away;
      else if (op.op === "health") this.health = op.health;
      if (LATER.has(op.op)) later.push(op);
      if (!QUIET.has(op.op)) lists = true;
    }
    for (const op of later) this.#tellOf(op);
    if (lists) this.#tell("lists");
  }
}
