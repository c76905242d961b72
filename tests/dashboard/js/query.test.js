import assert from "node:assert/strict";
import { test } from "node:test";

import "./dom.js";
const { asQuery, followed, hasWord, holds, isId, MAX_QUERY, snippet, termsOf } = await import(
  "../../../dashboard/components/shared/query.js");

/** What is typed, and what the node is asked. */
const TYPED = [
  ["jos", "jos*"],
  ["jose\u0301", "jos\u00e9*"],
  ["\u0939\u093f", "\u0939\u093f*"],
  ['"jos', '"jos'],
  ["jos ", "jos"],
  ["jos.", "jos."],
  ["x".repeat(500), `${"x".repeat(MAX_QUERY - 1)}*`],
];

for (const [typed, asked] of TYPED) {
  test(`the last word of ${typed.slice(0, 20)} may be a beginning`, () => assert.equal(asQuery(typed), asked));
}

/** Texts that have the shape of an id, and others. */
const IDS = [["plain-12", true], [" PLAIN-12 ", true], ["direct:x", true], ["a".repeat(52), true], ["0f".repeat(32), true],
  ["plain-", false], ["bela", false], ["a".repeat(51), false], ["xdirect:x", false]];

for (const [typed, is] of IDS) test(`whether "${typed}" is an id`, () => assert.equal(isId(typed), is));

/** Queries, texts that hold all of it, and texts that don't. */
const HELD = [
  ["tram*", ["The tram is late", "TRAMS", "Tr\u00e4ms"], ["stram", "tra m"]],
  ["late tram", ["The tram, late"], ["The tram"]],
  ['"late tram"', ["a late Tram"], ["tram late", "late a tram"]],
  ["\u4e0a\u6d77", ["\u6211\u5bb6\u5728\u4e0a\u6d77\u4e1c\u8fb9\u3002"], ["\u6d77\u4e0a", "\u4e0a \u6d77"]],
  ["...", [], ["..."]],
];

for (const [query, yes, no] of HELD) {
  test(`texts that hold ${query}`, () => {
    for (const text of yes) assert.ok(holds(text, termsOf(query)), text);
    for (const text of no) assert.ok(!holds(text, termsOf(query)), text);
  });
}

test("signs alone are no word", () => {
  assert.ok(hasWord("a"));
  assert.ok(hasWord("\u4e0a"));
  assert.ok(!hasWord(" .,! "));
});

/** What is shown, with what is marked in brackets. */
function drawn(...shown) {
  return snippet(...shown).map((node) => (typeof node === "string" ? node : `[${node.localName} ${node.textContent}]`)).join("");
}

test("what was found is marked, on one line", () => {
  assert.equal(drawn("The tram\nis late, the TRAM!", termsOf("tram*")),
    "The [mark tram] is late, the [mark TRAM]!");
});

test("of a long text the part around the first word is shown", () => {
  const text = `${"before ".repeat(40)}tram ${"after ".repeat(40)}`;
  assert.equal(drawn(text, termsOf("tram"), 40, 14), "\u2026before before [mark tram] after after after aft\u2026");
});

test("no character is halved where a text is cut", () => {
  for (const length of [9, 10, 11]) {
    const [shown] = snippet("\u{1f600}".repeat(20), [], length, 2);
    assert.ok(shown.isWellFormed?.() ?? encodeURIComponent(shown));
    assert.match(shown, /^(?:\u{1f600})+$/u);
  }
});

test("hits follow their conversation, or go with it", () => {
  const hits = [{ id: 2, room: "a" }, { id: 1, room: "b" }];
  assert.deepEqual(followed(hits, { id: "a", into: "c" }), [{ id: 2, room: "c" }, { id: 1, room: "b" }]);
  assert.deepEqual(followed(hits, { id: "a", into: null }), [{ id: 1, room: "b" }]);
});
