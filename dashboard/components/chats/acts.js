// What the buttons in the rows of a conversation do: repair what failed, take back what is still here, tell of delivery.

import { newKey } from "../shared/key.js";
import { problemOf } from "../shared/problem.js";
import { connection, outbox } from "../shared/session.js";
import { bubbleOf } from "./bubble.js";

/** @import { Bubble } from "./bubble.js" */
/** @import { Message } from "./talk.js" */

/**
 * Listens for them in `element`. `edit(text)` puts a text back into the composer, `details(message, button)` tells more.
 *
 * @param {HTMLElement} element
 * @param {{ edit: (text: string | null) => void, details: (message: Message, anchor: HTMLElement) => void }} how
 */
export function rowActs(element, { edit, details }) {
  element.addEventListener("click", ({ target }) => {
    const pressed = target instanceof Element ? target.closest("button") : null;
    const { act, of = "" } = pressed?.dataset ?? {};
    if (!pressed || !act) return;
    const bubble = bubbleOf(pressed.closest(".row"));
    const message = bubble?.message;
    if (act === "again") outbox.again(of);
    else if (act === "discard") outbox.takeBack(of);
    else if (act === "edit") edit(outbox.takeBack(of));
    else if (message && act === "resend") resend(pressed, bubble, message);
    else if (message && act === "details") details(message, pressed);
  });
}

/**
 * @param {HTMLButtonElement} pressed
 * @param {Bubble} bubble
 * @param {Message} message
 */
async function resend(pressed, bubble, { id, version }) {
  pressed.disabled = true;
  try {
    // A new key: a second click after an answer is a new wish; a lost answer leaves the message waiting anyway.
    await connection.command("resend", { message: id }, newKey());
  } catch (problem) {
    // Changed meanwhile, the message tells by itself how it is.
    if (!pressed.isConnected || bubble.message?.version !== version) return;
    pressed.disabled = false;
    bubble.say(problemOf(problem).message);
  }
}
