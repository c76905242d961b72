"""Converting what people type into a search into expressions for the full-text index."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from node.bus.encoding import sound
from node.errors import CommandRefused
from node.store import unspaced

#: Most words in a query. Each costs a look-up; further words are ignored.
MAX_WORDS = 16
#: Most characters in a query. A longer one is refused.
MAX_QUERY = 500

_TERM = re.compile(r'"([^"]*)"|(\S+)')


def _in_token(character: str) -> bool:
    """Whether the tokenizer unicode61 treats a character as a part of a word.

    These are letters, numbers and private-use characters (https://sqlite.org/fts5.html, 4.3.1).
    """
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def _in_any_form(text: str) -> list[str]:
    """A term as typed, composed and decomposed, because the index holds texts as they were written.

    unicode61 removes accents from Latin letters in either form. In Greek, Cyrillic and Arabic it treats the two forms
    as different words.
    """
    return list(dict.fromkeys([text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]))


def _either(terms: list[tuple[str, bool]]) -> str:
    """An expression that matches any of the phrases. Each comes with a flag: whether its last word is a prefix."""
    quoted = list(dict.fromkeys(f'"{text}"{"*" * prefix}' for text, prefix in terms))
    return quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})"


def match_expressions(query: str, rooms: Sequence[int] | None) -> dict[str, str]:
    """Convert a query into an FTS5 expression for each table of the index that can have hits.

    A hit contains all words. `word*` matches a prefix, "quoted words" match a phrase. Text in scripts without spaces is
    also found inside a run. Such a query uses only `unspaced`, which also has all other words of these messages.
    Nothing in the query acts as FTS5 syntax. `rooms`: the numbers of the room to search; None: all rooms. Raises
    CommandRefused (invalid_args) if the query is too long or has no word.
    """
    if len(query) > MAX_QUERY:
        raise CommandRefused("invalid_args", f"A query has at most {MAX_QUERY} characters.")
    terms = []
    for phrase, word in _TERM.findall(sound(query).replace("\x00", " ")):
        text = phrase or word
        prefix = not phrase and text.endswith("*")
        text = text.rstrip("*").replace('"', " ").strip()
        # A term without a token matches nothing, so the whole query would match nothing.
        if unspaced.has_run(text) or any(_in_token(character) for character in text):
            terms.append((_in_any_form(text), prefix))
    if not terms:
        raise CommandRefused("invalid_args", "A query needs at least one word.")
    terms = terms[:MAX_WORDS]
    found = {"unspaced": [_either([unspaced.asked(form, prefix) for form in forms]) for forms, prefix in terms]}
    if not any(unspaced.has_run(forms[0]) for forms, _ in terms):
        found["search"] = [_either([(form, prefix) for form in forms]) for forms, prefix in terms]
    within = "" if rooms is None else f"room : ({' OR '.join(f'r{number}' for number in rooms)}) AND "
    return {table: f"{within}text : ({' AND '.join(all_)})" for table, all_ in found.items()}
