"""What people type into a search, as an expression that the full-text index understands."""

from __future__ import annotations

import re
import unicodedata

from node.bus.encoding import sound
from node.errors import CommandRefused

#: Words in one query; further ones are ignored. Each costs a look-up.
MAX_WORDS = 16
#: Characters of a query; a longer one is refused.
MAX_QUERY = 500

_TERM = re.compile(r'"([^"]*)"|(\S+)')


def _in_token(character: str) -> bool:
    """Whether unicode61 makes words of it: letters, numbers and private use (https://sqlite.org/fts5.html, 4.3.1)."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def _in_any_form(text: str, star: str) -> str:
    """A term, composed and decomposed: the index holds texts as they were written.

    unicode61 takes accents off Latin letters, however they are stored. Of Greek, Cyrillic, Arabic, Hangul and kana the
    two forms are different words for it.
    """
    forms = dict.fromkeys([text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)])
    terms = [f'"{form}"{star}' for form in forms]
    return terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})"


def match_expression(query: str, room: int | None) -> str:
    """What people typed as an FTS5 expression: all words, `word*` a prefix, "quoted words" a phrase.

    Nothing that is typed acts as FTS5 syntax. Raises CommandRefused (invalid_args) when there is no word in it.
    """
    if len(query) > MAX_QUERY:
        raise CommandRefused("invalid_args", f"A query has at most {MAX_QUERY} characters.")
    terms = []
    for phrase, word in _TERM.findall(sound(query).replace("\x00", " ")):
        text = phrase or word
        prefix = not phrase and text.endswith("*")
        text = text.rstrip("*").replace('"', " ").strip()
        # A term without a token would match nothing, and with it the whole query.
        if any(_in_token(character) for character in text):
            terms.append(_in_any_form(text, "*" if prefix else ""))
    if not terms:
        raise CommandRefused("invalid_args", "A query needs at least one word.")
    expression = "text : (" + " AND ".join(terms[:MAX_WORDS]) + ")"
    return expression if room is None else f'room : "r{room}" AND {expression}'
