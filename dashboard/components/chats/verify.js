// "Is this really bela?": both codes beside each other, in the order that the other screen has them too, and what follows
// when they match and when they don't. They are compared by eye, from a picture, or typed. Nothing is verified by a
// comparison alone: a person says so.

import { h, icon, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { called } from "../shared/names.js";
import { pictureIn } from "../shared/picture.js";
import { problemOf } from "../shared/problem.js";
import { drawnQr } from "../shared/qr.js";
import { connection, store } from "../shared/session.js";
import { Wide } from "../shared/wide.js";
import { blockQuestion } from "./blocking.js";
import { scan } from "./scan.js";

/** @import { Compared, RoomView } from "../shared/schema.js" */
/** @import { Sheet } from "./sheet.js" */

export class Verify {
  #dialog = new Wide("verify");
  #sheet;
  #done;
  /** Reads a picture that is pasted or dropped; null while none is wanted. @type {((file: Blob) => void) | null} */
  #read = null;
  /** How often something was put: an answer to an earlier question isn't shown. */
  #turn = 0;

  /**
   * @param {Sheet} sheet Asks once more before somebody is blocked.
   * @param {(text: string, room: RoomView) => void} done Tells what was done.
   */
  constructor(sheet, done) {
    this.#sheet = sheet;
    this.#done = done;
    const { element } = this.#dialog;
    element.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    element.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
    // Else the browser would open what is dropped, and leave the page.
    element.addEventListener("dragover", (event) => event.preventDefault());
  }

  get element() {
    return this.#dialog.element;
  }

  close() {
    this.#dialog.close();
  }

  /** @param {Event} event @param {DataTransfer | null} data */
  #take(event, data) {
    const file = pictureIn(data);
    if (!file && event.type === "paste") return;
    event.preventDefault();
    if (file) this.#read?.(file);
  }

  /** Compare the codes with the other side of a conversation, or of a request. @param {RoomView} room */
  show(room) {
    const { me } = store;
    const { peer, code, name } = room;
    if (!me || !peer || !code.length) return;
    const key = newKey();
    const mine = person({ id: me.id, title: `You, ${me.name}`, code: me.code.toLowerCase().match(/[a-z0-9]+/g) ?? [], where: "this node" });
    const theirs = person({ id: peer, title: called(room), code, where: room.address });
    // Both screens show the lower PeerId first (BUS.md, verify).
    const both = mine.id < theirs.id ? [mine, theirs] : [theirs, mine];
    both.forEach((one, at) => one.number(at + 1));
    const { element, read } = scan(room, (compared, how) => this.#compared(room, compared, how));
    const differ = h("button", { type: "button", class: "grave", onclick: () => void this.#differ(room, null, "seen") }, "They don't match");
    const match = this.#verifies(room, room.verified ? "They still match" : "They match: mark as verified");
    const turn = this.#put(`Is this really ${called(room)}?`, [
      h("p", { dir: "auto" }, `Compare with ${name} in person or on the phone. If both screens show the same two codes, nobody stands ` +
        "between you."),
      h("div", { class: "people" }, ...both.map((one) => one.element)), element, this.#request(room),
      room.verified ? h("div", { class: "choice" },
        this.#act("plain", "Unverify", () => connection.command("unverify", { peer }, key), () => {
          this.close();
          this.#done(`${name} isn't marked as verified any more.`, room);
        }), h("p", { dir: "auto" }, `${name} isn't marked as verified any more. Nothing else changes; you can compare again at any time.`))
        : null,
    ], [differ, match], read);
    connection.ask({ t: "codes", peer }).then((codes) => {
      if (turn !== this.#turn) return;
      mine.qr(drawnQr(codes.mine, "Your code as a QR code"));
      theirs.qr(drawnQr(codes.theirs, `The code of ${name} as a QR code`));
    }, () => {
      // Without them, the codes are still there to compare.
      for (const one of both) one.qr(null);
    });
  }

  /**
   * What came of a picture, or of a code that was typed.
   *
   * @param {RoomView} room
   * @param {Compared} compared
   * @param {"read" | "typed"} how
   */
  #compared(room, compared, how) {
    if (!compared.matches) {
      void this.#differ(room, compared, how);
      return;
    }
    const { name, verified } = room;
    const what = how === "read" ? `The picture shows the key of ${name}` : `You typed the code of ${name}`;
    const close = h("button", { type: "button", onclick: () => this.close() }, verified ? "Close" : "Not now");
    this.#put("The codes match", [
      h("p", { class: "verdict", "data-tone": "good", dir: "auto" }, icon("done"), h("span", {}, `${what}, as your node knows it.`)),
      h("p", { class: "groups flat" }, ...compared.found.map((group) => h("span", {}, group))),
      h("p", { dir: "auto" }, verified ? `${name} is verified already, and stays so.`
        : `If it came from ${name} and from nobody else, it is really them: from their own screen, or in their own voice.`),
      this.#request(room),
    ], verified ? [close] : [close, this.#verifies(room, "Mark as verified")]);
  }

  /** What else it means where it is a request. @param {RoomView} room */
  #request(room) {
    return store.requests.has(room.id) && !room.verified
      ? h("p", { class: "hint", dir: "auto" }, `To mark ${room.name} as verified accepts their request, too.`) : null;
  }

  /**
   * What was compared is what is verified, whatever the lists say when it is pressed.
   *
   * @param {RoomView} room
   * @param {string} label
   */
  #verifies(room, label) {
    const key = newKey();
    const { peer, code, name } = room;
    return this.#act("primary", label, () => connection.command("verify", { peer: peer ?? "", code: code.join(" ") }, key), () => {
      this.close();
      this.#done(`${name} is verified.`, room);
    }, room.verified ? null : icon("done"));
  }

  /**
   * A button that gives the node a command, and says above it why it didn't work.
   *
   * @param {string} look
   * @param {string} label
   * @param {() => Promise<unknown>} ask
   * @param {() => void} then
   * @param {Element | null} [mark]
   */
  #act(look, label, ask, then, mark = null) {
    let asking = false;
    const button = h("button", { type: "button", class: look, onclick: async () => {
      if (asking) return;
      asking = true;
      try {
        await ask();
        if (button.isConnected && this.#dialog.open) then();
      } catch (thrown) {
        if (button.isConnected) this.#fail(thrown);
      } finally {
        asking = false;
      }
    } }, mark, label);
    return button;
  }

  /** @param {unknown} thrown */
  #fail(thrown) {
    const { message, retryable } = problemOf(thrown);
    const problem = this.element.querySelector(".body > .problem");
    if (!(problem instanceof HTMLElement)) return;
    setText(problem, `${message}${retryable ? " Try again in a moment." : ""}`);
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  }

  /**
   * They don't match: what to do. Whoever was verified is so no longer.
   *
   * @param {RoomView} room
   * @param {Compared | null} compared What was found instead; null: a person saw that they differ.
   * @param {"seen" | "read" | "typed"} how
   */
  async #differ(room, compared, how) {
    const { name, peer, code, verified } = room;
    const block = h("button", { type: "button", class: "grave", onclick: () => {
      this.close();
      this.#sheet.ask(blockQuestion(room));
    } }, "Block…");
    const again = h("button", { type: "button", onclick: () => this.show(store.rooms.get(room.id) ?? room) }, "Compare again");
    const close = h("button", { type: "button", onclick: () => this.close() }, "Close");
    const mark = h("strong", {}, verified ? "" : `${name} isn't marked as verified.`);
    const whose = how === "typed" ? "What you typed" : "In the picture";
    const found = compared && h("div", { class: "people" },
      person({ id: "", title: `${name}, as your node knows them`, code, where: "" }).element,
      person({ id: "", title: compared.known ? `${whose}: this is ${compared.known}` : whose, code: compared.found, where: "" }).element);
    const turn = this.#put("The codes don't match", [
      h("p", { class: "verdict", "data-tone": "bad", dir: "auto" }, icon("alert"),
        h("span", {}, `This may not be ${name}, or somebody stands between you. `, mark)),
      found,
      h("p", { dir: "auto" }, how === "typed" ? `If you mistyped it, compare again. Else write nothing here that only ${name} may read.`
        : `Write nothing here that only ${name} may read.`),
      h("p", { dir: "auto" }, `Ask ${name}, by another way, whether they have a new machine or another key. If it is somebody else, ` +
        "block them."),
    ], [block, again, close]);
    if (!verified || !peer) return;
    try {
      await connection.command("unverify", { peer }, newKey());
      if (turn === this.#turn) setText(mark, `${name} isn't marked as verified any more.`);
    } catch (thrown) {
      if (turn !== this.#turn) return;
      setText(mark, `${name} is still marked as verified: that couldn't be taken away.`);
      this.#fail(thrown);
    }
  }

  /**
   * Returns how often something was put.
   *
   * @param {string} title
   * @param {(Element | null)[]} body
   * @param {Element[]} answers
   * @param {((file: Blob) => void) | null} [read]
   */
  #put(title, body, answers, read = null) {
    this.#read = read;
    this.#dialog.put(title, [...body, h("p", { class: "problem", role: "alert", hidden: true })], answers);
    return ++this.#turn;
  }
}

/**
 * Somebody's code, one group a line, with the QR code beside it.
 *
 * @param {{ id: string, title: string, code: string[], where: string }} whose
 */
function person({ id, title, code, where }) {
  const heading = h("h4", { dir: "auto" }, title);
  const square = h("div", { class: "square" });
  const element = h("div", { class: "person" }, heading,
    h("div", { class: "both" }, h("p", { class: "groups" }, ...code.map((group) => h("span", {}, group))), id ? square : null),
    where ? h("p", { class: "where" }, where) : null);
  return {
    id,
    element,
    /** Its place, which is the same on both screens. @param {number} place */
    number: (place) => setText(heading, `${place}. ${title}`),
    /** @param {Element | null} drawn */
    qr: (drawn) => (drawn ? square.replaceChildren(drawn) : square.remove()),
  };
}
