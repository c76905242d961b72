// How a picture is made small enough to send. That it is drawn, and read afterwards, a browser test shows.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fitted, MAX_FILE_BYTES, MAX_SENT_BYTES, pictureIn, sendable, SIDES } from "../../../dashboard/components/shared/picture.js";

test("a picture keeps its shape, and a small one its size", () => {
  assert.deepEqual(fitted({ width: 4000, height: 3000 }, 1800), { width: 1800, height: 1350 });
  assert.deepEqual(fitted({ width: 300, height: 9000 }, 900), { width: 30, height: 900 });
  assert.deepEqual(fitted({ width: 100000, height: 2 }, 600), { width: 600, height: 1 });
  assert.deepEqual(fitted({ width: 40, height: 30 }, 1800), { width: 40, height: 30 });
});

test("whatever is sent, the server takes", () => {
  const server = readFileSync(new URL("../../../dashboard/pictures.py", import.meta.url), "utf8");
  const [, bytes] = /^MAX_BYTES = ([\d_]+)$/m.exec(server) ?? [];
  const [, side] = /^MAX_PIXELS = (\d+) \* \1$/m.exec(server) ?? [];
  assert.equal(Number(bytes.replaceAll("_", "")), MAX_SENT_BYTES);
  assert.ok(Math.max(...SIDES) <= Number(side));
});

test("a file beyond the bound isn't opened", async () => {
  const file = /** @type {Blob} */ ({ size: MAX_FILE_BYTES + 1 });
  await assert.rejects(sendable(file), /too large/);
});

test("of what is dropped, the first picture counts", () => {
  const [text, picture] = [{ type: "text/plain" }, { type: "image/png" }];
  const data = /** @type {DataTransfer} */ (/** @type {unknown} */ ({ files: [text, picture] }));
  assert.equal(pictureIn(data), picture);
  assert.equal(pictureIn(null), null);
});
