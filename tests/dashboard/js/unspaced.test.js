import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CHARACTERS, charactersOf, hasRun, INVISIBLE } from "../../../dashboard/components/shared/unspaced.js";

/** The same for the node, see tests/node/store/test_unspaced.py. */
const CASES = JSON.parse(readFileSync(new URL("../../cases/unspaced.json", import.meta.url), "utf8"));

test("the node knows the same characters", () => {
  assert.equal(CHARACTERS, Object.values(CASES.characters).join(""));
  assert.equal(INVISIBLE, CASES.invisible);
});

for (const [text, has] of CASES.has_run) test(`whether there is a run in "${text}"`, () => assert.equal(hasRun(text), has));

/** Runs, and their characters as the node compares them, each with where it stands. */
const RUNS = [
  ["\u4e0a\u6d77", [["\u4e0a", 0, 1], ["\u6d77", 1, 2]]],
  // Half-width kana, with a mark that makes one character with what stands before it.
  ["\uff83\uff9e\uff70", [["\u30c7", 0, 2], ["\u30fc", 2, 3]]],
  ["\u304b\u3099\u304f", [["\u304c", 0, 2], ["\u304f", 2, 3]]],
  // Hangul, typed as it is kept on other systems.
  ["\u1112\u1161\u11ab\uad6d", [["\ud55c", 0, 3], ["\uad6d", 3, 4]]],
  // What isn't seen is passed over; what lies outside of the first plane takes two units.
  ["\u845b\u{e0100}\u57ce", [["\u845b", 0, 1], ["\u57ce", 3, 4]]],
  ["\u{20bb7}\u91ce", [["\u{20bb7}", 0, 2], ["\u91ce", 2, 3]]],
  // One that is compared as several.
  ["\u0e33\u0e01", [["\u0e4d", 0, 1], ["\u0e32", 0, 1], ["\u0e01", 1, 2]]],
];

for (const [run, characters] of RUNS) {
  test(`the characters of "${run}"`, () =>
    assert.deepEqual(charactersOf(run).map(({ key, from, to }) => [key, from, to]), characters));
}
