// The state that the server sent last: it holds the lists, and passes messages on to the components that show them.
// Nothing is decided here; viewmodel.py did that. However many conversations there are, a change costs what it changes.
//
// The lists come in pages: `all` is the first one, `more` are the others. All pages of one `all` say how things were at its
// `seq`. Patches may come between two pages: what a patch has said since `all` counts more than a later page. Lists that were
// whole before stay until the last page has come; then whatever neither a page nor a patch told of is gone.

import { clock as browserClock } from "./clock.js";
import { Order } from "./order.js";

/**
 * @typedef {import("./clock.js").Clock} Clock
 * @typedef {import("./schema.js").RoomView} RoomView
 * @typedef {import("./schema.js").RequestView} RequestView
 * @typedef {import("./schema.js").PeerView} PeerView
 * @typedef {import("./schema.js").MessageView} MessageView
 * @typedef {import("./schema.js").SelfView} SelfView
 * @typedef {import("./schema.js").AwayView} AwayView
 * @typedef {import("./schema.js").HealthView} HealthView
 * @typedef {import("./schema.js").NearbyView} NearbyView
 * @typedef {import("./schema.js").AllFrame} AllFrame
 * @typedef {import("./schema.js").MoreFrame} MoreFrame
 * @typedef {import("./schema.js").PatchFrame} PatchFrame
 * @typedef {import("./schema.js").RowsFrame} RowsFrame
 * @typedef {import("./schema.js").FiguresFrame} FiguresFrame
 * @typedef {import("./schema.js").BeatFrame} BeatFrame
 * @typedef {import("./schema.js").Op} Op
 * @typedef {{ op: string, id: string, into: string | null, name: string }} Gone
 */

/**
 * What listeners are told, by kind. "lists": something in the lists changed. "whole": the last page of the lists came.
 * "reload": everything may have changed meanwhile, so load it again. "said": the answer to a `send` or `resend`. "gone": a
 * conversation. "hidden": one whose peer is blocked. "rows" and "figures" are frames that only some pages ask for. The others are operations of the server.
 *
 * @typedef {object} Told
 * @property {void} lists
 * @property {void} whole
 * @property {void} reload
 * @property {MessageView} said
 * @property {Gone} gone
 * @property {import("./schema.js").HiddenOp} hidden
 * @property {import("./schema.js").MessageOp} message
 * @property {import("./schema.js").ChangedOp} changed
 * @property {import("./schema.js").StateOp} state
 * @property {import("./schema.js").ReceiptOp} receipt
 * @property {import("./schema.js").ExpiredOp} expired
 * @property {import("./schema.js").WarnedOp} warned
 * @property {import("./schema.js").IdentitySharedOp} shared
 * @property {import("./schema.js").LinksOp} links
 * @property {import("./schema.js").OptionsOp} options
 * @property {RowsFrame} rows
 * @property {FiguresFrame} figures
 */

/** Operations that are told once the lists are as they say; and those that leave the lists alone. */
const QUIET = new Set(["message", "changed", "state", "receipt", "warned", "shared", "links"]);
const LATER = new Set([...QUIET, "expired", "room_gone", "hidden", "options"]);
/** Nobody is shown as typing for longer without another word about it, in ms, also when a clock is set meanwhile. */
const LONGEST_TYPING_MS = 15000;

/** Whether a peer can be reached now. @param {PeerView} peer */
export const isHere = ({ link }) => link === "online" || link === "reachable";

/** The same of those who count as known. @param {PeerView} peer */
const isKnownHere = (peer) => isHere(peer) && !peer.asks;

/** In the order of names, whatever language they are in. */
const collator = new Intl.Collator();

/** Who asks to write comes last, and who is here first. Among the others a name's place doesn't change with each try to reach it. @type {(a: PeerView, b: PeerView) => number} */
const byPresence = (a, b) =>
  Number(Boolean(a.asks)) - Number(Boolean(b.asks)) || Number(isHere(b)) - Number(isHere(a)) || collator.compare(a.name, b.name) || (a.id < b.id ? -1 : Number(a.id > b.id));

/** What is known of the lists since an `all`: ids of what a page told of, of what a patch told of, and of what it told of first. */
const news = () => ({
  /** @type {{ rooms: Set<string>, peers: Set<string> }} */
  paged: { rooms: new Set(), peers: new Set() },
  /** @type {{ rooms: Set<string>, peers: Set<string> }} */
  patched: { rooms: new Set(), peers: new Set() },
  /** @type {Set<string>} */
  begun: new Set(),
});

export class Store {
  /** By id; `sorted()` has those that stand on the list. @type {Map<string, RoomView>} */
  rooms = new Map();
  /** By id. @type {Map<string, PeerView>} */
  peers = new Map();
  /** Who asks to write, the newest ones, by conversation. @type {Map<string, RequestView>} */
  requests = new Map();
  /** This node, or null until it was seen. @type {SelfView | null} */
  me = null;
  /** While the node is away. @type {AwayView | null} */
  away = null;
  /** While the node's disk has a problem. @type {HealthView | null} */
  health = null;
  /** Who is nearby, and how looking for them goes. @type {NearbyView | null} */
  nearby = null;
  /**
   * Whether a first `all` came: this node, the numbers of everything, and the conversations that are drawn first are known.
   * Whether something isn't there is known only when the lists are `whole`.
   */
  loaded = false;
  /** Whether all pages of the lists have come. */
  whole = false;
  cursor = { log: "", seq: 0 };
  /** Server's clock minus ours, in ms. */
  skew = 0;
  /** How many there are, also of those that haven't come yet. Peers that ask to write are requests. */
  totals = { rooms: 0, peers: 0, unread: 0, requests: 0 };
  /** How many of the known peers can be reached now. */
  here = 0;
  /** Changes with every name in the list of conversations. */
  named = 0;
  /** Tells which conversation is open, so that the server sends it first. @type {() => string | null} */
  opened = () => null;

  #clock;
  /** Names of conversations that have vanished for a reason not known yet, by id. @type {Map<string, string>} */
  #names = new Map();
  /** @type {Map<string, Set<(what: never) => void>>} */
  #listeners = new Map();
  /** Gives the conversation whose end is before the reader's eyes. @type {(() => string | null) | null} */
  #reader = null;
  /** How to stop the timers for the end of somebody's typing, by conversation. @type {Map<string, () => void>} */
  #typing = new Map();
  /** The conversations that became part of others: where they are now. @type {Map<string, string>} */
  #aliases = new Map();
  /** When each conversation began, as numbers that can be compared. @type {Map<string, number>} */
  #begun = new Map();
  /** The number of the one that began last; and of the one that a page told of last, which began before. */
  #begunLast = 0;
  #begunTold = 0;
  /** @type {Order<RoomView>} */
  #order = new Order((a, b) => b.place - a.place || this.#begunAt(b) - this.#begunAt(a));
  /** Made when it is asked for first. @type {Order<PeerView> | null} */
  #peerOrder = null;
  /** While the lists aren't whole: what was told of since `all`, and which conversations were first told of by a patch. */
  #since = news();

  /** @param {Clock} [clock] */
  constructor(clock = browserClock) {
    this.#clock = clock;
  }

  /**
   * Calls `listener` whenever something of this kind is told; returns how to stop that.
   *
   * @template {keyof Told} K
   * @param {K} kind
   * @param {(what: Told[K]) => void} listener
   */
  on(kind, listener) {
    const all = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, all);
    all.add(listener);
    return () => all.delete(listener);
  }

  /**
   * @param {string} kind
   * @param {unknown} [what]
   */
  #tell(kind, what) {
    for (const listener of [...(this.#listeners.get(kind) ?? [])]) listener(/** @type {never} */ (what));
  }

  /** @param {Op} op */
  #tellOf(op) {
    this.#tell(op.op === "room_gone" ? "gone" : op.op, op);
  }

  /**
   * The conversation that goes by this id now: itself, or the one that it became part of; else the id as it is.
   *
   * @template {string | null | undefined} T
   * @param {T} id
   * @returns {T | string}
   */
  canonical(id) {
    if (!id || this.rooms.has(id)) return id;
    return this.#aliases.get(id) ?? id;
  }

  /** Whether it is certain that this conversation isn't here. @param {string} id */
  lacks(id) {
    return this.whole && !this.rooms.has(id);
  }

  /** Now by the server's clock, in ms. */
  now() {
    return this.#clock.now() + this.skew;
  }

  /**
   * `reader()` gives the id of the conversation whose end the reader has before their eyes, or null. What comes in there is
   * shown as read at once: else each message would be drawn once as unread and, when the node has heard of the reading,
   * once more. Returns how to end that.
   *
   * @param {() => string | null} reader
   */
  readWith(reader) {
    this.#reader = reader;
    return () => {
      if (this.#reader === reader) this.#reader = null;
    };
  }

  /** What the reader sees has changed. */
  looked() {
    this.#tell("lists");
  }

  /** The number of unread messages to show for a conversation. @param {RoomView} room */
  unreadIn(room) {
    return room.unread && this.#reader?.() === room.id ? 0 : room.unread;
  }

  /** The number of all unread messages to show. */
  get unread() {
    const room = this.rooms.get(this.#reader?.() ?? "");
    return Math.max(0, this.totals.unread - (room?.unread ?? 0));
  }

  /** Whether the other side of a conversation types right now. @param {RoomView} room */
  typesIn(room) {
    return room.typing > this.now() && this.away === null;
  }

  /** Somebody's typing ends by itself, without another word about it. @param {RoomView} room */
  #watchTyping(room) {
    this.#typing.get(room.id)?.();
    this.#typing.delete(room.id);
    if (!this.typesIn(room)) return;
    const rest = Math.min(room.typing - this.now(), LONGEST_TYPING_MS);
    this.#typing.set(room.id, this.#clock.later(rest, () => {
      this.#typing.delete(room.id);
      const present = this.rooms.get(room.id);
      if (present?.typing === room.typing) this.#put({ ...present, typing: 0 });
      this.#tell("lists");
    }));
  }

  /**
   * Rooms in the order of the list: where something came in last first; of two with the same place, the one begun last. It
   * changes in place.
   */
  sorted() {
    return this.#order.items;
  }

  /** At which place of the list a conversation stands; -1: it isn't there. @param {string} id */
  indexOf(id) {
    const room = this.rooms.get(id);
    return room && !room.silent ? this.#order.indexOf(room) : -1;
  }

  /** Peers in the order of their table. It changes in place. */
  sortedPeers() {
    this.#peerOrder ??= new Order(byPresence, this.peers.values());
    return this.#peerOrder.items;
  }

  /** Those nearby whom nobody here has dealt with, the longest seen first. */
  strangersNearby() {
    return (this.nearby?.people ?? []).flatMap(({ peer, known }) => (!known && this.peers.get(peer)) || []);
  }

  /** Who asks to write, where something came in last first. */
  sortedRequests() {
    return [...this.requests.values()].sort((a, b) => b.room.place - a.room.place);
  }

  /** Take the answer to a `send` or `resend`: it is shown at once, before its event comes. @param {MessageView} message */
  said(message) {
    this.#tell("said", message);
  }

  /** Take the late news of what became of conversations. @param {Gone[]} ops */
  tellGone(ops) {
    for (const op of ops) {
      if (!this.rooms.has(op.id)) this.#tell("gone", { ...op, name: this.#names.get(op.id) ?? op.name });
    }
    this.#names.clear();
  }

  /** Take a frame that only some pages ask for. @param {RowsFrame | FiguresFrame | BeatFrame} frame */
  other(frame) {
    this.#tell(frame.t, frame);
  }

  // -- one thing

  /** @param {RoomView} room */
  #begunAt({ id }) {
    return this.#begun.get(id) ?? 0;
  }

  /** @param {RoomView} room One that isn't there yet began after all others. */
  #put(room) {
    const { id } = room;
    const old = this.rooms.get(id);
    this.rooms.set(id, room);
    if (!old && !this.#begun.has(id)) this.#begun.set(id, ++this.#begunLast);
    if (old && !old.silent && !room.silent) this.#order.replace(old, room);
    else {
      if (old && !old.silent) this.#order.remove(old);
      if (!room.silent) this.#order.put(room);
    }
    if (old?.name !== room.name || old.mark !== room.mark) this.named++;
    if (old) for (const alias of old.aliases) this.#aliases.delete(alias);
    for (const alias of room.aliases) this.#aliases.set(alias, id);
    if (room.typing || this.#typing.has(id)) this.#watchTyping(room);
  }

  /** @param {string} id */
  #drop(id) {
    const room = this.rooms.get(id);
    if (!room) return;
    if (!room.silent) this.#order.remove(room);
    this.rooms.delete(id);
    this.#begun.delete(id);
    this.named++;
    // It may be the other one's by now, with its aliases.
    for (const alias of room.aliases) if (this.#aliases.get(alias) === id) this.#aliases.delete(alias);
    this.#typing.get(id)?.();
    this.#typing.delete(id);
  }

  /** @param {PeerView} peer */
  #putPeer(peer) {
    const old = this.peers.get(peer.id);
    this.peers.set(peer.id, peer);
    this.here += Number(isKnownHere(peer)) - Number(Boolean(old && isKnownHere(old)));
    if (old) this.#peerOrder?.replace(old, peer);
    else this.#peerOrder?.put(peer);
  }

  /** @param {string} id */
  #dropPeer(id) {
    const peer = this.peers.get(id);
    if (!peer) return;
    this.peers.delete(id);
    this.here -= Number(isKnownHere(peer));
    this.#peerOrder?.remove(peer);
  }

  // -- what the server tells

  /**
   * One page of the lists: rooms in the order of the list.
   *
   * @param {{ rooms: RoomView[], peers: PeerView[], left: number }} page
   */
  #take({ rooms, peers, left }) {
    const { paged, patched, begun } = this.#since;
    for (const room of rooms) {
      const { id } = room;
      paged.rooms.add(id);
      // What a patch told of is another one by now; of when it began only the page knows.
      const present = patched.rooms.has(id) ? this.rooms.get(id) : room;
      if (!present) continue;
      if (begun.delete(id)) this.#drop(id);
      if (!this.rooms.has(id)) this.#begun.set(id, --this.#begunTold);
      this.#put(present);
    }
    for (const peer of peers) {
      paged.peers.add(peer.id);
      if (!patched.peers.has(peer.id)) this.#putPeer(peer);
    }
    if (left) return;
    this.whole = true;
    for (const { id, name } of [...this.rooms.values()]) {
      if (paged.rooms.has(id) || patched.rooms.has(id)) continue;
      this.#names.set(id, name);
      this.#drop(id);
    }
    for (const id of [...this.peers.keys()]) if (!paged.peers.has(id) && !patched.peers.has(id)) this.#dropPeer(id);
    this.#since = news();
  }

  /** @param {AllFrame} frame */
  all(frame) {
    const { everything } = frame;
    this.skew = frame.now - this.#clock.now();
    if (!everything.me && this.me) {
      // A dashboard that was started while the node is away knows nothing yet, so keep the state we have.
      this.away = everything.away;
      return this.#tell("lists");
    }
    const other = this.cursor.log !== everything.log;
    this.#names.clear();
    this.#since = news();
    // Of lists that never became whole it isn't known what was missing: whatever comes now need not be new.
    if (other || !this.whole) this.#clear();
    this.whole = false;
    const missed = other ? null : frame.missed;
    for (const op of missed ?? []) if (op.op === "room_gone" || op.op === "hidden") this.#drop(op.id);
    this.me = everything.me;
    this.away = everything.away;
    this.health = everything.health;
    this.nearby = everything.nearby;
    this.totals = everything.totals;
    // A server that is older than this page doesn't tell of them.
    this.requests = new Map((everything.requests ?? []).map((one) => [one.room.id, one]));
    // Pages tell of those first that began last: counted down, from above all that are known.
    this.#begunLast = this.#begunTold = this.#begunLast + this.totals.rooms + 1;
    this.cursor = { log: everything.log, seq: everything.seq };
    const first = !this.loaded;
    this.loaded = true;
    this.#take({ ...everything, left: frame.left });
    this.#tell("lists");
    if (everything.shared) this.#tell("shared", everything.shared);
    // Who was blocked may have been let in again since.
    const recent = missed?.filter((op) => op.op !== "hidden" || !this.rooms.has(op.id));
    if (recent) for (const op of recent) this.#tellOf(op);
    else if (!first) this.#tell("reload");
    if (this.whole) this.#tell("whole");
  }

  /** Forget the lists, except for the names in them. */
  #clear() {
    for (const { id, name } of [...this.rooms.values()]) {
      this.#names.set(id, name);
      this.#drop(id);
    }
    for (const id of [...this.peers.keys()]) this.#dropPeer(id);
  }

  /** @param {MoreFrame} frame */
  more(frame) {
    this.#take(frame);
    this.#tell("lists");
    if (this.whole) this.#tell("whole");
  }

  /** @param {PatchFrame} frame */
  patch(frame) {
    this.cursor.seq = Math.max(this.cursor.seq, frame.seq);
    let lists = false;
    /** @type {Op[]} */
    const later = [];
    for (const op of frame.ops) {
      this.#apply(op);
      if (LATER.has(op.op)) later.push(op);
      if (!QUIET.has(op.op)) lists = true;
    }
    for (const op of later) this.#tellOf(op);
    if (lists) this.#tell("lists");
  }

  /**
   * Take what an operation says about the lists. Until these are whole, note what it is about: pages that come later say
   * how it was before.
   *
   * @param {Op} op
   */
  #apply(op) {
    const { patched, begun } = this.#since;
    if (op.op === "room") {
      if (!this.whole) patched.rooms.add(op.room.id);
      if (!this.whole && !this.rooms.has(op.room.id)) begun.add(op.room.id);
      this.#put(op.room);
    } else if (op.op === "room_gone" || op.op === "hidden") {
      if (!this.whole) patched.rooms.add(op.id);
      this.#drop(op.id);
    } else if (op.op === "peer") {
      if (!this.whole) patched.peers.add(op.peer.id);
      this.#putPeer(op.peer);
    } else if (op.op === "peer_gone") {
      if (!this.whole) patched.peers.add(op.id);
      this.#dropPeer(op.id);
    } else if (op.op === "request") {
      // Until now nothing was said there, and it could be opened.
      this.#drop(op.request.room.id);
      this.requests.set(op.request.room.id, op.request);
    } else if (op.op === "request_gone") this.requests.delete(op.id);
    else if (op.op === "totals") this.totals = op.totals;
    else if (op.op === "self") this.me = op.me;
    else if (op.op === "away") this.away = op.away;
    else if (op.op === "health") this.health = op.health;
    else if (op.op === "nearby") this.nearby = op.nearby;
  }
}
