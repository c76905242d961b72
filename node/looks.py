"""What a name looks like: two names of one look are easily taken for each other. Only for warnings.

Law of this file: pure. names.py says when two names are the same, which is a much narrower thing.

Which letters look alike is Unicode's table (UTS 39, confusables.txt), as the package confusable-homoglyphs brings it.
The table keeps the case of letters, accents and blanks apart. Whoever reads a name hardly does, so they go as well.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping

#: What the table says of ASCII, when case is gone; and `i`, which is the large `I` then. With `rn`, which is its `m`.
_ASCII = str.maketrans({" ": "", "0": "o", "1": "l", "|": "l", "i": "l"})
#: Categories of what isn't drawn, or is drawn at another letter: accents, joiners, blanks.
_SLIGHT = frozenset({"Mn", "Me", "Cf", "Zs"})
_SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "


def looks(name: str) -> frozenset[str]:
    """What a name looks like, as it is written and without case. Two names look alike if they have one in common."""
    return frozenset({_skeleton(name), _skeleton(name.casefold())})


def alike(one: str, other: str) -> bool:
    """Whether one name is easily taken for the other."""
    return not looks(one).isdisjoint(looks(other))


def _skeleton(text: str) -> str:
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFKD", text)))
    return text.lower().translate(_ASCII).replace("rn", "m")


@functools.lru_cache(maxsize=4096)
def _plain(c: str) -> str:
    """The Latin letters that a character looks like, if there are such; nothing, if it is slight."""
    if unicodedata.category(c) in _SLIGHT:
        return ""
    # Some small letters, like U+043C, look like a Latin one only when they are large.
    found = [_prototype(case) for case in (c, c.upper(), c.lower())]
    return next((one for one in found if one.isascii()), found[0])


def _prototype(text: str) -> str:
    """The letters that stand for all that look like these."""
    bare = (c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in _SLIGHT)
    return "".join(c if c.isascii() else _table().get(c) or _base(c) for c in bare)


def _base(c: str) -> str:
    """The letter of which this is a small capital; of any other, itself."""
    name = unicodedata.name(c, "")
    letter = name.removeprefix(_SMALL_CAPITAL)
    return letter.lower() if letter != name and len(letter) == 1 else c


@functools.cache
def _table() -> Mapping[str, str]:
    """The prototype of each character that has one.

    The package tells of each character all that look like it, in both directions. Unicode's own table is a star: each
    character has one prototype, and what has several others beside it is a prototype.
    """
    # Only here: it reads a large file, which names in ASCII never need.
    from confusable_homoglyphs.confusables import confusables_data

    table: dict[str, str] = {}
    for c, found in confusables_data.items():
        if len(c) != 1 or len(found) != 1:
            continue
        other = found[0]["c"]
        # Of two that have nobody else, one stands for both.
        if len(confusables_data.get(other, ())) > 1 or len(other) > 1 or other < c:
            bare = "".join(one for one in other if unicodedata.category(one) != "Cf")
            table[c] = "".join(map(_base, bare))
    return table
