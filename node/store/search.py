"""The full-text index: kept up off the message path, in small steps, and asked by words.

`fact.indexed` is the last message in the index; it moves in the same transaction as the index. Notices aren't indexed.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata

from node.bus.messages import sound
from node.errors import CommandRefused
from node.store import facts

#: Words in one query; further ones are ignored. Each costs a look-up.
MAX_WORDS = 16
#: Characters of a query; a longer one is refused.
MAX_QUERY = 500

#: With more messages the index isn't written anew when a conversation is deleted: that would take seconds.
MAX_REWRITTEN = 100_000

_TERM = re.compile(r'"([^"]*)"|(\S+)')


def indexed_upto(db: sqlite3.Connection) -> int:
    """The last message that the index has seen."""
    row = db.execute("SELECT value FROM fact WHERE name = 'indexed'").fetchone()
    return facts.number("indexed", row[0]) if row else 0


def newest(db: sqlite3.Connection) -> int:
    """The highest message id that was ever given out: those of deleted messages aren't used again."""
    known = db.execute("SELECT value FROM fact WHERE name = 'last_message'").fetchone()
    on_disk = db.execute("SELECT max(id) FROM entry").fetchone()[0] or 0
    return max(int(on_disk), facts.number("last_message", known[0]) if known else 0)


def behind(db: sqlite3.Connection) -> int:
    """How many message ids the index is behind."""
    return newest(db) - indexed_upto(db)


def advance(db: sqlite3.Connection, limit: int) -> int:
    """Index the next messages, at most `limit`; returns how many are left. Within the caller's transaction."""
    done = indexed_upto(db)
    last = newest(db)
    upto = min(done + limit, last)
    if upto > done:
        _add(db, "entry.id > ? AND entry.id <= ?", (done, upto))
        db.execute("INSERT OR REPLACE INTO fact VALUES ('indexed', ?)", (str(upto),))
    return last - upto


def _add(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    db.execute(
        "INSERT INTO search (rowid, text, room) SELECT entry.id, body.text, 'r' || entry.room FROM entry"  # noqa: S608
        f" JOIN body ON body.entry = entry.id WHERE entry.kind = 'text' AND {where}",
        values,
    )


def forget_room(db: sqlite3.Connection, room: int) -> None:
    """Take a room's messages out of the index, before they move to another room or go."""
    if sqlite3.sqlite_version_info >= (3, 42):
        db.execute("INSERT INTO search (search, rank) VALUES ('secure-delete', 1)")
    db.execute(
        "INSERT INTO search (search, rowid, text, room) SELECT 'delete', entry.id, body.text, 'r' || entry.room"
        " FROM entry JOIN body ON body.entry = entry.id WHERE entry.kind = 'text' AND entry.room = ? AND entry.id <= ?",
        (room, indexed_upto(db)),
    )
    db.execute("CREATE TEMP TABLE IF NOT EXISTS moved (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM moved")
    db.execute("INSERT INTO moved SELECT id FROM entry WHERE room = ? AND id <= ?", (room, indexed_upto(db)))


def forget_old(db: sqlite3.Connection) -> None:
    """Take the messages in `gone` out of the index, before they go."""
    if sqlite3.sqlite_version_info >= (3, 42):
        db.execute("INSERT INTO search (search, rank) VALUES ('secure-delete', 1)")
    db.execute(
        "INSERT INTO search (search, rowid, text, room) SELECT 'delete', entry.id, body.text, 'r' || entry.room"
        " FROM entry JOIN body ON body.entry = entry.id"
        " WHERE entry.kind = 'text' AND entry.id IN (SELECT id FROM gone) AND entry.id <= ?",
        (indexed_upto(db),),
    )


def add_moved(db: sqlite3.Connection) -> None:
    """Put what `forget_room` took out back in, under the room it has now."""
    _add(db, "entry.id IN (SELECT id FROM moved)", ())
    db.execute("DELETE FROM moved")


def erase(db: sqlite3.Connection) -> None:
    """Let nothing of the words taken out be left in the index, as far as that can be had in a short time.

    Taking out only marks them; a large index of an older SQLite drops them by and by as it is merged.
    """
    if sqlite3.sqlite_version_info < (3, 42) and newest(db) <= MAX_REWRITTEN:
        db.execute("INSERT INTO search (search) VALUES ('optimize')")


def _in_token(character: str) -> bool:
    """Whether unicode61 makes words of it: letters, numbers and private use (https://sqlite.org/fts5.html, 4.3.1)."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


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
            terms.append(f'"{text}"{"*" if prefix else ""}')
    if not terms:
        raise CommandRefused("invalid_args", "A query needs at least one word.")
    expression = "text : (" + " AND ".join(terms[:MAX_WORDS]) + ")"
    return expression if room is None else f'room : "r{room}" AND {expression}'
