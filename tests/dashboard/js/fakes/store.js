// What a page knows of its node, without the frames that tell of it.

export class FakeStore {
  rooms = new Map();
  me = null;
  away = null;
  whole = false;
  #clock;
  #listeners = new Map();

  constructor(clock) {
    this.#clock = clock;
  }

  on(kind, listener) {
    if (!this.#listeners.has(kind)) this.#listeners.set(kind, new Set());
    this.#listeners.get(kind).add(listener);
    return () => this.#listeners.get(kind).delete(listener);
  }

  tell(kind, what) {
    for (const listener of this.#listeners.get(kind) ?? []) listener(what);
  }

  now = () => this.#clock.now();

  canonical(id) {
    if (!id || this.rooms.has(id)) return id;
    for (const room of this.rooms.values()) if (room.aliases.includes(id)) return room.id;
    return id;
  }

  said(message) {
    this.tell("said", message);
  }

  tellGone(ops) {
    for (const op of ops) if (!this.rooms.has(op.id)) this.tell("gone", op);
  }

  // -- what happens at the node

  /** The node is known, with these conversations. */
  meet(id, ...rooms) {
    this.me = { id };
    this.rooms = new Map(rooms.map((room) => [room, view(room)]));
    this.whole = true;
    this.tell("lists");
    this.tell("whole");
  }

  /** A conversation becomes part of another one. */
  merge(id, into) {
    const { aliases } = this.rooms.get(id);
    this.rooms.delete(id);
    this.rooms.get(into).aliases.push(id, ...aliases);
    this.tell("gone", { op: "room_gone", id, into, name: id });
  }

  delete(id) {
    this.rooms.delete(id);
    this.tell("gone", { op: "room_gone", id, into: null, name: id });
  }

  /** The node goes away, or comes back. */
  leave(away) {
    this.away = away ? { since: 0, reason: "" } : null;
    this.tell("lists");
  }
}

/** A conversation. */
export function view(id, more = {}) {
  return { id, name: id, aliases: [], unread: 0, read_upto: 0, ...more };
}
