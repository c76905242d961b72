// A QR code that the server has made: dark on white in either theme, with the light around it that cameras need.

import { svg } from "./dom.js";

/** @import { QrCode } from "./schema.js" */

/**
 * @param {QrCode} code
 * @param {string} label For those who can't see it.
 */
export function drawnQr({ path, side }, label) {
  return svg("svg", { viewBox: `0 0 ${side} ${side}`, class: "qr", role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("rect", { width: side, height: side, fill: "#ffffff" }), svg("path", { d: path, fill: "#000000" }));
}
