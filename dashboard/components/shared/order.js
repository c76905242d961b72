// A list that is always in order: what changes is moved to its place, and nothing else is looked at.

/** @template T */
export class Order {
  /** @type {T[]} */
  #items;
  #compare;

  /**
   * @param {(one: T, other: T) => number} compare No two different things are equal.
   * @param {Iterable<T>} [items]
   */
  constructor(compare, items = []) {
    this.#compare = compare;
    this.#items = [...items].sort(compare);
  }

  /** All of it, in order; it changes with the next `put` or `remove`. @returns {readonly T[]} */
  get items() {
    return this.#items;
  }

  /** @param {T} item */
  put(item) {
    this.#items.splice(this.#from(item), 0, item);
  }

  /** @param {T} item One that is in it, and compares as it did when it was put there. */
  remove(item) {
    const at = this.indexOf(item);
    if (at >= 0) this.#items.splice(at, 1);
  }

  /**
   * What was `old` is `item` now.
   *
   * @param {T} old
   * @param {T} item
   */
  replace(old, item) {
    const at = this.indexOf(old);
    if (at >= 0 && this.#compare(old, item) === 0) {
      this.#items[at] = item;
      return;
    }
    if (at >= 0) this.#items.splice(at, 1);
    this.put(item);
  }

  /** @param {T} item @returns {number} -1: it isn't in it. */
  indexOf(item) {
    const at = this.#from(item);
    return at < this.#items.length && this.#compare(this.#items[at], item) === 0 ? at : -1;
  }

  /** Where the first thing stands that isn't before `item`. @param {T} item */
  #from(item) {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.#items[middle], item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
