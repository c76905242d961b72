"""What is on its way out: conversations that were deleted or merged, while their rows are removed or moved in steps.

Rows keep the number of the room that they were in. Its row in `room` is gone, so whoever asks by room finds nothing.
A merged conversation consists of several numbers meanwhile: its own, and those of the rooms that became part of it.
The expressions here tell where a row belongs. The table `leaving` is nearly always empty, so they cost next to nothing.

Law of this file: SQL only. It only reads.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from node.store import facts

#: The kinds of work that removal.py does in steps, in the order in which it does them. A kind is a rate: rows of one
#: kind take about the same time.
Work = Literal["signed", "entries", "moved", "handed", "replies"]
#: SQL expression, for a query on `entry`: the number of the room that an entry belongs to. Where that was deleted, no
#: room has this number.
HOME = "coalesce((SELECT leaving.into_room FROM leaving WHERE leaving.room = entry.room), entry.room)"
#: SQL condition, for a query on `entry`: whether its conversation was deleted.
DELETED = "entry.room IN (SELECT leaving.room FROM leaving WHERE leaving.into_room IS NULL)"
#: SQL condition, for a query on `signed`: whether its conversation was deleted.
DELETED_SIGNED = (
    "EXISTS (SELECT 1 FROM leaving_stream WHERE leaving_stream.room = signed.room"
    " AND leaving_stream.author = signed.author AND leaving_stream.stream = signed.stream"
    " AND leaving_stream.upto >= signed.n)"
)


def numbers(db: sqlite3.Connection, room: int) -> list[int]:
    """The numbers that a room's entries have: its own one, and those of rooms that are becoming part of it."""
    found = db.execute("SELECT room FROM leaving WHERE into_room = ? ORDER BY room", (room,))
    return [room, *(number for (number,) in found)]


def listed(numbers: list[int]) -> str:
    """Numbers as SQL, for `IN`."""
    return f"({', '.join(map(str, numbers))})"


def peers(db: sqlite3.Connection) -> dict[str, str]:
    """Peers whose messages are becoming those of another one, with that one."""
    return dict(db.execute("SELECT peer, into_peer FROM leaving WHERE into_peer IS NOT NULL"))


def deleting(db: sqlite3.Connection) -> bool:
    """Whether messages of deleted conversations are still on the disk."""
    return db.execute("SELECT 1 FROM leaving WHERE into_room IS NULL LIMIT 1").fetchone() is not None


def work(db: sqlite3.Connection) -> Work | None:
    """What the next step does; None: nothing is on its way out."""
    if db.execute("SELECT 1 FROM leaving_stream LIMIT 1").fetchone() is not None:
        return "signed"
    row = db.execute("SELECT room, into_room FROM leaving ORDER BY rowid LIMIT 1").fetchone()
    if row is not None:
        if row[1] is None:
            return "entries"
        left = db.execute("SELECT 1 FROM entry WHERE room = ? LIMIT 1", (row[0],)).fetchone()
        return "handed" if left is None else "moved"
    return None if facts.text(db, "blanking") is None else "replies"
