// A page with an outbox, and further pages in the same browser.

import { Outbox } from "../../../../dashboard/components/shared/outbox.js";
import { FakeClock } from "./clock.js";
import { FakeConnection } from "./connection.js";
import { fakeBrowser } from "./storage.js";
import { FakeStore } from "./store.js";

let pages = 0;

/** Opens a page; `state` is that of its connection. */
export function page({ browser = fakeBrowser(), clock = new FakeClock(), tab = browser.tab(), node = "anna", rooms = ["bela", "cian"], state: first = "open" } = {}) {
  const connection = Object.assign(new FakeConnection(), { state: first });
  const store = new FakeStore(clock);
  let keys = 0;
  const number = ++pages;
  const outbox = new Outbox(connection, store, { ...tab, clock, newKey: () => `key-${number}-${++keys}` });
  const said = [];
  let messages = 0;
  store.on("said", (message) => said.push(message));
  const all = {
    browser, clock, tab, connection, store, outbox, said,
    /** What is shown of the waiting texts of a conversation. */
    texts: (room) => outbox.in(room).map(({ text }) => text),
    states: (room) => outbox.in(room).map(({ state }) => state),
    /** The node takes the first text that was sent. */
    take: (more = {}) => {
      const { room, text } = connection.waiting("send")[0];
      const message = { id: ++messages, room, text, mine: true, at: clock.now(), ...more };
      return connection.answer("send", { message }).then(() => message);
    },
    /** The same tab, loaded anew. */
    reload: (more) => page({ browser, clock, tab, node, rooms, ...more }),
    /** Another tab of this browser. */
    another: (more) => page({ browser, clock, node, rooms, ...more }),
  };
  if (node) store.meet(node, ...rooms);
  return all;
}

/** What was sent, as key, conversation and text. */
export const sent = ({ connection }) => connection.asked.map(({ key, node, room, text }) => ({ key, node, room, text }));
