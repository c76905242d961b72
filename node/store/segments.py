"""The segments of an FTS5 table: how much they hold, and merging them in small steps.

Each write of an FTS5 table adds a segment, and a search looks into all of them, so segments are merged: those of one
level into one of the next. FTS5 does so by itself, but lets 64 pages gather and then writes 64 of each level at once,
which holds up everybody for as long as a large commit. Here each write merges as many pages as it has added, on each
level. It is the same work, in small steps. (https://sqlite.org/fts5.html#the_automerge_configuration_option)

Law of this file: SQL only, within the writer's transaction. The caller takes faults of the index for what they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

#: SQLite counts the pages of a segment in 31 bits.
MAX_PAGES = 1 << 31


class Structure(NamedTuple):
    """What a table consists of."""

    #: Number of levels, and of those that have segments: erasing passes leave empty ones behind.
    levels: int
    filled: int
    #: Pages of about 4 KB, over all segments.
    pages: int


class Unreadable(ValueError):
    """The record of a table's structure makes no sense."""


def merge_by_steps(db: sqlite3.Connection, table: str) -> None:
    """From now on only `merge` and `keep_up` merge segments of a table. Kept in the table. Raises sqlite3.Error."""
    row = db.execute(f"SELECT v FROM {table}_config WHERE k = 'automerge'").fetchone()  # noqa: S608
    if row is None or row[0] != 0:
        db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('automerge', 0)")  # noqa: S608


def structure(db: sqlite3.Connection, table: str) -> Structure:
    """What a table consists of. Raises Unreadable and sqlite3.Error. (The format: fts5_index.c of SQLite)"""
    row = db.execute(f"SELECT block FROM {table}_data WHERE id = 10").fetchone()  # noqa: S608
    record = row[0] if row is not None else None
    if not isinstance(record, bytes):
        raise Unreadable("its structure record is missing")
    # A cookie of 4 bytes. Since SQLite 3.43 a version marker of 4 bytes may follow, and each segment has five more
    # numbers.
    later = record[4:8] == b"\xff\x00\x00\x01"
    numbers = _numbers(record, 8 if later else 4)
    try:
        levels, _, _ = next(numbers), next(numbers), next(numbers)
        filled, pages = 0, 0
        for _ in range(levels):
            _, segments = next(numbers), next(numbers)
            filled += segments > 0
            for _ in range(segments):
                _, first, last = next(numbers), next(numbers), next(numbers)
                # Of a segment that is merged, as much as is left: in the end no page.
                if last:
                    if not 0 < first <= last < MAX_PAGES:
                        raise Unreadable("its structure record makes no sense")
                    pages += last - first + 1
                if later:
                    for _ in range(5):
                        next(numbers)
    except StopIteration:
        raise Unreadable("its structure record ends too soon") from None
    return Structure(levels, filled, pages)


def merge(db: sqlite3.Connection, table: str, pages: int) -> bool:
    """Merge segments, writing about `pages` pages; returns whether anything was merged. Raises sqlite3.Error.

    A negative number first puts all segments on one level, so that in the end the whole table is merged into one.
    """
    before = db.total_changes
    db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,))  # noqa: S608
    # The statement itself counts as one change (https://sqlite.org/fts5.html#the_merge_command).
    return db.total_changes - before >= 2


def keep_up(db: sqlite3.Connection, table: str, before: Structure) -> None:
    """Merge on behalf of what was written since `before`. Raises Unreadable and sqlite3.Error."""
    now = structure(db, table)
    added = now.pages - before.pages
    if added > 0:
        merge(db, table, added * now.filled)


def _numbers(record: bytes, start: int) -> Iterator[int]:
    """The variable-length integers of a record: seven bits a byte, the highest first, at most nine bytes."""
    number, length = 0, 0
    for byte in record[start:]:
        length += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80 or length == 9:
            yield number
            number, length = 0, 0
