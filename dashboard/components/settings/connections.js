// How the node behaves towards peers.

import { Choice, group } from "./field.js";

export class Connections {
  element;
  #reconnect = new Choice({
    key: "reconnect",
    label: "When a connection breaks",
    choices: [[true, "Connect again by itself"], [false, "Stay apart until somebody connects"]],
  });

  constructor() {
    this.element = group("Connections", this.#reconnect.element);
  }

  draw(view) {
    this.#reconnect.draw(view);
  }
}
