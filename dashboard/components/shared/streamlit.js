// Streamlit's own connection. When it was lost, Streamlit asks the server a question or two and connects again, to
// whoever answers; and whoever Streamlit is connected to may run scripts in this page. So its questions wait until it is
// certain that our dashboard answers, and that this browser is let in.

const OF_STREAMLIT = "/_stcore/";

/**
 * What is to be done before Streamlit connects again. A native page tells the script this browser's pass anew, so that
 * the first run of the script proves it, and what is half-typed there isn't dropped.
 *
 * @type {Set<() => Promise<void>>}
 */
export const beforeReturn = new Set();

/**
 * `ask`, but what Streamlit asks waits for `connection`. It has connected for the first time before.
 *
 * @param {typeof fetch} ask
 * @param {Pick<import("./connection.js").Connection, "ours">} connection
 * @param {string} base The page's address.
 * @returns {typeof fetch}
 */
export function held(ask, connection, base) {
  return async (what, how) => {
    const address = new URL(what instanceof Request ? what.url : what, base);
    if (address.pathname.includes(OF_STREAMLIT)) {
      await connection.ours(how?.signal);
      for (const prepare of beforeReturn) await prepare();
    }
    return ask(what, how);
  };
}
