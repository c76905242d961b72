"""Scripts that put no space between words: what the second full-text index has of a text, and how it is asked for it.

The first index (`search`) cuts texts into words at what is no letter, so 我家在上海东边 is one word to it. The second
one (`unspaced`) has only texts with such runs. It takes each character of a run together with the next one, the last
one alone, and the words in between as they are:

    我家在上海 see you  ->  我家 家在 在上 上海 海 see you

So a part of a run is a row of pairs (在上海: 在上 上海), wherever it stands; the character at the end of each run keeps
two runs apart; and one character is the beginning of a pair. A word that touches a run, as in 用Python写, is a word
there.

Hangul has spaces between words, but particles and the parts of a compound stand without one: it is treated like the
others.

Law of this file: pure, and it never changes what it makes of a text: what a text put into the index is computed anew
to take it out. dashboard/components/shared/unspaced.js has the same characters.
"""

from __future__ import annotations

import re
import unicodedata

#: The characters of these scripts as the inside of a regular expression's class: letters and the marks on them; digits
#: and punctuation are not among them. FTS5 takes each of them for a part of a word, once marks are (schema 6).
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
#: Characters that may stand in a run and aren't seen: soft hyphen, blanks and joiners without width, variation
#: selectors.
INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef"

_RUN = re.compile(f"[{CHARACTERS}][{CHARACTERS}{INVISIBLE}]*")
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")


def has_run(text: str) -> bool:
    """Whether there is a character of such a script in a text."""
    return _RUN.search(text) is not None


def indexed(text: str) -> str:
    """A text as the second index takes it in."""
    return _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text)


def asked(text: str, prefix: bool) -> tuple[str, bool]:
    """A term of a query as the second index is asked for it, and whether its last word is a beginning."""
    runs = list(_RUN.finditer(text))
    if not runs or any(_in_word(character) for character in text[runs[-1].end() :]):
        return indexed(text), prefix
    # It ends in a run, which may go on in what is looked for.
    pairs = _pairs(runs[-1][0])
    alone = len(pairs) == 1
    return f"{indexed(text[: runs[-1].start()])} {' '.join(pairs if alone else pairs[:-1])}", alone


def _pairs(run: str) -> list[str]:
    # Half-width kana, compatibility characters and decomposed syllables are the same as what they stand for.
    characters = unicodedata.normalize("NFKC", _INVISIBLE.sub("", run))
    return [characters[at : at + 2] for at in range(len(characters))]


def _in_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LMN" or category == "Co"
