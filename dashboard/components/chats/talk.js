// The loaded part of one conversation: a window of messages in their order, extended at either end by pages of history.
// It draws nothing. Messages that arrive while a page is under way are kept and merged, newer knowledge winning by `seq`.

/** Messages on a page of history, and how many are kept loaded (and so in the page's DOM). */
const PAGE = 60;
const KEEP = 300;
/** How far new messages may exceed KEEP: removing messages at the front moves everything, so do it rarely. */
const SLACK = 60;
/** Messages of a window that is loaded again around the reader; as many as one page may have. */
const WIDE = 200;
/** Most of one's own new messages kept while the end isn't loaded. */
const MAX_BEYOND = 50;
/** Labels of messages that still wait to be sent, and so never expire; the same as in operations.py. */
const WAITING = new Set(["waiting", "sending"]);
/** With more unread than this, the window opens around the place where reading stopped. */
const MAX_CATCH_UP = 160;

/** @typedef {import("../shared/schema.js").MessageView} MessageView */
/** @typedef {import("../shared/schema.js").ReceiptOp} ReceiptOp */
/** @typedef {import("../shared/connection.js").Problem} Problem */
/** @typedef {import("../shared/schema.js").Page} Page */
/** @typedef {{ op: "message" | "changed", seq: number, message: MessageView }} MessageOp */
/** @typedef {MessageOp | ReceiptOp | import("../shared/schema.js").StateOp | import("../shared/schema.js").ExpiredOp} Op */
/**
 * @typedef {MessageView & { seq: number, version: number }} Message What is shown of a message. `seq`: the number of the
 *   event up to which it is known. `version`: changes with everything that is changed about it.
 */
/**
 * @typedef {object} Wish
 * @property {number | null} [around] The message to load around.
 * @property {number} [unread] How far back one should see.
 * @property {number} [readUpto] Where reading stopped.
 * @property {number} [limit]
 */
/** @typedef {"opened" | "older" | "newer" | "changed"} Why */

/** Changes with everything that is changed about a message, so that drawing can tell what it has drawn already. */
let versions = 0;

/**
 * @param {MessageView} a
 * @param {MessageView} b
 */
function before(a, b) {
  return a.order < b.order || (a.order === b.order && a.id < b.id);
}

export class Talk {
  /** In their order. @type {Message[]} */
  messages = [];
  moreBefore = false;
  moreAfter = false;
  /** @type {"new" | "loading" | "ready" | "failed"} */
  state = "new";
  /** Why it was not loaded the last time. @type {Problem | null} */
  problem = null;
  /** Whether the message asked for wasn't there, and the newest ones are shown instead. */
  missed = false;
  /** One's own that were said last, while the end, where they belong, is not loaded. @type {Message[]} */
  beyond = [];
  /** Whether a page was refused with an error that a retry won't change. */
  refused = false;

  #connection;
  #onChange;
  /** @type {Op[]} */
  #recent = [];
  #loading = { before: false, after: false };
  #turn = 0;
  /** What was asked for last. @type {Wish} */
  #wish = {};
  #reader;

  /**
   * @param {string} room
   * @param {Pick<import("../shared/connection.js").Connection, "command">} connection
   * @param {(why: Why) => void} onChange
   * @param {() => number | null} reader Gives the message before the reader's eyes, or null when they follow the end.
   */
  constructor(room, connection, onChange, reader) {
    this.room = room;
    this.#connection = connection;
    this.#onChange = onChange;
    this.#reader = reader;
  }

  /** The newest message by arrival; what "read up to" means. */
  get newestId() {
    return this.messages.reduce((newest, message) => Math.max(newest, message.id), 0);
  }

  close() {
    this.#turn++;
  }

  /**
   * Load afresh: the newest messages, or those around one.
   *
   * @param {Wish} wish
   * @returns {Promise<void>}
   */
  async open(wish = {}) {
    const { around = null, unread = 0, readUpto = 0, limit = PAGE } = wish;
    const turn = ++this.#turn;
    this.#wish = wish;
    this.#recent = [];
    // Don't extend a window that is about to be replaced. Messages that come meanwhile are kept for the new page.
    this.#loading = { before: true, after: true };
    if (this.state !== "ready") this.state = "loading";
    this.missed = false;
    this.#onChange("changed");
    try {
      /** @type {Page | null} */
      let page = null;
      const start = around ?? (unread > MAX_CATCH_UP && readUpto ? readUpto : null);
      if (start !== null) {
        page = await this.#ask({ around: start, limit }).catch((problem) => {
          // That message may be gone, or belong to nothing we can see: then the newest will do.
          if (problem.code !== "not_found") throw problem;
          this.missed = around !== null;
          return null;
        });
      }
      page ??= await this.#ask({ limit: Math.min(MAX_CATCH_UP + 40, Math.max(PAGE, unread + 30)) });
      // Much of one's own was said since: reading stopped further up than the unread ones alone reach.
      const newest = page;
      if (around === null && unread && readUpto && newest.more_before && newest.messages.every(({ id }) => id > readUpto)) {
        page = await this.#ask({ around: readUpto, limit }).catch(() => newest);
      }
      if (turn !== this.#turn) return;
      const { seq } = page;
      this.messages = page.messages.map((message) => ({ ...message, seq, version: ++versions }));
      this.moreBefore = page.more_before;
      this.moreAfter = page.more_after;
      this.state = "ready";
      this.problem = null;
      this.refused = false;
      this.#drop();
      this.#loading = { before: false, after: false };
      this.#merge(seq);
      this.#onChange("opened");
    } catch (thrown) {
      const problem = /** @type {Problem} */ (thrown);
      if (turn !== this.#turn) return;
      this.#loading = { before: false, after: false };
      this.problem = problem;
      // What is shown stays: better old than nothing; but not what is gone.
      if (this.state !== "ready" || problem.code === "not_found") this.state = "failed";
      if (this.state === "failed") this.messages = [];
      this.#onChange("changed");
    }
  }

  /** Take up what happened while we were not listening: the same again, around the reader, who doesn't notice. */
  async refresh() {
    if (this.state !== "ready") return this.open(this.#wish);
    const reader = this.messages.length ? this.#reader() : null;
    if (reader !== null) return this.open({ around: reader, limit: WIDE });
    return this.open({ unread: Math.min(this.messages.length, MAX_CATCH_UP) });
  }

  async older() {
    if (this.#loading.before || !this.moreBefore || this.state !== "ready" || !this.messages.length) return;
    await this.#extend("before", { before: this.messages[0].id }, (page) => {
      this.messages = [...page, ...this.messages];
      if (this.messages.length > KEEP) {
        this.messages.length = KEEP;
        this.moreAfter = true;
      }
    });
  }

  async newer() {
    if (this.#loading.after || !this.moreAfter || this.state !== "ready" || !this.messages.length) return;
    await this.#extend("after", { after: this.messages[this.messages.length - 1].id }, (page) => {
      this.messages = [...this.messages, ...page];
      this.#trimFront(0);
    });
  }

  /**
   * @param {"before" | "after"} side
   * @param {{ before: number } | { after: number }} place
   * @param {(page: Message[]) => void} put
   */
  async #extend(side, place, put) {
    const turn = this.#turn;
    this.#loading[side] = true;
    try {
      const page = await this.#ask({ ...place, limit: PAGE });
      if (turn !== this.#turn) return;
      const have = new Set(this.messages.map((message) => message.id));
      if (side === "before") this.moreBefore = page.more_before;
      else this.moreAfter = page.more_after;
      this.refused = false;
      put(page.messages.filter((one) => !have.has(one.id)).map((one) => ({ ...one, seq: page.seq, version: ++versions })));
      this.#drop();
      this.#merge(page.seq);
      this.#onChange(side === "before" ? "older" : "newer");
    } catch (thrown) {
      const problem = /** @type {Problem} */ (thrown);
      if (turn !== this.#turn) return;
      // The page is asked for again. If the message to go on from is gone, the whole window is loaded again.
      if (problem.code === "not_found") this.refresh();
      else this.refused = !problem.retryable;
    } finally {
      if (turn === this.#turn) this.#loading[side] = false;
    }
  }

  /**
   * @param {{ around?: number, before?: number, after?: number, limit: number }} place
   * @returns {Promise<Page>}
   */
  #ask(place) {
    return this.#connection.command("history", { room: this.room, ...place });
  }

  /** @param {number} slack */
  #trimFront(slack) {
    if (this.messages.length <= KEEP + slack) return;
    this.messages = this.messages.slice(-KEEP);
    this.moreBefore = true;
  }

  /**
   * One's own, beyond what is loaded. Returns whether it is news.
   *
   * @param {Message} message
   */
  #keep(message) {
    const at = this.beyond.findIndex(({ id }) => id === message.id);
    if (at < 0) this.beyond = [...this.beyond, message].slice(-MAX_BEYOND);
    else if (message.seq === 0 || this.beyond[at].seq > message.seq) return false;
    else this.beyond[at] = message;
    return true;
  }

  /** What is loaded now is beyond no more. */
  #drop() {
    this.beyond = this.moreAfter ? this.beyond.filter(({ id }) => this.messages.every((one) => one.id !== id)) : [];
  }

  /** The window has become too long: drop messages at the end that is further from the reader. */
  #trim() {
    if (this.messages.length <= KEEP + SLACK) return;
    const reader = this.#reader();
    const at = reader === null ? -1 : this.messages.findIndex((message) => message.id === reader);
    if (at < 0 || at >= this.messages.length / 2) return this.#trimFront(SLACK);
    this.messages.length = KEEP;
    this.moreAfter = true;
  }

  /**
   * What is to be asked for again, because it failed and may come now: "all", the "end", what is newer than what is shown
   * ("news"), or "more" of what lies further up or down; null: nothing.
   *
   * @param {boolean} stuck Whether the reader waits for the end.
   */
  wanting(stuck) {
    const retryable = Boolean(this.problem?.retryable);
    if (this.state === "failed" && retryable) return "all";
    if (stuck) return retryable || !this.problem ? "end" : null;
    // It could not be loaded anew, and that is not under way either.
    if (this.state === "ready" && retryable && !(this.#loading.before && this.#loading.after)) return "news";
    return this.refused ? null : "more";
  }

  // -- events

  /**
   * A message (new or changed), a state, a receipt, or the news that old messages are gone, which came as an event.
   *
   * @param {Op} op
   */
  take(op) {
    if (this.state === "loading" || this.#loading.before || this.#loading.after) this.#recent.push(op);
    if (this.state === "loading") return;
    if (this.#apply(op)) this.#onChange("changed");
  }

  /**
   * A message from an answer: shown at once; an event or page that knows more wins later.
   *
   * @param {MessageView} message
   */
  takeSaid(message) {
    this.take({ op: "message", seq: 0, message });
  }

  /** @param {number} seq Up to which the page that came knows everything. */
  #merge(seq) {
    const recent = this.#recent;
    this.#recent = [];
    for (const op of recent) if (op.seq > seq || op.seq === 0) this.#apply(op);
  }

  /** @param {Op} op @returns {boolean} Whether it changed anything. */
  #apply(op) {
    if (op.op === "state") {
      const meant = (/** @type {Message} */ one) => one.id === op.id;
      const message = this.messages.find(meant) ?? this.beyond.find(meant);
      if (!message || message.seq > op.seq) return false;
      message.delivery = op.delivery;
      if (op.marks) message.marks = op.marks;
      message.seq = op.seq;
      message.version = ++versions;
      return true;
    }
    if (op.op === "receipt") return this.#receive(op);
    if (op.op === "expired") {
      const stays = (/** @type {Message} */ one) => one.id > op.upto || WAITING.has(one.delivery?.label ?? "");
      if (this.messages.every(stays)) return false;
      this.messages = this.messages.filter(stays);
      return true;
    }
    const message = { ...op.message, seq: op.seq, version: ++versions };
    const at = this.messages.findIndex((one) => one.id === message.id);
    if (at >= 0) {
      if (this.messages[at].seq > message.seq || message.seq === 0) return false;
      this.messages[at] = message;
      if (op.op !== "changed") return true;
      // Its place may be another one.
      this.messages.splice(at, 1);
      this.#put(message);
      return true;
    }
    return this.#put(message);
  }

  /**
   * A receipt: our entries of a stream up to a number are delivered, or read. What was read stays so.
   *
   * @param {ReceiptOp} op
   */
  #receive({ stream, n, read, delivery, seq }) {
    const covered = (/** @type {Message} */ { mine, entry, seq: known, delivery: was }) =>
      mine && entry?.stream === stream && entry.n <= n && known <= seq && (read || was?.label !== "read");
    const found = [...this.messages, ...this.beyond].filter(covered);
    for (const message of found) Object.assign(message, { delivery, seq, version: ++versions });
    return found.length > 0;
  }

  /**
   * Puts a message that isn't there in its place. Returns whether that changed anything.
   *
   * @param {Message} message
   */
  #put(message) {
    let place = this.messages.length;
    while (place > 0 && before(message, this.messages[place - 1])) place--;
    // Outside of the loaded part: a page of history will bring it.
    if (place === this.messages.length && this.moreAfter) return message.mine && this.#keep(message);
    if (place === 0 && this.moreBefore) return false;
    this.messages.splice(place, 0, message);
    this.#trim();
    return true;
  }
}
