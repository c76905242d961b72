// A QR code, from its path as the server made it. It is dark on white in either theme, because that is what cameras read.

import { svg } from "./dom.js";

/**
 * @param {string} path What is dark.
 * @param {number} side Modules of a side, with the quiet zone.
 * @param {string} label For screen readers.
 */
export function qrCode(path, side, label) {
  return svg("svg", { viewBox: `0 0 ${side} ${side}`, class: "qr", role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("rect", { width: side, height: side, fill: "#ffffff" }), svg("path", { d: path, fill: "#000000" }));
}
