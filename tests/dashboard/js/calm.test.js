import assert from "node:assert/strict";
import { test } from "node:test";

import { calm } from "../../../dashboard/components/shared/calm.js";
import { FakeClock, settled } from "./fakes/clock.js";

/** Something that is drawn in `took` ms, and asked for as often as a test wants. */
function drawing({ took = 0, hidden = () => false } = {}) {
  const clock = new FakeClock();
  let spent = 0;
  const pictures = [];
  const slow = { now: () => clock.now() + spent, later: clock.later, every: clock.every };
  const redraw = calm(() => {
    pictures.push(slow.now() - begin);
    spent += took;
  }, slow, hidden);
  const begin = slow.now();
  /** Asks every few ms for so long: a flood. */
  async function flood(ms, every = 5) {
    const end = slow.now() + ms;
    while (slow.now() < end) {
      redraw();
      await clock.pass(every);
    }
  }
  return { clock, redraw, pictures, flood };
}

test("after a quiet time a picture is drawn at once, with all that was asked for in the same step", async () => {
  const { redraw, pictures } = drawing();
  redraw();
  redraw();
  assert.deepEqual(pictures, []);
  await settled();
  assert.deepEqual(pictures, [0]);
});

test("the few pictures that one event causes are drawn at once, one after the other", async () => {
  const { clock, redraw, pictures } = drawing();
  for (let i = 0; i < 4; i++) {
    redraw();
    await clock.pass(3);
  }
  assert.deepEqual(pictures, [0, 3, 6, 9]);
});

test("a flood becomes a calm pace, and its last change is drawn", async () => {
  const { clock, redraw, pictures, flood } = drawing();
  await flood(2000);
  assert.ok(pictures.length <= 4 + 2000 / 40, `${pictures.length} pictures`);
  const calmly = pictures.slice(5);
  for (const [i, at] of calmly.entries()) if (i) assert.equal(at - calmly[i - 1], 40);
  const before = pictures.length;
  redraw();
  await clock.pass(40);
  assert.equal(pictures.length, before + 1);
  await clock.pass(1000);
  assert.equal(pictures.length, before + 1, "nothing is drawn that nobody asked for");
});

test("after a flood it takes a quiet time until pictures are drawn at once again", async () => {
  const { clock, redraw, pictures, flood } = drawing();
  await flood(1000);
  await clock.pass(160);
  const before = pictures.length;
  for (let i = 0; i < 4; i++) {
    redraw();
    await settled();
  }
  assert.equal(pictures.length, before + 4);
});

test("drawing that takes long takes its share of the time, and no more", async () => {
  const took = 50;
  const { pictures, flood } = drawing({ took });
  await flood(10_000);
  const share = (pictures.length * took) / 10_000;
  assert.ok(share > 0.2 && share < 0.28, `a share of ${share}`);
});

test("whoever isn't looked at draws rarely", async () => {
  const { pictures, flood } = drawing({ hidden: () => true });
  await flood(4900);
  assert.equal(pictures.length, 10);
});

test("a clock that is set back by hours doesn't end the drawing", async () => {
  const clock = new FakeClock();
  let offset = 0;
  let pictures = 0;
  const set = { now: () => clock.now() + offset, later: clock.later, every: clock.every };
  const redraw = calm(() => pictures++, set, () => false);
  redraw();
  await settled();
  offset = -3_600_000;
  redraw();
  await clock.pass(2000);
  assert.equal(pictures, 2);
});

test("once it is stopped, nothing is drawn, whatever was asked for", async () => {
  const { clock, redraw, pictures, flood } = drawing();
  await flood(400);
  const before = pictures.length;
  redraw();
  redraw.stop();
  redraw();
  await clock.pass(1000);
  assert.equal(pictures.length, before);
  assert.equal(clock.timers, 0);
});
