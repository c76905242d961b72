// The head of a conversation: who it is with, how they are, whether others can read along, and the menu.

import { avatar, drawAvatar, h, icon, setAttribute, setText } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { drawPrivacy, privacyBadge } from "../shared/privacy.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { TRUST } from "../shared/words.js";
import { Doubt } from "./doubt.js";
import { Menu } from "./menu.js";
import { Secure } from "./secure.js";
import { Sheet } from "./sheet.js";
import { Verify } from "./verify.js";

/** @import { RoomView } from "../shared/schema.js" */

export class Head {
  element;
  /** The banner that stands below it while something is in doubt. */
  banner;
  #parts;
  #menu;
  #doubt;
  #verify;
  #secure = new Secure();
  /** @type {RoomView | undefined} */
  #room;

  /** @param {(text: string) => void} done Tells what a choice in the menu did. */
  constructor(done) {
    const sheet = new Sheet();
    this.#verify = new Verify(sheet, done);
    this.#menu = new Menu(done, sheet, (anchor) => this.#tellLink(anchor), (room) => this.#verify.show(room));
    this.#doubt = new Doubt(sheet, done);
    this.banner = this.#doubt.element;
    const parts = {
      back: h("button", { class: "plainbutton back", "aria-label": "Back to the list", onclick: () => place.open(null) },
        icon("back")),
      avatar: avatar(),
      name: h("h2", { dir: "auto" }),
      presence: h("span", { class: "presence", tabindex: 0, role: "note" }),
      address: h("span", { class: "address" }),
      code: h("span", { class: "code", tabindex: 0, role: "note" }),
      badge: this.#badge(false),
      verified: h("button", { class: "trust", type: "button", "aria-haspopup": "dialog",
        onclick: () => this.#room && this.#verify.show(this.#room) }, icon("done"), h("span", { class: "word" })),
    };
    this.#parts = parts;
    const title = h("div", { class: "title" }, h("div", { class: "line" }, parts.name, parts.badge, parts.verified),
      h("div", { class: "line small" }, parts.presence, parts.address, parts.code));
    this.element = h("header", {}, parts.back, parts.avatar, title, this.#menu.element, sheet.element,
      this.#secure.element, this.#verify.element);
  }

  /** Close whatever is open. */
  close() {
    this.#menu.close();
    this.#secure.close();
    this.#verify.close();
  }

  destroy() {
    this.#secure.destroy();
  }

  /** @param {Element} anchor */
  #tellLink(anchor) {
    if (this.#room) this.#secure.show(this.#room, anchor);
  }

  /**
   * Of an encrypted conversation it is a button, which tells how that is; of another one there is nothing more to tell.
   *
   * @param {boolean} encrypted
   */
  #badge(encrypted) {
    if (!encrypted) return privacyBadge({ class: "badge", tabindex: 0, role: "note" });
    return privacyBadge({ class: "badge", type: "button", "aria-haspopup": "dialog",
      onclick: () => this.#tellLink(this.#parts.badge) }, "button");
  }

  /**
   * Whether somebody here has compared the code: by a check mark and a word, else by the words alone.
   *
   * @param {RoomView} room
   */
  #drawTrust(room) {
    const { verified } = this.#parts;
    const [, word] = verified.children;
    verified.hidden = !room.code.length;
    setAttribute(verified, "data-kind", room.verified ? "good" : "plain");
    const { short, sentence } = room.verified ? TRUST.verified : TRUST.unverified;
    setText(word, short);
    setAttribute(verified, "data-tip", sentence);
    setAttribute(verified, "aria-label", `${sentence} Compare codes`);
  }

  /** @param {RoomView | undefined} room Undefined when it isn't there. */
  draw(room) {
    const { avatar: face, name, presence, address, code } = this.#parts;
    this.#room = room;
    this.#menu.draw(room);
    this.#doubt.draw(room);
    code.hidden = !room?.code.length;
    if (!room) {
      setText(name, store.whole && store.me ? "This conversation isn't here" : "…");
      setText(presence, "");
      setText(address, "");
      this.#parts.badge.hidden = this.#parts.verified.hidden = true;
      return;
    }
    drawAvatar(face, room);
    setText(name, room.name);
    setText(presence, store.away ? "presence unknown" : presenceOf(room));
    setAttribute(presence, "data-tone", store.away ? "plain" : room.presence_tone);
    setAttribute(presence, "data-tip", store.away ? "The node is away." : room.presence_title);
    setText(address, room.address === room.name ? "" : room.address);
    if (room.encrypted !== this.#parts.badge.matches("button")) {
      const other = this.#badge(room.encrypted);
      this.#parts.badge.replaceWith(other);
      this.#parts.badge = other;
    }
    const { badge } = this.#parts;
    badge.hidden = false;
    drawPrivacy(badge, room.encrypted, room.privacy, room.privacy_title);
    setAttribute(badge, "aria-label", `${room.privacy}: ${room.privacy_title}`);
    this.#drawTrust(room);
    if (code.hidden) return;
    setText(code, room.code.join(" "));
    setAttribute(code, "data-tip", `The code of ${room.name}'s node. If ${room.name} reads out the same one, it is theirs.`);
    setAttribute(code, "aria-label", `Code ${room.code.join(" ")}`);
  }
}

/**
 * Whether the other side is there, and what it says of itself.
 *
 * @param {RoomView} room
 */
function presenceOf({ link, presence, last_seen: seen, status }) {
  const heard = seen === null ? "" : link === "offline" ? `, last seen ${when.ago(seen, store.now())}`
    : link === "unknown" ? ` since ${when.moment(seen, store.now())}` : "";
  return `${presence}${heard}${status ? `: ${status}` : ""}`;
}
