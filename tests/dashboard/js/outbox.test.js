import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeClock, settled } from "./fakes/clock.js";
import { bug, lost, notFound } from "./fakes/connection.js";
import { page, sent } from "./fakes/page.js";
import { fakeBrowser } from "./fakes/storage.js";

const DAY = 24 * 3600 * 1000;

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
