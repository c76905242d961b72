"""Reading what is held of each stream, and what other members hold of ours.

Law of this file: SQL only. It only reads.
"""

from __future__ import annotations

import sqlite3
from sys import intern

from node.core.loaded import KeptReceipt, KeptRow, Row


def rows(db: sqlite3.Connection) -> list[KeptRow]:
    """All rows of the vector, also those of deleted conversations."""
    # SQLite makes a new text for each row, and there may be tens of thousands: each id is kept once.
    found = db.execute("SELECT room, author, stream, first, n, hash, clock, before_stream, before_n FROM vector")
    return [
        KeptRow(
            intern(room),
            intern(author),
            stream,
            Row(first, n, hash_, clock, None if before is None else (before, before_n)),
        )
        for room, author, stream, first, n, hash_, clock, before, before_n in found
    ]


def receipts(db: sqlite3.Connection, me: str) -> list[KeptReceipt]:
    """What other members hold of the streams of this author, who is this node."""
    found = db.execute("SELECT room, member, stream, n FROM receipt WHERE author = ?", (me,))
    return [KeptReceipt(intern(room), intern(member), stream, n) for room, member, stream, n in found]


def waiting(db: sqlite3.Connection, me: str) -> int:
    """The number of entries of this author, who is this node, that a member of their room doesn't hold yet.

    It follows from how far the streams go, so no entry is looked at: as many rows are read as there are streams of this
    author, and members of their rooms.
    """
    # CROSS JOIN fixes the order: few rooms, and of each only the rows of this author, instead of all of the vector.
    (count,) = db.execute(
        "SELECT total(missing) FROM ("
        "SELECT vector.n - max(vector.first - 1, min(coalesce(receipt.n, 0))) AS missing"
        " FROM room CROSS JOIN vector ON vector.room = room.id AND vector.author = ?1"
        " CROSS JOIN member ON member.room = room.number"
        " LEFT JOIN receipt ON receipt.room = room.id AND receipt.member = member.peer"
        " AND receipt.author = ?1 AND receipt.stream = vector.stream"
        " GROUP BY room.number, vector.stream) WHERE missing > 0",
        (me,),
    ).fetchone()
    return int(count)
