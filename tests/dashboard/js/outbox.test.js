import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../dashboard/components/shared/outbox.js";
import { FakeClock, settled } from "./fakes/clock.js";
import { FakeConnection, bug, lost, notFound } from "./fakes/connection.js";
import { fakeBrowser, nothing } from "./fakes/storage.js";
import { FakeStore } from "./fakes/store.js";

const DAY = 24 * 3600 * 1000;

/** A page with an outbox; further pages in the same browser by `more`. */
function page({ browser = fakeBrowser(), clock = new FakeClock(), tab = browser.tab(), node = "anna", rooms = ["bela", "cian"], state: first = "open" } = {}) {
  const connection = Object.assign(new FakeConnection(), { state: first });
  const store = new FakeStore(clock);
  let keys = 0;
  const number = (page.pages = (page.pages ?? 0) + 1);
  const outbox = new Outbox(connection, store, { ...tab, clock, newKey: () => `key-${number}-${++keys}` });
  const said = [];
  let messages = 0;
  store.on("said", (message) => said.push(message));
  const all = {
    browser, clock, tab, connection, store, outbox, said,
    /** What is shown of the waiting texts of a conversation. */
    texts: (room) => outbox.in(room).map(({ text }) => text),
    states: (room) => outbox.in(room).map(({ state }) => state),
    /** The node takes the first text that was sent. */
    take: (more = {}) => {
      const { room, text } = connection.waiting("send")[0];
      const message = { id: ++messages, room, text, mine: true, at: clock.now(), ...more };
      return connection.answer("send", { message }).then(() => message);
    },
    /** The same tab, loaded anew. */
    reload: (more) => page({ browser, clock, tab, node, rooms, ...more }),
    /** Another tab of this browser. */
    another: (more) => page({ browser, clock, node, rooms, ...more }),
  };
  if (node) store.meet(node, ...rooms);
  return all;
}

/** What was sent, as key, conversation and text. */
const sent = ({ connection }) => connection.asked.map(({ key, node, room, text }) => ({ key, node, room, text }));

test("what is written is sent with a key, for one node", async () => {
  const { outbox, texts, take, said, browser, ...tab } = page();
  outbox.add("bela", "hello");
  assert.deepEqual(texts("bela"), ["hello"]);
  assert.equal(browser.kept.size, 1);
  const message = await take();
  const [{ key, ...rest }] = sent(tab);
  assert.ok(key);
  assert.deepEqual(rest, { node: "anna", room: "bela", text: "hello" });
  assert.deepEqual(said, [message]);
  assert.deepEqual(texts("bela"), []);
  assert.equal(browser.kept.size, 0, "nothing of it is kept any more");
});

test("texts are sent one after the other, in the order written", async () => {
  const { outbox, take, connection } = page();
  for (const text of ["one", "two", "three"]) outbox.add("bela", text);
  assert.equal(connection.asked.length, 1);
  for (let n = 0; n < 3; n++) await take();
  assert.deepEqual(connection.asked.map(({ text }) => text), ["one", "two", "three"]);
});

test("a text whose answer was lost is sent again with the same key, after a while", async () => {
  const { outbox, take, connection, clock, states } = page();
  outbox.add("bela", "hello");
  await connection.refuse("send", lost());
  assert.deepEqual(states("bela"), ["queued"]);
  assert.equal(connection.asked.length, 1);
  await clock.pass(400);
  await take();
  assert.equal(connection.asked.length, 2);
  assert.equal(connection.asked[0].key, connection.asked[1].key);
});

test("the pauses between tries grow, and end when the connection comes back", async () => {
  const { outbox, connection, clock } = page();
  outbox.add("bela", "hello");
  for (const pause of [400, 640, 1024]) {
    await connection.refuse("send");
    await clock.pass(pause - 1);
    assert.equal(connection.waiting("send").length, 0);
    await clock.pass(1);
    assert.equal(connection.waiting("send").length, 1);
  }
  await connection.refuse("send");
  await connection.become("lost");
  await connection.become("open");
  assert.equal(connection.waiting("send").length, 1, "it isn't waited any longer");
});

test("nothing is sent while there is no connection, or the node isn't known", async () => {
  const { outbox, connection, store, clock } = page({ node: null });
  outbox.add("bela", "early");
  await clock.pass(60_000);
  assert.equal(connection.asked.length, 0);
  connection.state = "lost";
  store.meet("anna", "bela");
  await settled();
  assert.equal(connection.asked.length, 0);
  await connection.become("open");
  assert.equal(connection.asked.length, 1);
});

test("an old text can be sent after all", async () => {
  const browser = fakeBrowser();
  const clock = new FakeClock();
  const old = { key: "a".repeat(32), room: "bela", text: "from the day before", at: clock.now() - 2 * DAY };
  browser.kept.set(`snicher/anna/out/${old.key}`, JSON.stringify(old));
  const { outbox, take, connection, states } = page({ browser, clock, state: "lost" });
  assert.deepEqual(states("bela"), ["refused"]);
  await connection.become("open");
  assert.equal(connection.asked.length, 0);
  outbox.again(old.key);
  await take();
  assert.deepEqual(sent({ connection }).map(({ text }) => text), ["from the day before"]);
  assert.notEqual(connection.asked[0].key, old.key, "the node may have forgotten the old key");
  assert.equal(browser.kept.size, 0);
});

test("a text that waits here for a day isn't sent unasked", async () => {
  const { outbox, connection, clock, states } = page();
  connection.state = "lost";
  outbox.add("bela", "hello");
  await clock.pass(DAY);
  await connection.become("open");
  assert.deepEqual(states("bela"), ["refused"]);
  assert.equal(connection.asked.length, 0);
});

test("both drafts survive a merge", () => {
  const { outbox, store } = page({ rooms: ["twice", "bela"] });
  outbox.setDraft("twice", "half a thought");
  outbox.setDraft("bela", "another half");
  store.merge("twice", "bela");
  assert.equal(outbox.draft("bela"), "another half\nhalf a thought");
  assert.equal(outbox.draft("twice"), "");
});

test("a text under way follows its conversation", async () => {
  const { outbox, store, take, texts, connection } = page({ rooms: ["twice", "bela"] });
  outbox.add("twice", "on its way");
  store.merge("twice", "bela");
  assert.deepEqual(texts("bela"), ["on its way"]);
  assert.deepEqual(texts("twice"), []);
  await take({ room: "bela" });
  assert.deepEqual(texts("bela"), []);
  assert.equal(connection.asked.length, 1);
});

test("a text that came too late for its conversation is sent to the one it was merged into", async () => {
  const { outbox, store, take, texts, connection } = page({ rooms: ["twice", "bela"] });
  outbox.add("twice", "on its way");
  store.merge("twice", "bela");
  await connection.refuse("send", notFound());
  assert.deepEqual(connection.asked.map(({ room }) => room), ["twice", "bela"]);
  assert.equal(connection.asked[0].key, connection.asked[1].key);
  await take();
  assert.deepEqual(texts("bela"), []);
});

test("a text whose answer was lost isn't doubled by a merge", async () => {
  const { outbox, store, take, texts, connection, clock } = page({ rooms: ["twice", "bela"] });
  outbox.add("twice", "only once");
  // The event about it comes, its answer doesn't.
  store.tell("message", { message: { id: 7, room: "twice", text: "only once", mine: true, at: clock.now() } });
  assert.deepEqual(texts("twice"), []);
  await connection.refuse("send", lost());
  await clock.pass(400);
  assert.equal(connection.waiting("send").length, 1);
  store.merge("twice", "bela");
  assert.deepEqual(texts("bela"), [], "it stands there as a message");
  outbox.add("bela", "and another");
  assert.deepEqual(texts("bela"), ["and another"]);
  await take({ id: 7, room: "bela" });
  await take({ id: 8 });
  const [first, again, other] = sent({ connection });
  // Asked again as it was, and known by that: not as something new in the other conversation.
  assert.deepEqual(again, first);
  assert.equal(first.room, "twice");
  assert.equal(other.room, "bela");
  assert.equal(connection.asked.length, 3);
  assert.equal(outbox.entries.length, 0);
});

test("what was never sent goes to the other conversation at once", async () => {
  const { outbox, store, connection } = page({ rooms: ["twice", "bela"] });
  connection.state = "lost";
  outbox.add("twice", "waits");
  store.merge("twice", "bela");
  await connection.become("open");
  assert.deepEqual(connection.asked.map(({ room }) => room), ["bela"]);
});

test("what waits in a conversation that is deleted goes with it", () => {
  const { outbox, store, connection, browser } = page();
  connection.state = "lost";
  outbox.add("bela", "waits");
  outbox.setDraft("bela", "half a thought");
  store.delete("bela");
  assert.deepEqual(outbox.entries, []);
  assert.equal(browser.kept.size, 0);
});

test("a page that opens later sends what was written, also where the conversation is called otherwise by then", async () => {
  const first = page({ rooms: ["bela", "cian"] });
  first.connection.state = "lost";
  first.outbox.add("bela", "precious words");
  const later = page({ browser: first.browser, clock: first.clock, rooms: ["cian"] });
  assert.ok(later.outbox.rooms.has("bela"), "its conversation is asked for");
  later.store.tell("gone", { id: "bela", into: "cian" });
  await later.take({ room: "cian" });
  assert.deepEqual(later.said.map(({ text }) => text), ["precious words"]);
  assert.equal(later.outbox.entries.length, 0);
});

test("what waits for an unknown node is nobody else's", async () => {
  const browser = fakeBrowser();
  const name = "snicher/null/out/other";
  browser.kept.set(name, JSON.stringify({ key: "other", room: "room-77", to: "room-77", text: "for another node", at: 1 }));
  const tab = page({ browser });
  tab.outbox.add("bela", "for bela");
  await tab.take();
  assert.deepEqual(sent(tab).map(({ text }) => text), ["for bela"]);
  assert.ok(browser.kept.has(name), "it is still there");
});

test("what was refused isn't sent again unasked, by no tab", async () => {
  const one = page();
  one.outbox.add("bela", "not meant any more");
  await one.connection.refuse("send", bug());
  assert.deepEqual(one.states("bela"), ["refused"]);
  const other = one.another();
  assert.deepEqual(other.states("bela"), ["refused"]);
  other.outbox.add("bela", "something else");
  await other.take();
  await other.connection.become("open");
  assert.deepEqual(sent(other).map(({ text }) => text), ["something else"]);
  assert.deepEqual(other.texts("bela"), ["not meant any more"]);
});

test("a text that was refused stays with its writer: no other tab that is open takes it up", async () => {
  const one = page();
  const other = one.another();
  one.outbox.add("bela", "not meant any more");
  await one.connection.refuse("send", bug());
  await other.connection.become("open");
  assert.deepEqual(other.texts("bela"), []);
});

test("texts of several tabs are sent in the order written, whatever their clocks say", async () => {
  const one = page({ state: "lost" });
  const slow = one.another({ clock: new FakeClock(), state: "lost" });
  await one.clock.pass(60_000);
  one.outbox.add("bela", "one");
  slow.outbox.add("bela", "two");
  await one.clock.pass(60_000);
  one.outbox.add("bela", "three");
  const { connection, take } = one.another({ state: "open" });
  for (let n = 0; n < 3; n++) await take();
  assert.deepEqual(connection.asked.map(({ text }) => text), ["one", "two", "three"]);
});

test("after a refusal a new key is taken; after an unknown outcome it is the same one", async () => {
  const { outbox, connection } = page();
  for (const [code, same] of [["no_address", false], ["internal", true]]) {
    outbox.add("bela", code);
    await connection.refuse("send", Object.assign(bug(), { code }));
    const [{ key }] = connection.asked.slice(-1);
    outbox.again(key);
    const [again] = connection.asked.slice(-1);
    assert.equal(again.text, code);
    assert.equal(again.key === key, same, code);
    await connection.answer("send", { message: { id: 1, room: "bela", text: code, mine: true } });
  }
});

test("what is taken back isn't sent, but what is being asked can't be taken back", async () => {
  const { outbox, connection, browser } = page();
  outbox.add("bela", "under way");
  outbox.add("bela", "behind it");
  const [asking, queued] = outbox.entries;
  assert.equal(outbox.takeBack(asking.key), null);
  assert.equal(outbox.takeBack(queued.key), "behind it");
  assert.equal(outbox.takeBack("nothing"), null);
  assert.deepEqual(outbox.in("bela").map(({ text }) => text), ["under way"]);
  assert.equal(browser.kept.size, 1);
  await connection.answer("send", { message: { id: 1, room: "bela", text: "under way", mine: true } });
  assert.equal(connection.asked.length, 1);
});

test("a text that waits is no older one with the same words", async () => {
  const first = page();
  await first.connection.become("lost");
  first.outbox.add("bela", "first");
  await first.clock.pass(10);
  const older = { id: 1, room: "bela", text: "ok", mine: true, at: first.clock.now() };
  await first.clock.pass(10);
  first.outbox.add("bela", "ok");
  const again = first.reload();
  again.outbox.find([older]);
  assert.deepEqual(again.texts("bela"), ["first", "ok"]);
});

test("a page of history that has a text already takes it off the waiting ones, whoever is faster", async () => {
  const { outbox, texts, take, clock, connection } = page();
  const before = { id: 1, room: "bela", text: "said twice", mine: true, at: clock.now() };
  await clock.pass(10);
  outbox.add("bela", "said twice");
  await clock.pass(10);
  const history = [before, { ...before, id: 2, at: clock.now() }];
  outbox.find(history);
  assert.deepEqual(texts("bela"), []);
  // The answer comes late; the same words once more are another message.
  await take({ id: 2 });
  outbox.add("bela", "said twice");
  assert.deepEqual(texts("bela"), ["said twice"]);
  outbox.find(history);
  assert.deepEqual(texts("bela"), ["said twice"], "those are others");
  assert.equal(connection.asked.length, 2);
});

test("two equal texts are two messages", () => {
  const { outbox, store, texts, clock } = page();
  const message = { id: 5, room: "bela", text: "ok", mine: true, at: clock.now() };
  outbox.add("bela", "ok");
  store.tell("message", { message });
  store.tell("message", { message });
  outbox.add("bela", "ok");
  store.tell("message", { message });
  assert.deepEqual(texts("bela"), ["ok"], "one event is one message");
});

test("what was taken before a reload stands there once", async () => {
  const first = page();
  first.outbox.add("bela", "only once");
  const at = first.clock.now();
  await first.clock.pass(50);
  // The node has it, but the page is loaded anew before the answer comes.
  const again = first.reload();
  assert.deepEqual(again.connection.waiting("send").map(({ text }) => text), ["only once"]);
  again.outbox.find([{ id: 3, room: "bela", text: "only once", mine: true, at: at + 1 }]);
  assert.deepEqual(again.texts("bela"), []);
  await again.take({ id: 3 });
  assert.equal(first.connection.asked[0].key, again.connection.asked[0].key);
  again.outbox.add("bela", "only once");
  assert.deepEqual(again.texts("bela"), ["only once"]);
  await again.take({ id: 4 });
  assert.equal(again.outbox.entries.length, 0);
});

test("what was taken before a reload stands there once, also before it can be asked again", async () => {
  const first = page();
  first.outbox.add("bela", "only once");
  const at = first.clock.now();
  const { outbox, texts } = first.reload({ state: "connecting" });
  assert.deepEqual(texts("bela"), ["only once"]);
  outbox.find([{ id: 3, room: "bela", text: "only once", mine: true, at: at + 1 }]);
  assert.deepEqual(texts("bela"), []);
});

test("a text sent by one tab waits in no other", async () => {
  const one = page();
  one.outbox.add("bela", "precious words");
  await one.connection.refuse("send", Object.assign(bug(), { code: "no_address" }));
  const two = one.another();
  assert.deepEqual(two.states("bela"), ["refused"]);
  one.outbox.again(one.outbox.entries[0].key);
  await one.take();
  await settled();
  assert.deepEqual(two.texts("bela"), []);
});

test("what a closed tab left is sent by another, once the node is back", async () => {
  const closed = page();
  const other = closed.another();
  closed.store.leave(true);
  other.store.leave(true);
  closed.outbox.add("bela", "kept for later");
  await closed.connection.refuse("send", lost());
  other.store.leave(false);
  assert.deepEqual(other.texts("bela"), ["kept for later"]);
  await other.take();
  assert.equal(other.connection.asked[0].key, closed.connection.asked[0].key);
});

test("what a closed tab left is sent by another, once it has its connection back", async () => {
  const closed = page();
  const other = closed.another();
  await other.connection.become("lost");
  await closed.connection.become("lost");
  closed.outbox.add("bela", "kept for later");
  await other.connection.become("open");
  assert.deepEqual(sent(other).map(({ text }) => text), ["kept for later"]);
});

test("a text for one node is never sent by another", async () => {
  const { outbox, store, connection, texts, take } = page();
  await connection.become("lost");
  outbox.add("bela", "for bela only");
  outbox.setDraft("bela", "half a thought");
  // Somebody else's node answers, and counts its conversations in the same way.
  store.meet("zoe", "bela");
  await connection.become("open");
  assert.deepEqual(texts("bela"), []);
  assert.equal(outbox.draft("bela"), "");
  outbox.add("bela", "hello zoran");
  assert.deepEqual(sent({ connection }).map(({ node, text }) => [node, text]), [["zoe", "hello zoran"]]);
  await take();
  store.meet("anna", "bela");
  assert.equal(outbox.draft("bela"), "half a thought");
  await take();
  assert.deepEqual(sent({ connection }).slice(1).map(({ node, text }) => [node, text]), [["anna", "for bela only"]]);
});

test("what is written before the page knows the node is kept, also when it is closed first", async () => {
  const yesterday = page();
  yesterday.outbox.setDraft("bela", "begun yesterday");
  const early = page({ browser: yesterday.browser, clock: yesterday.clock, node: null });
  early.outbox.add("bela", "said first");
  early.outbox.setDraft("bela", "begun today");
  const [{ key }] = early.outbox.entries;
  const late = page({ browser: yesterday.browser, clock: yesterday.clock, node: null });
  assert.equal(late.outbox.draft("bela"), "begun today");
  late.store.meet("anna", "bela");
  assert.deepEqual(late.texts("bela"), ["said first"]);
  assert.equal(late.outbox.draft("bela"), "begun yesterday\nbegun today");
  await late.take();
  assert.equal(late.connection.asked[0].key, key);
  assert.deepEqual([...late.browser.kept.keys()], ["snicher/anna/draft/bela"]);
});

test("what is written before the page knows the node is sent when it hears of it", async () => {
  const yesterday = page();
  yesterday.outbox.setDraft("bela", "begun yesterday\nbegun today");
  const { outbox, store, connection, take, browser } = page({ browser: yesterday.browser, clock: yesterday.clock, node: null });
  outbox.add("bela", "said second");
  outbox.setDraft("bela", "begun today");
  store.meet("anna", "bela");
  assert.deepEqual(sent({ connection }).map(({ node, text }) => [node, text]), [["anna", "said second"]]);
  assert.equal(outbox.draft("bela"), "begun yesterday\nbegun today", "nothing is doubled");
  await take();
  assert.deepEqual([...browser.kept.keys()], ["snicher/anna/draft/bela"]);
});

test("a draft is this tab's own, else what any tab wrote last", () => {
  const one = page();
  const two = one.another();
  one.outbox.setDraft("bela", "from one");
  assert.equal(two.outbox.draft("bela"), "from one");
  two.outbox.setDraft("bela", "from two");
  assert.equal(one.outbox.draft("bela"), "from one");
  assert.equal(one.reload().outbox.draft("bela"), "from one");
  assert.equal(one.another().outbox.draft("bela"), "from two");
});

test("where nothing can be kept, what is written is kept as long as the page", async () => {
  const { outbox, take, said } = page({ tab: { lasting: nothing(), ofTab: nothing() } });
  outbox.setDraft("bela", "half a thought");
  outbox.add("bela", "hello");
  assert.equal(outbox.draft("bela"), "half a thought");
  assert.deepEqual([...outbox.rooms], ["bela"]);
  await take();
  assert.equal(said.length, 1);
});

test("what somebody else left under our names is no text", () => {
  const browser = fakeBrowser();
  for (const [key, kept] of [["a", "not JSON"], ["b", "null"], ["c", "[]"], ["d", '{"key":"d","room":"bela","text":7}']]) {
    browser.kept.set(`snicher/anna/out/${key}`, kept);
  }
  assert.deepEqual(page({ browser }).outbox.entries, []);
});
