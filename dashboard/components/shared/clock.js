// Time, as it is handed to whatever waits for it. Tests hand in a clock that they set forward themselves.

/**
 * @typedef {object} Clock
 * @property {() => number} now Milliseconds since 1970.
 * @property {(ms: number, act: () => void) => () => void} later Calls `act` once, after so long; returns how to stop that.
 * @property {(ms: number, act: () => void) => () => void} every Calls `act` again and again; returns how to stop that.
 */

/**
 * The browser's clock.
 *
 * @type {Clock}
 */
export const clock = {
  now: () => Date.now(),
  later(ms, act) {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  every(ms, act) {
    const timer = setInterval(act, ms);
    return () => clearInterval(timer);
  },
};
