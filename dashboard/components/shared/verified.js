// The mark of somebody whose code was compared: a check mark with its word, wherever they are named.

import { h, icon } from "./dom.js";

/** What it means. */
export const VERIFIED = "Verified: somebody here has compared their code.";
export const NOT_VERIFIED = "Not verified: nobody here has compared their code yet.";

/** A check mark behind a name; hidden until somebody is verified. */
export function verifiedMark() {
  return h("span", { class: "verified", hidden: true, "data-tip": VERIFIED }, icon("done"),
    h("span", { class: "visuallyhidden" }, ", verified"));
}
