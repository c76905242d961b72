// The browser's side of the door: login by a link, and return by a key after the dashboard was started again.
//
// The key stays in this browser: its private half can't be read, by nobody, only used by pages of this origin. Beside it
// lies the dashboard's own key. A dashboard that can't prove to have that one is told nothing: somebody else may listen
// on its port. Without a secure context (plain http on a network) there is no cryptography in a browser: then only the
// cookie counts, and the link is asked for again after each start of the dashboard.

/** The records: of the keys, and the pass of the session. They are for pages of this host and port only. */
const RECORD = "this";
const PASS = "pass";
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const QUESTION_BYTES = 24;

/** @typedef {"in" | "out" | "stranger" | "away"} Arrival See `arrive`. */
/** @typedef {{ keys: CryptoKeyPair, id: string, server: CryptoKey }} Known The browser's keys and number, and the dashboard's key. */
/**
 * @typedef {object} World What the door needs of the browser.
 * @property {(path: string, body: object) => Promise<{ [name: string]: unknown } | null>} ask Asks the server; null when no
 *   server (or only a proxy) answers, {} when the answer isn't a dashboard's.
 * @property {(name: string) => Promise<unknown>} get What this browser keeps; null when it is nothing.
 * @property {(name: string, value: unknown) => Promise<boolean>} put Keeps something; whether it is kept.
 * @property {SubtleCrypto | undefined} subtle
 * @property {(bytes: number) => Uint8Array} random
 * @property {string} host
 * @property {(work: () => Promise<Arrival>) => Promise<Arrival>} alone Runs in one tab at a time.
 * @property {() => Promise<void>} dropWorkers Ends service workers, which are of another server.
 */

/** @param {ArrayBuffer | Uint8Array} bytes */
export function encode(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
export function decode(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

export class Door {
  #world;

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
  }

  /**
   * What is signed; challenges.py says the same.
   *
   * @param {"server" | "browser"} who
   * @param {string} question
   * @param {string} challenge
   */
  #statement(who, question, challenge) {
    return new TextEncoder().encode(["snicher-door-1", who, this.#world.host, question, challenge].join("\n"));
  }

  #question() {
    return encode(this.#world.random(QUESTION_BYTES));
  }

  /** @returns {Promise<Known | null>} */
  async #known() {
    return this.#world.subtle ? /** @type {Known | null} */ (await this.#world.get(RECORD)) : null;
  }

  /** The pass of this browser's session, for the live connection; "" when there is none. */
  async pass() {
    return String((await this.#world.get(PASS)) ?? "");
  }

  /**
   * Come in by a link's code. Resolves with "in", "used" (the link doesn't work any more), "blocked" (this browser keeps
   * neither cookies nor anything else for us), or "away".
   *
   * @param {string} code
   * @returns {Promise<"in" | "used" | "blocked" | "away">}
   */
  async enter(code) {
    const { ask, put, subtle, dropWorkers } = this.#world;
    const known = await this.#known();
    let keys = known?.keys ?? null;
    if (!keys && subtle) keys = await subtle.generateKey(CURVE, false, ["sign", "verify"]).catch(() => null);
    const key = keys && subtle ? encode(await subtle.exportKey("raw", keys.publicKey)) : null;
    const told = await ask("enter", { link: code, key });
    if (!told) return "away";
    if (!told.in) return "used";
    if (!(await put(PASS, told.pass))) return "blocked";
    if (keys && subtle && told.browser) {
      const server = await subtle.importKey("raw", decode(String(told.server)), CURVE, true, ["verify"]);
      await put(RECORD, { keys, id: told.browser, server });
    }
    await dropWorkers();
    const found = await ask("challenge", { question: this.#question() });
    if (!found) return "away";
    return found.known ? "in" : "blocked";
  }

  /**
   * Find out who answers here, and come back in if need be. Resolves with "in", "out" (a link is needed), "stranger"
   * (whoever answers isn't the dashboard that this browser knows), or "away" (nobody answers). `anew`: begin a new session
   * in any case, because the live connection didn't take the pass of this one.
   *
   * @param {boolean} anew
   */
  arrive(anew = false) {
    // Tabs that return together would begin a session each.
    return this.#world.alone(() => this.#arrive(anew));
  }

  /**
   * @param {boolean} anew
   * @returns {Promise<Arrival>}
   */
  async #arrive(anew) {
    const { ask, put, subtle, dropWorkers } = this.#world;
    const known = await this.#known();
    const question = this.#question();
    const told = await ask("challenge", { question });
    if (!told) return "away";
    const { challenge, signature } = told;
    if (typeof challenge !== "string" || typeof signature !== "string") return "stranger";
    if (known && subtle && !(await this.#proves(subtle, known.server, signature, this.#statement("server", question, challenge)))) {
      return "stranger";
    }
    if (told.known && !anew && (await this.pass())) return "in";
    if (!known || !subtle) return "out";
    const own = await subtle.sign(SIGNING, known.keys.privateKey, this.#statement("browser", question, challenge));
    const answer = await ask("return", { browser: known.id, question, challenge, signature: encode(own) });
    if (!answer) return "away";
    if (!answer.in || !(await put(PASS, answer.pass))) return "out";
    await dropWorkers();
    return "in";
  }

  /**
   * @param {SubtleCrypto} subtle
   * @param {CryptoKey} key
   * @param {string} signature
   * @param {BufferSource} statement
   */
  async #proves(subtle, key, signature, statement) {
    try {
      return await subtle.verify(SIGNING, key, decode(signature), statement);
    } catch {
      return false;
    }
  }
}
