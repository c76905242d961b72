// A document for modules that draw. Import it before them: they find `window` and `document` where they expect them.

import { parseHTML } from "linkedom";

const { window, document } = parseHTML("<!doctype html><html><head></head><body></body></html>");

Object.assign(globalThis, {
  window,
  document,
  Element: window.Element,
  Event: window.Event,
  HTMLElement: window.HTMLElement,
  MutationObserver: window.MutationObserver,
  Node: window.Node,
});

export { document, window };
