import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "UTC";
const when = await import("../../../dashboard/components/shared/when.js");

/** Friday, as everybody else takes it. */
const NOW = Date.UTC(2024, 8, 6, 12, 0, 0);
const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;
const DAY = 24 * H;

/** How far a moment is from now, and its words. */
const WORDS = {
  ago: [
    [0, "just now"], [-9 * S, "just now"], [-10 * S, "10 s ago"], [-90 * S, "2 min ago"], [-3 * MIN, "3 min ago"],
    [-47 * H, "47 h ago"], [-3 * DAY, "3 days ago"], [-31 * DAY, "on 6 Aug 2024"],
    // Clocks differ a little; what is further ahead can't be just now.
    [4 * MIN, "just now"], [6 * MIN, "on 6 Sept 2024, 12:06"],
  ],
  until: [
    [-5 * S, "any moment"], [1 * S, "any moment"], [40 * S, "in 40 s"], [5 * MIN, "in 5 min"], [3 * H, "in 3 h"],
    [3 * DAY, "on 9 Sept 2024, 12:00"],
  ],
  short: [
    [0, "12:00"], [-13 * H, "Thu"], [-6 * DAY, "Sat"], [-7 * DAY, "30 Aug"], [-300 * DAY, "2023-11-11"],
    [4 * MIN, "12:04"], [6 * MIN, "2024-09-06"],
  ],
  moment: [[0, "12:00"], [-13 * H, "5 Sept 2024, 23:00"]],
  day: [
    [0, "Today"], [-13 * H, "Yesterday"], [-2 * DAY, "Wednesday 4 September"], [-300 * DAY, "11 November 2023"],
    [DAY, "7 September 2024"],
  ],
};

/** Engines differ in commas. */
const bare = (text) => text.replaceAll(",", "");

for (const [name, cases] of Object.entries(WORDS)) {
  for (const [far, words] of cases) {
    test(`${name}: ${words}`, () => assert.equal(bare(when[name](NOW + far, NOW)), bare(words)));
  }
}

test("a day has one number", () => {
  const noon = when.dayNumber(NOW);
  assert.equal(when.dayNumber(NOW - 12 * H), noon);
  assert.equal(when.dayNumber(NOW + 12 * H), noon + 1);
});
