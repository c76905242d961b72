// Names, as node/names.py has them: when two are the same, and how long one may be. It draws nothing.

/** Characters (code points) of a name; the node refuses a longer one, and says so. */
export const MAX_NAME = 64;
/** What a field for a name takes, in UTF-16 units: more than any name has, so that one that is too long isn't cut unseen. */
export const MAX_TYPED = 4 * MAX_NAME;

/** What two names have in common when they are the same: no matter how accents are stored, or in which case. */
export function nameKey(name) {
  // toLowerCase is no case folding: for it, the two small sigmas differ, and ß and ss do.
  return name.normalize("NFD").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ").normalize("NFC");
}
