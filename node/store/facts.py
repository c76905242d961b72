"""Facts: small named values in the database, stored as text that contains a number or JSON.

Somebody may have edited, damaged or planted the database file. So a value that can't be read raises an error with a
clear sentence, never a traceback.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from node.errors import StoreCorrupt

T = TypeVar("T")

#: Characters of the longest number that SQLite can hold (a signed 64-bit integer), including its sign.
MAX_DIGITS = 20


def number(name: str, value: Any) -> int:
    """Parse a fact as a number. Raises StoreCorrupt if it isn't one or has more than MAX_DIGITS characters."""
    try:
        if len(value) <= MAX_DIGITS:
            return int(value)
    except (ValueError, TypeError):
        pass
    raise _unreadable(name, "it should be a number")


def structure(name: str, value: Any, kind: type[T]) -> T:
    """Parse a fact, or another text in the database, as JSON of type `kind`. Raises StoreCorrupt if it doesn't fit."""
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError) as error:
        raise _unreadable(name, str(error)) from error


def text(db: sqlite3.Connection, name: str) -> str | None:
    """Read a fact; None if it isn't set."""
    row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def held(db: sqlite3.Connection, name: str) -> int:
    """Read a fact as a number; 0 if it isn't set. Raises StoreCorrupt if it isn't a number."""
    value = text(db, name)
    return 0 if value is None else number(name, value)


def put(db: sqlite3.Connection, facts: Mapping[str, str]) -> None:
    """Store these facts, in the caller's transaction."""
    db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())


def _unreadable(name: str, why: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"The database of this home is damaged: what it holds as {name!r} can't be read ({why}). "
        "Restore it from a backup, or use another --home."
    )
