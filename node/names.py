"""What a name may be, and when two names are the same. For one's own name, those that people give, and those that peers
say.

Law of this file: pure. dashboard/components/shared/names.js compares names by the same rule.

A name is a line of at most MAX_CHARS characters in Unicode's composed form (NFC), with at least one that is drawn.
Characters that belong to spelling stay in it (printable.py). What deceives goes: direction controls, invisible
characters, fillers, more than one blank in a row.
"""

from __future__ import annotations

import unicodedata

from node import printable

#: Characters (code points) of a name; longer is refused, and cut when a peer says it.
MAX_CHARS = 64


def clean(text: str) -> str:
    """All of a text that may stand in a name; empty when nothing of it would be drawn."""
    while True:
        # Repeat until nothing changes: removing a character may make two neighbours compose, or leave a joiner that
        # joins nothing.
        better = unicodedata.normalize("NFC", printable.one_blank(printable.printed(printable.one_blank(text), "")))
        if better == text:
            return text if printable.can_be_seen(text) else ""
        text = better


def shown(said: str | None) -> str | None:
    """A name that a peer says, as it is kept and shown. None: nothing is left."""
    return clean(clean(said or "")[:MAX_CHARS]) or None


def checked(text: str, *, may_be_empty: bool = False) -> str:
    """A name that a person chose, as it is kept. Raises ValueError with a sentence that says what is wrong."""
    text = unicodedata.normalize("NFC", text.strip())
    if not text and may_be_empty:
        return ""
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text):
        raise ValueError("A name has no line breaks or control characters.")
    text = printable.one_blank(text)
    unprinted = printable.printed(text, "\0").find("\0")
    if unprinted >= 0:
        raise ValueError(f"A name has no invisible characters; in this one stands U+{ord(text[unprinted]):04X}.")
    name = clean(text)
    if not name:
        raise ValueError(f"A name has 1 to {MAX_CHARS} characters, and at least one that can be seen.")
    if len(name) > MAX_CHARS:
        raise ValueError(f"A name has at most {MAX_CHARS} characters; this one has {len(name)}.")
    return name


#: Latin letters, and letters of other scripts and signs that look like them in most fonts (a part of Unicode's
#: confusables.txt).
_ALIKE = {
    "a": "\u0430\u03b1", "b": "\u0432\u03b2", "c": "\u0441", "d": "\u0501", "e": "\u0435\u03b5", "g":
    "\u0261", "h": "\u04bb\u043d\u03b7", "i": "\u0456\u03b9\u0269\u0131", "j": "\u0458", "k": "\u043a\u03ba",
    "l": "\u01c0|", "m": "\u043c", "o": "\u043e\u03bf0", "p": "\u0440\u03c1", "q": "\u051b", "r": "\u0433",
    "s": "\u0455", "t": "\u0442\u03c4", "u": "\u03c5", "v": "\u03bd", "w": "\u051d\u03c9", "x":
    "\u0445\u03c7", "y": "\u0443\u03b3",
}  # fmt: skip
_TO_LATIN = {ord(one): latin for latin, others in _ALIKE.items() for one in others}


def look(name: str) -> str:
    """What a name looks like, roughly: two names with one look are easily taken for each other. Only for warnings."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(c))
    return bare.translate(_TO_LATIN).replace("1", "l").replace("rn", "m").replace("i", "l").replace(" ", "")


def key(name: str) -> str:
    """The key by which names are compared. Two names are the same if their keys are equal, whatever the case of their
    letters and the encoding of their accents.

    Unicode calls it canonical caseless matching (The Unicode Standard, section 3.13, D145).
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
