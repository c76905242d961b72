// Names, as node/names.py has them: when two are the same, and how long one may be. It draws nothing.

/** Characters (code points) of a name; the node refuses a longer one, and says so. */
export const MAX_NAME = 64;
/** What a field for a name takes, in UTF-16 units: more than any name has, so that one that is too long isn't cut unseen. */
export const MAX_TYPED = 4 * MAX_NAME;

/**
 * A peer or a conversation by name; where several share it, with what tells this one apart.
 *
 * @param {{ name: string, mark: string }} who
 */
export function called({ name, mark }) {
  return mark ? `${name} (${mark})` : name;
}

/**
 * The key by which names are compared: equal for names that differ only in case or in how accents are encoded.
 *
 * @param {string} name
 */
export function nameKey(name) {
  // toLowerCase isn't case folding: it keeps the two small sigmas apart, and ß and ss.
  return name.normalize("NFD").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ").normalize("NFC");
}

/**
 * Where a peer or a conversation is looked for, by its view: making it for thousands with each letter takes long.
 *
 * @type {WeakMap<object, string>}
 */
const foundBy = new WeakMap();

/**
 * By what somebody is found: name, address and code, as `nameKey` makes them.
 *
 * @param {{ name: string, address: string, code: string[] }} view
 */
export function findable(view) {
  const key = foundBy.get(view) ?? nameKey(`${view.name} ${view.address} ${view.code.join(" ")}`);
  foundBy.set(view, key);
  return key;
}
