// Drawing at a calm pace: many changes at once become one picture. Timers rather than animation frames, because browsers
// throttle those in tabs that are not in front, where screen readers and titles still want to know.

import { clock as browserClock } from "./clock.js";

/** @typedef {import("./clock.js").Clock} Clock */

/** Time between two drawings of a flood, in ms: too short to notice. */
const PACE_MS = 40;
/** The same in a hidden tab. */
const HIDDEN_PACE_MS = 500;
/** So many pictures may be drawn at once after a quiet time: one event causes a few, and each shows at once. */
const BURST = 4;
/** Drawing may take this share of the time, so that a slow machine stays usable. */
const SHARE = 1 / 4;
/** Longest wait, in ms, however slow the drawing was, and however the machine's clock was set meanwhile. */
const LONGEST_MS = 2000;

/**
 * Returns a throttled `draw`: asked for after a quiet time, it runs at once, otherwise a little later.
 *
 * It is a bucket that holds the time of BURST pictures. A picture takes PACE_MS out of it, a slow one as much as it needs to
 * keep to its share. `isHidden` tells whether nobody looks.
 *
 * @param {() => void} draw
 * @param {Clock} [clock]
 * @param {() => boolean} [isHidden]
 * @returns {(() => void) & { stop: () => void }}
 */
export function calm(draw, clock = browserClock, isHidden = () => document.visibilityState === "hidden") {
  /** When the bucket is full again. */
  let full = 0;
  let waiting = false;
  let stopped = false;
  /** @type {(() => void) | null} */
  let stopTimer = null;

  function run() {
    if (stopped) return;
    stopTimer = null;
    waiting = false;
    const start = clock.now();
    draw();
    const took = Math.max(0, clock.now() - start);
    full = Math.max(full, start) + Math.max(isHidden() ? HIDDEN_PACE_MS : PACE_MS, took / SHARE);
  }

  function ask() {
    if (waiting || stopped) return;
    waiting = true;
    const held = isHidden() ? 0 : (BURST - 1) * PACE_MS;
    const now = clock.now();
    full = Math.min(full, now + held + LONGEST_MS);
    const pause = full - held - now;
    // Use a microtask, so that the drawing includes everything of the same frame.
    if (pause <= 0) queueMicrotask(run);
    else stopTimer = clock.later(pause, run);
  }

  return Object.assign(ask, {
    stop() {
      stopped = true;
      stopTimer?.();
    },
  });
}
