// How the node behaves towards peers, and what it tells them.

import { Choice, group } from "./field.js";

export class Connections {
  element;
  #reconnect = new Choice({
    key: "reconnect",
    label: "When a connection breaks",
    choices: [[true, "Connect again by itself"], [false, "Stay apart until somebody connects"]],
  });
  #sharing = new Choice({
    key: "share_reading",
    label: "What others see of you",
    help: "In encrypted chats, others see when you have read a message, and when you type. Off: they are told neither. " +
      "You still see theirs if they share it. Plain clients never see any of it.",
    choices: [[true, "Tell them when I have read, and when I type"], [false, "Tell them neither"]],
  });

  constructor() {
    this.element = group("Connections", this.#reconnect.element, this.#sharing.element);
  }

  draw(view) {
    this.#reconnect.draw(view);
    this.#sharing.draw(view);
  }
}
