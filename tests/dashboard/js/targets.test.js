import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces } from "../../../dashboard/components/shared/targets.js";

/** Hosts of this machine, as `URL.hostname` gives them. */
const OWN = ["dashboard.example", "192.168.77.5", "[2001:db8::77]"];

/** What of a text leads elsewhere, as it is shown; what is not a link must be as it was written. */
function links(text, cut = false) {
  const found = pieces(text, OWN, cut);
  assert.ok(found.filter((piece) => typeof piece === "string").every((piece) => text.includes(piece)));
  return found.filter((piece) => typeof piece !== "string");
}

/** Texts, and what of them is a link; the rest of each stays text. */
const ADDRESSES = [
  ["http://site.example:9/x", ["http://site.example:9/x"]],
  ["See HTTPS://site.example:9/A?b=c&d=%20#e, please.", ["HTTPS://site.example:9/A?b=c&d=%20#e"]],
  ["(http://site.example:9/wiki/A_(b)), and [http://[2001:db8::1]:9/]!",
    ["http://site.example:9/wiki/A_(b)", "http://[2001:db8::1]:9/"]],
  ["<a href=\"http://site.example:9/q\">http://site.example:9/q</a>",
    ["http://site.example:9/q", "http://site.example:9/q"]],
  ["\u0647\u0630\u0627 http://site.example:9/rtl\u061f \u0646\u0639\u0645", ["http://site.example:9/rtl"]],
  ["one\nhttp://site.example:9/1\nhttp://site.example:9/2\n",
    ["http://site.example:9/1", "http://site.example:9/2"]],
  ["http://good.example@site.example:9/", []],
  ["http:// https://, http://[ http://a b", ["http://a"]],
  ["javascript:alert(1) data:text/html,x file:///etc/passwd ftp://site.example/ www.example.org xhttp://site.example:9/",
    []],
];

/** Hosts that are this machine, in all spellings that a browser understands. */
const AT_HOME = [
  "127.0.0.1", "127.0.0.1:8501", "127.1", "127.0.1", "127.255.255.254", "0x7f.1", "0x7f000001",
  "2130706433", "017700000001", "0177.0.0.01", "0", "0.0.0.0", "0.1.2.3", "127.0.0.1.",
  "127.0.0.1..", "1\uff127.0.0.1", "\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff11", "127%2e0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]",
  "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[::ffff:0.0.0.0]",
  "localhost", "LOCALHOST:8501", "localhost.", "a.localhost", "x.y.localhost.", "localhost.localdomain", "localhost6",
  "ip6-localhost", "ip6-loopback", "\uff4cocalhost", "loc\u00adalhost", "%6cocalhost", "192.168.77.5", "192.168.77.5:8501",
  "3232255237", "[::ffff:192.168.77.5]", "[2001:db8::77]", "[2001:DB8:0::0077]:1", "user@site.example", "user:word@site.example", "@site.example",
  ":@site.example", "/site.example", "site.example@127.0.0.1",
  "dashboard.example", "DASHBOARD.example.:8501",
];

/** Addresses, what is shown of each as a link, and where it leads. What follows a link is text. */
const SHOWN = [
  ["https://site.example/a", "https://site.example/a", "https://site.example/a"],
  ["https://Site.EXAMPLE:443/A", "https://Site.EXAMPLE:443/A", "https://site.example/A"],
  ["http://8.8.8.8/", "http://8.8.8.8/", "http://8.8.8.8/"],
  ["http://126.255.255.255/", "http://126.255.255.255/", "http://126.255.255.255/"],
  ["http://localhost.example/", "http://localhost.example/", "http://localhost.example/"],
  ["http://0x08080808/x", "http://8.8.8.8/x", "http://8.8.8.8/x"],
  ["https://site%2Eexample/", "https://site.example/", "https://site.example/"],
  ["https://s\u00adite.example/", "https://site.example/", "https://site.example/"],
  ["https://\uff53ite.example/\u00fc", "https://site.example/\u00fc", "https://site.example/%C3%BC"],
  ["https://\u0430pple.com", "https://xn--pple-43d.com", "https://xn--pple-43d.com/"],
  ["https://b\u00fccher.example:81/b", "https://xn--bcher-kva.example:81/b", "https://xn--bcher-kva.example:81/b"],
  ["https://xn--pple-43d.com/", "https://xn--pple-43d.com/", "https://xn--pple-43d.com/"],
  ["https://site.example:81\u2044x@evil.example/", "https://site.example:81", "https://site.example:81/"],
  ["https://site.example/a\u2044b", "https://site.example/a\u2044b", "https://site.example/a%E2%81%84b"],
];
/** Signs that look like the end of a host end the link. */
const LOOKALIKES = "\u2044\u2215\u29f8\uff0f\uff1f\uff03\uff20\uff1a\u2236\ua789\u3002\uff61\uff0e\u2024\ufe52\uff3c";

for (const [text, found] of ADDRESSES) {
  test(`the links in ${text}`, () => {
    assert.deepEqual(links(text).map(({ shown }) => shown), found);
    const whole = pieces(text, OWN).map((piece) => (typeof piece === "string" ? piece : piece.shown));
    assert.equal(whole.join(""), text);
  });
}

for (const host of AT_HOME) test(`${host} is no link`, () => assert.deepEqual(links(`http://${host}/`), []));

for (const [text, shown, href] of SHOWN) {
  test(`${text} shows where it leads`, () => assert.deepEqual(links(text), [{ href, shown }]));
}

for (const sign of LOOKALIKES) {
  test(`${sign} ends the host`, () =>
    assert.deepEqual(links(`https://site.example${sign}login.evil.example/`),
      [{ href: "https://site.example/", shown: "https://site.example" }]));
}

test("an address that nobody could check stays text", () => {
  assert.deepEqual(links(`http://site.example:9/${"x".repeat(2000)}`), []);
});

test("a text has so many links and no more", () => {
  const text = "http://site.example:9/ ".repeat(150);
  assert.equal(links(text).length, 100);
  assert.equal(pieces(text, OWN).at(-1), text.slice(100 * 23 - 1));
});

test("an address that isn't whole stays text", () => {
  const text = "http://site.example/a http://site.example/b";
  assert.equal(links(text, true).length, 1);
  assert.equal(links(`${text} `, true).length, 2);
});
