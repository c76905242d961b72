"""Small facts in the database: texts that hold a number or JSON, read back as what they should be.

The database is a file that somebody may have edited, damaged or put there: what can't be read is an error with a
sentence, and never a traceback.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from node.errors import StoreCorrupt

T = TypeVar("T")

#: Digits of the longest number that SQLite holds (a signed 64-bit one), with its sign.
MAX_DIGITS = 20


def number(name: str, value: Any) -> int:
    """The number that a fact holds. Raises StoreCorrupt when it is none, or is larger than SQLite's own."""
    try:
        if len(value) <= MAX_DIGITS:
            return int(value)
    except (ValueError, TypeError):
        pass
    raise _unreadable(name, "it should be a number")


def structure(name: str, value: Any, kind: type[T]) -> T:
    """What a fact, or another text of the database, holds as JSON. Raises StoreCorrupt when it isn't that."""
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError) as error:
        raise _unreadable(name, str(error)) from error


def held(db: sqlite3.Connection, name: str) -> int:
    """A fact that is a number; 0 before there was any. Raises StoreCorrupt when it is none."""
    row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else number(name, row[0])


def put(db: sqlite3.Connection, facts: Mapping[str, str]) -> None:
    """Keep these facts, within the caller's transaction."""
    db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())


def _unreadable(name: str, why: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"The database of this home is damaged: what it holds as {name!r} can't be read ({why}). "
        "Restore it from a backup, or use another --home."
    )
