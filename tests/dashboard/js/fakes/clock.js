// A clock that stands still until a test sets it forward.

/** Lets everything go on that waits for nothing but its turn. */
export const settled = () => new Promise((go) => setImmediate(go));

export class FakeClock {
  #now = 1_700_000_000_000;
  /** @type {{ at: number, act: () => void, again: number | null }[]} */
  #timers = [];

  now = () => this.#now;

  later = (ms, act) => this.#add(ms, act, null);

  every = (ms, act) => this.#add(ms, act, ms);

  #add(ms, act, again) {
    const timer = { at: this.#now + ms, act, again };
    this.#timers.push(timer);
    return () => this.#remove(timer);
  }

  #remove(timer) {
    this.#timers = this.#timers.filter((one) => one !== timer);
  }

  /** How many timers run. */
  get timers() {
    return this.#timers.length;
  }

  /** So much time passes, and whatever is due by then happens in its order. */
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#now = next.at;
      if (next.again === null) this.#remove(next);
      else next.at += next.again;
      next.act();
    }
    this.#now = end;
    await settled();
  }
}
