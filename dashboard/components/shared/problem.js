// Why something failed, for whoever caught it.

import { Problem } from "./connection.js";

/**
 * What was thrown, as a Problem: the answer of the server or the node as it is, and a fault of this page as one that no
 * retry changes.
 *
 * @param {unknown} thrown
 */
export function problemOf(thrown) {
  if (thrown instanceof Problem) return thrown;
  return new Problem({ code: "internal", message: thrown instanceof Error ? thrown.message : String(thrown), retryable: false });
}
