// What a browser keeps, with several tabs that hear of each other's changes, as in shared/storage.js.

/** @returns {{ tab: () => { lasting: Area, ofTab: Area }, kept: Map<string, string> }} A browser; `tab()` opens a tab. */
export function fakeBrowser() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  /** @type {Set<(from: unknown, name: string, value: string | null) => void>} */
  const tabs = new Set();
  const tab = () => {
    const lasting = area(kept);
    const ofTab = area(new Map());
    const set = lasting.set;
    lasting.set = (name, value) => {
      const changed = lasting.get(name) !== value;
      set(name, value);
      // A tab hears nothing of what it did itself, and of others only afterwards.
      if (changed) for (const hear of tabs) queueMicrotask(() => hear(lasting, name, value));
    };
    lasting.watch = (listener) => {
      const hear = (from, name, value) => from !== lasting && listener(name, value);
      tabs.add(hear);
      return () => tabs.delete(hear);
    };
    return { lasting, ofTab };
  };
  return { tab, kept };
}

/** @typedef {import("../../../../dashboard/components/shared/storage.js").Area} Area */
/** @param {Map<string, string>} kept @returns {Area} */
export function area(kept) {
  return {
    get: (name) => kept.get(name) ?? null,
    set: (name, value) => void (value === null ? kept.delete(name) : kept.set(name, value)),
    names: (prefix) => [...kept.keys()].filter((name) => name.startsWith(prefix)),
    watch: () => () => {},
  };
}

/** A storage that is full, or forbidden: it keeps nothing. */
export const nothing = () => ({ ...area(new Map()), set: () => {} });
