// Who is nearby and unknown: found on this network, below all conversations. Choosing one opens a conversation in which
// nothing was said yet; the first message makes it one like others.

import { avatar, Children, drawAvatar, h, setAttribute, setText } from "../shared/dom.js";
import { called, findable } from "../shared/names.js";
import { addressOf, place } from "../shared/place.js";
import { store } from "../shared/session.js";
import { isPlain } from "./entry.js";

/** @import { Child } from "../shared/dom.js" */
/** @import { PeerView } from "../shared/schema.js" */

/** Most of them shown at once; the search finds the others. */
const MOST = 12;

export class Near {
  #heading = h("h2", {}, "Nearby");
  #rows;
  #more = h("p", { class: "nearmore" });
  element;
  #open;

  /** @param {(room: string) => void} open */
  constructor(open) {
    this.#open = open;
    const rows = h("div", { role: "list", "aria-label": "People nearby" });
    this.element = h("section", { class: "near", hidden: true }, this.#heading, rows, this.#more);
    this.#rows = new Children(rows, ({ id }) => id, (peer) => this.#make(peer));
  }

  /** What the arrow keys go through. */
  get links() {
    return this.element.hidden ? [] : [...this.element.querySelectorAll("a")];
  }

  /** @param {string[]} words Only those that all of these words fit; none: everybody. Returns how many fit. */
  draw(words) {
    const fitting = store.strangersNearby().filter((peer) => words.every((word) => findable(peer).includes(word)));
    this.#rows.draw(fitting.slice(0, MOST));
    const more = fitting.length - MOST;
    this.#more.hidden = more <= 0;
    setText(this.#more, `${more} more are nearby. The search finds them by name or code.`);
    this.element.hidden = !fitting.length;
    return fitting.length;
  }

  /**
   * @param {PeerView} first
   * @returns {Child<PeerView>}
   */
  #make(first) {
    let peer = first;
    const face = avatar();
    const name = h("span", { class: "name", dir: "auto" });
    const code = h("span", { class: "preview" });
    const link = h("a", { class: "room", draggable: "false", onclick: (event) => {
      if (!isPlain(event)) return;
      event.preventDefault();
      this.#open(peer.room);
    } }, face, h("span", { class: "what" }, h("span", { class: "line" }, name), h("span", { class: "line" }, code)));
    return {
      element: h("div", { role: "listitem" }, link),
      draw(next) {
        peer = next;
        setAttribute(link, "href", addressOf(peer.room));
        setAttribute(link, "aria-current", place.room === peer.room ? "true" : null);
        drawAvatar(face, peer);
        setText(name, called(peer));
        setText(code, peer.code.join(" · "));
      },
    };
  }
}
