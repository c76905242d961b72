// The menu in the head of a conversation: how the connection is, rename, merge, connect or disconnect, link,
// delete. What can't be taken back is asked once more in a sheet that says what is lost.

import { h, icon, setAttribute, setText, toClipboard } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { MAX_TYPED } from "../shared/names.js";
import { linkTo } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { connection, store } from "../shared/session.js";
import { blockQuestion } from "./blocking.js";
import { Popup } from "./popup.js";

/** @import { PeerView, RoomView } from "../shared/schema.js" */
/** @import { Sheet } from "./sheet.js" */

const CONNECTED = new Set(["online", "reachable", "connecting"]);

export class Menu {
  element;
  #open;
  #popup;
  #acts;
  #sheet;
  #done;
  /** @type {RoomView | undefined} */
  #room;

  /**
   * `done(text)` tells what a choice did, where nothing else shows it; `sheet` asks once more; `secure(anchor)` tells how the
   * encrypted connection is; `verify(room)` has the codes compared.
   *
   * @param {(text: string) => void} done
   * @param {Sheet} sheet
   * @param {(anchor: Element) => void} secure
   * @param {(room: RoomView) => void} verify
   */
  constructor(done, sheet, secure, verify) {
    this.#done = done;
    this.#sheet = sheet;
    this.#open = h("button", { class: "opener", type: "button" }, icon("more"));
    this.#popup = new Popup(this.#open, "talk-menu");
    this.#acts = {
      secure: this.#popup.add("Connection details…", () => secure(this.#open)),
      verify: this.#add("Compare codes…", verify),
      rename: this.#add("Rename…", (room) => this.#rename(room)),
      merge: this.#add("Merge into…", (room) => this.#merge(room)),
      link: this.#add("Connect", (room) => this.#link(room)),
      copy: this.#add("Copy link", async ({ id }) => {
        await toClipboard(linkTo(id));
        done("Link copied. It works for this dashboard only.");
      }),
      block: this.#add("Block…", (room) => this.#sheet.ask(blockQuestion(room)), true),
    };
    this.#add("Delete conversation…", (room) => this.#remove(room), true);
    this.element = h("div", { class: "menu", hidden: true }, this.#open, this.#popup.items);
  }

  /**
   * Something to do with the conversation.
   *
   * @param {string} label
   * @param {(room: RoomView) => void} act
   * @param {boolean} [grave]
   */
  #add(label, act, grave) {
    return this.#popup.add(label, () => this.#room && act(this.#room), grave);
  }

  /** @param {RoomView | undefined} room Undefined while there is none. */
  draw(room) {
    this.element.hidden = !room;
    this.#room = room;
    if (!room) return this.close();
    setAttribute(this.#open, "aria-label", `More about ${room.name}`);
    const peer = peerOf(room);
    const { rename, merge, link, secure, verify, block } = this.#acts;
    // Of a plain client only the address is blocked, which is known while it is on the list.
    block.hidden = !peer && !room.encrypted;
    secure.hidden = !room.encrypted;
    verify.hidden = !room.code.length;
    rename.hidden = !peer;
    merge.hidden = store.totals.rooms < 2;
    link.hidden = !peer || !(this.#connected(peer) || peer.dialable);
    if (!peer) return;
    setText(link, !this.#connected(peer) ? "Connect" : CONNECTED.has(peer.link) ? "Disconnect" : "Stop trying");
  }

  /** Close whatever is open. */
  close() {
    this.#popup.hide(false);
    this.#sheet.close();
  }

  /** @param {PeerView} peer */
  #connected(peer) {
    return CONNECTED.has(peer.link) || peer.wanted;
  }

  // -- the sheets

  /** @param {RoomView} room */
  #rename({ name, peer }) {
    if (!peer) return;
    const field = h("input", { name: "name", autocomplete: "off", spellcheck: "false", dir: "auto", maxlength: MAX_TYPED });
    field.value = name;
    this.#sheet.ask({
      title: `Rename ${name}`,
      text: "Only you see this name. Leave it empty to go back to what they call themselves.",
      fields: h("label", {}, h("span", {}, "Name"), field),
      yes: "Rename",
      wish: () => (field.value.trim() === name ? null : { op: "rename", args: { peer, name: field.value.trim() } }),
    });
    field.select();
  }

  /** @param {RoomView} room */
  #merge({ id, name }) {
    const others = store.sorted().filter((room) => room.id !== id);
    /** @param {RoomView} room */
    const label = ({ name: other, mark, address }) =>
      (mark ? `${other} · ${mark}` : address && address !== other ? `${other} · ${address}` : other);
    const choice = h("select", { name: "into" }, ...others.map((room) => h("option", { value: room.id }, label(room))));
    this.#sheet.ask({
      title: `Merge ${name} into another conversation`,
      text: `For one person who is here twice. All that was said with ${name} moves there, and what still waits is sent ` +
        "there. It can't be taken apart again.",
      fields: h("label", {}, h("span", {}, "Into"), choice),
      yes: "Merge",
      wish: () => ({ op: "merge", args: { peer: id, into: choice.value } }),
    });
    choice.focus();
  }

  /** @param {RoomView} room */
  #remove({ id, name }) {
    this.#sheet.ask({
      title: `Delete the conversation with ${name}?`,
      text: `Everything said here is erased from this computer for good, what still waits is never sent, and ${name} ` +
        `leaves your list of peers. It can't be undone. ${name} keeps their own copy; what they say next begins a new ` +
        "conversation.",
      yes: "Delete for good",
      grave: true,
      // The id of a conversation stands for its peer, also when that is off the list.
      wish: () => ({ op: "delete", args: { peer: id } }),
    });
  }

  /** @param {RoomView} room */
  #link(room) {
    const peer = peerOf(room);
    if (!peer) return;
    const answer = this.#connected(peer)
      ? connection.command("disconnect", { peer: peer.id }, newKey())
      : connection.command("connect", { address: peer.id }, newKey());
    answer.catch((thrown) => {
      const { message } = problemOf(thrown);
      // Who has gone on, or writes in another sheet, is told in passing.
      if (!this.#open.isConnected) return;
      if (this.#sheet.open || this.#room?.id !== room.id) return this.#done(`${room.name}: ${message}`);
      this.#sheet.ask({ title: "That didn't work", text: message, yes: "All right", wish: () => null });
    });
  }
}

/**
 * The other side of a conversation, while it is on the list.
 *
 * @param {RoomView} room
 */
function peerOf({ peer }) {
  return peer === null ? undefined : store.peers.get(peer);
}
