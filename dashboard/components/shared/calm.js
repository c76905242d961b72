// Drawing at a calm pace: many changes at once become one picture. Timers rather than animation frames, because browsers
// throttle those in tabs that are not in front, where screen readers and titles still want to know.

/** Shortest time between two drawings, in ms: too short to notice, and long enough for a flood of events. */
const PACE_MS = 40;
/** The same in a hidden tab. */
const HIDDEN_PACE_MS = 500;
/** Drawing may take this share of the time, so that a slow machine stays usable. */
const SHARE = 1 / 4;

/** Returns a throttled `draw`: it runs at once after a quiet time, otherwise a little later. */
export function calm(draw) {
  let timer = null;
  let next = 0;
  let waiting = false;

  function run() {
    timer = null;
    waiting = false;
    const start = performance.now();
    draw();
    const took = performance.now() - start;
    const pace = document.visibilityState === "hidden" ? HIDDEN_PACE_MS : PACE_MS;
    next = start + Math.max(pace, took / SHARE);
  }

  function ask() {
    if (waiting) return;
    waiting = true;
    const pause = next - performance.now();
    // Use a microtask, so that the drawing includes everything of the same frame.
    if (pause <= 0) queueMicrotask(() => waiting && timer === null && run());
    else timer = setTimeout(run, pause);
  }

  ask.stop = () => {
    clearTimeout(timer);
    waiting = true;
  };
  return ask;
}
