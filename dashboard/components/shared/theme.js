// Light, dark, or as the system is: one choice for this browser, kept here and not in the node. The style sheet of the
// page (frame/page.css) does the rest: all colours are `light-dark()` and follow `color-scheme`.

const KEPT = "snicher/theme";
export const THEMES = ["system", "light", "dark"];

/**
 * The choice where the storage is forbidden; it lasts as long as the tab.
 *
 * @type {string | null}
 */
let unkept = null;

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
  apply(name);
}

/** @param {string} name */
function apply(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

window.addEventListener("storage", (event) => {
  if (event.key !== KEPT && event.key !== null) return;
  unkept = null;
  apply(theme());
});
apply(theme());
