import assert from "node:assert/strict";
import { test } from "node:test";

import { Talk } from "../../../dashboard/components/chats/talk.js";
import { settled } from "./fakes/clock.js";
import { FakeConnection, bug, lost, notFound } from "./fakes/connection.js";

/** A message by its number. */
const message = (id, more = {}) => ({ id, room: "bela", order: String(id).padStart(6, "0"), at: id, mine: false, text: `number ${id}`, ...more });
const op = (id, seq, more = {}) => ({ op: "message", seq, message: message(id, more) });
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** What a question for history says about the page it wants. */
function pageOf({ around, before, after, limit }) {
  return JSON.parse(JSON.stringify({ around, before, after, limit }));
}

/** A conversation in which these were said, and whoever reads it; `reader.at` null: they follow the end. */
function talk(...numbers) {
  const connection = new FakeConnection();
  const said = numbers.flat().map((id) => message(id));
  const reader = { at: null };
  const changes = [];
  const shown = new Talk("bela", connection, (why) => changes.push(why), () => reader.at);
  let seq = 100;
  /** The node answers the first question for history; what it knows is as it is now. */
  const answer = () => {
    const { around, before, after, limit } = connection.waiting("history")[0];
    if (around && !said.some(({ id }) => id === around)) return connection.refuse("history", notFound());
    let from = Math.max(0, said.length - limit);
    if (around) from = Math.max(0, said.findIndex(({ id }) => id === around) - (limit >> 1));
    if (before) from = Math.max(0, said.findIndex(({ id }) => id === before) - limit);
    if (after) from = said.findIndex(({ id }) => id === after) + 1;
    const to = before ? said.findIndex(({ id }) => id === before) : from + limit;
    const messages = said.slice(from, to);
    return connection.answer("history", { seq, messages, more_before: from > 0, more_after: to < said.length && !before });
  };
  return {
    connection, said, reader, changes, shown, answer,
    ids: () => shown.messages.map(({ id }) => id),
    /** Which pages are asked for and didn't come yet. */
    asks: () => connection.waiting("history").map(pageOf),
    open: async (wish) => {
      shown.open(wish);
      await answer();
      if (connection.waiting("history").length) await answer();
    },
    /** Something is said at the node. */
    say: (id, more) => {
      said.push(message(id, more));
      return op(id, ++seq, more);
    },
  };
}

test("it opens with the newest, and with as many as are unread", async () => {
  const { shown, open, ids, changes } = talk(range(1, 300));
  await open();
  assert.deepEqual(ids(), range(241, 300));
  assert.deepEqual([shown.state, shown.moreBefore, shown.moreAfter], ["ready", true, false]);
  assert.equal(shown.newestId, 300);
  assert.deepEqual(changes, ["changed", "opened"]);
  await open({ unread: 100, readUpto: 200 });
  assert.deepEqual(ids(), range(171, 300));
});

test("with much unread it opens where reading stopped", async () => {
  const { shown, open, ids } = talk(range(1, 600));
  await open({ unread: 500, readUpto: 100 });
  assert.ok(ids().includes(100) && !ids().includes(600));
  assert.equal(shown.moreAfter, true);
});

test("it opens where reading stopped also when much of one's own was said since", async () => {
  const { open, ids } = talk(range(1, 300));
  await open({ unread: 5, readUpto: 40 });
  assert.ok(ids().includes(40));
});

test("a message that isn't there any more is missed, and the newest are shown", async () => {
  const { shown, open, ids } = talk(range(1, 100));
  await open({ around: 777 });
  assert.equal(shown.missed, true);
  assert.equal(ids().at(-1), 100);
  await open({ around: 20 });
  assert.equal(shown.missed, false);
});

test("what happens while a page is under way is neither lost nor doubled, and newer knowledge wins", async () => {
  const { shown, say, ids, answer, connection } = talk(1, 2);
  shown.open();
  // The page will have this one already; what comes with a higher number is newer than the page.
  shown.take(op(2, 100, { text: "older knowledge" }));
  shown.take(op(1, 101, { text: "changed" }));
  shown.take({ op: "message", seq: 102, message: message(3) });
  await answer();
  assert.deepEqual(ids(), [1, 2, 3]);
  assert.deepEqual(shown.messages.map(({ text }) => text), ["changed", "number 2", "number 3"]);
  shown.take(say(4));
  assert.deepEqual(ids(), [1, 2, 3, 4]);
  assert.equal(connection.count("history"), 1);
});

test("a page that was overtaken by another wish is thrown away", async () => {
  const { shown, ids, connection, answer } = talk(range(1, 100));
  shown.open({ around: 10 });
  shown.open();
  await answer();
  assert.equal(shown.state, "loading");
  await answer();
  assert.equal(ids().at(-1), 100);
  shown.open();
  shown.close();
  await connection.refuse("history", bug());
  assert.equal(shown.state, "ready", "whoever left isn't told");
});

test("older and newer pages join, and what is far from the reader goes", async () => {
  const { shown, open, ids, answer, asks } = talk(range(1, 1000));
  await open({ around: 500 });
  const [first, last] = [ids()[0], ids().at(-1)];
  shown.newer();
  assert.deepEqual(asks(), [{ after: last, limit: 60 }]);
  shown.newer();
  assert.equal(asks().length, 1, "one page at a time");
  await answer();
  for (let n = 0; n < 6; n++) {
    shown.older();
    shown.older();
    assert.equal(asks().length, 1);
    await answer();
  }
  assert.equal(ids().length, 300);
  assert.equal(ids()[0], first - 360);
  assert.equal(shown.moreAfter, true);
  for (let n = 0; n < 6; n++) {
    shown.newer();
    await answer();
  }
  assert.equal(ids().length, 300);
  assert.deepEqual(ids(), range(ids()[0], ids()[0] + 299));
  assert.equal(shown.moreBefore, true);
});

test("a page of messages that didn't come is asked for again", async () => {
  const { shown, connection, ids, answer, asks, changes } = talk(range(1, 300));
  shown.open({ unread: 3 });
  await connection.refuse("history", lost());
  assert.equal(shown.state, "failed");
  assert.equal(shown.wanting(false), "all");
  shown.open({ unread: 3 });
  await answer();
  assert.equal(ids().at(-1), 300);
  assert.equal(shown.wanting(false), "more");
  shown.older();
  await connection.refuse("history", lost());
  assert.equal(shown.wanting(false), "more");
  shown.older();
  assert.deepEqual(asks(), [{ before: 241, limit: 60 }]);
  await answer();
  assert.equal(ids()[0], 181);
  assert.deepEqual(changes.filter((why) => why !== "changed"), ["opened", "older"]);
});

test("what will be refused again isn't asked for by itself; whoever scrolls wants to see more", async () => {
  const { shown, open, connection, answer, ids } = talk(range(1, 300));
  await open();
  shown.older();
  await connection.refuse("history", bug());
  assert.equal(shown.wanting(false), null);
  assert.equal(ids().length, 60);
  shown.older();
  await answer();
  assert.equal(ids()[0], 181);
  assert.equal(shown.wanting(false), "more");
});

test("a conversation that can't be had for good isn't asked for by itself, and shows nothing of before", async () => {
  const { shown, open, connection, ids } = talk(1, 2);
  await open();
  shown.refresh();
  await connection.refuse("history", notFound());
  assert.equal(shown.state, "failed");
  assert.deepEqual(ids(), []);
  assert.equal(shown.wanting(false), "more");
  shown.older();
  shown.newer();
  assert.equal(connection.waiting("history").length, 0, "there is nothing to go on from");
});

test("what could not be loaded anew stays as it is shown, and is asked for again", async () => {
  const { shown, open, connection, ids, answer, say } = talk(1, 2);
  await open();
  say(3);
  shown.refresh();
  assert.equal(shown.wanting(false), "more", "it is under way");
  await connection.refuse("history", lost());
  assert.deepEqual(ids(), [1, 2]);
  assert.equal(shown.state, "ready");
  assert.equal(shown.wanting(false), "news");
  shown.refresh();
  await answer();
  assert.deepEqual(ids(), [1, 2, 3]);
  assert.equal(shown.wanting(false), "more");
});

test("who waits for the end gets it as soon as it can be had, unless it will be refused again", async () => {
  const { shown, open, connection } = talk(range(1, 400));
  await open({ around: 20 });
  assert.equal(shown.wanting(true), "end");
  shown.open();
  await connection.refuse("history", lost());
  assert.equal(shown.wanting(true), "end");
  shown.open();
  await connection.refuse("history", bug());
  assert.equal(shown.wanting(true), null);
});

test("it is loaded anew around the reader, or at its end for who follows that", async () => {
  const { shown, open, reader, asks, answer } = talk(range(1, 400));
  await open({ around: 20 });
  reader.at = 25;
  shown.refresh();
  assert.deepEqual(asks(), [{ around: 25, limit: 200 }]);
  await answer();
  reader.at = null;
  shown.refresh();
  assert.deepEqual(asks(), [{ limit: 190 }]);
});

test("a conversation that was never there is asked for as it was first", async () => {
  const { shown, connection, asks } = talk(range(1, 100));
  shown.open({ around: 20 });
  await connection.refuse("history", lost());
  shown.refresh();
  assert.deepEqual(asks(), [{ around: 20, limit: 60 }]);
});

test("when the message to go on from is gone, the window is loaded anew", async () => {
  const { shown, open, connection, reader, asks } = talk(range(1, 300));
  await open();
  reader.at = 250;
  shown.older();
  await connection.refuse("history", notFound());
  assert.deepEqual(asks(), [{ around: 250, limit: 200 }]);
});

test("what expired goes, except what still waits", async () => {
  const { shown, open, ids, say } = talk(1, 2);
  await open();
  shown.take(say(3, { mine: true, delivery: { label: "waiting" } }));
  shown.take(say(4));
  assert.deepEqual(ids(), [1, 2, 3, 4]);
  shown.take({ op: "expired", seq: 200, room: "bela", upto: 3 });
  assert.deepEqual(ids(), [3, 4]);
});

test("states and receipts change what they are about, and older ones change nothing", async () => {
  const { shown, open, say, changes } = talk(1);
  await open();
  shown.take(say(2, { mine: true, delivery: { label: "sent" }, entry: { stream: "s", n: 4 } }));
  const { version } = shown.messages[1];
  shown.take({ op: "state", seq: 300, room: "bela", id: 2, delivery: { label: "delivered" }, marks: [{ label: "late" }] });
  assert.deepEqual([shown.messages[1].delivery.label, shown.messages[1].marks[0].label], ["delivered", "late"]);
  assert.notEqual(shown.messages[1].version, version);
  changes.length = 0;
  shown.take({ op: "state", seq: 299, room: "bela", id: 2, delivery: { label: "sent" }, marks: null });
  shown.take({ op: "state", seq: 400, room: "bela", id: 77, delivery: { label: "sent" }, marks: null });
  shown.take({ op: "receipt", seq: 301, room: "bela", stream: "other", n: 9, read: true, delivery: { label: "read" } });
  shown.take({ op: "receipt", seq: 301, room: "bela", stream: "s", n: 3, read: true, delivery: { label: "read" } });
  assert.deepEqual(changes, []);
  shown.take({ op: "receipt", seq: 302, room: "bela", stream: "s", n: 4, read: true, delivery: { label: "read" } });
  shown.take({ op: "receipt", seq: 303, room: "bela", stream: "s", n: 5, read: false, delivery: { label: "delivered" } });
  assert.equal(shown.messages[1].delivery.label, "read", "what was read stays so");
});

test("a message takes its place in the order, also when that becomes another", async () => {
  const { shown, open, ids } = talk(1, 2, 3);
  await open();
  shown.take({ op: "message", seq: 200, message: message(9, { order: "000001x" }) });
  assert.deepEqual(ids(), [1, 9, 2, 3]);
  shown.take({ op: "changed", seq: 201, message: message(9, { order: "000003x" }) });
  assert.deepEqual(ids(), [1, 2, 3, 9]);
});

test("what an answer tells is shown at once, and an event that knows more wins, whoever comes first", async () => {
  const { shown, open, ids } = talk(1);
  await open();
  shown.takeSaid(message(2, { delivery: { label: "waiting" } }));
  assert.deepEqual(ids(), [1, 2]);
  shown.take(op(2, 101, { delivery: { label: "sent" } }));
  shown.takeSaid(message(2, { delivery: { label: "waiting" } }));
  assert.equal(shown.messages[1].delivery.label, "sent");
  assert.deepEqual(ids(), [1, 2]);
});

test("what an answer tells while a page is under way stands there once", async () => {
  const { shown, say, answer, ids } = talk(1);
  shown.open();
  const event = say(2, { mine: true });
  shown.takeSaid(event.message);
  shown.take(event);
  await answer();
  assert.deepEqual(ids(), [1, 2]);
});

test("far from the end, what others say waits for its page, and one's own is kept until it is there", async () => {
  const { shown, open, say, ids, connection, answer } = talk(range(1, 400));
  await open({ around: 20 });
  const loaded = ids();
  shown.take(say(401));
  shown.takeSaid(say(402, { mine: true, delivery: { label: "waiting" } }).message);
  assert.deepEqual(ids(), loaded);
  assert.deepEqual(shown.beyond.map(({ id }) => id), [402]);
  shown.take({ op: "state", seq: 500, room: "bela", id: 402, delivery: { label: "sent" }, marks: null });
  assert.equal(shown.beyond[0].delivery.label, "sent");
  // The end can't be loaded: what was written stays known.
  shown.open();
  await connection.refuse("history", lost());
  assert.deepEqual(shown.beyond.map(({ id }) => id), [402]);
  shown.open();
  await answer();
  assert.equal(ids().at(-1), 402);
  assert.deepEqual(shown.beyond, []);
});

test("a flood drops what is far from the reader", async () => {
  const following = talk(range(1, 300));
  await following.open({ unread: 170 });
  for (const id of range(301, 600)) following.shown.take(following.say(id));
  assert.equal(following.ids().at(-1), 600);
  assert.ok(following.ids().length <= 360);
  assert.equal(following.shown.moreBefore, true);
  const up = talk(range(1, 60));
  await up.open();
  up.reader.at = 5;
  for (const id of range(61, 600)) up.shown.take(up.say(id));
  assert.equal(up.ids()[0], 1);
  assert.ok(up.ids().length <= 360);
  assert.equal(up.shown.moreAfter, true);
});

test("what happens while an older page is under way isn't lost", async () => {
  const { shown, open, say, answer, ids } = talk(range(1, 100));
  await open();
  shown.older();
  shown.take(say(101));
  shown.take({ op: "state", seq: 500, room: "bela", id: 10, delivery: { label: "sent" }, marks: null });
  await answer();
  assert.deepEqual(ids(), range(1, 101));
  assert.equal(shown.messages[9].delivery.label, "sent");
  await settled();
});
