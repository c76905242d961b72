// The head of a conversation: who it is with, how they are, whether others can read along, and the menu.

import { avatar, drawAvatar, h, icon, setAttribute, setText } from "../shared/dom.js";
import { place } from "../shared/place.js";
import { store } from "../shared/session.js";
import * as when from "../shared/when.js";
import { Menu } from "./menu.js";

export class Head {
  element;
  #parts;
  #menu;

  /** `done(text)` tells what a choice in the menu did. */
  constructor(done) {
    this.#menu = new Menu(done);
    const parts = {
      back: h("button", { class: "plainbutton back", "aria-label": "Back to the list", onclick: () => place.open(null) },
        icon("back")),
      avatar: avatar(),
      name: h("h2", { dir: "auto" }),
      presence: h("span", { class: "presence" }),
      address: h("span", { class: "address" }),
      badge: h("span", { class: "badge", tabindex: 0, role: "note" }),
    };
    this.#parts = parts;
    const title = h("div", { class: "title" }, h("div", { class: "line" }, parts.name, parts.badge),
      h("div", { class: "line small" }, parts.presence, parts.address));
    this.element = h("header", {}, parts.back, parts.avatar, title, this.#menu.element);
  }

  /** Close whatever is open. */
  close() {
    this.#menu.close();
  }

  /** `room` is the conversation's view, or undefined when it isn't there. */
  draw(room) {
    const { avatar: face, name, presence, address, badge } = this.#parts;
    this.#menu.draw(room);
    if (!room) {
      setText(name, store.loaded && store.me ? "This conversation isn't here" : "…");
      setText(presence, "");
      setText(address, "");
      badge.hidden = true;
      return;
    }
    drawAvatar(face, room);
    setText(name, room.name);
    const seen = room.last_seen && room.link === "offline" ? `, last seen ${when.ago(room.last_seen, store.now())}` : "";
    setText(presence, store.away ? "presence unknown" : room.presence + seen);
    setAttribute(presence, "data-tone", store.away ? "plain" : room.presence_tone);
    setAttribute(presence, "data-tip", room.presence_title);
    setText(address, room.address === room.name ? "" : room.address);
    badge.hidden = !room.badge && !room.encrypted;
    setText(badge, room.encrypted ? "encrypted" : "not encrypted");
    setAttribute(badge, "data-kind", room.encrypted ? "good" : "plain");
    setAttribute(badge, "data-tip", room.badge_title || "Only you and the other side can read this.");
    setAttribute(badge, "aria-label", `${badge.textContent}: ${badge.dataset.tip}`);
  }
}
