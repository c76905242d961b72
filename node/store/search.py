"""What people type into a search, as an expression that the full-text index understands."""

from __future__ import annotations

import re
import unicodedata

from node.bus.encoding import sound
from node.errors import CommandRefused
from node.store import unspaced

#: Words in one query; further ones are ignored. Each costs a look-up.
MAX_WORDS = 16
#: Characters of a query; a longer one is refused.
MAX_QUERY = 500

_TERM = re.compile(r'"([^"]*)"|(\S+)')


def _in_token(character: str) -> bool:
    """Whether unicode61 makes words of it: letters, numbers and private use (https://sqlite.org/fts5.html, 4.3.1)."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def _in_any_form(text: str) -> list[str]:
    """A term, composed and decomposed: the index holds texts as they were written.

    unicode61 takes accents off Latin letters, however they are stored. Of Greek, Cyrillic and Arabic the two forms are
    different words for it.
    """
    return list(dict.fromkeys([text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]))


def _either(terms: list[tuple[str, bool]]) -> str:
    """Phrases of which one must occur; the last word of each may be a beginning."""
    quoted = list(dict.fromkeys(f'"{text}"{"*" * prefix}' for text, prefix in terms))
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"


def match_expressions(query: str, room: int | None) -> dict[str, str]:
    """What people typed as an FTS5 expression for each table of the index in which hits may be.

    All words, `word*` a prefix, "quoted words" a phrase. Scripts without spaces are found within a run: those are in
    `unspaced` only, with all the words of their texts. Nothing that is typed acts as FTS5 syntax. Raises CommandRefused
    (invalid_args) when there is no word in it.
    """
    if len(query) > MAX_QUERY:
        raise CommandRefused("invalid_args", f"A query has at most {MAX_QUERY} characters.")
    terms = []
    for phrase, word in _TERM.findall(sound(query).replace("\x00", " ")):
        text = phrase or word
        prefix = not phrase and text.endswith("*")
        text = text.rstrip("*").replace('"', " ").strip()
        # A term without a token would match nothing, and with it the whole query.
        if unspaced.has_run(text) or any(_in_token(character) for character in text):
            terms.append((_in_any_form(text), prefix))
    if not terms:
        raise CommandRefused("invalid_args", "A query needs at least one word.")
    terms = terms[:MAX_WORDS]
    found = {"unspaced": [_either([unspaced.asked(form, prefix) for form in forms]) for forms, prefix in terms]}
    if not any(unspaced.has_run(forms[0]) for forms, _ in terms):
        found["search"] = [_either([(form, prefix) for form in forms]) for forms, prefix in terms]
    within = "" if room is None else f'room : "r{room}" AND '
    return {table: f"{within}text : ({' AND '.join(all_)})" for table, all_ in found.items()}
