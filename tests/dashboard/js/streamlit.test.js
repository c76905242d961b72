import assert from "node:assert/strict";
import { test } from "node:test";

import { held } from "../../../dashboard/components/shared/streamlit.js";
import { settled } from "./fakes/clock.js";

/** A page's way to ask, and whether our dashboard answers. */
function page() {
  const asked = [];
  const door = { signals: [] };
  door.open = new Promise((go, stop) => Object.assign(door, { go, stop }));
  const ours = (signal) => (door.signals.push(signal), door.open);
  const ask = held(async (what) => asked.push(what), { ours }, "http://snicher.localhost:5100/peers");
  return { ask, asked, door };
}

test("what Streamlit asks waits until it is certain who answers", async () => {
  const { ask, asked, door } = page();
  const { signal } = new AbortController();
  ask("/_stcore/health", { signal });
  ask(new URL("http://snicher.localhost:5100/peers/_stcore/host-config"));
  ask(new Request("http://snicher.localhost:5100/_stcore/health"));
  await settled();
  assert.deepEqual(asked, []);
  assert.deepEqual(door.signals, [signal, undefined, undefined]);
  door.go();
  await settled();
  assert.equal(asked.length, 3);
});

test("when nobody answers, or it is given up, Streamlit hears of that and nothing is asked", async () => {
  const { ask, asked, door } = page();
  const waits = ask("/_stcore/health");
  door.stop(new TypeError("nobody"));
  await assert.rejects(waits, TypeError);
  assert.deepEqual(asked, []);
});

test("what is our own waits for nothing", async () => {
  const { ask, asked } = page();
  await ask("/door/challenge", { method: "POST" });
  assert.deepEqual(asked, ["/door/challenge"]);
});
