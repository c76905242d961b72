// The browser's side of the door: login by a link, and return by a key after the dashboard was started again.
//
// The key stays in this browser: its private half can't be read, by nobody, only used by pages of this origin. Beside it
// lies the dashboard's own key. A dashboard that can't prove to have that one is told nothing: somebody else may listen
// on its port. Without a secure context (plain http on a network) there is no cryptography in a browser: then only the
// cookie counts, and the link is asked for again after each start of the dashboard.

/** Timeout of a request, in ms; a server on this machine answers at once. */
const ANSWER_MS = 5000;
const DATABASE = "snicher-door";
const TABLE = "keys";
/** The records: {keys, id, server}, and the pass of the session. They are for pages of this host and port only. */
const RECORD = "this";
const PASS = "pass";
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const QUESTION_BYTES = 24;

const subtle = window.isSecureContext ? window.crypto?.subtle : undefined;

function encode(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

/** What is signed; challenges.py says the same. */
function statement(who, question, challenge) {
  return new TextEncoder().encode(["snicher-door-1", who, window.location.host, question, challenge].join("\n"));
}

/** Send a request to the door; null when no server (or only a proxy) answers, {} when the answer isn't a dashboard's. */
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

/** Use this browser's records for us; null when there are none, or when it stores nothing. */
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

const record = async () => (subtle ? table("readonly", (all) => all.get(RECORD)) : null);

/** The pass of this browser's session, for the live connection; "" when there is none. */
export async function pass() {
  return (await table("readonly", (all) => all.get(PASS))) ?? "";
}

/** Keep the pass; returns whether this browser did. */
async function keep(word) {
  return (await table("readwrite", (all) => all.put(word, PASS))) !== null;
}

/** Run in one tab at a time, if the browser has locks: tabs that return together would begin a session each. */
function alone(work) {
  return subtle && navigator.locks ? navigator.locks.request("snicher-door", work) : work();
}

/** Unregister service workers. We have none, so they come from another server that used this port before. */
export async function dropWorkers() {
  try {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  } catch {
    // Without a secure context there are none.
  }
}

/**
 * Come in by a link's code. Resolves with "in", "used" (the link doesn't work any more), "blocked" (this browser keeps
 * neither cookies nor anything else for us), or "away".
 */
export async function enter(code) {
  const known = await record();
  let keys = known?.keys ?? null;
  if (!keys && subtle) keys = await subtle.generateKey(CURVE, false, ["sign", "verify"]).catch(() => null);
  const key = keys ? encode(await subtle.exportKey("raw", keys.publicKey)) : null;
  const told = await ask("enter", { link: code, key });
  if (!told) return "away";
  if (!told.in) return "used";
  if (!(await keep(told.pass))) return "blocked";
  if (keys && told.browser) {
    const server = await subtle.importKey("raw", decode(told.server), CURVE, true, ["verify"]);
    await table("readwrite", (all) => all.put({ keys, id: told.browser, server }, RECORD));
  }
  await dropWorkers();
  const found = await ask("challenge", { question: encode(window.crypto.getRandomValues(new Uint8Array(QUESTION_BYTES))) });
  if (!found) return "away";
  return found.known ? "in" : "blocked";
}

/**
 * Find out who answers here, and come back in if need be. Resolves with "in", "out" (a link is needed), "stranger"
 * (whoever answers isn't the dashboard that this browser knows), or "away" (nobody answers). `anew`: begin a new session
 * in any case, because the live connection didn't take the pass of this one.
 */
export function arrive(anew = false) {
  return alone(async () => {
    const known = await record();
    const question = encode(window.crypto.getRandomValues(new Uint8Array(QUESTION_BYTES)));
    const told = await ask("challenge", { question });
    if (!told) return "away";
    const { challenge, signature } = told;
    if (typeof challenge !== "string" || typeof signature !== "string") return "stranger";
    if (known) {
      const proven = await subtle
        .verify(SIGNING, known.server, decode(signature), statement("server", question, challenge))
        .catch(() => false);
      if (!proven) return "stranger";
    }
    if (told.known && !anew && (await pass())) return "in";
    if (!known) return "out";
    const own = await subtle.sign(SIGNING, known.keys.privateKey, statement("browser", question, challenge));
    const answer = await ask("return", { browser: known.id, question, challenge, signature: encode(own) });
    if (!answer) return "away";
    if (!answer.in || !(await keep(answer.pass))) return "out";
    await dropWorkers();
    return "in";
  });
}
