import assert from "node:assert/strict";
import { test } from "node:test";

import { hostOf, isLoopback, isSameHost, upToLookalike } from "../../../dashboard/components/shared/host.js";

/** As a browser gives them. */
const AT_HOME = ["127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "127.0.0.1.", "[::1]", "[::]", "[::ffff:7f00:1]",
  "[::7f00:1]", "[::ffff:0:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost", "LOCALHOST.", "a.localhost",
  "localhost.localdomain", "localhost6", "ip6-loopback"];
const ELSEWHERE = ["128.0.0.1", "126.255.255.255", "10.0.0.1", "[2001:db8::1]", "[::ffff:808:808]", "[2002:808:808::]",
  "[64:ff9b::808:808]", "[::1:0:0:1]", "localhost.example", "notlocalhost", "127.example"];

for (const host of AT_HOME) test(`${host} is this machine`, () => assert.ok(isLoopback(host)));
for (const host of ELSEWHERE) test(`${host} is elsewhere`, () => assert.ok(!isLoopback(host)));

test("hosts are the same however they are written", () => {
  assert.ok(isSameHost("site.example", "SITE.example."));
  assert.ok(isSameHost("[::ffff:c0a8:4d05]", "192.168.77.5"));
  assert.ok(!isSameHost("site.example", "sites.example"));
});

test("the host of an address, as a browser would write it", () => {
  assert.equal(hostOf("192.168.77.5:5000"), "192.168.77.5");
  assert.equal(hostOf("[2001:DB8:0::0077]:1"), "[2001:db8::77]");
  assert.equal(hostOf("Node.Example:5000"), "node.example");
  assert.equal(hostOf(""), "");
});

test("an address ends before a sign that only looks like the end of its host", () => {
  assert.equal(upToLookalike("https://site.example\u2044login.evil.example/"), "https://site.example");
  assert.equal(upToLookalike("https://site.example/a\u2044b"), "https://site.example/a\u2044b");
});
