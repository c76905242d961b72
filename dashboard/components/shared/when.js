// Moments in words. Only formatting; the caller passes what "now" is. Clocks are set, and differ: what is further from now
// than clocks differ, or than a distance says anything, is told as a date with its year.

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const DAY_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const DATE_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

const DAY_MS = 24 * 3600 * 1000;
/** Clocks differ by so much without anybody noticing, in ms: what is ahead of now by less is now. */
const AHEAD_MS = 5 * 60 * 1000;
/** From so far on a date says more than a distance, in ms: of what was, and of what comes. */
const LONG_AGO_MS = 30 * DAY_MS;
const FAR_OFF_MS = 2 * DAY_MS;

/**
 * A number that is the same for all moments of one local day.
 *
 * @param {number} at
 */
export function dayNumber(at) {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS);
}

/** @param {number} at */
export const time = (at) => TIME.format(at);
/** @param {number} at */
export const full = (at) => FULL.format(at);

/**
 * For a day break.
 *
 * @param {number} at
 * @param {number} now
 */
export function day(at, now) {
  const days = dayNumber(now) - dayNumber(at);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return days > 0 && isThisYear(at, now) ? DAY.format(at) : DAY_YEAR.format(at);
}

/**
 * @param {number} at
 * @param {number} now
 */
function isThisYear(at, now) {
  return new Date(at).getFullYear() === new Date(now).getFullYear();
}

/**
 * As YYYY-MM-DD: it takes little space.
 *
 * @param {number} at
 */
const date = (at) => new Date(dayNumber(at) * DAY_MS).toISOString().slice(0, 10);

/**
 * A time of today, else with its date.
 *
 * @param {number} at
 * @param {number} now
 */
export function moment(at, now) {
  return dayNumber(at) === dayNumber(now) ? TIME.format(at) : MOMENT.format(at);
}

/**
 * For a row of a list: short.
 *
 * @param {number} at
 * @param {number} now
 */
export function short(at, now) {
  if (at - now > AHEAD_MS) return date(at);
  const days = dayNumber(now) - dayNumber(at);
  if (days <= 0) return TIME.format(at);
  if (days < 7) return WEEKDAY.format(at);
  return isThisYear(at, now) ? DATE.format(at) : date(at);
}

/** @param {number} ms */
function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/**
 * "just now", "3 min ago", "on 3 Sept 2024"; what is ahead can't be just now: "on 3 Sept 2030, 14:00".
 *
 * @param {number} at
 * @param {number} now
 */
export function ago(at, now) {
  if (at - now > AHEAD_MS) return `on ${MOMENT.format(at)}`;
  if (now - at > LONG_AGO_MS) return `on ${DATE_YEAR.format(at)}`;
  return now - at < 10000 ? "just now" : `${span(now - at)} ago`;
}

/**
 * "in 40 s", "any moment", "on 3 Sept 2030, 14:00".
 *
 * @param {number} at
 * @param {number} now
 */
export function until(at, now) {
  if (at - now > FAR_OFF_MS) return `on ${MOMENT.format(at)}`;
  return at - now < 1500 ? "any moment" : `in ${span(at - now)}`;
}
