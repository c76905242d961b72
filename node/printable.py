"""What others wrote, made safe to print: nothing in it moves a cursor, turns a line round or forges a column.

Law of this file: pure. It decides by what Python calls printable: controls (C0, DEL, C1), direction controls and line
separators are not. Characters without which a word would be misspelt stay, though Python counts them as format
characters, too: joiners where they join, the signs of Arabic and its neighbours that stand before a number, and the
invisible letters of a flag.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import msgspec

#: Characters drawn as a blank, though Unicode doesn't count them as white space: the Hangul fillers, and the empty
#: Braille pattern.
_BLANK_SIGNS = "\u115f\u1160\u2800\u3164\uffa0"
_BLANKS = re.compile(rf"[\s{_BLANK_SIGNS}]+")
#: Marks on one character that are looked over to find it; a joiner behind more of them isn't printed.
_MARKS = 8

#: Characters that are invisible themselves but change how their neighbours are drawn: the zero-width non-joiner and
#: joiner (in Persian, Sinhala, emoji and more), and the Mongolian vowel separator.
JOINERS = "\u200c\u200d\u180e"
#: Format characters that are drawn: number signs and the like of Arabic, Syriac and Kaithi.
_DRAWN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
#: Printable to Python, and drawn as nothing at all; but for the last, marks that change the character before them.
_UNSEEN = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001d159]")
#: The flag of a part of a country: a black flag, and behind it the invisible letters of its code with their end.
#: Unicode recommends three. Others would be text that nobody sees.
_FLAG = re.compile("\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
                   "|\U000e0077\U000e006c\U000e0073)\U000e007f")  # fmt: skip


def printed(text: str, instead: str | Callable[[str], str], also: str = "") -> str:
    """The text with `instead` (or what it makes of it) for each character that can't be printed and isn't in `also`."""
    if text.isprintable():
        return text
    flags = {at for flag in _FLAG.finditer(text) for at in range(*flag.span())}
    kept = []
    for at, c in enumerate(text):
        stays = c.isprintable() or c in also or c in _DRAWN or at in flags or (c in JOINERS and _joins(text, at))
        kept.append(c if stays else instead if isinstance(instead, str) else instead(c))
    return "".join(kept)


def _joins(text: str, at: int) -> bool:
    """Whether the joiner at this place changes how its neighbours are drawn.

    It does behind a letter of a script without capitals, but for Han and its neighbours, and between two emoji. Behind
    anything else that is drawn it does before such a letter: Persian puts its endings to numbers and to Latin words so.
    """
    before, after = _base(text, at), text[at + 1 : at + 2]
    if not before:
        return False
    if _is_emoji(before):
        return bool(after) and _is_emoji(after)
    if _is_cursive(before):
        return True
    return bool(after) and _is_cursive(after) and before.isprintable() and not before.isspace()


def _base(text: str, at: int) -> str:
    """The character before this place, without its marks; empty if there is none."""
    for before in reversed(text[max(0, at - _MARKS) : at]):
        if unicodedata.category(before) not in ("Mn", "Mc", "Me", "Sk"):
            return before
    return ""


def _is_cursive(c: str) -> bool:
    return unicodedata.category(c) in ("Lo", "Lm") and unicodedata.east_asian_width(c) not in "WF"


def _is_emoji(c: str) -> bool:
    """Whether it may be a part of an emoji: a sign, an arrow."""
    return unicodedata.category(c) in ("So", "Sm")


def can_be_seen(text: str) -> bool:
    """Whether a text has at least one visible character, that is, not only blanks, fillers and unprintable ones."""
    if "!" <= text[:1] <= "~":
        # Most texts begin with a letter.
        return True
    rest = _UNSEEN.sub("", _BLANKS.sub("", text))
    return any(c.isprintable() or c in _DRAWN for c in rest)


def plain(text: str) -> str:
    """A text without what could steer a terminal; line breaks stay."""
    return printed(text, "\N{REPLACEMENT CHARACTER}", also="\n")


def flat(text: str) -> str:
    """A name or a word to print within a line: as `plain`, with one blank for each run of white space."""
    return plain(one_blank(text))


def one_blank(text: str) -> str:
    """The text with one blank for each run of white space, and none at its ends."""
    return _BLANKS.sub(" ", text).strip()


def json_line(value: object) -> str:
    """A value as JSON on one line. What isn't printable is escaped as \\uXXXX: it is the same value when it is read."""
    line = msgspec.json.encode(value).decode()
    # Outside of its strings JSON has only printable signs.
    return line if line.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in line)


def _escaped(sign: str) -> str:
    """Its UTF-16 units, as JSON writes them."""
    units = sign.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
