// Everybody we know, live: who, where, how they speak, how the connection is, what went wrong, and what one can do.

import { calm } from "../shared/calm.js";
import { avatar, copy, drawAvatar, h, icon, reconcile, setAttribute, setText } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { called, nameKey } from "../shared/names.js";
import { place } from "../shared/place.js";
import { drawPrivacy, privacyBadge } from "../shared/privacy.js";
import { connection, store } from "../shared/session.js";
import * as when from "../shared/when.js";

/** Who is here comes first. Among the others a name's place doesn't change with each try to reach it. */
const isHere = ({ link }) => link === "online" || link === "reachable";
/** A second press within this time forgets a peer, in ms. */
const CONFIRM_MS = 4000;

export class Table {
  element;
  #parts;
  #filter = "";
  #redraw = calm(() => this.draw());
  #stops;

  constructor() {
    const field = h("input", { type: "search", placeholder: "Filter by name, address or code", autocomplete: "off",
      spellcheck: "false", "aria-label": "Filter peers" });
    field.addEventListener("input", () => {
      this.#filter = nameKey(field.value.trim());
      this.draw();
    });
    this.#parts = {
      rows: h("div", { class: "body", role: "rowgroup" }),
      sum: h("span", { class: "sum", role: "status" }),
      empty: h("div", { class: "empty", hidden: true }, h("h2"), h("p")),
      problem: h("p", { class: "connectnote", "data-tone": "bad", role: "alert", hidden: true }),
      head: h("div", { class: "head", role: "row" },
        ...["Peer", "Connection", "Address", "Dialect", "Last seen", ""].map((title) =>
          h("span", { role: "columnheader" }, title || h("span", { class: "visuallyhidden" }, "Actions")))),
    };
    const { rows, sum, empty, problem, head } = this.#parts;
    this.element = h("section", { class: "known" },
      h("div", { class: "bar" }, h("div", { class: "search" }, icon("search"), field), sum), problem,
      h("div", { class: "table", role: "table", "aria-label": "Peers" }, head, rows), empty);
    const tick = setInterval(() => this.draw(), 1000);
    this.#stops = [store.on("lists", this.#redraw), () => this.#redraw.stop(), () => clearInterval(tick)];
    this.draw();
  }

  destroy() {
    for (const stop of this.#stops) stop();
  }

  draw() {
    const { rows, sum, empty, head } = this.#parts;
    const all = [...store.peers.values()];
    const shown = all
      .filter((peer) => nameKey(`${peer.name} ${peer.address} ${peer.code.join(" ")}`).includes(this.#filter))
      .sort((a, b) => isHere(b) - isHere(a) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
    reconcile(rows, shown, (peer) => peer.id, () => this.#make(), (element, peer) => this.#drawPeer(element, peer));
    const here = all.filter(isHere).length;
    setText(sum, all.length ? (store.away ? `${all.length} known` : `${all.length} known, ${here} reachable now`) : "");
    head.hidden = !shown.length;
    empty.hidden = Boolean(shown.length) || !store.loaded || !store.me;
    const [title, text] = empty.children;
    setText(title, all.length ? "Nobody by that name" : "Nobody yet");
    setText(text, all.length
      ? "No peer's name, address or code holds what you typed."
      : "Type somebody's address above, or give them yours. Whoever connects to you appears here by themselves.");
  }

  #make() {
    const parts = {
      face: avatar(),
      name: h("button", { class: "link name", dir: "auto" }),
      privacy: privacyBadge({ tabindex: 0 }),
      code: h("span", { class: "code" }),
      doubt: h("span", { class: "doubtline", dir: "auto" }),
      decide: h("button", { class: "act" }, "Decide…"),
      presence: h("span", { class: "presence", tabindex: 0 }),
      why: h("span", { class: "why", dir: "auto" }),
      address: h("span", { class: "text" }),
      copy: h("button", { class: "copybutton", "data-tip": "Copy" }, icon("copy")),
      dialect: h("span", { class: "dialect", tabindex: 0 }),
      seen: h("time", {}),
      chat: h("button", { class: "act" }, "Chat"),
      link: h("button", { class: "act" }),
      forget: h("button", { class: "act quiet" }, "Forget"),
    };
    const cell = (name, ...children) => h("div", { class: `cell ${name}`, role: "cell" }, ...children);
    const element = h("div", { class: "peer", role: "row" },
      cell("who", parts.face, h("span", { class: "names" }, parts.name, h("span", { class: "kept" }, parts.privacy, parts.code))),
      cell("how", parts.presence, parts.why, h("span", { class: "doubted" }, icon("alert"), parts.doubt, parts.decide)),
      cell("where", parts.address, parts.copy),
      cell("speaks", parts.dialect),
      cell("seen", parts.seen),
      cell("acts", parts.chat, parts.link, parts.forget));
    element.parts = parts;
    const chat = () => place.go("chats", element.peer.room);
    parts.name.addEventListener("click", chat);
    parts.chat.addEventListener("click", chat);
    parts.decide.addEventListener("click", chat);
    parts.copy.addEventListener("click", () => copy(parts.copy, element.peer.address));
    parts.link.addEventListener("click", () => this.#toggle(element));
    parts.forget.addEventListener("click", () => this.#forget(element));
    return element;
  }

  #drawPeer(element, peer) {
    const { parts } = element;
    const now = store.now();
    element.peer = peer;
    drawAvatar(parts.face, peer);
    setText(parts.name, peer.name);
    setAttribute(parts.name, "aria-label", `Chat with ${called(peer)}`);
    drawPrivacy(parts.privacy, peer.encrypted, peer.encrypted ? "encrypted" : "plain", peer.privacy_title);
    setText(parts.code, peer.code.join(" "));
    parts.doubt.parentNode.hidden = !peer.doubt;
    setText(parts.doubt, peer.doubt);
    setAttribute(parts.decide, "aria-label", `Decide who ${called(peer)} is`);
    setText(parts.presence, store.away ? "unknown" : peer.presence);
    setAttribute(parts.presence, "data-tone", store.away ? "plain" : peer.presence_tone);
    setAttribute(parts.presence, "data-tip", store.away ? "The node is away." : peer.presence_title);
    const tries = peer.next_at ? `Next try ${when.until(peer.next_at, now)}.` : peer.link === "connecting" && "Trying now.";
    const next = !store.away && (peer.error || peer.next_at) ? tries : "";
    setText(parts.why, [peer.error, next].filter(Boolean).join(" "));
    setText(parts.address, peer.address || "not said");
    parts.copy.hidden = !peer.address;
    setAttribute(parts.copy, "aria-label", `Copy ${peer.address}`);
    setText(parts.dialect, peer.dialect);
    setAttribute(parts.dialect, "data-tip", peer.dialect_title);
    setText(parts.seen, peer.last_seen ? when.ago(peer.last_seen, now) : "never");
    setAttribute(parts.seen, "data-tip", peer.last_seen ? when.full(peer.last_seen) : null);
    const connected = peer.link === "online" || peer.link === "reachable" || peer.link === "connecting" || peer.wanted;
    setText(parts.link, connected ? (peer.link === "online" ? "Disconnect" : "Stop trying") : "Connect");
    if (peer.link === "reachable") setText(parts.link, "Disconnect");
    parts.link.hidden = !connected && !peer.dialable;
    element.connected = connected;
    setAttribute(parts.forget, "aria-label", `Forget ${called(peer)}`);
  }

  async #ask(button, op, args) {
    button.disabled = true;
    const { problem } = this.#parts;
    try {
      await connection.command(op, args, newKey());
      problem.hidden = true;
    } catch (error) {
      setText(problem, error.message);
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  }

  #toggle(element) {
    const { peer } = element;
    if (element.connected) this.#ask(element.parts.link, "disconnect", { peer: peer.id });
    else this.#ask(element.parts.link, "connect", { address: peer.id });
  }

  /** Twice, because it can't be taken back; the conversation stays either way. */
  #forget(element) {
    const button = element.parts.forget;
    if (button.dataset.sure) {
      clearTimeout(Number(button.dataset.sure));
      delete button.dataset.sure;
      setText(button, "Forget");
      this.#ask(button, "forget", { peer: element.peer.id });
      return;
    }
    setText(button, "Really forget?");
    setAttribute(button, "data-tip", "The conversation stays; what still waits will not be sent.");
    button.dataset.sure = String(setTimeout(() => {
      delete button.dataset.sure;
      setText(button, "Forget");
      setAttribute(button, "data-tip", null);
    }, CONFIRM_MS));
  }
}
