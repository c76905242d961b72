// Making and updating elements. All text goes in as text nodes: what peers write never becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {string | number | boolean | null | undefined} Value What null, undefined or false says isn't there. */
/** @typedef {Node | string | false | null | undefined} Content */
/** @typedef {{ onclick?: (event: MouseEvent) => void, [name: string]: Value | ((event: MouseEvent) => void) }} Attributes */
/** @typedef {keyof typeof ICONS} IconName */

/** @type {(child: Content) => child is string | Node} */
const isThere = (child) => child !== null && child !== undefined && child !== false;

/**
 * `h("button", {class: "send", onclick}, "Send")`: attributes by name, `on...` as listeners, children as text or nodes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Content} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter(isThere));
  return element;
}

/**
 * Set text only if it differs, so that a selection or a screen reader isn't disturbed.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {Value} value
 */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/**
 * The element of the page or component around `node` that has the focus.
 *
 * @param {Node} node
 * @returns {HTMLElement | null}
 */
export function focusAround(node) {
  const root = /** @type {Document | ShadowRoot} */ (node.getRootNode());
  return root.activeElement instanceof HTMLElement ? root.activeElement : null;
}

/**
 * The element that fits `selector` and in which `event` happened.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest({ target }, selector) {
  return target instanceof Element ? target.closest(selector) : null;
}

/**
 * @param {Node} element
 * @param {EventTarget | null} target
 */
export function holds(element, target) {
  return target instanceof Node && element.contains(target);
}

/**
 * A child of an element, and how an item is drawn into it; one without `draw` doesn't change.
 *
 * @template T
 * @typedef {{ readonly element: HTMLElement, draw?(item: T): void }} Child
 */

/**
 * The children of an element: one for each item, in the order of the items, kept by key.
 *
 * @template T
 * @template {Child<T>} [C=Child<T>]
 */
export class Children {
  #parent;
  #keyOf;
  #make;
  /** @type {Map<string, C>} */
  #kept = new Map();

  /**
   * @param {Element} parent
   * @param {(item: T) => string} keyOf
   * @param {(item: T) => C} make
   */
  constructor(parent, keyOf, make) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  /** @param {string} key */
  get(key) {
    return this.#kept.get(key);
  }

  /** In the order in which they stand. */
  [Symbol.iterator]() {
    return this.#kept.values();
  }

  /**
   * Draw the items, touching only what differs.
   *
   * @param {readonly T[]} items
   */
  draw(items) {
    const parent = this.#parent;
    const focused = focusAround(parent);
    const old = this.#kept;
    // Remove elements first. Otherwise all later elements would be moved, and lose focus and selection.
    const staying = new Set(items.map(this.#keyOf));
    for (const [key, child] of old) {
      if (staying.has(key)) continue;
      child.element.remove();
      old.delete(key);
    }
    /** @type {Map<string, C>} */
    const kept = new Map();
    let at = parent.firstChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      let child = old.get(key);
      if (!child) {
        child = this.#make(item);
        child.element.dataset.key = key;
      }
      kept.set(key, child);
      child.draw?.(item);
      if (at && child.element === at) at = at.nextSibling;
      else parent.insertBefore(child.element, at);
    }
    this.#kept = kept;
    // A moved element has lost the focus.
    if (focused && parent.contains(focused) && focusAround(parent) !== focused) focused.focus({ preventScroll: true });
  }

  clear() {
    this.draw([]);
  }
}

/**
 * Focus `field` after an answer, unless the focus has moved outside of `form` meanwhile.
 *
 * @param {HTMLElement} field
 * @param {Element} form
 */
export function refocus(field, form) {
  const { activeElement: outside, body } = document;
  const focused = focusAround(field) ?? (outside === body ? null : outside);
  if (!focused || form.contains(focused)) field.focus();
}

/**
 * A part of a drawing; decoration or not is the caller's word.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...Node} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const ICONS = {
  chats: "M4 5.5A1.5 1.5 0 0 1 5.5 4h13A1.5 1.5 0 0 1 20 5.5v9a1.5 1.5 0 0 1-1.5 1.5H10l-4.5 4v-4A1.5 1.5 0 0 1 4 14.5z",
  peers: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-6 9c0-3.6 2.7-6 6-6s6 2.4 6 6M16 4.5a3.3 3.3 0 0 1 0 6.3M17.5 14.4c2.1.8 3.5 2.8 3.5 5.6",
  asks: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-6 9c0-3.6 2.7-6 6-6s6 2.4 6 6M18.5 7v6m-3-3h6",
  send: "M12 19V5m-6 6 6-6 6 6",
  down: "M12 5v14m-6-6 6 6 6-6",
  back: "M19 12H5m6-6-6 6 6 6",
  copy: "M9 9h10v11H9zM5 15V4h10",
  done: "m5 12.5 4.5 4.5L19 7.5",
  link: "M9.5 14.5l5-5M11 6.5l1.6-1.6a4.6 4.6 0 0 1 6.5 6.5L17.5 13M13 17.5l-1.6 1.6a4.6 4.6 0 0 1-6.5-6.5L6.5 11",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zm5-2 4.5 4.5",
  close: "M6 6l12 12M18 6 6 18",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zm0-12.5V12l3 2",
  alert: "M12 8v5m0 3.2v.1M12 3.5 2.5 20h19z",
  open: "M8 10V7.5a4 4 0 0 1 7.6-1.7M6 10h12v10H6z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  rooms: "M4 6h16M4 12h16M4 18h10",
  node: "M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.01M7.5 16h.01",
  right: "m9 6 6 6-6 6",
  picture: "M4 5h16v14H4zm0 11 4.5-4.5 3.5 3.5 3-3 5 5M15.5 9.5h.01",
  lock: "M8 10V7.5a4 4 0 0 1 8 0V10M6 10h12v10H6z",
};

/**
 * A line drawing, 24 units wide; decoration, so hidden from screen readers.
 *
 * @param {IconName} name
 */
export function icon(name) {
  return drawing(ICONS[name]);
}

/**
 * The same of a path that isn't one of ours.
 *
 * @param {string} path
 */
export function drawing(path) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: path }));
}

/** An avatar: initials on a colour that follows from the id, and a dot for presence. */
export function avatar() {
  return h("span", { class: "avatar", "aria-hidden": "true" }, h("span", { class: "letters" }), h("span", { class: "dot" }));
}

/**
 * @param {HTMLElement} element
 * @param {{ initials: string, hue: number, link: string }} face
 */
export function drawAvatar(element, { initials, hue, link }) {
  const [letters, dot] = element.children;
  setAttribute(element, "data-hue", hue);
  setText(letters, initials);
  setAttribute(dot, "data-link", link);
}

/**
 * Puts `text` on the clipboard and says so on the button.
 *
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copy(button, text) {
  await toClipboard(text);
  button.replaceChildren(icon("done"));
  button.classList.add("copied");
  setTimeout(() => {
    button.replaceChildren(icon("copy"));
    button.classList.remove("copied");
  }, 1200);
}

/** @param {string} text Goes to the clipboard. */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or not a secure context: the old way.
    const field = h("textarea", { style: "position:fixed;opacity:0" });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
