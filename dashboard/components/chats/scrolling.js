// Where the log of messages stands: whether the reader follows its end, what they look at while things above and below
// change, and when further messages are needed. It follows the end only while the reader is there; otherwise nothing
// moves under the reader.

/** Distance from the end that still counts as the end, in px. */
const AT_END_PX = 48;
/** So close to either end of what is loaded, in px, the next page is asked for: some screens ahead of a fast reader. */
const NEAR_PX = 2400;
/** The New line stands so far down the view, as a part of its height: what was read before is seen above it. */
const LINE_AT = 0.2;

/** @typedef {Pick<DOMRect, "top" | "bottom" | "height">} Box */
/** @typedef {{ scrollTop: number, readonly scrollHeight: number, readonly clientHeight: number, getBoundingClientRect(): Box }} Scroller */
/**
 * @typedef {object} Row
 * @property {{ [name: string]: string | undefined }} dataset `key` is "m-" and the message's number.
 * @property {boolean} isConnected
 * @property {number} offsetTop
 * @property {() => Box} getBoundingClientRect
 * @property {(how: { block: "center" }) => void} scrollIntoView
 */

export class Scrolling {
  #scroller;
  #rows;
  #moreAfter;
  /** Whether to stay at the end when something is added. */
  #follow = true;
  /** Whether the reader asked for the end and isn't there yet; and whether its page is still in flight. */
  #wanted = false;
  #jumping = false;
  /** Where the last jump to the end led: the reader may have left since, before the browser tells of it. */
  #endTop = 0;
  /** Whether to scroll to the New line first: when a conversation opens, not after a jump to its end. */
  #seekLine = true;

  /**
   * @param {Scroller} scroller
   * @param {ArrayLike<Row>} rows They stand one below the other.
   * @param {() => boolean} moreAfter Whether there are newer messages than those that are loaded.
   */
  constructor(scroller, rows, moreAfter) {
    this.#scroller = scroller;
    this.#rows = rows;
    this.#moreAfter = moreAfter;
  }

  /** Whether the reader follows the end. */
  get follows() {
    return this.#follow;
  }

  /** Whether the end was asked for and can't be had right now: what is loaded ends with what was just written. */
  get stuck() {
    return this.#wanted && !this.#jumping;
  }

  /** Whether the reader has the end before their eyes. */
  get atEnd() {
    return !this.#moreAfter() && this.#below < AT_END_PX;
  }

  /** How far it is from the view to the end of what is loaded, in px. */
  get #below() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** Whether the reader scrolled away from the end and the event about it is still to come. */
  get #left() {
    return this.#follow && this.#scroller.scrollTop < this.#endTop - 1 && !this.atEnd && !this.#moreAfter();
  }

  /**
   * Another conversation is shown.
   *
   * @param {boolean} asked Whether a message of it was asked for.
   */
  begin(asked) {
    this.#seekLine = true;
    this.#follow = !asked;
    this.#wanted = this.#jumping = false;
    this.#endTop = 0;
  }

  /** The reader wants the end. Returns whether it must be loaded first; else they are there now. */
  wantEnd() {
    this.#seekLine = false;
    this.#follow = true;
    this.#endTop = 0;
    this.#wanted = this.#moreAfter();
    if (!this.#wanted) this.#toEnd();
    return this.#wanted;
  }

  /** The end is being loaded. What still moves on the way there is no wish to stay. */
  jump() {
    this.#jumping = this.#follow = true;
  }

  /** The page with the end came, or it failed. */
  landed() {
    this.#jumping = false;
  }

  /** The reader moves by their own hand: they don't want to be taken to the end any more. */
  giveUp() {
    this.#wanted = false;
  }

  /** The view has moved, by whatever. */
  moved() {
    this.#follow = this.#jumping || this.atEnd;
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#endTop = this.#scroller.scrollTop;
  }

  /** Stay at the end, if that is where the reader is. While newer messages aren't loaded, there is no end to stay at. */
  keepEnd() {
    if (this.#follow && (!this.#moreAfter() || this.stuck)) this.#toEnd();
  }

  /** Call it before rows change; what it returns, once they have changed: what the reader looks at then stands as before. */
  hold() {
    if (this.#left) this.#follow = false;
    const held = this.#follow ? null : this.#eyed();
    const top = held?.getBoundingClientRect().top ?? 0;
    return () => {
      if (this.#follow) return this.keepEnd();
      if (!held?.isConnected) return;
      const shift = held.getBoundingClientRect().top - top;
      if (Math.abs(shift) > 0.5) this.#scroller.scrollTop += shift;
    };
  }

  /** The row of a message before the reader's eyes, or null. */
  #eyed() {
    const view = this.#scroller.getBoundingClientRect();
    const middle = view.top + view.height / 2;
    // Halve, until the first row that reaches the middle of the view is found.
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const half = (low + high) >> 1;
      if (this.#rows[half].getBoundingClientRect().bottom > middle) high = half;
      else low = half + 1;
    }
    for (let at = Math.min(low, this.#rows.length - 1); at >= 0; at--) {
      if (this.#rows[at].dataset.key?.startsWith("m-")) return this.#rows[at];
    }
    return null;
  }

  /** The number of the message before the reader's eyes; null when they follow the end, or there is none. */
  reader() {
    if (this.#left) this.#follow = false;
    const row = this.#follow ? null : this.#eyed();
    return row && Number(row.dataset.key?.slice(2));
  }

  /** Which further messages are needed, so that the reader doesn't have to wait for them. */
  near() {
    return { older: this.#scroller.scrollTop < NEAR_PX, newer: this.#below < NEAR_PX };
  }

  /**
   * Where to look at first: the message asked for, the New line when what is new fills more than the view, the end.
   *
   * @param {object} seen
   * @param {Row | null | undefined} seen.asked The row of the message asked for; null: none was, undefined: it isn't here.
   * @param {Row | undefined} seen.line The New line.
   * @param {boolean} seen.above Whether, without a line, reading stopped further up than what is loaded.
   */
  look({ asked, line, above }) {
    const seek = this.#seekLine;
    this.#seekLine = false;
    if (asked) {
      asked.scrollIntoView({ block: "center" });
      this.#follow = false;
      return;
    }
    if (asked === undefined) this.#follow = true;
    if (!this.#follow) return;
    if (seek && (line || above)) {
      const { scrollHeight, clientHeight } = this.#scroller;
      const top = line ? Math.max(0, line.offsetTop - clientHeight * LINE_AT) : 0;
      if (this.#moreAfter() || top < scrollHeight - clientHeight - AT_END_PX) {
        this.#follow = false;
        this.#scroller.scrollTop = top;
        return;
      }
    }
    this.#toEnd();
  }
}
