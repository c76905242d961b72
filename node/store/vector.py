"""Reading what is held of each stream, and what other members hold of ours.

Law of this file: SQL only. It only reads.
"""

from __future__ import annotations

import sqlite3
from sys import intern

from node.core.loaded import KeptReceipt, KeptRow, Row
from node.store import leaving

#: Streams of one author that a read mark names: an author with several machines has several at a time.
PLACES = 8


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
    found = db.execute("SELECT room, member, stream, n, read FROM receipt WHERE author = ?", (me,))
    return [KeptReceipt(intern(room), intern(member), stream, n, read) for room, member, stream, n, read in found]


def places(db: sqlite3.Connection, me: str, room: str, upto: int) -> list[tuple[str, bytes, int]]:
    """How far others' streams of a room reach among messages up to this id: (author, stream, number).

    Of each author the PLACES streams that reach the newest messages. `me` is this node.
    """
    found: dict[str, list[tuple[int, bytes, int]]] = {}
    for author, stream in db.execute("SELECT author, stream FROM vector WHERE room = ? AND author <> ?", (room, me)):
        last = db.execute(
            "SELECT entry, n FROM signed WHERE room = ? AND author = ? AND stream = ? AND entry <= ?"  # noqa: S608
            f" AND NOT {leaving.DELETED_SIGNED} ORDER BY n DESC LIMIT 1",
            (room, author, stream, upto),
        ).fetchone()
        if last is not None:
            found.setdefault(author, []).append((last[0], stream, last[1]))
    return [
        (author, stream, n) for author, some in found.items() for _, stream, n in sorted(some, reverse=True)[:PLACES]
    ]


def requests(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """How many entries of each request are held, and their bytes: headers, and bodies as they are kept."""
    found = db.execute(
        "SELECT room.id, count(*),"  # noqa: S608
        " total(length(signed.header) + length(CAST(coalesce(body.raw, body.text, '') AS BLOB)))"
        " FROM room JOIN signed ON signed.room = room.id LEFT JOIN body ON body.entry = signed.entry"
        f" WHERE room.request AND NOT {leaving.DELETED_SIGNED} GROUP BY room.id"
    )
    return {room: (count, int(size)) for room, count, size in found}


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
