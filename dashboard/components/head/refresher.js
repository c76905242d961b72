// Has a part of the page drawn again when something changed: at most once a second, and not while the tab is hidden.

/** Shortest pause between two runs of the script, in ms: each costs the server some 20 ms. */
export const PACE_MS = 1000;

export class Refresher {
  #run;
  #last = -Infinity;
  #due = false;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  #look = () => {
    if (this.#due) this.note();
  };

  /** @param {() => void} run */
  constructor(run) {
    this.#run = run;
    document.addEventListener("visibilitychange", this.#look);
  }

  /** Something changed. */
  note() {
    this.#due = true;
    if (document.visibilityState !== "visible") return;
    this.#timer ??= setTimeout(() => this.#act(), Math.max(0, this.#last + PACE_MS - Date.now()));
  }

  #act() {
    this.#timer = null;
    if (document.visibilityState !== "visible") return;
    this.#due = false;
    this.#last = Date.now();
    this.#run();
  }

  destroy() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#look);
  }
}
