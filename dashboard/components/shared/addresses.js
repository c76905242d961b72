// Where a web address begins and ends in a sentence. It draws nothing.
//
// What is part of an address and what belongs to the sentence can't be told from the signs alone, so this is the rule; the
// table of shapes is in tests/dashboard/js/addresses.test.js:
// - Blanks, quotation marks and `<>`, also as HTML writes them (`&gt;`), end an address; so does East Asian punctuation.
// - So does a closing bracket that wasn't opened in it: (en.wikipedia.org/wiki/Ship_(disambiguation)).
// - At its end, `. , ; : ? ' *` and an opening bracket belong to the sentence; `! _ ~ - = / &` and letters of any script
//   belong to the address, unless nothing but a host stands before them.
// - A sign that emphasises (`_ ~ *`) and stands before the address as well belongs to the sentence: _example.org/_

const BEGIN = /(?<![a-z0-9])https?:\/\//gi;
/** Signs that end an address wherever they stand. */
const STOP = /[\s<>"“”„‟«»‹›「」『』《》【】`{}|\\^。，、；：！？]|&(?:[lg]t|quot|apos|nbsp|#39);/gu;
const OPENING = new Map([[")", "("], ["]", "["], ["）", "（"]]);
/** Signs that belong to the sentence at the end of an address. */
const TAIL = new Set(".,;:?'‘’…*([（·؟،؛।॥։");
/** The same as HTML writes them: `&amp;`. */
const ENTITY = /&[a-z]{2,8};$/;
/** Nothing but a host, at most with signs of a sentence behind it; and what a host may end with (halves of a letter too). */
const BARE = /^https?:\/\/[^/?#]*[?!]*$/i;
const END_OF_HOST = /[\p{L}\p{M}\p{N}\p{Cs}\]]/u;

/**
 * All that may be addresses in a text. `run` is all that hangs together, `address` what of it isn't the sentence's.
 *
 * @param {string} text
 * @returns {Generator<{ index: number, run: string, address: string }, void>}
 */
export function* addressesIn(text) {
  let from = 0;
  let stop = -1;
  // One pass: however a text is made, each sign of it is looked at a few times.
  for (const { 0: scheme, index } of text.matchAll(BEGIN)) {
    if (index < from) continue;
    if (stop <= index) {
      STOP.lastIndex = index + scheme.length;
      stop = STOP.exec(text)?.index ?? text.length;
    }
    const run = upToBracket(text.slice(index, stop));
    from = index + run.length;
    yield { index, run, address: trimmed(run, text[index - 1]) };
  }
}

/**
 * A run up to the first bracket that closes and wasn't opened in it.
 *
 * @param {string} run
 */
function upToBracket(run) {
  const open = new Map([...OPENING.values()].map((sign) => [sign, 0]));
  for (let at = 0; at < run.length; at++) {
    const sign = run[at];
    const opening = OPENING.get(sign);
    const one = open.get(opening ?? sign);
    if (one === undefined) continue;
    if (opening && !one) return run.slice(0, at);
    open.set(opening ?? sign, opening ? one - 1 : one + 1);
  }
  return run;
}

/**
 * A run without what belongs to the sentence.
 *
 * @param {string} run
 * @param {string} [before] The sign that stands before it.
 */
export function trimmed(run, before = "") {
  const bare = BARE.test(run);
  const least = run.indexOf("://") + 3;
  let end = run.length;
  while (end > least) {
    const last = run[end - 1];
    const entity = last === ";" && ENTITY.exec(run.slice(Math.max(least, end - 10), end));
    if (entity) end -= entity[0].length;
    else if (TAIL.has(last) || ("_~*".includes(last) && last === before) || (bare && !END_OF_HOST.test(last))) end--;
    else break;
  }
  return run.slice(0, end);
}
