// A tab of a browser with an address and a history, as in shared/tab.js.

export class FakeTab {
  narrow = false;
  /** Pages that were loaded afresh. */
  loaded = [];
  #history;
  #at = 0;

  constructor(path = "/") {
    this.#history = [this.#whole(path)];
  }

  #whole(path) {
    return new URL(path, "http://snicher.localhost:5100").href;
  }

  get address() {
    return new URL(this.#history[this.#at]);
  }

  /** The address as one reads it. */
  get path() {
    return this.address.pathname + this.address.search;
  }

  load(path) {
    this.loaded.push(path);
  }

  write(address, step) {
    if (step) this.#history.splice(++this.#at, Infinity, address.href);
    else this.#history[this.#at] = address.href;
  }

  /** Streamlit shows another page. */
  show(path) {
    this.#history.splice(++this.#at, Infinity, this.#whole(path));
  }

  /** The reader goes back by so many steps; whether there was something to go back to. */
  back(steps = 1) {
    if (this.#at < steps) return false;
    this.#at -= steps;
    return true;
  }
}
