// Scripts that put no space between words, as node/store/unspaced.py has them: what the node finds within a run of their
// characters is marked there. It draws nothing.

/** Their letters and marks, as the inside of a regular expression's class. */
export const CHARACTERS =
  "\u0e01-\u0e3a\u0e40-\u0e4e" + // Thai
  "\u0e81-\u0ecf\u0edc-\u0edf" + // Lao
  "\u1000-\u103f\u1050-\u109d\ua9e0-\ua9fe\uaa60-\uaa76\uaa7a-\uaa7f" + // Myanmar
  "\u1780-\u17d3\u17d7\u17dc\u17dd" + // Khmer
  "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb\uffa1-\uffdc" + // Hangul
  "\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f\u{1b000}-\u{1b16f}" + // kana
  "\u3105-\u312f\u31a0-\u31bf" + // Bopomofo
  "\u2f00-\u2fd5\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff" + // Han
  "\u{20000}-\u{3ffff}"; // Han, rare
/** What may stand in a run and isn't seen. */
export const INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f\u{e0100}-\u{e01ef}";
/** One run, as a regular expression. */
export const RUN = `[${CHARACTERS}][${CHARACTERS}${INVISIBLE}]*`;

const SOME = new RegExp(`[${CHARACTERS}]`, "u");
const HIDDEN = new RegExp(`[${INVISIBLE}]`, "u");

/**
 * Whether there is such a character in a text.
 *
 * @param {string} text
 */
export function hasRun(text) {
  return SOME.test(text);
}

/**
 * The characters of a run as the node compares them (NFKC), each with where it stands.
 *
 * @param {string} run
 * @returns {{ from: number, to: number, key: string }[]}
 */
export function charactersOf(run) {
  /** @type {{ text: string, key: string, from: number, to: number }[]} */
  const groups = [];
  let at = 0;
  if (!HIDDEN.test(run) && run.normalize("NFKC") === run) {
    // Nearly always: each stands for itself.
    return [...run].map((key) => ({ key, from: at, to: (at += key.length) }));
  }
  for (const character of run) {
    const from = at;
    at += character.length;
    if (HIDDEN.test(character)) continue;
    const key = character.normalize("NFKC");
    const before = groups.at(-1);
    const text = (before?.text ?? "") + character;
    const joined = text.normalize("NFKC");
    // A mark, or a part of a syllable: it makes one character with what stands before it.
    if (before && joined !== before.key + key) Object.assign(before, { text, key: joined, to: at });
    else groups.push({ text: character, key, from, to: at });
  }
  return groups.flatMap(({ key, from, to }) => [...key].map((one) => ({ key: one, from, to })));
}
