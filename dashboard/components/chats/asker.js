// One who asks to write: who it is and whom the name looks like, the first lines as plain text, and the three decisions, each
// with its consequence beside it.

import { avatar, Children, copy, drawAvatar, h, icon, setAttribute, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { called } from "../shared/names.js";
import { drawPrivacy, privacyBadge } from "../shared/privacy.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { blockQuestion } from "./blocking.js";

/** @import { MessageView, RequestView } from "../shared/schema.js" */
/** @import { Sheet } from "./sheet.js" */
/** @import { Verify } from "./verify.js" */

/** Lines that are shown; the node takes hardly more before somebody decides. */
const LINES = 20;

export class Asker {
  element;
  #request;
  #parts;
  #sheet;
  #verify;
  #enter;
  /** @type {Children<MessageView>} */
  #lines;
  #unfolded = false;
  /** For which state of the request the lines were asked for. */
  #asked = "";
  /** A decision under way: what, and its key, so that trying again doesn't double it. @type {{ op: string, key: string } | null} */
  #wish = null;
  #busy = false;

  /**
   * @param {RequestView} request
   * @param {Sheet} sheet Asks once more.
   * @param {Verify} verify Has the codes compared.
   * @param {{ toggle: (id: string) => void, enter: (room: string) => void }} acts Unfolds it, or folds it again; and opens the
   *   conversation of one who was accepted.
   */
  constructor(request, sheet, verify, { toggle, enter }) {
    this.#request = request;
    this.#sheet = sheet;
    this.#verify = verify;
    this.#enter = enter;
    const parts = {
      face: avatar(),
      name: h("span", { class: "name", dir: "auto" }),
      privacy: privacyBadge({ class: "badge" }),
      since: h("span", { class: "since" }),
      alike: h("p", { class: "alike", hidden: true }, icon("alert"), h("strong", { dir: "auto" }), " ", h("span", { dir: "auto" })),
      code: h("span", { class: "code" }),
      copyCode: h("button", { class: "copybutton", type: "button", "aria-label": "Copy the code",
        onclick: () => copy(parts.copyCode, this.#request.room.code.join(" ")) }, icon("copy")),
      compare: h("button", { class: "link", type: "button", "aria-haspopup": "dialog",
        onclick: () => this.#verify.show(this.#request.room) }, "Compare codes first"),
      address: h("span", { class: "text", dir: "auto" }),
      copyAddress: h("button", { class: "copybutton", type: "button", "aria-label": "Copy the address",
        onclick: () => copy(parts.copyAddress, this.#request.room.address) }, icon("copy")),
      lines: h("div", { class: "lines", role: "list", "aria-label": "First lines" }),
      told: h("span", { class: "small" }),
      problem: h("p", { class: "problem", role: "alert", hidden: true }),
      accepted: consequence(),
      refused: consequence(),
      blocked: consequence(),
    };
    this.#parts = parts;
    this.head = h("button", { class: "askerhead", type: "button", onclick: () => toggle(this.id) }, parts.face,
      h("span", { class: "what" }, h("span", { class: "line" }, parts.name, parts.privacy,
        h("span", { class: "trust", "data-kind": "plain" }, "not verified")), parts.since), icon("right"));
    /**
     * @param {string} label
     * @param {string} look
     * @param {() => void} act
     * @param {Element} means
     */
    const choice = (label, look, act, means) =>
      h("div", { class: "choice" }, h("button", { class: look, type: "button", onclick: act }, label), means);
    this.body = h("div", { class: "askerbody", hidden: true },
      h("dl", {}, h("div", {}, h("dt", {}, "Short code"), h("dd", {}, parts.code, parts.copyCode, parts.compare)),
        h("div", {}, h("dt", {}, "Address"), h("dd", {}, parts.address, parts.copyAddress))),
      h("h3", {}, "First lines ", parts.told), parts.lines, parts.problem,
      h("div", { class: "choices" },
        choice("Accept", "primary", () => void this.#decide("accept"), parts.accepted),
        choice("Refuse", "plain", () => void this.#decide("refuse"), parts.refused),
        choice("Block", "plain grave", () => this.#block(), parts.blocked)));
    this.element = h("article", { class: "asker" }, this.head, parts.alike, this.body);
    this.#lines = new Children(parts.lines, ({ id }) => String(id), makeLine);
  }

  /** Of the conversation. */
  get id() {
    return this.#request.room.id;
  }

  /** Whom the commands are about. */
  get #peer() {
    const { peer, id } = this.#request.room;
    return peer ?? id;
  }

  /** @param {RequestView} request */
  draw(request) {
    this.#request = request;
    const { room, since, alike } = request;
    const parts = this.#parts;
    const name = called(room);
    drawAvatar(parts.face, room);
    setText(parts.name, name);
    drawPrivacy(parts.privacy, room.encrypted, room.privacy, room.privacy_title);
    setText(parts.since, since ? `wants to write to you, since ${when.moment(since, store.now())}` : "wants to write to you");
    setText(parts.code, room.code.join(" · "));
    setText(parts.address, room.address || "not known any more");
    parts.compare.hidden = !room.code.length;
    parts.copyAddress.hidden = !room.address;
    parts.alike.hidden = !alike;
    if (alike) {
      const [, title, text] = parts.alike.children;
      setText(title, `Looks like ${alike.name}, but isn't:`);
      const theirs = alike.code.length ? `${alike.name}'s is ${alike.code.join(" · ")}` : `${alike.name} has none`;
      setText(text, `another key. Its code is ${room.code.join(" · ")}; ${theirs}${alike.verified ? ", and verified" : ""}.`);
    }
    setText(parts.told, `${room.unread === 1 ? "1" : String(room.unread)} so far. ${room.name} doesn't see that you read them.`);
    drawConsequence(parts.accepted, `${room.name} becomes a contact.`, " The conversation opens, and what still waits comes in.");
    drawConsequence(parts.refused, "These lines are deleted here", `, and ${room.name} is told so. They may ask once more after a day.`);
    drawConsequence(parts.blocked, "Nothing from this key is stored any more.", ` ${room.name} isn't told. Undo it in Settings.`);
    if (this.#unfolded) this.#load();
  }

  /** @param {boolean} open */
  unfold(open) {
    this.#unfolded = open;
    this.body.hidden = !open;
    setAttribute(this.head, "aria-expanded", String(open));
    if (open) this.#load();
  }

  /** Ask for the lines, if they aren't those that are shown. */
  async #load() {
    const { room } = this.#request;
    const now = `${room.place} ${room.unread}`;
    if (this.#asked === now) return;
    this.#asked = now;
    try {
      const { messages } = await connection.command("history", { room: room.id, limit: LINES });
      if (this.#asked === now) this.#lines.draw(messages);
    } catch (thrown) {
      // With the next picture it is tried again.
      if (this.#asked === now && problemOf(thrown).retryable) this.#asked = "";
    }
  }

  /** @param {"accept" | "refuse"} op */
  async #decide(op) {
    if (this.#busy) return;
    if (this.#wish?.op !== op) this.#wish = { op, key: newKey() };
    const { key } = this.#wish;
    this.#busy = true;
    this.#parts.problem.hidden = true;
    try {
      if (op === "refuse") await connection.command("refuse", { peer: this.#peer }, key);
      else {
        const { peer } = await connection.command("accept", { peer: this.#peer }, key);
        this.#enter(peer.room);
      }
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (!problem.retryable) this.#wish = null;
      setText(this.#parts.problem, `${problem.message}${problem.retryable ? " Try again in a moment." : ""}`);
      this.#parts.problem.hidden = false;
    } finally {
      this.#busy = false;
    }
  }

  #block() {
    this.#sheet.ask(blockQuestion(this.#request.room));
  }
}

/** What a decision means: the gist, and the rest. */
const consequence = () => h("p", { dir: "auto" }, h("strong"), h("span"));

/**
 * @param {HTMLElement} element
 * @param {string} gist
 * @param {string} rest
 */
function drawConsequence(element, gist, rest) {
  const [first, second] = element.children;
  setText(first, gist);
  setText(second, rest);
}

/**
 * One of the first lines: plain text, without links.
 *
 * @param {MessageView} first
 * @returns {import("../shared/dom.js").Child<MessageView>}
 */
function makeLine(first) {
  const text = h("span", { class: "text", dir: "auto" }, first.text);
  const time = h("time", { title: when.full(first.at) }, when.moment(first.at, store.now()));
  return { element: h("p", { role: "listitem", class: "firstline" }, text, " ", time) };
}
