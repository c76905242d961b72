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
/** With more unread than this, the window opens around the place where reading stopped. */
const MAX_CATCH_UP = 160;

/** Changes with everything that is changed about a message, so that drawing can tell what it has drawn already. */
let versions = 0;

function before(a, b) {
  return a.order < b.order || (a.order === b.order && a.id < b.id);
}

export class Talk {
  messages = [];
  moreBefore = false;
  moreAfter = false;
  /** "new", "loading", "ready" or "failed". */
  state = "new";
  problem = null;
  /** Whether the message asked for wasn't there, and the newest ones are shown instead. */
  missed = false;
  /** One's own that were said last, while the end, where they belong, is not loaded. */
  beyond = [];
  /** Whether a page was refused with an error that a retry won't change. */
  refused = false;

  #connection;
  #onChange;
  #recent = [];
  #loading = { before: false, after: false };
  #turn = 0;
  /** What was asked for last. */
  #wish = {};
  #reader;

  /**
   * `onChange(why)` is called with "opened", "older", "newer" or "changed"; `reader()` gives the id of the message
   * before the reader's eyes, or null when they follow the end.
   */
  constructor(room, connection, onChange, reader) {
    this.room = room;
    this.#connection = connection;
    this.#onChange = onChange;
    this.#reader = reader;
  }

  get last() {
    return this.messages[this.messages.length - 1];
  }

  /** The newest message by arrival; what "read up to" means. */
  get newestId() {
    return this.messages.reduce((newest, message) => Math.max(newest, message.id), 0);
  }

  close() {
    this.#turn++;
  }

  /** Load afresh: the newest messages, or those around one. `unread` says how far back one should see. */
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
      let page = null;
      const place = around ?? (unread > MAX_CATCH_UP && readUpto ? readUpto : null);
      if (place !== null) {
        page = await this.#ask({ around: place, limit }).catch((problem) => {
          // That message may be gone, or belong to nothing we can see: then the newest will do.
          if (problem.code !== "not_found") throw problem;
          this.missed = around !== null;
          return null;
        });
      }
      page ??= await this.#ask({ limit: Math.min(MAX_CATCH_UP + 40, Math.max(PAGE, unread + 30)) });
      // Much of one's own was said since: reading stopped further up than the unread ones alone reach.
      if (around === null && unread && readUpto && page.more_before && page.messages.every(({ id }) => id > readUpto)) {
        page = await this.#ask({ around: readUpto, limit }).catch(() => page);
      }
      if (turn !== this.#turn) return;
      this.messages = page.messages.map((message) => ({ ...message, seq: page.seq, version: ++versions }));
      this.moreBefore = page.more_before;
      this.moreAfter = page.more_after;
      this.state = "ready";
      this.problem = null;
      this.refused = false;
      this.#drop();
      this.#loading = { before: false, after: false };
      this.#merge(page.seq);
      this.#onChange("opened");
    } catch (problem) {
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
    await this.#extend("after", { after: this.last.id }, (page) => {
      this.messages = [...this.messages, ...page];
      this.#trimFront(0);
    });
  }

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
    } catch (problem) {
      if (turn !== this.#turn) return;
      // The page is asked for again. If the message to go on from is gone, the whole window is loaded again.
      if (problem.code === "not_found") this.refresh();
      else this.refused = !problem.retryable;
    } finally {
      if (turn === this.#turn) this.#loading[side] = false;
    }
  }

  #ask(place) {
    return this.#connection.command("history", { room: this.room, ...place });
  }

  #trimFront(slack) {
    if (this.messages.length <= KEEP + slack) return;
    this.messages = this.messages.slice(-KEEP);
    this.moreBefore = true;
  }

  /** One's own, beyond what is loaded. */
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

  /** Whether it failed with an error that a retry may resolve. */
  get worthTrying() {
    return this.state === "failed" && Boolean(this.problem?.retryable);
  }

  /** Whether what is shown may lack something: it could not be loaded anew, and that is not under way either. */
  get behind() {
    return this.state === "ready" && Boolean(this.problem?.retryable) && !(this.#loading.before && this.#loading.after);
  }

  // -- events

  /** A message (new or changed), a state, a receipt, or the news that old messages are gone, which came as an event; `op` as viewmodel.py makes it. */
  take(op) {
    if (this.state === "loading" || this.#loading.before || this.#loading.after) this.#recent.push(op);
    if (this.state === "loading") return;
    if (this.#apply(op)) this.#onChange("changed");
  }

  /** A message from an answer: shown at once; an event or page that knows more wins later. */
  takeSaid(message) {
    this.take({ op: "message", seq: 0, message });
  }

  #merge(seq) {
    const recent = this.#recent;
    this.#recent = [];
    for (const op of recent) if (op.seq > seq || op.seq === 0) this.#apply(op);
  }

  #apply(op) {
    if (op.op === "state") {
      const meant = (one) => one.id === op.id;
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
      const stays = (one) => one.id > op.upto || ["waiting", "sending"].includes(one.delivery?.label);
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

  /** A receipt: our entries of a stream up to a number are delivered, or read. What was read stays so. */
  #receive({ stream, n, read, delivery, seq }) {
    const covered = ({ mine, entry, seq: known, delivery: was }) =>
      mine && entry?.stream === stream && entry.n <= n && known <= seq && (read || was?.label !== "read");
    const found = [...this.messages, ...this.beyond].filter(covered);
    for (const message of found) Object.assign(message, { delivery, seq, version: ++versions });
    return found.length > 0;
  }

  /** Puts a message that isn't there in its place. */
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
