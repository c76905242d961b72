import assert from "node:assert/strict";
import { test } from "node:test";

import { addressesIn } from "../../../dashboard/components/shared/addresses.js";

const addresses = (text) => [...addressesIn(text)].map(({ address }) => address);

/** Texts, and the web addresses in them. */
const SHAPES = [
  // Signs that are part of an address at its end.
  ["https://example.org/wow!", ["https://example.org/wow!"]],
  ["https://example.org/wow! Look.", ["https://example.org/wow!"]],
  ["https://example.org/a_ https://example.org/a~", ["https://example.org/a_", "https://example.org/a~"]],
  ["https://example.org/?q=YQ==", ["https://example.org/?q=YQ=="]],
  ["https://example.org/a- https://example.org/a/ https://example.org/a#",
    ["https://example.org/a-", "https://example.org/a/", "https://example.org/a#"]],
  ["https://example.org/?a=1&amp;b=2", ["https://example.org/?a=1&amp;b=2"]],
  ["https://example.org/caf\u00e9 https://example.org/\u4e0a\u6d77",
    ["https://example.org/caf\u00e9", "https://example.org/\u4e0a\u6d77"]],
  // Signs of the sentence.
  ["At https://example.org/a. Or https://example.org/b, https://example.org/c; https://example.org/d: yes?",
    ["https://example.org/a", "https://example.org/b", "https://example.org/c", "https://example.org/d"]],
  ["https://example.org/a? https://example.org/a... https://example.org/a\u2026",
    ["https://example.org/a", "https://example.org/a", "https://example.org/a"]],
  ["https://example.org/a.b,c;d:e?f='g' end", ["https://example.org/a.b,c;d:e?f='g"]],
  ["https://example.org/it's", ["https://example.org/it's"]],
  ["https://example.org/\u0627\u061f \u0646\u0639\u0645", ["https://example.org/\u0627"]],
  // After a host alone nothing of the kind is part of it.
  ["https://example.org! https://example.org_ https://example.org~ https://example.org- https://example.org",
    ["https://example.org", "https://example.org", "https://example.org", "https://example.org", "https://example.org"]],
  ["https://example.org:81! http://[::1]! http://[::1]:9.", ["https://example.org:81", "http://[::1]", "http://[::1]:9"]],
  ["https://example.org?! https://example.org?", ["https://example.org", "https://example.org"]],
  // Quotation marks.
  ["\"https://example.org/a\" 'https://example.org/b' \u201chttps://example.org/c\u201d \u201ehttps://example.org/d\u201c \u00abhttps://example.org/e\u00bb",
    ["https://example.org/a", "https://example.org/b", "https://example.org/c", "https://example.org/d", "https://example.org/e"]],
  ["`https://example.org/a` | https://example.org/b|c", ["https://example.org/a", "https://example.org/b"]],
  ["<https://example.org/a> &lt;https://example.org/b&gt; &quot;https://example.org/c&quot;, https://example.org/d&gt;",
    ["https://example.org/a", "https://example.org/b", "https://example.org/c", "https://example.org/d"]],
  ["https://example.org/a&amp; https://example.org/a&;", ["https://example.org/a", "https://example.org/a&"]],
  // Brackets.
  ["https://en.wikipedia.org/wiki/Ship_(disambiguation)", ["https://en.wikipedia.org/wiki/Ship_(disambiguation)"]],
  ["(https://en.wikipedia.org/wiki/Ship_(disambiguation))", ["https://en.wikipedia.org/wiki/Ship_(disambiguation)"]],
  ["((https://example.org/a_(b_(c)_d)).)!", ["https://example.org/a_(b_(c)_d)"]],
  ["(see https://example.org/a)! [https://example.org/b], (https://example.org/c.)",
    ["https://example.org/a", "https://example.org/b", "https://example.org/c"]],
  ["(https://example.org/wow!)", ["https://example.org/wow!"]],
  ["https://example.org/a]( https://example.org/a(", ["https://example.org/a", "https://example.org/a"]],
  ["https://example.org/?a[]=1&b[2]=3]", ["https://example.org/?a[]=1&b[2]=3"]],
  ["[https://example.org/a](https://example.org/b)", ["https://example.org/a", "https://example.org/b"]],
  ["https://example.org/a)))))", ["https://example.org/a"]],
  // Emphasis as in Markdown.
  ["_https://example.org/a_ ~~https://example.org/b~~ **https://example.org/c** *https://example.org*",
    ["https://example.org/a", "https://example.org/b", "https://example.org/c", "https://example.org"]],
  ["**https://example.org/a_b_**", ["https://example.org/a_b_"]],
  // East Asian sentences have no blanks.
  ["\u770bhttps://example.org/a\uff0c\u7136\u540e\u3002", ["https://example.org/a"]],
  ["\uff08https://example.org/a\uff09\u300chttps://example.org/b\u300d", ["https://example.org/a", "https://example.org/b"]],
  // No address at all.
  ["xhttps://example.org/a 1http://example.org", []],
  ["http", []],
];

for (const [text, found] of SHAPES) test(`the addresses in ${text}`, () => assert.deepEqual(addresses(text), found));

test("what hangs together with an address is told too, and where it begins", () => {
  assert.deepEqual([...addressesIn("At https://example.org/a, yes")],
    [{ index: 3, run: "https://example.org/a,", address: "https://example.org/a" }]);
});

// Where each sign is compared with all before it, this takes longer than the whole suite may.
test("a text full of signs is looked through in one go", () => {
  const signs = [")".repeat(60_000), `/${".!".repeat(30_000)}`, "&a;".repeat(20_000), `/${".".repeat(60_000)}x`, `/${"(".repeat(60_000)}`];
  assert.equal(addresses("http://a)".repeat(7_000)).length, 7_000);
  for (const end of signs) assert.equal(addresses(`http://a${end}`).length, 1);
  assert.deepEqual(addresses(`_http://a/${"_.".repeat(30_000)}`), ["http://a/"]);
  assert.equal(addresses("http://".repeat(9_000)).length, 1);
});
