"""The full-text index: kept up off the message path, in small steps, and asked by words.

`fact.indexed` is the last message in the index; it moves in the same transaction as the index. Notices aren't indexed.
"""

from __future__ import annotations

import re
import sqlite3

from node.errors import CommandRefused

#: Words in one query; further ones are ignored. Each costs a look-up.
MAX_WORDS = 16
#: Characters of a query; a longer one is refused.
MAX_QUERY = 500

_TERM = re.compile(r'"([^"]*)"|(\S+)')


def indexed_upto(db: sqlite3.Connection) -> int:
    """The last message that the index has seen."""
    row = db.execute("SELECT value FROM fact WHERE name = 'indexed'").fetchone()
    return int(row[0]) if row else 0


def behind(db: sqlite3.Connection) -> int:
    """How many message ids the index is behind."""
    newest = db.execute("SELECT max(id) FROM entry").fetchone()[0] or 0
    return int(newest) - indexed_upto(db)


def advance(db: sqlite3.Connection, limit: int) -> int:
    """Index the next messages, at most `limit`; returns how many are left. Within the caller's transaction."""
    done = indexed_upto(db)
    newest = int(db.execute("SELECT max(id) FROM entry").fetchone()[0] or 0)
    upto = min(done + limit, newest)
    if upto > done:
        _add(db, "entry.id > ? AND entry.id <= ?", (done, upto))
        db.execute("INSERT OR REPLACE INTO fact VALUES ('indexed', ?)", (str(upto),))
    return newest - upto


def _add(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    db.execute(
        "INSERT INTO search (rowid, text, room) SELECT entry.id, body.text, 'r' || entry.room FROM entry"  # noqa: S608
        f" JOIN body ON body.entry = entry.id WHERE entry.kind = 'text' AND {where}",
        values,
    )


def forget_room(db: sqlite3.Connection, room: int) -> None:
    """Take a room's messages out of the index, before they move to another room."""
    db.execute(
        "INSERT INTO search (search, rowid, text, room) SELECT 'delete', entry.id, body.text, 'r' || entry.room"
        " FROM entry JOIN body ON body.entry = entry.id WHERE entry.kind = 'text' AND entry.room = ? AND entry.id <= ?",
        (room, indexed_upto(db)),
    )
    db.execute("CREATE TEMP TABLE IF NOT EXISTS moved (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM moved")
    db.execute("INSERT INTO moved SELECT id FROM entry WHERE room = ? AND id <= ?", (room, indexed_upto(db)))


def add_room_since(db: sqlite3.Connection, into: int, gone: int) -> None:
    """Put what `forget_room` took out back in, under the room it has now."""
    _add(db, "entry.room = ? AND entry.id IN (SELECT id FROM moved)", (into,))
    db.execute("DELETE FROM moved")


def match_expression(query: str, room: int | None) -> str:
    """What people typed as an FTS5 expression: all words, `word*` a prefix, "quoted words" a phrase.

    Nothing that is typed acts as FTS5 syntax. Raises CommandRefused (invalid_args) when there is no word in it.
    """
    if len(query) > MAX_QUERY:
        raise CommandRefused("invalid_args", f"A query has at most {MAX_QUERY} characters.")
    terms = []
    for phrase, word in _TERM.findall(query.replace("\x00", " ")):
        text = phrase or word
        prefix = not phrase and text.endswith("*")
        text = text.rstrip("*").replace('"', " ").strip()
        if re.search(r"\w", text):
            terms.append(f'"{text}"{"*" if prefix else ""}')
    if not terms:
        raise CommandRefused("invalid_args", "A query needs at least one word.")
    expression = "text : (" + " AND ".join(terms[:MAX_WORDS]) + ")"
    return expression if room is None else f'room : "r{room}" AND {expression}'
