// Light, dark, or as the system is: one choice for this browser, kept here and not in the node. The style sheet of the
// page (frame/page.css) does it for the components: their colours are `light-dark()` and follow `color-scheme`.
//
// Streamlit's own elements have their colours from Streamlit, which asks the system: light or dark? It has no public way
// to choose from a script; it offers that in its own menu only. So the question is answered here, in place of the
// system: `matchMedia` tells what was chosen, and Streamlit looks again when it is told that the page was printed (it
// listens to that because browsers print in light colours). Without this, somebody who chose dark on a light system
// reads dark words on a dark ground on the pages with native elements: test_dashboard_settings.py looks at that.
// It can go as soon as Streamlit lets a script choose between [theme.light] and [theme.dark].

const KEPT = "snicher/theme";
export const THEMES = ["system", "light", "dark"];
const SYSTEM_QUERY = "(prefers-color-scheme: dark)";

/**
 * The choice where the storage is forbidden; it lasts as long as the tab.
 *
 * @type {string | null}
 */
let unkept = null;
/** @type {Set<() => void>} */
const listeners = new Set();

/** The chosen theme. */
export function theme() {
  if (unkept) return unkept;
  try {
    const kept = window.localStorage.getItem(KEPT);
    return kept && THEMES.includes(kept) ? kept : "system";
  } catch {
    return "system";
  }
}

/**
 * Choose one of THEMES, for all tabs of this browser.
 *
 * @param {string} name
 */
export function choose(name) {
  try {
    window.localStorage.setItem(KEPT, name);
    unkept = null;
  } catch {
    unkept = name;
  }
  chosen();
}

/**
 * Calls `listener` when another theme was chosen, here or in another tab; returns how to stop that.
 *
 * @param {() => void} listener
 */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function chosen() {
  apply();
  for (const listener of listeners) listener();
}

function apply() {
  const name = theme();
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  window.dispatchEvent(new Event("afterprint"));
}

const ask = window.matchMedia.bind(window);
window.matchMedia = (query) => {
  const answer = ask(query);
  const name = theme();
  if (query !== SYSTEM_QUERY || name === "system") return answer;
  return new Proxy(answer, {
    get(of, part) {
      if (part === "matches") return name === "dark";
      const value = Reflect.get(of, part, of);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
};

window.addEventListener("storage", (event) => {
  if (event.key !== KEPT && event.key !== null) return;
  unkept = null;
  chosen();
});
if (theme() !== "system") apply();
