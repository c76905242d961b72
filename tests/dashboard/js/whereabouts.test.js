import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, MAX_ID, Whereabouts } from "../../../dashboard/components/shared/whereabouts.js";
import { FakeClock } from "./fakes/clock.js";
import { area } from "./fakes/storage.js";
import { FakeStore } from "./fakes/store.js";
import { FakeTab } from "./fakes/tab.js";

/** A reader at an address, in a tab that remembers. */
function reader(path = "/", { narrow = false, ofTab = area(new Map()) } = {}) {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  const tab = Object.assign(new FakeTab(path), { narrow });
  const server = { open: true };
  const place = new Whereabouts(store, { tab, ofTab, clock, open: () => server.open });
  const changes = [];
  place.onChange((change) => changes.push(change));
  store.meet("anna", "bela", "cian", "twice");
  /** Pages that Streamlit was asked for. */
  const asked = [];
  const arrive = (page) => place.arrive(page, (wanted) => asked.push(wanted));
  return { clock, store, tab, ofTab, server, place, changes, asked, arrive };
}

test("a conversation whose peer was blocked is left, and nobody says that it was deleted", () => {
  const { place, store, changes } = reader("/?room=bela");
  store.tell("hidden", { op: "hidden", seq: 2, id: "cian", name: "cian" });
  assert.equal(place.room, "bela");
  store.tell("hidden", { op: "hidden", seq: 3, id: "bela", name: "bela" });
  assert.equal(place.room, null);
  assert.deepEqual(changes, [{ again: false, gone: { id: "bela", name: "bela", into: null, hidden: true } }]);
});

test("the address names the conversation and the message, and follows the reader", () => {
  const { place, tab, changes } = reader("/?room=bela&message=12");
  assert.equal(place.room, "bela");
  place.settle();
  assert.deepEqual([place.message, place.around], [12, 12]);
  place.leaveMessage();
  assert.equal(tab.path, "/?room=bela");
  place.open("cian");
  assert.equal(tab.path, "/?room=cian");
  place.open("cian", { around: 7 });
  assert.equal(tab.path, "/?room=cian&message=7");
  place.open(null);
  assert.equal(tab.path, "/");
  assert.deepEqual(changes.map(({ again }) => again), [false, true, false]);
  assert.equal(tab.back(), false, "nothing of that was a step of its own");
});

test("what is no message or conversation in an address is left out", () => {
  for (const message of ["0", "-1", "1.5", "x", "", "9".repeat(20)]) {
    const { place } = reader(`/?room=bela&message=${message}`);
    place.settle();
    assert.equal(place.message, null, message);
  }
  assert.equal(reader(`/?room=${"x".repeat(MAX_ID + 5)}`).place.room.length, MAX_ID);
  assert.equal(reader("/search?room=bela").place.room, null);
  assert.equal(addressOf("a&b=c", 3), "/?room=a%26b%3Dc&message=3");
});

test("what else stands in the address stays there", () => {
  const { place, tab } = reader("/?room=bela&q=x");
  place.open("cian");
  assert.equal(tab.path, "/?room=cian&q=x");
});

test("a link with an old id leads to the conversation that it became part of", () => {
  const { place, store, tab } = reader("/?room=twice&message=3");
  store.merge("twice", "bela");
  assert.deepEqual([place.room, place.around], ["bela", 3].map((x, n) => (n ? place.around : x)));
  const late = reader("/?room=old");
  late.store.rooms.get("bela").aliases.push("old");
  late.place.settle();
  assert.equal(late.place.room, "bela");
  assert.equal(tab.path, "/?room=bela");
});

test("a merged conversation is opened where it went on, at the message that was asked for", () => {
  const { place, store, tab, changes } = reader("/?room=twice&message=3");
  place.settle();
  store.merge("twice", "bela");
  assert.deepEqual([place.room, place.message, place.around], ["bela", 3, 3]);
  assert.equal(tab.path, "/?room=bela&message=3");
  assert.equal(changes[0].gone.into, "bela");
});

test("from a conversation that was deleted one is led back to the list", () => {
  const { place, store, tab, changes } = reader("/?room=bela&message=3");
  place.settle();
  store.delete("cian");
  assert.deepEqual(changes, []);
  store.delete("bela");
  assert.deepEqual([place.room, place.message, place.around], [null, null, null]);
  assert.equal(tab.path, "/");
  assert.equal(changes[0].gone.name, "bela");
});

test("on a small screen a conversation is a step of its own, and back leads to the list", () => {
  const { place, tab, changes } = reader("/", { narrow: true });
  place.open("bela");
  assert.equal(tab.back(), true);
  place.back();
  assert.equal(place.room, null);
  assert.deepEqual(changes.map(({ again }) => again), [false, false]);
});

test("back leads to no conversation that is gone", () => {
  const { place, store, tab } = reader("/", { narrow: true });
  place.open("twice");
  store.merge("twice", "bela");
  assert.equal(tab.path, "/?room=bela");
  assert.equal(tab.back(), true);
  place.back();
  assert.equal(place.room, null);
  assert.equal(tab.back(), false);
});

test("back to an address with an old id opens the conversation by its new one, and nothing if it is open", () => {
  const { place, store, tab, changes } = reader("/?room=twice");
  tab.show("/?room=bela");
  place.back();
  assert.equal(place.room, "bela");
  store.merge("twice", "bela");
  changes.length = 0;
  tab.back();
  place.back();
  assert.equal(place.room, "bela");
  assert.deepEqual(changes, []);
});

test("going back from one page to another is Streamlit's", () => {
  const { place, tab, arrive, changes } = reader("/?room=bela");
  arrive("peers");
  tab.show("/peers");
  changes.length = 0;
  place.back();
  tab.back();
  place.back();
  assert.equal(place.room, "bela");
  assert.deepEqual(changes, []);
});

test("who comes back to Chats finds what was open, in this tab only", () => {
  const { place, tab, ofTab, arrive } = reader("/");
  place.open("bela");
  arrive("peers");
  tab.show("/peers");
  const reloaded = reader("/", { ofTab }).place;
  reloaded.settle();
  assert.equal(reloaded.room, "bela");
  place.open(null);
  const later = reader("/", { ofTab }).place;
  later.settle();
  assert.equal(later.room, null);
});

test("the way back to what was found ends with another conversation", () => {
  const { place, arrive } = reader("/");
  arrive("search");
  place.go("chats", "bela", { around: 4, results: "projector" });
  arrive("chats");
  assert.equal(place.results, "projector");
  place.open("bela");
  assert.equal(place.results, "projector");
  place.open("cian");
  assert.equal(place.results, null);
});

test("Streamlit is asked for another page once, and nothing else happens when it shows it", async () => {
  const { place, arrive, asked, clock, tab } = reader("/");
  arrive("chats");
  place.go("peers");
  assert.deepEqual(asked, ["peers"]);
  arrive("peers");
  await clock.pass(60_000);
  assert.deepEqual(asked, ["peers"]);
  assert.deepEqual(tab.loaded, []);
});

test("a page that Streamlit doesn't show in time is loaded by its address", async () => {
  const { place, arrive, asked, clock, tab } = reader("/");
  arrive("chats");
  place.go("peers");
  await clock.pass(4999);
  assert.deepEqual(tab.loaded, []);
  await clock.pass(1);
  assert.deepEqual(tab.loaded, ["/peers"]);
  assert.deepEqual(asked, ["peers"]);
});

test("while the server is away nothing is loaded: the page that is there stays", async () => {
  const { place, arrive, clock, tab, server } = reader("/");
  arrive("search");
  server.open = false;
  place.go("chats");
  await clock.pass(10_000);
  assert.deepEqual(tab.loaded, []);
  server.open = true;
  await clock.pass(5000);
  assert.deepEqual(tab.loaded, ["/"]);
});

test("a wish for another page is forgotten when the server stays away", async () => {
  const { place, arrive, clock, tab, server } = reader("/");
  arrive("search");
  server.open = false;
  place.go("chats");
  await clock.pass(40_000);
  server.open = true;
  await clock.pass(60_000);
  assert.deepEqual(tab.loaded, []);
  assert.equal(clock.timers, 0);
});

test("a way to another page that was given up isn't taken", async () => {
  for (const [page, other] of [["search", (place) => place.go("search")], ["chats", (place) => place.open("bela")]]) {
    const { place, arrive, clock, tab } = reader("/");
    arrive(page);
    place.go("peers");
    other(place);
    await clock.pass(60_000);
    assert.deepEqual(tab.loaded, []);
  }
});

test("only the last page that was asked for is loaded", async () => {
  const { place, arrive, clock, tab } = reader("/");
  arrive("search");
  place.go("peers");
  place.go("activity");
  await clock.pass(60_000);
  assert.deepEqual(tab.loaded, ["/activity"]);
});

test("a conversation that goes while one is on the way to another page stops nobody", async () => {
  const { place, arrive, clock, tab, store } = reader("/?room=bela");
  arrive("chats");
  place.go("peers");
  store.delete("bela");
  await clock.pass(5000);
  assert.deepEqual(tab.loaded, ["/peers"]);
});

test("before the frame stands, another page is loaded by its address", () => {
  const { place, tab } = reader("/");
  place.go("peers");
  assert.deepEqual(tab.loaded, ["/peers"]);
});
