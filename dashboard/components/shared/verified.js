// The mark of somebody whose code was compared: a check mark with its word, wherever they are named.

import { h, icon } from "./dom.js";
import { TRUST } from "./words.js";

/** A check mark behind a name; hidden until somebody is verified. */
export function verifiedMark() {
  return h("span", { class: "verified", hidden: true, "data-tip": TRUST.verified.sentence }, icon("done"),
    h("span", { class: "visuallyhidden" }, ", verified"));
}
