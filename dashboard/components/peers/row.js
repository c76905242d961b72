// One peer in the table: who, where, how they speak, how the connection is, what went wrong, and what one can do.

import { avatar, copy, drawAvatar, h, icon, setAttribute, setText } from "../shared/dom.js";
import { called } from "../shared/names.js";
import { place } from "../shared/place.js";
import { drawPrivacy, privacyBadge } from "../shared/privacy.js";
import { store } from "../shared/session.js";
import { isHere } from "../shared/store.js";
import { verifiedMark } from "../shared/verified.js";
import * as when from "../shared/when.js";
import { PRIVACY } from "../shared/words.js";

/** @import { Content } from "../shared/dom.js" */
/** @import { PeerView } from "../shared/schema.js" */
/** @typedef {"connect" | "disconnect" | "forget"} Wish */

/** A second press within this time forgets a peer, in ms. */
const CONFIRM_MS = 4000;

/** How somebody may be that says too little by its word alone. */
const EXPLAINED = new Set(["reachable", "unknown"]);

/**
 * @param {string} name
 * @param {...Content} children
 */
const cell = (name, ...children) => h("div", { class: `cell ${name}`, role: "cell" }, ...children);

export class Row {
  element;
  #peer;
  #wish;
  #parts;
  #doubted;
  /**
   * The end of the time for the second press.
   *
   * @type {number | undefined}
   */
  #sure;

  #drawn = "";

  /**
   * @param {PeerView} peer
   * @param {(wish: Wish, peer: PeerView, button: HTMLButtonElement) => void} wish Tells the node what was pressed.
   */
  constructor(peer, wish) {
    this.#peer = peer;
    this.#wish = wish;
    const chat = () => place.go("chats", this.#peer.room);
    const parts = {
      face: avatar(),
      name: h("button", { class: "link name", dir: "auto", onclick: chat }),
      privacy: privacyBadge({ tabindex: 0 }),
      code: h("span", { class: "code" }),
      verified: verifiedMark(),
      doubt: h("span", { class: "doubtline", dir: "auto" }),
      decide: h("button", { class: "act", onclick: chat }, "Decide…"),
      presence: h("span", { class: "presence", tabindex: 0 }),
      why: h("span", { class: "why", dir: "auto" }),
      address: h("span", { class: "text" }),
      copy: h("button", { class: "copybutton", "data-tip": "Copy", onclick: () => copy(parts.copy, this.#peer.address) },
        icon("copy")),
      dialect: h("span", { class: "dialect", tabindex: 0 }),
      seen: h("time", {}),
      asks: h("span", { class: "asks" }),
      chat: h("button", { class: "act", onclick: chat }),
      link: h("button", { class: "act", onclick: () => this.#toggle() }),
      forget: h("button", { class: "act quiet", onclick: () => this.#forget() }, "Forget"),
    };
    this.#parts = parts;
    this.#doubted = h("span", { class: "doubted" }, icon("alert"), parts.doubt, parts.decide);
    this.element = h("div", { class: "peer", role: "row" },
      cell("who", parts.face, h("span", { class: "names" }, h("span", { class: "named" }, parts.name, parts.verified),
        h("span", { class: "kept" }, parts.privacy, parts.code, parts.asks))),
      cell("how", parts.presence, parts.why, this.#doubted),
      cell("where", parts.address, parts.copy),
      cell("speaks", parts.dialect),
      cell("seen", parts.seen),
      cell("acts", parts.chat, parts.link, parts.forget));
  }

  /** @param {PeerView} peer */
  draw(peer) {
    const parts = this.#parts;
    const now = store.now();
    // Nothing about it changed since it was drawn, and times are told to the second.
    const drawn = `${store.away !== null} ${Math.floor(now / 1000)}`;
    if (this.#peer === peer && this.#drawn === drawn) return;
    this.#drawn = drawn;
    this.#peer = peer;
    drawAvatar(parts.face, peer);
    setText(parts.name, peer.name);
    setAttribute(parts.name, "aria-label", `Chat with ${called(peer)}`);
    drawPrivacy(parts.privacy, peer.encrypted, (peer.encrypted ? PRIVACY.encrypted : PRIVACY.plain).short, peer.privacy_title);
    setText(parts.code, peer.code.join(" "));
    parts.verified.hidden = !peer.verified;
    // What a stranger said is looked at among the requests; one who has said nothing has nothing there.
    parts.asks.hidden = !peer.asks;
    setText(parts.asks, peer.waits ? "asks to write to you" : "has written nothing yet");
    setText(parts.chat, peer.waits ? "See the request" : "Chat");
    this.#doubted.hidden = !peer.doubt;
    setText(parts.doubt, peer.doubt);
    setAttribute(parts.decide, "aria-label", `Decide who ${called(peer)} is`);
    const quiet = peer.link === "unknown" && peer.last_seen ? ` since ${when.moment(peer.last_seen, now)}` : "";
    setText(parts.presence, store.away ? "unknown" : `${peer.presence}${quiet}`);
    setAttribute(parts.presence, "data-tone", store.away ? "plain" : peer.presence_tone);
    setAttribute(parts.presence, "data-tip", store.away ? "The node is away." : peer.presence_title);
    const tries = peer.next_at ? `Next try ${when.until(peer.next_at, now)}.` : peer.link === "connecting" && "Trying now.";
    const next = !store.away && (peer.error || peer.next_at) ? tries : "";
    const why = [peer.status, peer.error, next].filter(Boolean).join(" ");
    setText(parts.why, why || (EXPLAINED.has(peer.link) && !store.away ? peer.presence_title : ""));
    setText(parts.address, peer.address || "not said");
    parts.copy.hidden = !peer.address;
    setAttribute(parts.copy, "aria-label", `Copy ${peer.address}`);
    setText(parts.dialect, peer.dialect);
    setAttribute(parts.dialect, "data-tip", peer.dialect_title);
    setText(parts.seen, peer.link === "online" && !store.away ? "now" : peer.last_seen ? when.ago(peer.last_seen, now)
      : isHere(peer) ? "not heard yet" : "never heard");
    setAttribute(parts.seen, "data-seen", peer.link === "online" || peer.last_seen ? "" : null);
    setAttribute(parts.seen, "data-tip", peer.last_seen ? when.full(peer.last_seen) : null);
    const connected = this.#connected;
    setText(parts.link, connected ? (peer.link === "online" ? "Disconnect" : "Stop trying") : "Connect");
    if (peer.link === "reachable") setText(parts.link, "Disconnect");
    parts.link.hidden = !connected && !peer.dialable;
    setAttribute(parts.forget, "aria-label", `Forget ${called(peer)}`);
  }

  get #connected() {
    const { link, wanted } = this.#peer;
    return link === "online" || link === "reachable" || link === "connecting" || wanted;
  }

  #toggle() {
    this.#wish(this.#connected ? "disconnect" : "connect", this.#peer, this.#parts.link);
  }

  /** Twice, because it can't be taken back; the conversation stays either way. */
  #forget() {
    const { forget } = this.#parts;
    if (this.#sure !== undefined) {
      this.#unsure();
      this.#wish("forget", this.#peer, forget);
      return;
    }
    setText(forget, "Really forget?");
    setAttribute(forget, "data-tip", "The conversation stays; what still waits will not be sent.");
    this.#sure = setTimeout(() => this.#unsure(), CONFIRM_MS);
  }

  #unsure() {
    clearTimeout(this.#sure);
    this.#sure = undefined;
    setText(this.#parts.forget, "Forget");
    setAttribute(this.#parts.forget, "data-tip", null);
  }
}
