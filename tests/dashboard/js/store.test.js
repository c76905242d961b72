import assert from "node:assert/strict";
import { test } from "node:test";

import { Store } from "../../../dashboard/components/shared/store.js";
import { FakeClock } from "./fakes/clock.js";

const ME = { id: "me", name: "anna", addresses: [] };

const room = (id, more = {}) => ({ id, name: id, mark: "", place: 0, unread: 0, aliases: [], typing: 0, code: [], ...more });
const peer = (id, more = {}) => ({ id, name: id, link: "offline", ...more });
const message = (id, of) => ({ op: "message", seq: id, message: { id, room: of, text: "hello" } });
const gone = (id, into = null) => ({ op: "room_gone", seq: 1, id, into, name: `${id} as it was called` });

/** A store, and what its listeners were told, in order. */
function begun() {
  const clock = new FakeClock();
  const store = new Store(clock);
  const told = [];
  for (const kind of ["lists", "whole", "reload", "message", "changed", "state", "gone", "expired", "shared", "options", "said"]) {
    store.on(kind, (what) => told.push(what === undefined ? kind : [kind, what]));
  }
  return { clock, store, told };
}

/** The first page of the lists. */
function all({ rooms = [], peers = [], left = 0, missed = null, log = "log", seq = 1, now = null, totals = null, ...more } = {}) {
  const unread = rooms.reduce((sum, one) => sum + one.unread, 0);
  return {
    t: "all", now: now ?? 1_700_000_000_000, missed, left,
    everything: {
      log, seq, me: ME, rooms, peers, away: null, health: null, shared: null,
      totals: totals ?? { rooms: rooms.length, peers: peers.length, unread }, ...more,
    },
  };
}

const more = (rooms, left = 0, peers = []) => ({ t: "more", rooms, peers, left });
const patch = (seq, ...ops) => ({ t: "patch", seq, ops });
const put = (view) => ({ op: "room", room: view });
const totals = (rooms, peers, unread) => ({ op: "totals", totals: { rooms, peers, unread } });
const listed = (store) => store.sorted().map(({ id }) => id);

/** The order of the list and what is counted, found anew from the lists themselves. */
function check(store) {
  const places = store.sorted().map(({ place }) => place);
  assert.deepEqual(places, [...places].sort((a, b) => b - a));
  assert.deepEqual(new Set(listed(store)), new Set(store.rooms.keys()));
  assert.equal(store.sorted().length, store.rooms.size);
  for (const [at, one] of store.sorted().entries()) {
    assert.equal(store.indexOf(one.id), at);
    assert.equal(store.rooms.get(one.id), one);
  }
  assert.equal(store.here, [...store.peers.values()].filter(({ link }) => link === "online" || link === "reachable").length);
  assert.deepEqual(new Set(store.sortedPeers()), new Set(store.peers.values()));
}

test("the first frame holds everything there is", () => {
  const { store, told } = begun();
  assert.equal(store.loaded, false);
  const rooms = [room("bela", { place: 5, unread: 2 }), room("cian", { place: 3, unread: 1 })];
  store.all(all({ rooms, peers: [peer("p", { link: "online" })], seq: 7 }));
  assert.deepEqual([store.loaded, store.whole, store.me.name], [true, true, "anna"]);
  assert.deepEqual(store.cursor, { log: "log", seq: 7 });
  assert.deepEqual([store.unread, store.totals.peers, store.here], [3, 1, 1]);
  assert.deepEqual(told, ["lists", "whole"], "a first frame is no reason to load anything again");
  check(store);
});

test("news is told after the lists are as it says, and the lists only when they changed", () => {
  const { store, told } = begun();
  store.all(all({ rooms: [room("bela")] }));
  told.length = 0;
  store.on("message", () => assert.equal(store.rooms.get("bela").unread, 1));
  store.patch(patch(2, put(room("bela", { place: 2, unread: 1 })), totals(1, 0, 1), message(2, "bela")));
  assert.deepEqual(told, [["message", message(2, "bela")], "lists"]);
  assert.deepEqual([store.cursor.seq, store.unread], [2, 1]);
  told.length = 0;
  store.patch(patch(1, { op: "state", seq: 3, room: "bela", id: 1 }));
  assert.deepEqual(told.map(([kind]) => kind), ["state"]);
  assert.equal(store.cursor.seq, 2, "a cursor never goes back");
});

test("whatever changes: the list is in order, newest first, and of two with the same place the one begun last", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("c"), room("b"), room("a")] }));
  assert.deepEqual(listed(store), ["c", "b", "a"], "as the server sorted them");
  store.patch(patch(2, put(room("d"))));
  assert.deepEqual(listed(store), ["d", "c", "b", "a"]);
  store.patch(patch(3, put(room("a", { place: 4 }))));
  assert.deepEqual(listed(store), ["a", "d", "c", "b"]);
  store.patch(patch(4, put(room("a"))));
  assert.deepEqual(listed(store), ["d", "c", "b", "a"], "where it began");
  store.patch(patch(5, put(room("c", { name: "another name" }))));
  assert.deepEqual(listed(store), ["d", "c", "b", "a"]);
  store.patch(patch(6, gone("d"), put(room("e"))));
  assert.deepEqual(listed(store), ["e", "c", "b", "a"]);
  check(store);
});

test("a thousand changes by chance leave the list in order", () => {
  let seed = 7;
  const chance = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const { store } = begun();
  store.all(all({ rooms: [room("r0")] }));
  for (let seq = 2; seq < 1000; seq++) {
    const id = `r${chance(40)}`;
    const kind = chance(6);
    const op = kind === 0 ? gone(id) : put(room(id, { place: chance(30) }));
    const link = chance(2) ? "online" : "offline";
    const other = kind === 1 ? { op: "peer_gone", id } : { op: "peer", peer: peer(id, { link, name: `n${chance(9)}` }) };
    store.patch(patch(seq, op, other));
    if (seq % 50 === 0) check(store);
  }
  check(store);
});

test("peers stand by name, those that can be reached first", () => {
  const { store } = begun();
  store.all(all({ peers: [peer("1", { name: "bela" }), peer("2", { name: "anna" }), peer("3", { name: "cian", link: "online" })] }));
  const names = () => store.sortedPeers().map(({ name }) => name);
  assert.deepEqual(names(), ["cian", "anna", "bela"]);
  store.patch(patch(2, { op: "peer", peer: peer("1", { name: "bela", link: "reachable" }) }));
  store.patch(patch(3, { op: "peer_gone", id: "2" }));
  assert.deepEqual(names(), ["bela", "cian"]);
  assert.equal(store.here, 2);
});

// -- pages

test("the lists come in pages: numbers are right from the first, and what isn't there may still come", () => {
  const { store, told } = begun();
  store.all(all({ rooms: [room("e", { place: 5 })], peers: [peer("e")], left: 2, totals: { rooms: 3, peers: 2, unread: 9 } }));
  assert.deepEqual([store.loaded, store.whole, store.unread, store.totals.rooms], [true, false, 9, 3]);
  assert.equal(store.lacks("a"), false);
  store.more(more([room("d", { place: 4 })], 1, [peer("d")]));
  assert.equal(store.whole, false);
  store.more(more([room("c", { place: 3 })]));
  assert.deepEqual([store.whole, store.lacks("a"), store.lacks("c")], [true, true, false]);
  assert.deepEqual(listed(store), ["e", "d", "c"]);
  assert.deepEqual(told, ["lists", "lists", "lists", "whole"]);
  check(store);
});

test("what a patch says between two pages counts more than a page that comes later", () => {
  const { store } = begun();
  const rooms = { rooms: 5, peers: 5, unread: 3 };
  store.all(all({ rooms: [room("a", { place: 9 })], left: 1, totals: rooms }));
  store.patch(patch(2, put(room("b", { place: 10, unread: 1 })), totals(5, 5, 4), message(2, "b")));
  store.patch(patch(3, gone("c"), put(room("new", { place: 11 })), { op: "peer_gone", id: "c" }));
  store.patch(patch(4, { op: "peer", peer: peer("b", { link: "online" }) }));
  assert.equal(store.unread, 4);
  // As things were before the patches.
  store.more(more([room("b", { place: 2 }), room("c", { place: 1 }), room("d")], 0, [peer("b"), peer("c"), peer("d")]));
  assert.deepEqual(listed(store), ["new", "b", "a", "d"]);
  assert.equal(store.rooms.get("b").unread, 1);
  assert.deepEqual([...store.peers.keys()].sort(), ["b", "d"]);
  assert.deepEqual([store.here, store.unread], [1, 4]);
  check(store);
});

test("a conversation and a peer of the same id are two things", () => {
  const { store } = begun();
  store.all(all({ left: 1 }));
  store.patch(patch(2, { op: "peer", peer: peer("x", { name: "told by the patch" }) }));
  store.more(more([room("x", { name: "told by the page" })], 0, [peer("x")]));
  assert.deepEqual([store.rooms.get("x").name, store.peers.get("x").name], ["told by the page", "told by the patch"]);
});

test("one that a patch told of first stands where its page says that it began", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("d"), room("c")], left: 1, totals: { rooms: 4, peers: 0, unread: 0 } }));
  store.patch(patch(2, put(room("a", { name: "renamed" }))));
  store.patch(patch(3, put(room("e"))));
  store.more(more([room("b"), room("a")]));
  assert.deepEqual(listed(store), ["e", "d", "c", "b", "a"]);
  assert.equal(store.rooms.get("a").name, "renamed");
});

test("the open conversation comes first, and once more in its place", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("d"), room("a")], left: 1, totals: { rooms: 4, peers: 0, unread: 0 } }));
  store.more(more([room("c"), room("b"), room("a")]));
  assert.deepEqual(new Set(listed(store)), new Set(["a", "b", "c", "d"]));
  assert.equal(listed(store)[0], "d");
  check(store);
});

test("coming back: what was here stays until the last page, then what is gone goes", () => {
  const { store, told } = begun();
  const known = ["d", "c", "b", "a"].map((id) => room(id));
  store.all(all({ rooms: known, peers: [peer("a"), peer("b")] }));
  told.length = 0;
  store.all(all({ rooms: [room("new"), room("d")], left: 1, missed: [message(5, "d")], seq: 9, totals: { rooms: 4, peers: 1, unread: 0 } }));
  assert.deepEqual(told, ["lists", ["message", message(5, "d")]]);
  assert.deepEqual(listed(store), ["new", "d", "c", "b", "a"]);
  assert.equal(store.whole, false);
  store.patch(patch(10, put(room("newer"))));
  store.more(more([room("c"), room("b")], 0, [peer("b")]));
  assert.deepEqual(listed(store), ["newer", "new", "d", "c", "b"]);
  assert.deepEqual([...store.peers.keys()], ["b"]);
  check(store);
});

test("a connection that breaks between two pages begins anew", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("c")], left: 2, totals: { rooms: 3, peers: 0, unread: 0 } }));
  store.patch(patch(2, put(room("b", { name: "as the patch says" }))));
  store.all(all({ rooms: [room("c")], left: 1, missed: [], seq: 3, totals: { rooms: 3, peers: 0, unread: 0 } }));
  store.more(more([room("b", { name: "as it is by now" }), room("a")]));
  assert.deepEqual(listed(store), ["c", "b", "a"]);
  assert.equal(store.rooms.get("b").name, "as it is by now");
});

// -- coming back

test("what was missed is told; where that isn't known, everything is loaded again", () => {
  const { store, told } = begun();
  store.all(all({ rooms: [room("bela")] }));
  told.length = 0;
  store.all(all({ rooms: [room("bela", { place: 2 })], missed: [message(2, "bela"), gone("cian", "bela")], seq: 3 }));
  assert.deepEqual(told, ["lists", ["message", message(2, "bela")], ["gone", gone("cian", "bela")], "whole"]);
  told.length = 0;
  store.all(all({ rooms: [room("bela")], missed: null, seq: 4 }));
  assert.deepEqual(told, ["lists", "reload", "whole"]);
});

test("another log is another node: nothing of the old one stays, not even until the last page", () => {
  const { store, told } = begun();
  store.all(all({ rooms: [room("bela", { unread: 1 })], peers: [peer("p", { link: "online" })] }));
  told.length = 0;
  store.all(all({ rooms: [room("dora")], log: "another", missed: [message(2, "bela")], left: 1 }));
  assert.deepEqual(listed(store), ["dora"]);
  assert.deepEqual([store.here, store.unread, store.peers.size], [0, 0, 0]);
  assert.deepEqual(told, ["lists", "reload"], "what was missed is another one's");
});

test("a dashboard that doesn't know the node yet takes nothing away", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("bela")] }));
  const away = { since: null, reason: "Looking for it.", start: "" };
  store.all(all({ me: null, away, log: "", seq: 0 }));
  assert.deepEqual([store.away, store.me, listed(store), store.cursor.log], [away, ME, ["bela"], "log"]);
});

test("late news of what is gone says the name that was known here", () => {
  const { store, told } = begun();
  store.all(all({ rooms: [room("bela"), room("cian", { name: "Cian" })] }));
  store.all(all({ rooms: [room("bela")], missed: null, seq: 2 }));
  told.length = 0;
  store.tellGone([gone("cian", "bela"), gone("bela")]);
  assert.deepEqual(told, [["gone", { ...gone("cian", "bela"), name: "Cian" }]], "and nothing of what is here");
});

test("a conversation that became part of another goes by both ids", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("bela", { aliases: ["old"] }), room("cian")] }));
  assert.deepEqual(["old", "bela", "nowhere", null].map((id) => store.canonical(id)), ["bela", "bela", "nowhere", null]);
  store.patch(patch(2, gone("cian", "bela"), put(room("bela", { aliases: ["old", "cian"] }))));
  assert.equal(store.canonical("cian"), "bela");
  store.patch(patch(3, put(room("dora", { aliases: ["bela", "old", "cian"] })), gone("bela", "dora")));
  assert.deepEqual(["old", "cian", "bela"].map((id) => store.canonical(id)), ["dora", "dora", "dora"]);
  store.patch(patch(4, gone("dora")));
  assert.equal(store.canonical("old"), "old");
});

test("names that change are counted, and nothing else is", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("bela"), room("cian")] }));
  const before = store.named;
  store.patch(patch(2, put(room("bela", { place: 3, unread: 4 }))));
  assert.equal(store.named, before);
  for (const op of [put(room("bela", { name: "Bela" })), put(room("bela", { name: "Bela", mark: "k7" })), put(room("dora")), gone("cian")]) {
    const was = store.named;
    store.patch(patch(3, op));
    assert.notEqual(store.named, was, op.op);
  }
});

// -- reading and typing

test("what is before the reader's eyes counts as read, as long as it is", () => {
  const { store } = begun();
  const bela = room("bela", { unread: 2 });
  store.all(all({ rooms: [bela, room("cian", { unread: 5 })] }));
  let open = "bela";
  const end = store.readWith(() => open);
  assert.deepEqual([store.unread, store.unreadIn(bela), store.unreadIn(store.rooms.get("cian"))], [5, 0, 5]);
  open = null;
  assert.deepEqual([store.unread, store.unreadIn(bela)], [7, 2]);
  open = "nowhere";
  assert.equal(store.unread, 7);
  open = "cian";
  const other = store.readWith(() => "bela");
  end();
  assert.equal(store.unread, 5, "the one that reads now isn't ended by the one before it");
  other();
  assert.equal(store.unread, 7);
});

test("somebody's typing ends by itself", async () => {
  const { clock, store, told } = begun();
  store.all(all({ rooms: [room("bela")] }));
  store.patch(patch(2, put(room("bela", { typing: clock.now() + 6000 }))));
  assert.ok(store.typesIn(store.rooms.get("bela")));
  told.length = 0;
  await clock.pass(5999);
  assert.deepEqual(told, []);
  await clock.pass(1);
  assert.deepEqual(told, ["lists"]);
  assert.equal(store.rooms.get("bela").typing, 0);
  check(store);
});

test("typing that goes on, or ends with a text, leaves no timer of its own", async () => {
  const { clock, store, told } = begun();
  store.all(all({ rooms: [room("bela", { typing: clock.now() + 6000 })] }));
  await clock.pass(5000);
  store.patch(patch(2, put(room("bela", { typing: clock.now() + 6000 }))));
  assert.equal(clock.timers, 1);
  store.patch(patch(3, put(room("bela"))));
  assert.equal(clock.timers, 0);
  store.patch(patch(4, put(room("bela", { typing: clock.now() + 6000 }))));
  store.patch(patch(5, gone("bela")));
  told.length = 0;
  await clock.pass(20_000);
  assert.deepEqual(told, []);
});

test("nobody types for ever, whatever the clocks say, and nobody while the node is away", async () => {
  const { clock, store } = begun();
  store.all(all({ rooms: [room("bela", { typing: clock.now() + 86_400_000 })] }));
  store.patch(patch(2, { op: "away", away: { since: 1, reason: "", start: "" } }));
  assert.equal(store.typesIn(store.rooms.get("bela")), false);
  store.patch(patch(3, { op: "away", away: null }));
  await clock.pass(15_000);
  assert.equal(store.typesIn(store.rooms.get("bela")), false);
});

test("times are told by the server's clock", () => {
  const { clock, store } = begun();
  store.all(all({ now: clock.now() + 5000 }));
  assert.equal(store.now(), clock.now() + 5000);
});

test("whoever no longer listens isn't told; unknown operations are let go by", () => {
  const { store } = begun();
  let told = 0;
  const end = store.on("lists", () => told++);
  store.all(all());
  store.patch(patch(2, { op: "from the future" }));
  end();
  store.looked();
  assert.equal(told, 2);
});

const asks = (id, view) => ({ room: room(id, view), since: 1, alike: null });

test("who asks to write is no conversation, counts for nothing there, and the newest comes first", () => {
  const { store } = begun();
  store.all(all({ rooms: [room("bela")], requests: [asks("mira", { place: 4, unread: 2 })] }));
  store.patch(patch(2, { op: "request", request: asks("nora", { place: 6, unread: 1 }) }));
  assert.deepEqual([listed(store), store.unread], [["bela"], 0]);
  assert.deepEqual(store.sortedRequests().map((one) => one.room.id), ["nora", "mira"]);
  store.patch(patch(3, put(room("mira", { place: 4, unread: 2 })), { op: "request_gone", id: "mira" }));
  assert.deepEqual([store.sortedRequests().length, listed(store)], [1, ["mira", "bela"]]);
  store.all(all({ rooms: [room("bela")], seq: 4, missed: [] }));
  assert.equal(store.requests.size, 0);
  check(store);
});

test("who is blocked goes from the lists and may come back, also while nobody looked", () => {
  const { store, told } = begun();
  const hidden = { op: "hidden", seq: 2, id: "bela", name: "bela" };
  const news = [];
  store.on("hidden", (op) => news.push(op));
  store.all(all({ rooms: [room("bela"), room("cian")] }));
  told.length = 0;
  store.patch(patch(2, hidden));
  assert.deepEqual([listed(store), news, told], [["cian"], [hidden], ["lists"]]);
  store.patch(patch(3, put(room("bela"))));
  assert.deepEqual(listed(store), ["bela", "cian"]);
  store.all(all({ rooms: [room("cian")], seq: 5, missed: [hidden] }));
  assert.deepEqual([listed(store), news.length], [["cian"], 2]);
  store.all(all({ rooms: [room("bela"), room("cian")], seq: 6, missed: [hidden] }));
  assert.equal(news.length, 2, "who was let in again isn't told as blocked");
  check(store);
});
