// A page as Streamlit shows it: built once, however often Streamlit runs the component's script, and ended when it goes.

/** @typedef {{ parentElement: ParentNode }} Component What Streamlit hands to `mount`. */

/**
 * The element that a component is built in.
 *
 * @param {ParentNode} parent
 * @param {string} selector
 */
export function rootOf(parent, selector) {
  /** @type {HTMLElement | null} */
  const root = parent.querySelector(selector);
  if (!root) throw new Error(`There is no ${selector} in this component.`);
  return root;
}

/**
 * The `mount` of a page. `build` fills the page's root, and returns how to end it.
 *
 * @param {string} selector Of the root.
 * @param {(root: HTMLElement) => () => void} build
 */
export function mounting(selector, build) {
  /** @type {WeakMap<HTMLElement, () => void>} */
  const mounted = new WeakMap();

  /** @param {Component} component */
  return ({ parentElement }) => {
    const root = rootOf(parentElement, selector);
    const known = mounted.get(root);
    if (known) return known;
    const end = build(root);
    const unmount = () => {
      end();
      mounted.delete(root);
      root.replaceChildren();
    };
    mounted.set(root, unmount);
    return unmount;
  };
}
