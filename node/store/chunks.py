"""Inserting many rows with few statements, and texts that SQLite accepts.

Law of this file: SQL only, within the writer's transaction.
"""

from __future__ import annotations

import functools
import itertools
import sqlite3
from typing import Any

from node.bus import encoding

#: Numbers of rows in one INSERT, largest first. sqlite3 releases the interpreter lock in each step and takes it again,
#: which can cost milliseconds while the event loop is busy. With many rows per statement this is rare.
CHUNKS = (256, 32, 8, 4, 2, 1)


def storable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row that SQLite accepts: texts that aren't valid Unicode are repaired, so that one can't fail a whole batch."""
    return tuple(encoding.sound(value) if type(value) is str else value for value in row)


def insert(db: sqlite3.Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows in chunks of fixed sizes. `statement` ends with VALUES.

    There are few different statements, so each is prepared only once.
    """
    start = 0
    for size in CHUNKS:
        if len(rows) - start < size:
            continue
        whole = _whole(statement, len(rows[0]), size)
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            try:
                db.execute(whole, list(itertools.chain.from_iterable(chunk)))
            except UnicodeEncodeError:
                # sqlite3 raises this while it binds the values, before it inserts anything.
                db.execute(whole, list(itertools.chain.from_iterable(map(storable, chunk))))
            start += size


@functools.cache
def _whole(statement: str, columns: int, rows: int) -> str:
    # The same text each time: its hash, by which sqlite3 finds the prepared statement, is known then.
    one = "(" + ", ".join("?" * columns) + ")"
    return f"{statement} {', '.join([one] * rows)}"
