// This tab of the browser, as it is handed to what is tested without one: its address, and the way to our server.

/** One column at a time; the same bound as in the style sheets. */
const NARROW = "(max-width: 759px)";

/** @typedef {typeof tab} Tab */
export const tab = {
  /** The address, as one's own copy. */
  get address() {
    return new URL(window.location.href);
  },

  /** Whether there is room for one column only. */
  get narrow() {
    return window.matchMedia(NARROW).matches;
  },

  /**
   * Load a page afresh.
   *
   * @param {string} path
   */
  load(path) {
    window.location.assign(path);
  },

  /**
   * Show another address without loading anything; as a step of its own, "back" leads to this one.
   *
   * @param {URL} address
   * @param {boolean} step
   */
  write(address, step) {
    if (step) window.history.pushState(window.history.state, "", address);
    else window.history.replaceState(window.history.state, "", address);
  },

  /** Begin to connect to the server's live route. */
  connect() {
    const address = new URL("/live", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = "";
    return new WebSocket(address);
  },

  /**
   * Calls `act` when the browser is online again, or this tab is looked at again.
   *
   * @param {() => void} act
   */
  onReturn(act) {
    window.addEventListener("online", act);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") act();
    });
  },
};
