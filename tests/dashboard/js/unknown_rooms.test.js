import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../../dashboard/components/shared/outbox.js";
import { UnknownRooms } from "../../../dashboard/components/shared/unknown_rooms.js";
import { Whereabouts } from "../../../dashboard/components/shared/whereabouts.js";
import { FakeClock, settled } from "./fakes/clock.js";
import { FakeConnection, bug, lost, notFound } from "./fakes/connection.js";
import { fakeBrowser } from "./fakes/storage.js";
import { FakeStore } from "./fakes/store.js";
import { FakeTab } from "./fakes/tab.js";

/** A page at an address, with all that follows a conversation that is gone. */
function page({ path = "/?room=bela", browser = fakeBrowser() } = {}) {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  const connection = new FakeConnection();
  const { lasting, ofTab } = browser.tab();
  let keys = 0;
  const outbox = new Outbox(connection, store, { lasting, ofTab, clock, newKey: () => `key-${++keys}` });
  const place = new Whereabouts(store, { tab: new FakeTab(path), ofTab, clock, open: () => true });
  new UnknownRooms(connection, store, outbox, place).watch();
  const gone = [];
  store.on("gone", (op) => gone.push(op));
  return {
    browser, store, connection, outbox, place, gone,
    /** Conversations that are asked for now. */
    asks: () => connection.waiting("unknown_rooms").map(({ rooms }) => rooms),
    /** The connection broke, and all is told anew: by then there are these conversations. */
    again: async (...rooms) => {
      store.meet("anna", ...rooms);
      store.tell("reload");
      await settled();
    },
  };
}

const merged = (id, into) => ({ op: "room_gone", id, into, name: id });

test("nobody is asked for what is known", async () => {
  const { store, connection, outbox, again } = page();
  store.meet("anna", "bela", "cian");
  outbox.setDraft("cian", "half a thought");
  await again("bela", "cian");
  assert.equal(connection.count("unknown_rooms"), 0);
});

for (const refusedFirst of [true, false]) {
  test(`what was written follows a merge that nobody heard of, refused ${refusedFirst ? "before" : "after"} that is told`, async () => {
    const { store, connection, outbox, place, asks, again } = page();
    store.meet("anna", "bela", "cian");
    await connection.become("lost");
    outbox.add("bela", "precious words");
    outbox.setDraft("bela", "half a thought");
    connection.state = "open";
    await again("cian");
    assert.deepEqual(asks(), [["bela"]]);
    // The text is sent to where it was written, and the node doesn't know that conversation.
    assert.deepEqual(connection.waiting("send").map(({ room }) => room), ["bela"]);
    if (refusedFirst) await connection.refuse("send", notFound());
    await connection.answer("unknown_rooms", { gone: [merged("bela", "cian")] });
    assert.equal(place.room, "cian");
    assert.equal(outbox.draft("cian"), "half a thought");
    if (!refusedFirst) await connection.refuse("send", notFound());
    assert.deepEqual(connection.waiting("send").map(({ room, text }) => [room, text]), [["cian", "precious words"]]);
    assert.equal(outbox.draft("bela"), "");
  });
}

test("a page that opens later finds what was written in a conversation that it never knew", async () => {
  const first = page();
  first.store.meet("anna", "bela", "cian");
  await first.connection.become("lost");
  first.outbox.add("bela", "precious words");
  const later = page({ path: "/?room=cian", browser: first.browser });
  later.store.meet("anna", "cian");
  assert.deepEqual(later.asks(), [["bela"]]);
  // Sent meanwhile, it is refused: that conversation isn't there any more.
  await later.connection.answer("unknown_rooms", { gone: [merged("bela", "cian")] });
  assert.deepEqual(later.outbox.in("cian").map(({ text }) => text), ["precious words"]);
  assert.equal(later.place.room, "cian");
});

test("what was deleted and nobody heard of it leads back", async () => {
  const { store, connection, place, gone, again } = page();
  store.meet("anna", "bela");
  await again();
  await connection.answer("unknown_rooms", { gone: [merged("bela", null)] });
  assert.equal(place.room, null);
  assert.deepEqual(gone.map(({ name }) => name), ["bela"]);
});

test("what became part of a known conversation is known there, and nobody is asked", async () => {
  const { store, connection, place, gone } = page({ path: "/?room=old" });
  store.rooms.set("bela", { id: "bela", name: "Bela", aliases: ["old"] });
  store.me = { id: "anna" };
  store.tell("lists");
  assert.equal(place.room, "old", "further conversations may still come");
  store.whole = true;
  store.tell("whole");
  assert.equal(connection.count("unknown_rooms"), 0);
  assert.equal(place.room, "bela");
  assert.deepEqual(gone, [{ op: "room_gone", id: "old", into: "bela", name: "Bela" }]);
});

test("where nobody can tell what became of it, it is asked once", async () => {
  const { store, connection, place, again } = page();
  store.meet("anna", "bela", "cian");
  await again("cian");
  await connection.answer("unknown_rooms", { gone: [] });
  for (let n = 0; n < 5; n++) store.tell("lists");
  await settled();
  assert.equal(connection.count("unknown_rooms"), 1);
  assert.equal(place.room, "bela", "it says that it isn't here");
});

test("it is asked again when an answer was lost, as soon as something is heard, and not when it was refused", async () => {
  const { store, connection, again } = page();
  store.meet("anna", "bela");
  await again();
  await connection.refuse("unknown_rooms", lost());
  assert.equal(connection.count("unknown_rooms"), 1);
  store.tell("lists");
  assert.equal(connection.count("unknown_rooms"), 2);
  await connection.refuse("unknown_rooms", bug());
  store.tell("lists");
  assert.equal(connection.count("unknown_rooms"), 2);
});

test("it waits for the node and the connection", async () => {
  const { store, connection } = page();
  store.leave(true);
  assert.equal(connection.count("unknown_rooms"), 0, "the node isn't known yet");
  store.meet("anna", "cian");
  assert.equal(connection.count("unknown_rooms"), 0, "it is away");
  store.leave(false);
  assert.equal(connection.count("unknown_rooms"), 1);
});

test("one question at a time, and no more conversations in it than the server takes", async () => {
  const { store, connection, outbox, asks, again } = page({ path: "/" });
  const rooms = Array.from({ length: 120 }, (_, n) => `room-${n}`);
  store.meet("anna", ...rooms);
  for (const room of rooms) outbox.setDraft(room, "x");
  await again();
  assert.deepEqual(asks(), [rooms.slice(0, 50)]);
  store.tell("lists");
  assert.equal(asks().length, 1);
  for (const [from, to] of [[50, 100], [100, 120]]) {
    await connection.answer("unknown_rooms", { gone: [] });
    assert.deepEqual(asks(), [rooms.slice(from, to)]);
  }
  await connection.answer("unknown_rooms", { gone: [] });
  assert.deepEqual(asks(), []);
});

test("what is found out while an answer is under way is asked for next", async () => {
  const { store, connection, outbox, asks, again } = page();
  store.meet("anna", "bela", "cian", "dana");
  outbox.setDraft("cian", "x");
  await again("cian", "dana");
  await again("dana");
  assert.deepEqual(asks(), [["bela"]]);
  await connection.answer("unknown_rooms", { gone: [] });
  assert.deepEqual(asks(), [["cian", "bela"]]);
});
