"""Scripts without spaces between words: converting texts and queries for the second full-text index.

The first index (`search`) splits texts into words at characters that aren't letters, so 我家在上海东边 is one word
in it. The second index (`unspaced`) contains only messages with runs of such scripts. It indexes each character of a
run paired with the next one, the last character alone, and the words between runs as they are:

    我家在上海 see you  ->  我家 家在 在上 上海 海 see you

So a part of a run is a phrase of pairs (在上海: 在上 上海), wherever it is in the run. The single character at the
end of each run keeps two runs apart. A query for one character is a prefix of a pair. A word that touches a run, as in
用Python写, is a word of its own.

Hangul has spaces between words, but not before particles or between the parts of a compound. So it is treated like the
other scripts.

Law of this file: it is pure, and its result for a text must never change. A text is removed from the index by computing
again what it added. dashboard/components/shared/unspaced.js has the same characters.
"""

from __future__ import annotations

import re
import unicodedata

#: The characters of these scripts, to be put inside a character class of a regular expression. They are letters and
#: their marks, without digits and punctuation. FTS5 treats all of them as parts of words, because schema 6 adds marks.
CHARACTERS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ecf\u0edc-\u0edf"  # Lao
    "\u1000-\u103f\u1050-\u109d\ua9e0-\ua9fe\uaa60-\uaa76\uaa7a-\uaa7f"  # Myanmar
    "\u1780-\u17d3\u17d7\u17dc\u17dd"  # Khmer
    "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb\uffa1-\uffdc"  # Hangul
    "\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"  # kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u2f00-\u2fd5\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U0003ffff"  # Han
)
#: Invisible characters that may occur in a run: soft hyphen, zero-width spaces and joiners, variation selectors.
INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef"

_RUN = re.compile(f"[{CHARACTERS}][{CHARACTERS}{INVISIBLE}]*")
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")


def has_run(text: str) -> bool:
    """Whether a text contains a character of such a script."""
    return _RUN.search(text) is not None


def indexed(text: str) -> str:
    """Convert a text into what the second index stores for it."""
    return _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text)


def asked(text: str, prefix: bool) -> tuple[str, bool]:
    """Convert a term of a query for the second index; also returns whether its last word is a prefix."""
    runs = list(_RUN.finditer(text))
    if not runs or any(_in_word(character) for character in text[runs[-1].end() :]):
        return indexed(text), prefix
    # The term ends in a run. In a matching message the run may continue, so drop the last character's single entry.
    pairs = _pairs(runs[-1][0])
    alone = len(pairs) == 1
    return f"{indexed(text[: runs[-1].start()])} {' '.join(pairs if alone else pairs[:-1])}", alone


def _pairs(run: str) -> list[str]:
    # NFKC makes half-width kana, compatibility characters and decomposed syllables equal to their usual forms.
    characters = unicodedata.normalize("NFKC", _INVISIBLE.sub("", run))
    return [characters[at : at + 2] for at in range(len(characters))]


def _in_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LMN" or category == "Co"
