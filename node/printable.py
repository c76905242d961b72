"""What others wrote, made safe to print: nothing in it moves a cursor, turns a line round or forges a column.

Law of this file: pure. It decides by what Python calls printable: controls (C0, DEL, C1), direction controls and line
separators are not.
"""

from __future__ import annotations

import re

import msgspec

#: Drawn as nothing but a blank, though Unicode doesn't count them as white space: the fillers of Hangul, and the empty
#: Braille pattern.
_BLANK_SIGNS = "\u115f\u1160\u2800\u3164\uffa0"
_BLANKS = re.compile(rf"[\s{_BLANK_SIGNS}]+")


def plain(text: str) -> str:
    """A text without what could steer a terminal; line breaks stay."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def flat(text: str) -> str:
    """A name or a word, for a place in a line: as `plain`, with one blank for each run of white space of any kind."""
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
