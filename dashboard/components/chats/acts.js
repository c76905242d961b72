// What the buttons in the rows of a conversation do: repair what failed, take back what is still here, tell of delivery.

import { setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { connection, outbox } from "../shared/session.js";

/** Listens for them in `element`. `edit(text)` puts a text back into the composer, `details(message, button)` tells more. */
export function rowActs(element, { edit, details }) {
  element.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("button[data-act]");
    if (!pressed) return;
    const { act, of } = pressed.dataset;
    if (act === "again") outbox.again(of);
    else if (act === "discard") outbox.takeBack(of);
    else if (act === "edit") edit(outbox.takeBack(of));
    else if (act === "resend") resend(pressed, Number(of));
    else if (act === "details") details(pressed.closest(".row").message, pressed);
  });
}

async function resend(pressed, message) {
  const row = pressed.closest(".row");
  const { version } = row.message;
  pressed.disabled = true;
  try {
    // A new key: a second click after an answer is a new wish; a lost answer leaves the message waiting anyway.
    await connection.command("resend", { message }, newKey());
  } catch (problem) {
    // Changed meanwhile, the message tells by itself how it is.
    if (!pressed.isConnected || row.message?.version !== version) return;
    pressed.disabled = false;
    setText(pressed.closest(".repair").firstChild, problem.message);
  }
}
