"""What a name may be, and when two names are the same. For one's own name, those that people give, and those that peers
say.

Law of this file: pure. dashboard/components/shared/names.js compares names by the same rule.

A name is a line of at most MAX_CHARS characters in Unicode's composed form (NFC), with at least one that is drawn.
Characters that belong to spelling stay in it (printable.py). What deceives goes: direction controls, invisible
characters, fillers, more than one blank in a row.
"""

from __future__ import annotations

import functools
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
    if not said:
        return None
    # Peers say their names again and again. A long one isn't kept here.
    return _shown(said) if len(said) <= MAX_CHARS else clean(clean(said)[:MAX_CHARS]) or None


@functools.lru_cache(4096)
def _shown(said: str) -> str | None:
    return clean(clean(said)[:MAX_CHARS]) or None


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


def key(name: str) -> str:
    """The key by which names are compared. Two names are the same if their keys are equal, whatever the case of their
    letters and the encoding of their accents.

    Unicode calls it canonical caseless matching (The Unicode Standard, section 3.13, D145).
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
