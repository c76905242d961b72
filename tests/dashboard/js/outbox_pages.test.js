// What a browser keeps for several pages: after a reload, for other tabs, and for pages that don't know the node yet.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeClock, settled } from "./fakes/clock.js";
import { bug, lost } from "./fakes/connection.js";
import { page, sent } from "./fakes/page.js";
import { fakeBrowser, nothing } from "./fakes/storage.js";

test("both drafts survive a merge", () => {
  const { outbox, store } = page({ rooms: ["twice", "bela"] });
  outbox.setDraft("twice", "half a thought");
  outbox.setDraft("bela", "another half");
  store.merge("twice", "bela");
  assert.equal(outbox.draft("bela"), "another half\nhalf a thought");
  assert.equal(outbox.draft("twice"), "");
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
