import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";

import { Door, decode, encode } from "../../../dashboard/components/door/door.js";

const { subtle } = webcrypto;
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const HOST = "snicher-name.localhost:5100";

/** A dashboard with a key, as door.py: `server.answer` may put other answers in the place of its own. */
async function dashboard() {
  const keys = await subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const server = { keys, asked: [], links: new Set(["a-link"]), browsers: new Map(), cookie: false, answer: {}, sessions: 0 };
  const bytes = (...parts) => new TextEncoder().encode(["snicher-door-1", ...parts].join("\n"));
  const doors = {
    async challenge({ question }) {
      const challenge = "challenge";
      const signature = encode(await subtle.sign(SIGNING, server.keys.privateKey, bytes("server", HOST, question, challenge)));
      return { challenge, signature, known: server.cookie };
    },
    async enter({ link, key }) {
      if (!server.links.delete(link)) return { in: false };
      server.cookie = true;
      const told = { in: true, pass: `pass-${++server.sessions}` };
      if (!key) return told;
      server.browsers.set("browser-1", await subtle.importKey("raw", decode(key), CURVE, true, ["verify"]));
      return { ...told, browser: "browser-1", server: encode(await subtle.exportKey("raw", keys.publicKey)) };
    },
    async return({ browser: id, question, challenge, signature }) {
      const key = server.browsers.get(id);
      const proven = key && (await subtle.verify(SIGNING, key, decode(signature), bytes("browser", HOST, question, challenge)));
      if (!proven) return { in: false };
      server.cookie = true;
      return { in: true, pass: `pass-${++server.sessions}` };
    },
  };
  server.ask = async (path, body) => {
    server.asked.push(path);
    return path in server.answer ? server.answer[path] : doors[path](body);
  };
  return server;
}

/** A browser that was let in by nobody yet. `keeps`: whether it keeps anything; `secure`: whether it has cryptography. */
function browser(server, { keeps = true, secure = true } = {}) {
  const kept = new Map();
  const turns = [];
  const door = new Door({
    ask: server.ask,
    get: async (name) => kept.get(name) ?? null,
    put: async (name, value) => keeps && Boolean(kept.set(name, value)),
    subtle: secure ? subtle : undefined,
    random: (bytes) => webcrypto.getRandomValues(new Uint8Array(bytes)),
    host: HOST,
    alone: (work) => (turns.push("alone"), work()),
    dropWorkers: async () => void turns.push("workers"),
  });
  return { door, kept, turns };
}

/** A browser that came in by a link. */
async function known(options) {
  const server = await dashboard();
  const visitor = browser(server, options);
  assert.equal(await visitor.door.enter("a-link"), "in");
  server.asked.length = visitor.turns.length = 0;
  return { server, ...visitor };
}

test("bytes survive as text in an address", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
  assert.match(encode(bytes), /^[\w-]+$/);
  assert.deepEqual(decode(encode(bytes)), bytes);
});

test("a link lets a browser in once, and then it has a pass and a key that nobody can read", async () => {
  const server = await dashboard();
  const { door, kept, turns } = browser(server);
  assert.equal(await door.pass(), "");
  assert.equal(await door.enter("a-link"), "in");
  assert.equal(await door.pass(), "pass-1");
  assert.equal(kept.get("this").keys.privateKey.extractable, false);
  assert.ok(turns.includes("workers"));
  assert.equal(await door.enter("a-link"), "used");
});

test("who enters again keeps their key", async () => {
  const { server, door, kept } = await known();
  const { keys } = kept.get("this");
  server.links.add("another");
  assert.equal(await door.enter("another"), "in");
  assert.equal(kept.get("this").keys, keys);
});

test("a browser that keeps nothing, or sends no cookie, is told so", async () => {
  const server = await dashboard();
  assert.equal(await browser(server, { keeps: false }).door.enter("a-link"), "blocked");
  const other = await dashboard();
  other.answer.challenge = { challenge: "c", signature: "s", known: false };
  assert.equal(await browser(other).door.enter("a-link"), "blocked");
});

test("when nobody answers, one is neither in nor out", async () => {
  const server = await dashboard();
  Object.assign(server.answer, { enter: null, challenge: null });
  const { door } = browser(server);
  assert.equal(await door.enter("a-link"), "away");
  assert.equal(await door.arrive(), "away");
  const { server: ours, door: back } = await known();
  ours.cookie = false;
  ours.answer.return = null;
  assert.equal(await back.arrive(), "away");
});

test("who is in stays in, one tab at a time, and begins no new session", async () => {
  const { server, door, turns } = await known();
  assert.equal(await door.arrive(), "in");
  assert.deepEqual(server.asked, ["challenge"]);
  assert.deepEqual(turns, ["alone"]);
  assert.equal(await door.pass(), "pass-1");
});

test("after a new start the key leads back in, with a new pass", async () => {
  const { server, door, turns } = await known();
  server.cookie = false;
  assert.equal(await door.arrive(), "in");
  assert.equal(await door.pass(), "pass-2");
  assert.deepEqual(turns, ["alone", "workers"]);
});

test("a new session is begun when the live connection wants one, or the pass is gone", async () => {
  const { server, door, kept } = await known();
  assert.equal(await door.arrive(true), "in");
  assert.equal(await door.pass(), "pass-2");
  kept.delete("pass");
  assert.equal(await door.arrive(), "in");
  assert.equal(await door.pass(), "pass-3");
  assert.equal(server.sessions, 3);
});

test("whoever can't prove to be the dashboard that is known is a stranger, and is told nothing", async () => {
  const { server, door } = await known();
  server.keys = await subtle.generateKey(CURVE, true, ["sign", "verify"]);
  server.cookie = false;
  assert.equal(await door.arrive(), "stranger");
  assert.deepEqual(server.asked, ["challenge"]);
  for (const signature of ["", "AAAA", "not base64!"]) {
    server.answer.challenge = { challenge: "challenge", signature, known: true };
    assert.equal(await door.arrive(), "stranger");
  }
  for (const answer of [{}, { challenge: 7, signature: "x" }, { challenge: "x" }]) {
    server.answer.challenge = answer;
    assert.equal(await door.arrive(), "stranger");
    assert.equal(await browser(server).door.arrive(), "stranger", "also for who knows no dashboard");
  }
  assert.ok(!server.asked.includes("return"));
});

test("a dashboard that proved itself once can't be played by repeating that", async () => {
  const { server, door } = await known();
  const old = await server.ask("challenge", { question: "another question" });
  server.answer.challenge = old;
  assert.equal(await door.arrive(), "stranger");
});

test("who was shut out, or never was in, needs a link", async () => {
  const { server, door } = await known();
  server.cookie = false;
  server.browsers.clear();
  assert.equal(await door.arrive(), "out");
  assert.equal(await browser(server).door.arrive(), "out");
});

test("without cryptography only the cookie counts", async () => {
  const { server, door, kept } = await known({ secure: false });
  assert.deepEqual([...kept.keys()], ["pass"]);
  assert.equal(await door.arrive(), "in");
  server.cookie = false;
  assert.equal(await door.arrive(), "out");
});
