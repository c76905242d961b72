import assert from "node:assert/strict";
import { test } from "node:test";

import { asTarget, invited, isHere, offer, reach, targetOf } from "../../../dashboard/components/shared/reaching.js";

const PEER = "a".repeat(52);

const ADDRESSES = [
  ["192.168.1.20:5000", "192.168.1.20:5000", false],
  [" 192.168.1.20:5000 ", "192.168.1.20:5000", false],
  ["192.168.1.20", "192.168.1.20:5000", true],
  ["[::1]:7000", "[::1]:7000", false],
  ["[fe80::1%eth0]", "[fe80::1%eth0]:5000", true],
  ["alices-laptop.local:6555", "alices-laptop.local:6555", false],
  ["bücher:1", "bücher:1", false],
];
for (const [typed, text, assumed] of ADDRESSES) test(`"${typed}" is an address`, () =>
  assert.deepEqual(targetOf(String(typed)), { kind: "address", text, assumed }));

const WORDS = ["", "alice", "alices-laptop", "at 10:30", "10:30", "re: lunch", "lunch:", ":5000", "192.168.1.300", "1.2.3", "1.2.3.4.5",
  "192.168.1.20:0", "192.168.1.20:70000", "192.168.1.20:5000:6000", "alice:5000x", "from:alice bela", "[alice]:5000",
  "http://example.org/", `snicher://${"x".repeat(2050)}`, `${"x".repeat(300)}:5000`];
for (const typed of WORDS) test(`"${typed.slice(0, 40)}" is no address`, () => assert.equal(targetOf(typed), null));

test("an invite is told by its scheme, in any case and in angle brackets", () => {
  for (const typed of [`snicher://${PEER}@10.0.0.7:5000`, `SNICHER://${PEER}@10.0.0.7:5000`, `<snicher://${PEER}@10.0.0.7:5000>`])
    assert.deepEqual(targetOf(typed), { kind: "invite", text: typed, assumed: false });
});

test("what is offered names the address, or whom the invite names", () => {
  const target = (/** @type {string} */ typed) => targetOf(typed) ?? assert.fail(typed);
  assert.equal(offer(target("10.0.0.7:5000")), "Connect to 10.0.0.7:5000");
  assert.equal(offer(target(`snicher://${PEER}@10.0.0.7:5000?name=Al%20ice`)), "Add Al ice");
  assert.equal(offer(target(`snicher://${PEER}@10.0.0.7:5000`)), "Add who made this invite");
});

test("a name in an invite is at most as long as a name may be", () => {
  assert.equal(invited(`snicher://${PEER}@h:1?name=${"%F0%9F%98%80".repeat(80)}`), "😀".repeat(64));
  assert.equal(invited(`<snicher://${PEER}@h:1?name=bela>`), "bela");
  assert.equal(invited(`snicher://${PEER}@h:1?name=%ZZ%`), "%ZZ%");
});

test("the node is asked to add by an invite and to connect to an address, and a port of ours is said", async () => {
  /** @type {unknown[]} */
  const asked = [];
  const connection = { command: async (/** @type {unknown[]} */ ...args) => {
    asked.push(args);
    return { peer: { id: "p" }, note: "one address left out" };
  } };
  const by = (/** @type {string} */ typed) => reach(/** @type {never} */ (connection), targetOf(typed) ?? assert.fail(), "k");
  assert.equal((await by(`snicher://${PEER}@10.0.0.7:5000`)).note, "one address left out");
  assert.equal((await by("10.0.0.7:6000")).note, "");
  assert.match((await by("10.0.0.7")).note, /5000/);
  assert.deepEqual(asked, [
    ["add", { link: `snicher://${PEER}@10.0.0.7:5000` }, "k"],
    ["connect", { address: "10.0.0.7:6000", dialect: "auto" }, "k"],
    ["connect", { address: "10.0.0.7:5000", dialect: "auto" }, "k"],
  ]);
});

test("what is no address is left to the node, which knows its peers by name", () => {
  assert.deepEqual(asTarget(" bela "), { kind: "address", text: "bela", assumed: false });
  assert.deepEqual(asTarget("10.0.0.7"), { kind: "address", text: "10.0.0.7:5000", assumed: true });
});

test("an address of the machine itself is told from one on the network", () => {
  for (const own of ["127.0.0.1:5000", "127.3.2.1:1", "[::1]:5000"]) assert.ok(isHere(own), own);
  for (const other of ["192.168.1.20:5000", "[fe80::1%eth0]:5000", "1127.0.0.1:5000", "10.127.0.0:1"]) assert.ok(!isHere(other), other);
});
