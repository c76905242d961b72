import assert from "node:assert/strict";
import { test } from "node:test";

import { many } from "../../../dashboard/components/shared/amount.js";

test("numbers in words", () => {
  assert.equal(many(1, "event"), "1 event");
  assert.equal(many(0, "event"), "0 events");
  assert.equal(many(1204, "event"), "1,204 events");
  assert.equal(many(2, "child", "children"), "2 children");
});
