// One connection, store, outbox and place for all components of a page: a module is loaded once, whoever imports it. Here
// they get the browser handed in; tests hand in something else.

import { arrive, pass } from "../door/browser.js";
import { clock } from "./clock.js";
import { Connection } from "./connection.js";
import { newKey } from "./key.js";
import { Outbox } from "./outbox.js";
import { lasting, ofTab } from "./storage.js";
import { Store } from "./store.js";
import { held } from "./streamlit.js";
import { tab } from "./tab.js";
import { UnknownRooms } from "./unknown_rooms.js";
import { Whereabouts } from "./whereabouts.js";

export const store = new Store();
export const connection = new Connection(store, {
  connect: tab.connect,
  onReturn: tab.onReturn,
  arrive,
  pass,
  clock,
  random: Math.random,
});
export const outbox = new Outbox(connection, store, { lasting, ofTab, clock, newKey });
export const place = new Whereabouts(store, { tab, ofTab, clock, open: () => connection.state === "open" });

store.opened = () => place.room;
new UnknownRooms(connection, store, outbox, place).watch();
connection.start();
window.fetch = held(window.fetch.bind(window), connection, window.location.href);
