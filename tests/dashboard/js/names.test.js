import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { called, MAX_NAME, nameKey } from "../../../dashboard/components/shared/names.js";

/** The same for the node, see tests/node/test_names.py. */
const CASES = JSON.parse(readFileSync(new URL("../../cases/names.json", import.meta.url), "utf8"));

for (const [name, key] of CASES.keys) test(`the key of "${name}"`, () => assert.equal(nameKey(name), key));

test("names are as long as the node lets them be", () => assert.equal(MAX_NAME, CASES.max));

test("of several of one name, each is called by what tells it apart", () => {
  assert.equal(called({ name: "bela", mark: "" }), "bela");
  assert.equal(called({ name: "bela", mark: "4711" }), "bela (4711)");
});
