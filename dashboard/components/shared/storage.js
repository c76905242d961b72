// What this browser keeps for us: of all tabs, or of one tab. A storage may be full or forbidden. Then nothing here
// throws; it is as if nothing was kept.

/**
 * @typedef {object} Area
 * @property {(name: string) => string | null} get What is kept under a name, or null.
 * @property {(name: string, value: string | null) => void} set Keeps a value; null takes it away.
 * @property {(prefix: string) => string[]} names The names that begin with `prefix`.
 * @property {(listener: (name: string | null, value: string | null) => void) => () => void} watch Calls `listener` when
 *   another tab changed something here; returns how to stop that.
 */

/**
 * @param {() => Storage} area A function, because a browser that forbids storage throws when it is asked for it.
 * @returns {Area}
 */
function areaOf(area) {
  const found = () => {
    try {
      return area();
    } catch {
      return undefined;
    }
  };
  return {
    get(name) {
      return found()?.getItem(name) ?? null;
    },
    set(name, value) {
      try {
        if (value === null) found()?.removeItem(name);
        else found()?.setItem(name, value);
      } catch {
        // Whoever asked has it in memory.
      }
    },
    names(prefix) {
      return Object.keys(found() ?? {}).filter((name) => name.startsWith(prefix));
    },
    watch(listener) {
      /** @param {StorageEvent} event */
      const hear = ({ storageArea, key, newValue }) => {
        if (storageArea === found()) listener(key, newValue);
      };
      window.addEventListener("storage", hear);
      return () => window.removeEventListener("storage", hear);
    },
  };
}

/** Of all tabs, also after the browser was closed. */
export const lasting = areaOf(() => window.localStorage);
/** Of this tab alone, also after a reload. */
export const ofTab = areaOf(() => window.sessionStorage);
