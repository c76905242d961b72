// That somebody types here: told to the server while keys are pressed, and when it is over. The server decides what the
// node is told.

import { connection, store } from "../shared/session.js";

/** How often it is told at most, in ms: the server tells the node less often, and must not miss a key by a hair. */
const AGAIN_MS = 1000;

export class Typing {
  /** @type {string | null} */
  #room = null;
  #told = 0;
  #left = () => document.visibilityState === "hidden" && this.stop();
  #gone = () => this.stop();

  constructor() {
    document.addEventListener("visibilitychange", this.#left);
    window.addEventListener("pagehide", this.#gone);
  }

  destroy() {
    document.removeEventListener("visibilitychange", this.#left);
    window.removeEventListener("pagehide", this.#gone);
    this.stop();
  }

  /**
   * The writer changed the field of a conversation to this text.
   *
   * @param {string} room
   * @param {string} text
   */
  typed(room, text) {
    if (room !== this.#room || !text.trim()) this.stop();
    if (!text.trim() || !store.rooms.get(room)?.encrypted) return;
    const now = performance.now();
    if (this.#room && now - this.#told < AGAIN_MS) return;
    this.#room = room;
    this.#told = now;
    this.#tell(room, false);
  }

  stop() {
    const room = this.#room;
    this.#room = null;
    if (room) this.#tell(room, true);
  }

  /**
   * A word that is lost does no harm: whoever sees it forgets it after a moment.
   *
   * @param {string} room
   * @param {boolean} stopped
   */
  #tell(room, stopped) {
    if (connection.state === "open") connection.ask({ t: "typing", room, stopped }).catch(() => {});
  }
}
