import assert from "node:assert/strict";
import { test } from "node:test";

import { Scrolling } from "../../../dashboard/components/chats/scrolling.js";

const VIEW = 600;

/** A log in which rows stand one below the other, with a view of it. A row is [key, height]. */
class Log {
  clientHeight = VIEW;
  #top = 0;
  rows = [];

  constructor(rows) {
    this.draw(rows);
  }

  get scrollHeight() {
    return Math.max(VIEW, this.rows.reduce((sum, { height }) => sum + height, 0));
  }

  get scrollTop() {
    return Math.min(this.#top, this.scrollHeight - VIEW);
  }

  set scrollTop(top) {
    this.#top = Math.max(0, Math.min(top, this.scrollHeight - VIEW));
  }

  getBoundingClientRect() {
    // It stands somewhere on the page.
    return { top: 80, bottom: 80 + VIEW, height: VIEW };
  }

  /** Rows are kept by their key, as reconcile does it. */
  draw(rows) {
    const before = this.rows;
    const now = rows.map(([key, height]) => {
      const row = before.find(({ dataset }) => dataset.key === key) ?? new Row(this, key);
      return Object.assign(row, { height, isConnected: true });
    });
    for (const row of before) if (!now.includes(row)) row.isConnected = false;
    // The same list, as `children` of an element is.
    before.splice(0, Infinity, ...now);
    return this;
  }

  /** What stands in the middle of the view, and how far from its top. */
  seen() {
    const row = this.rows.find((one) => one.offsetTop + one.height - this.scrollTop > VIEW / 2);
    return [row.dataset.key, row.offsetTop - this.scrollTop];
  }
}

class Row {
  constructor(log, key) {
    this.log = log;
    this.dataset = { key };
  }

  get offsetTop() {
    const { rows } = this.log;
    return rows.slice(0, rows.indexOf(this)).reduce((sum, { height }) => sum + height, 0);
  }

  getBoundingClientRect() {
    const top = 80 + this.offsetTop - this.log.scrollTop;
    return { top, bottom: top + this.height, height: this.height };
  }

  scrollIntoView() {
    this.log.scrollTop = this.offsetTop + this.height / 2 - VIEW / 2;
  }
}

const messages = (from, to, height = 50) => Array.from({ length: to - from + 1 }, (_, n) => [`m-${from + n}`, height]);

/** A log of messages, and what decides where it stands. `state.more`: newer messages aren't loaded. */
function opened(...rows) {
  const view = new Log(rows);
  const state = { more: false };
  const scrolling = new Scrolling(view, view.rows, () => state.more);
  scrolling.begin(false);
  return {
    view, state, scrolling,
    bottom: () => view.scrollHeight - VIEW - view.scrollTop,
    row: (key) => view.rows.find(({ dataset }) => dataset.key === key),
    /** It is drawn anew. */
    draw: (...next) => {
      const settle = scrolling.hold();
      view.draw(next);
      settle();
    },
    /** The reader scrolls, and the page hears of it unless it is `unheard`. */
    scroll: (top, { unheard = false } = {}) => {
      view.scrollTop = top;
      if (!unheard) scrolling.moved();
    },
  };
}

const none = { asked: null, line: undefined, above: false };

test("a conversation opens at its end, and follows it", () => {
  const { scrolling, draw, bottom } = opened(...messages(1, 50));
  scrolling.look(none);
  assert.equal(bottom(), 0);
  assert.equal(scrolling.reader(), null);
  draw(...messages(1, 60));
  assert.equal(bottom(), 0);
  assert.deepEqual([scrolling.follows, scrolling.atEnd], [true, true]);
});

test("a conversation opens at the New line when what is new fills more than the view", () => {
  const { scrolling, view, row, draw } = opened(...messages(1, 30), ["new", 20], ...messages(31, 60));
  scrolling.look({ ...none, line: row("new") });
  assert.equal(row("new").offsetTop - view.scrollTop, VIEW * 0.2);
  assert.equal(scrolling.follows, false);
  const seen = view.seen();
  draw(...messages(1, 30), ["new", 20], ...messages(31, 90));
  assert.deepEqual(view.seen(), seen);
});

test("with little that is new it opens at the end", () => {
  const { scrolling, row, bottom } = opened(...messages(1, 30), ["new", 20], ...messages(31, 33));
  scrolling.look({ ...none, line: row("new") });
  assert.equal(bottom(), 0);
});

test("when reading stopped further up than what is loaded, it begins with the first", () => {
  const { scrolling, view, state } = opened(...messages(100, 160));
  state.more = true;
  view.scrollTop = 900;
  scrolling.look({ ...none, above: true });
  assert.equal(view.scrollTop, 0);
  assert.equal(scrolling.follows, false);
});

test("reading on at the end, the view doesn't jump back to the New line when all is loaded anew", () => {
  const { scrolling, row, draw, bottom } = opened(["m-1", 50], ["new", 20], ["m-2", 50]);
  scrolling.look({ ...none, line: row("new") });
  const more = [["m-1", 50], ["new", 20], ...messages(2, 62)];
  draw(...more);
  assert.equal(bottom(), 0);
  draw(...more, ["m-63", 50]);
  scrolling.look({ ...none, line: row("new") });
  draw(...more, ...messages(63, 64));
  assert.equal(bottom(), 0);
  assert.equal(scrolling.atEnd, true);
});

test("a message that was asked for stands in the middle, and stays there", () => {
  const { scrolling, view, row, draw } = opened(...messages(1, 60));
  scrolling.begin(true);
  scrolling.look({ ...none, asked: row("m-20"), line: row("m-40") });
  assert.deepEqual(view.seen(), ["m-20", 275]);
  assert.equal(scrolling.reader(), 20);
  draw(...messages(-30, 90));
  assert.deepEqual(view.seen(), ["m-20", 275]);
});

test("when the message that was asked for isn't there, the end is shown", () => {
  const { scrolling, bottom } = opened(...messages(1, 60));
  scrolling.begin(true);
  scrolling.look({ ...none, asked: undefined });
  assert.equal(bottom(), 0);
  assert.equal(scrolling.follows, true);
});

test("a reader who came by a link and went to the end stays there when it is read anew", () => {
  const { scrolling, view, row, draw, scroll, bottom } = opened(...messages(1, 10), ["new", 20], ...messages(11, 60));
  scrolling.begin(true);
  scrolling.look({ ...none, asked: row("m-50") });
  scroll(view.scrollHeight);
  assert.equal(scrolling.reader(), null);
  draw(...messages(1, 10), ["new", 20], ...messages(11, 61));
  scrolling.look({ ...none, line: row("new") });
  assert.equal(bottom(), 0);
  assert.equal(scrolling.atEnd, true);
});

test("nothing moves under a reader who scrolled up: older ones, newer ones, and what changes its height", () => {
  const { scrolling, view, draw, scroll } = opened(...messages(100, 160));
  scrolling.look(none);
  scroll(1000);
  const seen = view.seen();
  draw(...messages(40, 160));
  assert.deepEqual(view.seen(), seen);
  draw(...messages(40, 110, 80), ...messages(111, 200));
  assert.deepEqual(view.seen(), seen);
  draw(...messages(90, 110, 80), ...messages(111, 200));
  assert.deepEqual(view.seen(), seen);
});

test("the reader holds on to a message, not to a line between messages", () => {
  const { scrolling, view, draw, scroll } = opened(...messages(1, 20), ["day", 400], ...messages(21, 40));
  scroll(20 * 50 - 200);
  assert.equal(view.seen()[0], "day");
  assert.equal(scrolling.reader(), 20);
  const before = view.scrollTop;
  draw(...messages(-9, 20), ["day", 400], ...messages(21, 40));
  assert.equal(view.scrollTop - before, 500);
});

test("when what the reader looks at goes, the view stays where it is", () => {
  const { view, draw, scroll } = opened(...messages(1, 60));
  scroll(1000);
  const [key] = view.seen();
  draw(...messages(1, 60).filter(([one]) => one !== key));
  assert.equal(view.scrollTop, 1000);
});

test("who has just left the end keeps what they look at, though the page hasn't heard of it", () => {
  const { scrolling, view, draw, scroll } = opened(...messages(1, 50));
  scrolling.look(none);
  scroll(50, { unheard: true });
  const seen = view.seen();
  draw(...messages(1, 450));
  assert.deepEqual(view.seen(), seen);
  assert.equal(scrolling.follows, false);
  assert.equal(scrolling.reader(), Number(seen[0].slice(2)));
});

test("who is near the end is at the end", () => {
  const { scrolling, draw, scroll, view, bottom } = opened(...messages(1, 50));
  scrolling.look(none);
  scroll(view.scrollTop - 47);
  assert.equal(scrolling.follows, true);
  draw(...messages(1, 51));
  assert.equal(bottom(), 0);
  scroll(view.scrollTop - 48);
  assert.equal(scrolling.follows, false);
});

test("a view that becomes smaller keeps the end for who is there, and only for them", () => {
  const { scrolling, view, scroll, bottom } = opened(...messages(1, 50));
  scrolling.look(none);
  view.draw(messages(1, 50, 60));
  scrolling.keepEnd();
  assert.equal(bottom(), 0);
  scroll(100);
  view.draw(messages(1, 50));
  scrolling.keepEnd();
  assert.equal(view.scrollTop, 100);
});

test("the end of what is loaded is no end while newer messages aren't", () => {
  const { scrolling, view, state, draw } = opened(...messages(1, 50));
  state.more = true;
  view.scrollTop = view.scrollHeight;
  const before = view.scrollTop;
  scrolling.moved();
  assert.deepEqual([scrolling.atEnd, scrolling.follows], [false, false]);
  draw(...messages(1, 110));
  assert.equal(view.scrollTop, before);
});

test("who wants the end is taken there at once when it is loaded", () => {
  const { scrolling, scroll, bottom } = opened(...messages(1, 50));
  scroll(0);
  assert.equal(scrolling.wantEnd(), false);
  assert.equal(bottom(), 0);
  assert.deepEqual([scrolling.follows, scrolling.stuck], [true, false]);
});

test("who wants an end that must be loaded is taken there when it comes, whatever moves meanwhile", () => {
  const { scrolling, state, draw, scroll, row, bottom } = opened(...messages(1, 50));
  state.more = true;
  scroll(0);
  assert.equal(scrolling.wantEnd(), true);
  scrolling.jump();
  scroll(500);
  assert.equal(scrolling.follows, true);
  assert.equal(scrolling.stuck, false, "it is under way");
  state.more = false;
  draw(...messages(300, 360));
  scrolling.giveUp();
  scrolling.look({ ...none, line: row("m-310") });
  scrolling.landed();
  assert.equal(bottom(), 0, "and not to the New line");
  assert.equal(scrolling.stuck, false);
});

test("when the end can't be loaded, what is loaded ends with what was just written", () => {
  const { scrolling, state, draw, bottom, view } = opened(...messages(1, 50));
  state.more = true;
  scrolling.wantEnd();
  scrolling.jump();
  scrolling.landed();
  assert.equal(scrolling.stuck, true);
  draw(...messages(1, 50), ["m-400", 50]);
  assert.equal(bottom(), 0);
  assert.equal(scrolling.atEnd, false, "there is more");
  // Who goes up by their own hand isn't taken back.
  scrolling.giveUp();
  view.scrollTop = 0;
  scrolling.moved();
  assert.deepEqual([scrolling.stuck, scrolling.follows], [false, false]);
  draw(...messages(1, 60));
  assert.equal(view.scrollTop, 0);
});

test("another conversation knows nothing of the one before", () => {
  const { scrolling, state } = opened(...messages(1, 50));
  state.more = true;
  scrolling.wantEnd();
  scrolling.begin(false);
  assert.deepEqual([scrolling.stuck, scrolling.follows], [false, true]);
});

test("further messages are needed some screens ahead of the reader", () => {
  const { scrolling, view } = opened(...messages(1, 200));
  const near = (top) => ((view.scrollTop = top), scrolling.near());
  assert.deepEqual(near(0), { older: true, newer: false });
  assert.deepEqual(near(2399), { older: true, newer: false });
  assert.deepEqual(near(4000), { older: false, newer: false });
  assert.deepEqual(near(10_000 - VIEW - 2399), { older: false, newer: true });
});

test("a log without messages holds on to nothing", () => {
  const { scrolling, draw, scroll } = opened();
  scroll(0);
  assert.equal(scrolling.reader(), null);
  draw(["day", 20]);
  scrolling.begin(true);
  assert.equal(scrolling.reader(), null);
  draw();
});
