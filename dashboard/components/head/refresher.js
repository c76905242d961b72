// Has a part of the page drawn again when something changed: at most once a second, and not while the tab is hidden.

/** @import { Clock } from "../shared/clock.js" */

/** Shortest pause between two runs of the script, in ms: each costs the server some 20 ms. */
export const PACE_MS = 1000;

export class Refresher {
  #run;
  #clock;
  #visible;
  #last = -Infinity;
  #due = false;
  /** @type {(() => void) | null} */
  #stop = null;

  /**
   * @param {() => void} run Has it drawn.
   * @param {{ clock: Clock, visible: () => boolean }} around
   */
  constructor(run, { clock, visible }) {
    this.#run = run;
    this.#clock = clock;
    this.#visible = visible;
  }

  /** Something changed. */
  note() {
    this.#due = true;
    this.look();
  }

  /** The tab may be visible again. */
  look() {
    if (!this.#due || this.#stop || !this.#visible()) return;
    const wait = Math.max(0, this.#last + PACE_MS - this.#clock.now());
    this.#stop = this.#clock.later(wait, () => this.#act());
  }

  #act() {
    this.#stop = null;
    if (!this.#visible()) return;
    this.#due = false;
    this.#last = this.#clock.now();
    this.#run();
  }

  destroy() {
    this.#stop?.();
    this.#due = false;
  }
}
