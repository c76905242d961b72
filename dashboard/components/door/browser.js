// This browser, as the door needs it: what it asks the server, what it keeps for us, and one tab at a time.

import { Door } from "./door.js";

/** Timeout of a request, in ms; a server on this machine answers at once. */
const ANSWER_MS = 5000;
const DATABASE = "snicher-door";
const TABLE = "keys";
const LOCK = "snicher-door";

const subtle = window.isSecureContext ? window.crypto?.subtle : undefined;

/**
 * Send a request to the door; null when no server (or only a proxy) answers, {} when the answer isn't a dashboard's.
 *
 * @param {string} path
 * @param {object} body
 */
async function ask(path, body) {
  try {
    const answer = await fetch(`/door/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    // A proxy answers so when the dashboard is away, and the dashboard itself when it doesn't know this name.
    if (answer.status >= 500 || answer.status === 421) return null;
    return answer.ok ? await answer.json().catch(() => ({})) : {};
  } catch {
    return null;
  }
}

/**
 * Use this browser's records for us; null when there are none, or when it stores nothing.
 *
 * @param {IDBTransactionMode} mode
 * @param {(all: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<unknown>}
 */
async function table(mode, work) {
  try {
    return await new Promise((resolve, reject) => {
      const opening = window.indexedDB.open(DATABASE, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE);
      opening.onerror = opening.onblocked = () => reject(opening.error);
      opening.onsuccess = () => {
        const database = opening.result;
        const transaction = database.transaction(TABLE, mode);
        const asked = work(transaction.objectStore(TABLE));
        transaction.oncomplete = () => {
          database.close();
          resolve(asked.result ?? null);
        };
        transaction.onerror = transaction.onabort = () => {
          database.close();
          reject(transaction.error);
        };
      };
    });
  } catch {
    return null;
  }
}

/** Unregister service workers. We have none, so they come from another server that used this port before. */
export async function dropWorkers() {
  try {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  } catch {
    // Without a secure context there are none.
  }
}

const door = new Door({
  ask,
  get: (name) => table("readonly", (all) => all.get(name)),
  put: async (name, value) => (await table("readwrite", (all) => all.put(value, name))) !== null,
  subtle,
  random: (bytes) => window.crypto.getRandomValues(new Uint8Array(bytes)),
  host: window.location.host,
  // Not every browser has locks.
  alone: async (work) => (subtle && navigator.locks ? navigator.locks.request(LOCK, work) : work()),
  dropWorkers,
});

/** As in door.js. */
export const pass = () => door.pass();
/** @param {string} code */
export const enter = (code) => door.enter(code);
/** @param {boolean} [anew] */
export const arrive = (anew) => door.arrive(anew);
