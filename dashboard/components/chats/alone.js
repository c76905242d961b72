// Shown while there is no conversation yet: three ways to add somebody, and what this node does meanwhile.

import { addressList, copyButton } from "../shared/address.js";
import { focusAround, h, icon, setText, toClipboard } from "../shared/dom.js";
import { newKey } from "../shared/key.js";
import { onSubmit } from "../shared/keyboard.js";
import { place } from "../shared/place.js";
import { problemOf } from "../shared/problem.js";
import { drawnQr } from "../shared/qr.js";
import { asTarget, isHere, MAX_LINK, reach } from "../shared/reaching.js";
import { connection, store } from "../shared/session.js";

/** @import { Invite, NearbyView, SelfView } from "../shared/schema.js" */

/** How it must be for others to be found; in nodes' words. */
const LOOKING = new Set(["on", "failing", "no_network"]);

export class Alone {
  element;
  #heading = h("h2");
  #text = h("p");
  #invite = new InviteCard();
  #address = new AddressCard();
  #own = h("div", { class: "own" });
  #ownAddresses = addressList(this.#own);
  #now = h("dl", { class: "now" });
  #code = h("dd", {});
  #name = h("dd", { dir: "auto" });
  #watch = new ResizeObserver(() => this.draw());
  /** What `#now` says, so that it is drawn when that changes. */
  #said = "";

  constructor() {
    this.element = h("div", { class: "alone" },
      this.#heading, this.#text,
      h("div", { class: "ways" },
        this.#invite.element,
        this.#address.element,
        h("section", { class: "card" }, h("h3", {}, "A plain client"),
          h("p", {}, "An older chat program. Give it this address: it appears here with its first word."), this.#own,
          h("p", {}, "It can't encrypt or confirm: what you say there can be read on the network."))),
      h("div", { class: "ways" },
        h("section", { class: "card" }, h("h3", {}, "Right now"), this.#now),
        h("section", { class: "card" }, h("h3", {}, "You"),
          h("dl", { class: "now" }, h("dt", {}, "Name"), this.#name, h("dt", {}, "Short code"), this.#code),
          h("p", {}, "Friends compare the code with what their Snicher shows, to be sure that it is you."))));
    // It comes into sight when the window gets another width, too.
    this.#watch.observe(this.element);
  }

  destroy() {
    this.#watch.disconnect();
  }

  /** Whether somebody types in it. */
  get typing() {
    return focusAround(this.element)?.matches("input") ?? false;
  }

  /** Nothing is asked while it isn't in sight. */
  draw() {
    const { me } = store;
    if (!me || this.element.offsetParent === null) return;
    this.#ownAddresses.draw(me.addresses);
    setText(this.#name, me.name);
    if (this.#code.textContent !== me.code) this.#code.replaceChildren(me.code.replaceAll("-", " · "), copyButton(() => me.code, "your code"));
    const found = store.strangersNearby().length;
    setText(this.#heading, found ? `${found === 1 ? "One person is" : `${found} people are`} nearby` : "Nobody to talk with yet");
    setText(this.#text, found
      ? "Choose somebody in the list to write to them, encrypted. There are three ways to add somebody else:"
      : `${LOOKING.has(store.nearby?.state ?? "") ? "Whoever starts Snicher on this network, or writes to you," : "Whoever writes to you"
      } appears here by themselves. There are three ways to add somebody yourself:`);
    const rows = rightNow(me, store.nearby);
    const said = JSON.stringify(rows);
    if (said !== this.#said) {
      this.#said = said;
      this.#now.replaceChildren(...rows.flatMap(([tone, word, text]) =>
        [h("dt", { class: "word", "data-tone": tone }, word), h("dd", {}, text)]));
    }
    this.#invite.draw(me.addresses.join());
  }
}

/**
 * What the node does to be found: tone, word and sentence.
 *
 * @param {SelfView} me
 * @param {NearbyView | null} nearby
 * @returns {[string, string, string][]}
 */
export function rightNow(me, nearby) {
  const rows = [listening(me)];
  if (nearby) rows.push([nearby.tone, nearby.word, nearby.text]);
  if (nearby?.unknown) rows.push(["wait", "asking", `${nearby.unknown} more that are seen here who they are`]);
  return rows;
}

/**
 * @param {SelfView} me
 * @returns {[string, string, string]}
 */
function listening({ addresses, listen }) {
  const port = listen.slice(listen.lastIndexOf(":") + 1);
  if (!addresses.length) return ["bad", "not listening", "Your node has no address at which others could reach it."];
  if (addresses.every(isHere)) return ["wait", "listening", `on port ${port}, for programs on this machine only`];
  return ["good", "listening", `on port ${port}, at ${addresses.length === 1 ? "one address" : `${addresses.length} addresses`}`];
}

/** The invite as a QR code and a link to copy; asked for when it is first drawn, and when the addresses change. */
class InviteCard {
  #code = h("div", { class: "code" });
  #note = h("p", { role: "status" });
  #link = "";
  #copy = h("button", { class: "primary", type: "button", disabled: true, onclick: async () => {
    await toClipboard(this.#link);
    setText(this.#note, "Copied.");
  } }, icon("link"), "Copy the link");
  element = h("section", { class: "card" }, h("h3", {}, "Send an invite"),
    h("p", {}, "They scan it, or paste the link. Encrypted from the first word."), this.#code, this.#note, this.#copy);
  /** @type {string | null} */
  #asked = null;

  /** @param {string} addresses */
  async draw(addresses) {
    if (this.#asked === addresses) return;
    this.#asked = addresses;
    try {
      const made = await connection.command("invite", {});
      if (this.#asked === addresses) this.#put(made);
    } catch (thrown) {
      if (this.#asked !== addresses) return;
      const problem = problemOf(thrown);
      setText(this.#note, problem.message);
      // It is asked again with a later picture.
      if (problem.retryable) this.#asked = null;
    }
  }

  /** @param {Invite} made */
  #put({ link, note, qr }) {
    this.#link = link;
    this.#copy.disabled = false;
    this.#code.replaceChildren(drawnQr(qr, "Your invite as a QR code"));
    setText(this.#note, note);
  }
}

/** The field for an address or an invite; once it worked, the conversation opens. */
class AddressCard {
  #field = h("input", { name: "address", placeholder: "192.168.1.31:5000", autocomplete: "off", spellcheck: "false", inputmode: "url",
    maxlength: MAX_LINK, "aria-label": "Address or invite" });
  #note = h("p", { role: "status" });
  #button = h("button", { class: "act", type: "submit" }, "Connect");
  element = h("form", { class: "card" }, h("h3", {}, "Type an address"),
    h("p", {}, "It stands at the bottom left of their Snicher. An invite will do, too. Without a port, 5000 is taken."),
    this.#field, this.#note, this.#button);
  /** The idempotency key of this attempt. @type {string | null} */
  #key = null;

  constructor() {
    this.#field.addEventListener("input", () => {
      this.#key = null;
      setText(this.#note, "");
    });
    onSubmit(this.element, () => this.#connect());
  }

  async #connect() {
    const typed = this.#field.value.trim();
    if (!typed) {
      setText(this.#note, "Type an address, as 192.168.1.31:5000, or paste an invite.");
      return this.#field.focus();
    }
    this.#key ??= newKey();
    this.#button.disabled = true;
    setText(this.#note, "Asking your node…");
    try {
      const { peer } = await reach(connection, asTarget(typed), this.#key);
      this.#key = null;
      this.#field.value = "";
      setText(this.#note, "");
      place.open(peer.room);
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (!problem.retryable) this.#key = null;
      setText(this.#note, `${problem.message}${problem.retryable ? " Try again in a moment." : ""}`);
    } finally {
      this.#button.disabled = false;
    }
  }
}
