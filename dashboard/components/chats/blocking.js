// What is asked before somebody is blocked, wherever that is offered.

/** @import { RoomView } from "../shared/schema.js" */
/** @import { Question } from "./sheet.js" */

/**
 * @param {RoomView} room
 * @returns {Question<"block">}
 */
export function blockQuestion({ id, name, peer, encrypted, address }) {
  const whom = encrypted ? "from their key" : `from any plain client at the address of ${address || name}`;
  return {
    title: `Block ${name}?`,
    text: `Nothing ${whom} is taken any more, whoever brings it, and nothing goes there. ${name} isn't told. What was said is ` +
      "hidden until you unblock them in Settings.",
    yes: "Block",
    grave: true,
    wish: () => ({ op: "block", args: { peer: peer ?? id } }),
  };
}
