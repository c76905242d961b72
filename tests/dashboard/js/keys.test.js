import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { document, window } from "./dom.js";

const { Typing, watchKeys } = await import("../../../dashboard/components/head/keys.js");
const { FakeClock } = await import("./fakes/clock.js");

beforeEach(() => {
  document.body.replaceChildren();
  for (const key of ["name", "other"]) {
    const element = document.createElement("div");
    element.className = `st-key-${key}`;
    element.append(document.createElement("input"));
    document.body.append(element);
  }
});

const input = (key) => document.querySelector(`.st-key-${key} input`);

function happens(kind, key, more = {}) {
  const event = new window.Event(kind, { bubbles: true });
  input(key).dispatchEvent(Object.assign(event, more));
}

test("Enter tells at once, Escape once Streamlit has what was typed, and only of the part's own fields", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const acts = [];
  const stop = watchKeys(() => ["name"], (act) => acts.push(act));
  input("name").value = "Anna B";
  happens("keydown", "name", { key: "Enter" });
  assert.deepEqual(acts, [{ field: "name", key: "enter", text: "Anna B" }]);
  happens("keydown", "name", { key: "Enter", shiftKey: true });
  happens("keydown", "name", { key: "Enter", isComposing: true });
  happens("keydown", "name", { key: "a" });
  happens("keydown", "other", { key: "Enter" });
  happens("keydown", "name", { key: "Escape" });
  assert.equal(acts.length, 1);
  mock.timers.tick(300);
  assert.equal(acts[1].key, "escape");
  stop();
  happens("keydown", "name", { key: "Enter" });
  assert.equal(acts.length, 2);
  mock.timers.reset();
});

test("a field in which somebody types is left alone for a second, or until it is left", async () => {
  const clock = new FakeClock();
  const typing = new Typing(() => ["name"], clock);
  assert.deepEqual(typing.fields, []);
  happens("input", "name");
  happens("input", "other");
  assert.deepEqual(typing.fields, ["name"]);
  await clock.pass(999);
  assert.deepEqual(typing.fields, ["name"]);
  await clock.pass(1);
  assert.deepEqual(typing.fields, []);
  happens("input", "name");
  happens("focusout", "name");
  assert.deepEqual(typing.fields, []);
  happens("input", "name");
  typing.told("name");
  assert.deepEqual(typing.fields, []);
  typing.destroy();
  happens("input", "name");
  assert.deepEqual(typing.fields, []);
});
