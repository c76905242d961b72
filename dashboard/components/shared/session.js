// One connection, store and outbox for all components of a page: a module is loaded once, whoever imports it.

import { Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { Store } from "./store.js";
import { hold } from "./streamlit.js";

export const store = new Store();
export const connection = new Connection(store);
export const outbox = new Outbox(connection, store);
connection.start();
hold(connection);
