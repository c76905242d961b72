// Moments in words. Only formatting; the caller passes what "now" is.

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const DAY_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

/** A number that is the same for all moments of one local day. */
export function dayNumber(at) {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86400000);
}

export const time = (at) => TIME.format(at);
export const full = (at) => FULL.format(at);

/** For a day break. */
export function day(at, now) {
  const ago = dayNumber(now) - dayNumber(at);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? DAY.format(at) : DAY_YEAR.format(at);
}

/** For a row of a list: short. */
export function short(at, now) {
  const ago = dayNumber(now) - dayNumber(at);
  if (ago <= 0) return TIME.format(at);
  if (ago < 7) return WEEKDAY.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear()
    ? DATE.format(at)
    : new Date(at).toISOString().slice(0, 10);
}

function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** "just now", "3 min ago". */
export function ago(at, now) {
  return now - at < 10000 ? "just now" : `${span(now - at)} ago`;
}

/** "in 40 s", "any moment". */
export function until(at, now) {
  return at - now < 1500 ? "any moment" : `in ${span(at - now)}`;
}
