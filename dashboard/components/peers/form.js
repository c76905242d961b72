// The connect form: what is typed stays until it worked, errors stand below it in plain words.

import { h, refocus, setAttribute, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { onSubmit } from "../shared/keyboard.js";
import { called } from "../shared/names.js";
import { place } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { asTarget, MAX_ADDRESS, MAX_LINK, reach } from "../shared/reaching.js";
import { connection, store } from "../shared/session.js";
import { DIALECT } from "../shared/words.js";

/** @import { PeerView } from "../shared/schema.js" */

/** What the other one may be said to speak: word and sentence, by the node's value. */
const DIALECTS = {
  auto: { short: "Find out by itself", sentence: "Your node finds out with the first words from there." },
  ...Object.fromEntries(Object.entries(DIALECT).filter(([value]) => value !== "unknown")),
};
/** Storage key of the address until the connection has worked; this tab only. */
const DRAFT = "snicher/connect";

export class Form {
  element;
  #address;
  #dialect;
  #button;
  #line;
  #note;
  #open;
  /**
   * The peer whose connection the note tells about, and its conversation, which may come later than the answer.
   *
   * @type {{ peer: string, room: string } | null}
   */
  #watched = null;
  /** What is said beside how the connection is, such as what of an invite wasn't taken. */
  #extra = "";
  /**
   * The idempotency key of this attempt, so that a retry after a lost answer doesn't double it.
   *
   * @type {string | null}
   */
  #key = null;
  #stop;

  constructor() {
    this.#address = h("input", { name: "address", placeholder: "192.168.1.20:5000", autocomplete: "off",
      spellcheck: "false", inputmode: "url", maxlength: MAX_LINK, "aria-describedby": "connect-note" });
    this.#dialect = h("select", { name: "dialect" }, ...Object.entries(DIALECTS).map(([value, { short }]) => h("option", { value }, short)));
    const means = h("span", { class: "means", id: "dialect-means" }, DIALECTS.auto.sentence);
    setAttribute(this.#dialect, "aria-describedby", means.id);
    this.#button = h("button", { class: "primary", type: "submit" }, "Connect");
    this.#open = h("button", { class: "link", type: "button", hidden: true }, "Open the conversation");
    this.#note = h("span");
    this.#line = h("p", { class: "connectnote", id: "connect-note", role: "status", hidden: true }, this.#note, " ", this.#open);
    this.element = h("form", { class: "connect" },
      h("div", { class: "fields" },
        h("label", { class: "wide" }, h("span", {}, "Address or invite"), this.#address),
        this.#button),
      h("details", { class: "more" }, h("summary", {}, "More"),
        h("label", {}, h("span", {}, "What the other one speaks"), this.#dialect), means),
      this.#line);
    this.#address.value = this.#draft() ?? "";
    this.#address.addEventListener("input", () => {
      this.#keep(this.#address.value);
      this.#key = null;
      if (this.#line.dataset.tone === "bad") this.#say("");
    });
    this.#dialect.addEventListener("change", () => {
      this.#key = null;
      setText(means, new Map(Object.entries(DIALECTS)).get(this.#dialect.value)?.sentence ?? "");
    });
    this.#open.addEventListener("click", () => {
      if (this.#watched) place.go("chats", store.peers.get(this.#watched.peer)?.room ?? this.#watched.room);
    });
    onSubmit(this.element, () => this.#connect());
    this.#stop = store.on("lists", () => this.#follow());
  }

  destroy() {
    this.#stop();
  }

  async #connect() {
    const address = this.#address.value.trim();
    if (!address) {
      this.#say("Paste an invite, or type the address of somebody's node or client, as 192.168.1.20:5000.", "bad");
      return this.#address.focus();
    }
    const target = asTarget(address);
    if (target.kind === "address" && address.length > MAX_ADDRESS) return this.#say("That is too long for an address.", "bad");
    this.#key ??= newKey();
    this.#button.disabled = true;
    this.#watched = null;
    this.#extra = "";
    this.#say("Asking your node…", "plain");
    try {
      const { peer, note } = await reach(connection, target, this.#key, this.#dialect.value);
      this.#key = null;
      this.#watched = { peer: peer.id, room: peer.room };
      this.#extra = note;
      // The next one may be typed already, here or where the page was left and opened again.
      if (this.#address.value.trim() === address) this.#address.value = "";
      if (this.#draft()?.trim() === address) this.#keep("");
      this.#tell(store.peers.get(peer.id) ?? peer);
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (!problem.retryable) this.#key = null;
      this.#say(`${problem.message}${problem.retryable ? " Try again in a moment; your address is kept." : ""}`, "bad");
      refocus(this.#address, this.element);
    } finally {
      this.#button.disabled = false;
    }
  }

  #follow() {
    if (!this.#watched) return;
    // It may turn out to be a node that goes by another id; then its conversation is part of the one with that node.
    const { peer: id, room } = this.#watched;
    const node = store.rooms.get(store.canonical(room))?.peer;
    const peer = store.peers.get(id) ?? (node ? store.peers.get(node) : undefined);
    if (!peer) return;
    this.#watched = { peer: peer.id, room };
    this.#tell(peer);
  }

  /** @param {PeerView} peer */
  #tell(peer) {
    if (peer.link === "online" || peer.link === "reachable") this.#say(`${called(peer)} is ${peer.presence}. ${peer.privacy_title}`, "good");
    else if (peer.link === "connecting" || peer.link === "unknown") this.#say(`Connecting to ${peer.name}…`, "plain");
    else {
      const why = peer.error || "It doesn't answer.";
      this.#say(`${peer.name} can't be reached: ${why}${peer.wanted ? " Your node keeps trying." : ""}`, "wait");
    }
    this.#open.hidden = false;
  }

  /**
   * @param {string} text
   * @param {string} [tone]
   */
  #say(text, tone = "plain") {
    this.#line.hidden = !text;
    setText(this.#note, this.#watched && this.#extra ? `${text} ${this.#extra}` : text);
    setAttribute(this.#line, "data-tone", tone);
    setAttribute(this.#address, "aria-invalid", tone === "bad" ? "true" : null);
    this.#open.hidden = true;
  }

  #draft() {
    try {
      return window.sessionStorage.getItem(DRAFT);
    } catch {
      return null;
    }
  }

  /** @param {string} text */
  #keep(text) {
    try {
      window.sessionStorage.setItem(DRAFT, text);
    } catch {
      // It stays in the field.
    }
  }
}
