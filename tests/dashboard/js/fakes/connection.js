// A connection whose questions are answered when the test says so.

import { Problem } from "../../../../dashboard/components/shared/connection.js";
import { settled } from "./clock.js";

/** An answer that was lost on its way, and a node that has no time: both may be tried again. */
export const lost = () => new Problem({ code: "lost", message: "No answer in time.", retryable: true });
export const bug = () => new Problem({ code: "internal", message: "A bug." });
export const notFound = () => new Problem({ code: "not_found", message: "It isn't there." });

export class FakeConnection {
  state = "open";
  /** All that was ever asked: of a command its name and arguments, else the word itself. */
  asked = [];
  #waiting = [];
  #listeners = new Set();

  ask = (word) => this.#put(word.t, word);

  command = (op, args, key = null) => this.#put(op, { t: op, ...args, ...(key && { key }) });

  #put(kind, word) {
    this.asked.push(word);
    return new Promise((resolve, reject) => this.#waiting.push({ kind, word, resolve, reject }));
  }

  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async become(state) {
    this.state = state;
    for (const listener of this.#listeners) listener(state);
    await settled();
  }

  /** What waits for an answer, of a kind or of any. */
  waiting(kind) {
    return this.#waiting.filter((one) => !kind || one.kind === kind).map(({ word }) => word);
  }

  /** How often something of a kind was asked. */
  count(kind) {
    return this.asked.filter(({ t }) => t === kind).length;
  }

  #take(kind) {
    const at = this.#waiting.findIndex((one) => one.kind === kind);
    if (at < 0) throw new Error(`Nobody asked for ${kind}; there waits: ${this.#waiting.map((one) => one.kind)}`);
    return this.#waiting.splice(at, 1)[0];
  }

  /** Answer the first question of a kind. */
  async answer(kind, result = {}) {
    this.#take(kind).resolve(result);
    await settled();
  }

  /** Its answer is this problem. */
  async refuse(kind, problem = lost()) {
    this.#take(kind).reject(problem);
    await settled();
  }
}
