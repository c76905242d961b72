import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection } from "../../../dashboard/components/shared/connection.js";
import { FakeClock, settled } from "./fakes/clock.js";
import { FakeSocket } from "./fakes/socket.js";

const ALL = { t: "all", now: 1, everything: {}, missed: null };

/** A connection on a new page. `arrives`: what the door will say next; the last stays. */
async function page({ arrives = ["in"], open = true } = {}) {
  const clock = new FakeClock();
  const sockets = [];
  const heard = [];
  const asked = [];
  const store = {
    cursor: { log: "", seq: 0 },
    opened: () => "bela",
    all: (frame) => heard.push(frame),
    more: (frame) => heard.push(frame),
    patch: (frame) => heard.push(frame),
    other: (frame) => heard.push(frame),
  };
  let hope = () => {};
  const connection = new Connection(store, {
    connect: () => sockets[sockets.push(new FakeSocket()) - 1],
    arrive: async (anew) => {
      asked.push(Boolean(anew));
      return arrives.length > 1 ? arrives.shift() : arrives[0];
    },
    pass: async () => "a pass",
    onReturn: (act) => (hope = act),
    clock,
    random: () => 0.5,
  });
  const states = [];
  connection.onChange((state) => states.push(state));
  connection.start();
  await settled();
  const all = {
    clock, sockets, heard, asked, store, connection, states, arrives,
    get socket() {
      return sockets[sockets.length - 1];
    },
    /** The browser is online again, or looked at. */
    hope: () => (hope(), settled()),
    /** The server takes the newest connection and tells everything. */
    welcome: () => {
      all.socket.open();
      all.socket.tell(ALL);
      return settled();
    },
    /** Answers the question with this number, or the last one. */
    reply: (more, n = all.socket.said.at(-1).n) => (all.socket.tell({ t: "reply", n, ...more }), settled()),
  };
  if (open) await all.welcome();
  return all;
}

/** A promise's outcome so far. */
function outcome(promise) {
  const found = { state: "waits" };
  promise.then((value) => Object.assign(found, { state: "answered", value }), (problem) => Object.assign(found, { state: "failed", problem }));
  return found;
}

test("it says hello with the cursor and the pass, and is open when it was told everything", async () => {
  const { socket, connection, states, heard, welcome, store, asked } = await page({ open: false });
  store.cursor = { log: "here", seq: 9 };
  assert.equal(connection.state, "connecting");
  await welcome();
  assert.deepEqual(socket.said, [{ t: "hello", log: "here", seq: 9, room: "bela", pass: "a pass" }]);
  assert.deepEqual(states, ["open"]);
  assert.deepEqual(heard, [ALL]);
  assert.deepEqual(asked, [], "a page that was just sent by the server needn't doubt it");
});

test("listeners hear of an open connection only after the lists have come", async () => {
  const { connection, store, welcome } = await page({ open: false });
  const order = [];
  store.all = () => order.push(`lists while ${connection.state}`);
  connection.onChange((state) => order.push(state));
  await welcome();
  assert.deepEqual(order, ["lists while open", "open"]);
});

test("answers find their questions, in any order; frames of other kinds go to the store", async () => {
  const { connection, socket, reply, heard } = await page();
  const [one, two] = [outcome(connection.ask({ t: "one" })), outcome(connection.ask({ t: "two" }))];
  const [, first, second] = socket.said;
  await reply({ result: { of: "two" } }, second.n);
  await reply({ problem: { code: "not_found", message: "No." } }, first.n);
  await reply({ result: {} }, 999);
  assert.deepEqual(two.value, { of: "two" });
  assert.deepEqual([one.problem.code, one.problem.message, one.problem.retryable], ["not_found", "No.", false]);
  socket.tell({ t: "patch", seq: 2, ops: [] });
  socket.tell({ t: "rows" });
  socket.tell({ t: "a kind of next year" });
  assert.deepEqual(heard.map(({ t }) => t), ["all", "patch", "rows", "a kind of next year"]);
});

test("an answer without a result is an empty one", async () => {
  const { connection, reply } = await page();
  const asked = outcome(connection.ask({ t: "read" }));
  await settled();
  await reply({});
  assert.deepEqual(asked.value, {});
});

test("a question without an answer fails after a while, and what comes later is nobody's", async () => {
  const { connection, clock, reply, socket } = await page();
  const asked = outcome(connection.ask({ t: "history" }));
  await settled();
  const { n } = socket.said.at(-1);
  for (let heard = 0; heard < 3; heard++) {
    await clock.pass(4999);
    socket.tell({ t: "beat", now: 1 });
  }
  assert.equal(asked.state, "waits");
  await clock.pass(3);
  assert.deepEqual([asked.problem.code, asked.problem.retryable], ["lost", true]);
  await reply({ result: {} }, n);
  assert.equal(connection.state, "open");
});

test("half a character stops nothing", async () => {
  const { connection, socket } = await page();
  connection.ask({ t: "send", text: "cut \ud83d here", deep: ["\udc00", { x: "\u{1f600}" }] });
  await settled();
  const { text, deep } = socket.said.at(-1);
  assert.equal(text, "cut \ufffd here");
  assert.deepEqual(deep, ["\ufffd", { x: "\u{1f600}" }]);
  // Else the browser puts another sign in its place without a word, or throws.
  assert.equal(Buffer.from(socket.raw.at(-1), "utf8").toString("utf8"), socket.raw.at(-1));
});

test("what is asked before the server is reached waits for it, in its order", async () => {
  const { connection, socket, welcome } = await page({ open: false });
  const asked = [connection.ask({ t: "one" }), connection.ask({ t: "two" })].map(outcome);
  await settled();
  assert.deepEqual(socket.said, []);
  await welcome();
  assert.deepEqual(socket.said.map(({ t }) => t), ["hello", "one", "two"]);
  assert.deepEqual(asked.map(({ state }) => state), ["waits", "waits"]);
});

test("what is asked before the server is reached fails when it can't be reached", async () => {
  const { connection, socket } = await page({ open: false, arrives: ["away"] });
  const asked = outcome(connection.ask({ t: "one" }));
  socket.break();
  await settled();
  assert.deepEqual([asked.problem.code, asked.problem.retryable], ["lost", true]);
});

test("when the connection breaks, what was asked fails, and what is asked later fails at once", async () => {
  const { connection, socket } = await page();
  const asked = outcome(connection.ask({ t: "one" }));
  await settled();
  socket.break();
  const later = outcome(connection.ask({ t: "two" }));
  await settled();
  for (const { problem } of [asked, later]) assert.deepEqual([problem.code, problem.retryable], ["lost", true]);
});

test("too many questions at once are refused here", async () => {
  const { connection, socket, clock } = await page();
  for (let n = 0; n < 200; n++) outcome(connection.ask({ t: "one" }));
  const more = outcome(connection.ask({ t: "one" }));
  await settled();
  assert.equal(more.state, "failed");
  assert.equal(socket.said.length, 201);
  // Those that were given up count no more.
  await clock.pass(15_000);
  connection.ask({ t: "one" });
  await settled();
  assert.equal(socket.said.length, 202);
});

test("it connects again by itself, and goes on where it was; pauses grow up to a bound, and begin anew", async () => {
  const { connection, clock, sockets, states, store, welcome, socket } = await page();
  store.cursor = { log: "here", seq: 40 };
  socket.break();
  assert.equal(connection.state, "lost");
  for (const pause of [150, 255, 433.5]) {
    const before = sockets.length;
    await clock.pass(pause - 1);
    assert.equal(sockets.length, before);
    await clock.pass(2);
    assert.equal(sockets.length, before + 1);
    sockets.at(-1).break();
  }
  await clock.pass(60_000 - 1);
  for (let n = 0; n < 5; n++) {
    sockets.at(-1).break();
    await clock.pass(3001);
  }
  await welcome();
  assert.deepEqual(sockets.at(-1).said, [{ t: "hello", log: "here", seq: 40, room: "bela", pass: "a pass" }]);
  assert.deepEqual(states, ["open", "lost", "open"]);
  sockets.at(-1).break();
  const before = sockets.length;
  await clock.pass(151);
  assert.equal(sockets.length, before + 1, "the pauses begin anew");
});

test("before it connects again, the dashboard must prove that it is ours", async () => {
  const { connection, clock, sockets, states, socket, asked } = await page({ arrives: ["stranger", "stranger", "in"] });
  const before = connection.since;
  socket.break();
  const waits = connection.ask({ t: "send", text: "secret" });
  await assert.rejects(waits);
  await clock.pass(151);
  assert.equal(connection.state, "stranger");
  assert.ok(connection.since > before);
  assert.equal(sockets.length, 1, "nothing is sent to whoever answers");
  await clock.pass(256);
  assert.equal(sockets.length, 1);
  await clock.pass(10_000);
  assert.equal(sockets.length, 2);
  assert.deepEqual(states, ["open", "lost", "stranger"]);
  assert.equal(connection.state, "stranger", "until it has told everything");
  assert.deepEqual(asked, [false, false, false]);
});

test("who isn't let in any more says so, until another tab lets this browser in", async () => {
  const { clock, sockets, states, socket, asked, arrives, welcome } = await page({ arrives: ["out"] });
  socket.break(4004);
  await clock.pass(10_000);
  assert.deepEqual(states, ["open", "lost", "denied"]);
  assert.ok(asked.length > 2);
  assert.ok(asked.every((anew) => anew), "the session must be another one");
  arrives[0] = "in";
  await clock.pass(4000);
  assert.equal(sockets.length, 2);
  await welcome();
  assert.deepEqual(states, ["open", "lost", "denied", "open"]);
});

test("a server that hangs is noticed by its silence, and its late words are nobody's", async () => {
  const { connection, clock, sockets, socket, heard, states, welcome } = await page();
  for (let n = 0; n < 5; n++) {
    await clock.pass(5000);
    socket.tell({ t: "beat", now: 1 });
  }
  assert.equal(connection.state, "open");
  const count = heard.length;
  await clock.pass(15_900);
  assert.equal(connection.state, "open");
  await clock.pass(4200);
  assert.equal(socket.closed, true);
  assert.equal(sockets.length, 2);
  socket.tell({ t: "patch", seq: 1, ops: [] });
  socket.break();
  await welcome();
  assert.deepEqual(states, ["open", "lost", "open"]);
  assert.deepEqual(heard.slice(count).map(({ t }) => t), ["all"]);
});

test("new hope ends a long pause, and does nothing while all is well", async () => {
  const { clock, sockets, socket, hope } = await page();
  await hope();
  assert.equal(sockets.length, 1);
  socket.break();
  for (let n = 0; n < 8; n++) {
    await clock.pass(3601);
    sockets.at(-1).break();
  }
  const before = sockets.length;
  await hope();
  assert.equal(sockets.length, before + 1);
  await hope();
  assert.equal(sockets.length, before + 1, "one try at a time");
});

test("who asks whether the server is ours waits until this browser is let in", async () => {
  const { connection, socket, arrives, clock, welcome } = await page({ arrives: ["out"] });
  socket.break();
  const asked = outcome(connection.ours());
  await clock.pass(5000);
  assert.equal(asked.state, "waits");
  arrives[0] = "in";
  await clock.pass(4000);
  await welcome();
  assert.equal(asked.state, "answered");
});

test("who asks whether the server is ours hears at once that it is, or that nobody answers", async () => {
  const { connection, arrives } = await page();
  assert.equal(await connection.ours(), undefined);
  arrives[0] = "away";
  await assert.rejects(connection.ours(), TypeError);
});

test("who asks whether the server is ours may give up", async () => {
  const { connection } = await page({ arrives: ["stranger"] });
  const enough = new AbortController();
  const asked = outcome(connection.ours(enough.signal));
  await settled();
  enough.abort(new Error("enough"));
  await settled();
  assert.equal(asked.problem.message, "enough");
});
