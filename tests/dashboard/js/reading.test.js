import assert from "node:assert/strict";
import { test } from "node:test";

import { Reading } from "../../../dashboard/components/chats/reading.js";
import { FakeClock, settled } from "./fakes/clock.js";
import { FakeConnection, lost } from "./fakes/connection.js";
import { FakeStore, view } from "./fakes/store.js";

/** Somebody who looks at the conversation with bela; `look.upto`: the newest message before their eyes. */
function reader({ random = 0 } = {}) {
  const clock = new FakeClock();
  const connection = new FakeConnection();
  const store = new FakeStore(clock);
  store.rooms.set("bela", view("bela", { read_upto: 10 }));
  const look = { room: "bela", upto: null };
  const seen = () => (look.upto === null ? null : { room: store.rooms.get(look.room) ?? view(look.room), upto: look.upto });
  const reading = new Reading(seen, { connection, store, clock, random: () => random });
  return {
    clock, connection, store, look, reading,
    /** A message comes before the reader's eyes. */
    see: (upto) => {
      look.upto = upto;
      reading.mark();
    },
    /** The node heard of the reading, from this tab or another. */
    read: (upto) => store.rooms.set("bela", view("bela", { read_upto: upto })),
    reports: () => connection.asked.map(({ room, upto }) => [room, upto]),
  };
}

test("what is seen is reported soon, and a flood by its last message", async () => {
  const { clock, see, reports, connection } = reader();
  for (const id of [11, 12, 13]) see(id);
  assert.deepEqual(reports(), []);
  await clock.pass(50);
  assert.deepEqual(reports(), [["bela", 13]]);
  assert.equal(connection.asked[0].t, "mark_read");
});

test("several tabs report at different times, and what one reported the others don't", async () => {
  const { clock, see, read, reports } = reader({ random: 1 });
  see(11);
  await clock.pass(399);
  assert.deepEqual(reports(), []);
  read(11);
  await clock.pass(1);
  assert.deepEqual(reports(), []);
});

test("nothing is reported that was read before, or isn't before anybody's eyes", async () => {
  const { clock, see, reading, reports } = reader();
  see(10);
  see(null);
  reading.leave();
  await clock.pass(1000);
  assert.deepEqual(reports(), []);
});

test("who turns to something else has read what they had before them", async () => {
  const { clock, see, reading, reports } = reader();
  see(11);
  reading.leave();
  assert.deepEqual(reports(), [["bela", 11]]);
  await clock.pass(1000);
  reading.leave();
  assert.equal(reports().length, 1);
});

test("a message is reported once, also while the node hasn't heard of it", async () => {
  const { clock, see, reports } = reader();
  see(11);
  await clock.pass(50);
  see(11);
  await clock.pass(1000);
  assert.equal(reports().length, 1);
  see(12);
  await clock.pass(50);
  assert.deepEqual(reports(), [["bela", 11], ["bela", 12]]);
});

test("a report that was lost is made again", async () => {
  const { clock, connection, see, reports } = reader();
  see(11);
  await clock.pass(50);
  await connection.refuse("mark_read", lost());
  see(11);
  await clock.pass(50);
  await settled();
  assert.deepEqual(reports(), [["bela", 11], ["bela", 11]]);
});

test("a conversation that is gone is no longer read", async () => {
  const { clock, see, store, reports } = reader();
  see(11);
  store.rooms.delete("bela");
  await clock.pass(1000);
  assert.deepEqual(reports(), []);
});
