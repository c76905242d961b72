// How much is kept of the event log and of messages: what is deleted, and when. A change that can't be undone asks twice.

import { h, setText } from "../shared/dom.js";
import { many, NUMBER } from "../shared/amount.js";
import { Field, group } from "./field.js";

const whole = (what) => (text) => {
  const digits = text.replaceAll(/[\s,.'’]/g, "");
  return /^\d{1,12}$/.test(digits) ? Number(digits) : { problem: `Type ${what} as a whole number.` };
};

export class Kept {
  element;
  #sum = h("p", { class: "quiet" });
  #days;
  #events;

  constructor() {
    this.#days = new Field({
      key: "keep_days",
      label: "Keep messages for",
      help: "0 keeps them for ever. Older ones are deleted from this node's disk, a few at a time while it runs, and can't be brought back; what others have on theirs stays.",
      unit: "days",
      attributes: { inputmode: "numeric", name: "keep_days", size: 8 },
      show: (value) => NUMBER.format(value),
      read: whole("the days"),
      sure: (value, before) => value > 0 && (before === 0 || value < before) && `Really delete what is older than ${NUMBER.format(value)} days?`,
    });
    this.#events = new Field({
      key: "keep_events",
      label: "Keep in the event log",
      help: "The newest ones; older ones go as new ones come. Messages are not touched. A bot or dashboard that was away for longer than the log reaches back starts afresh.",
      unit: "events",
      attributes: { inputmode: "numeric", name: "keep_events", size: 12 },
      show: (value) => NUMBER.format(value),
      read: whole("how many events"),
    });
    this.element = group("What is kept", this.#sum, this.#days.element, this.#events.element);
  }

  draw(view) {
    const messages = view.messages === null ? "" : many(view.messages, "message");
    const events = view.kept_events === null ? "" : many(view.kept_events, "event");
    const both = [messages, events].filter(Boolean).join(" and ");
    setText(this.#sum, both ? `On the disk now: ${both}.` : "How much there is, only the node can tell.");
    this.#days.draw(view);
    this.#events.draw(view);
  }
}
