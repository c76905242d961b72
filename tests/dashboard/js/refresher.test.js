import assert from "node:assert/strict";
import { test } from "node:test";

import { PACE_MS, Refresher } from "../../../dashboard/components/head/refresher.js";
import { FakeClock } from "./fakes/clock.js";

function part() {
  const clock = new FakeClock();
  const tab = { visible: true };
  const runs = [];
  const refresher = new Refresher(() => runs.push(clock.now()), { clock, visible: () => tab.visible });
  return { clock, tab, runs, refresher };
}

test("what changed is drawn at once, and then at most once a second", async () => {
  const { clock, runs, refresher } = part();
  refresher.note();
  await clock.pass(0);
  assert.equal(runs.length, 1);
  for (let time = 0; time < 2 * PACE_MS; time += 10) {
    refresher.note();
    await clock.pass(10);
  }
  assert.equal(runs.length, 3);
  await clock.pass(10 * PACE_MS);
  assert.equal(runs.length, 3, "the last change was drawn, too; then nothing");
});

test("a hidden tab draws nothing, and once when it is looked at again", async () => {
  const { clock, tab, runs, refresher } = part();
  tab.visible = false;
  refresher.note();
  refresher.note();
  await clock.pass(10 * PACE_MS);
  assert.equal(runs.length, 0);
  tab.visible = true;
  refresher.look();
  refresher.look();
  await clock.pass(PACE_MS);
  assert.equal(runs.length, 1);
});

test("a tab that is hidden while it waits draws nothing", async () => {
  const { clock, tab, runs, refresher } = part();
  refresher.note();
  await clock.pass(0);
  refresher.note();
  tab.visible = false;
  await clock.pass(PACE_MS);
  assert.equal(runs.length, 1);
  tab.visible = true;
  refresher.look();
  await clock.pass(0);
  assert.equal(runs.length, 2);
});

test("one that is gone draws nothing more", async () => {
  const { clock, runs, refresher } = part();
  refresher.note();
  refresher.destroy();
  await clock.pass(PACE_MS);
  assert.equal(runs.length, 0);
});
