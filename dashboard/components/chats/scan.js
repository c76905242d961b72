// The other ways to compare a code than with one's eyes: from a picture of the other's screen, or typed as they read it out.

import { h, icon, setText } from "../shared/dom.js";
import { onSubmit } from "../shared/keyboard.js";
import { sendable } from "../shared/picture.js";
import { problemOf } from "../shared/problem.js";
import { connection } from "../shared/session.js";

/** @import { Compared, RoomView } from "../shared/schema.js" */

/**
 * The fields. `found(compared, how)` is told what came out, and whether it was read or typed.
 *
 * @param {RoomView} room
 * @param {(compared: Compared, how: "read" | "typed") => void} found
 */
export function scan({ name, peer }, found) {
  const said = h("p", { class: "said", role: "status" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  let turn = 0;
  /**
   * @param {"read" | "typed"} how
   * @param {() => Promise<{ typed: string } | { picture: string }>} what
   */
  const ask = async (how, what) => {
    const now = ++turn;
    problem.hidden = true;
    setText(said, how === "read" ? "Reading the picture…" : "");
    try {
      const compared = await connection.ask({ t: "compare", peer: peer ?? "", ...(await what()) });
      // Whoever has chosen another picture meanwhile means that one.
      if (now === turn && element.isConnected) found(compared, how);
    } catch (thrown) {
      if (now !== turn) return;
      const { message, retryable } = problemOf(thrown);
      setText(problem, `${message}${retryable ? " Try again in a moment." : ""}`);
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" });
    } finally {
      if (now === turn) setText(said, "");
    }
  };
  /** @param {Blob} file */
  const read = (file) => void ask("read", async () => ({ picture: await sendable(file) }));
  const chosen = h("input", { type: "file", accept: "image/*", class: "visuallyhidden", tabindex: -1, "aria-hidden": "true" });
  chosen.addEventListener("change", () => {
    const [file] = chosen.files ?? [];
    if (file) read(file);
    // The same picture may be chosen again.
    chosen.value = "";
  });
  const choose = h("button", { class: "act", type: "button", onclick: () => chosen.click() }, icon("picture"),
    h("span", { dir: "auto" }, `Read a picture of ${name}'s code`));
  const field = h("input", { type: "text", id: "typed-code", class: "typed", autocomplete: "off", autocapitalize: "none",
    spellcheck: "false", maxlength: 4096, placeholder: "q3zb 4y5i 7u3i z7fx" });
  const form = h("form", { class: "bycode" }, h("label", { for: "typed-code", dir: "auto" }, `Or type ${name}'s code`),
    h("div", { class: "line" }, field, h("button", { class: "act", type: "submit" }, "Compare")));
  onSubmit(form, () => {
    const typed = field.value.trim();
    if (typed) void ask("typed", async () => ({ typed }));
    else field.focus();
  });
  const element = h("div", { class: "scan" },
    h("div", { class: "frompicture" }, h("p", { class: "label" }, "Or from a picture, also pasted or dropped"), choose, chosen), form, said, problem);
  return { element, read };
}
