"""Signed entries as rows: what an author signed, what is held of each stream, and what other members hold.

Law of this file: SQL only, within the writer's transaction. A message of an entry also has the rows of any message,
which records.py writes.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from node.core import effects as e
from node.store import index
from node.store.chunks import insert, storable

#: The order of the columns of `vector` here; its `signature` holds for another `n`, and goes with each change.
_VECTOR = "room, author, stream, first, n, hash, clock, before_stream, before_n"
_RECEIPT = (
    "INSERT INTO receipt (room, member, author, stream, n, hash) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (room, member, author, stream) DO UPDATE SET n = excluded.n, hash = excluded.hash, signature = NULL"
    " WHERE excluded.n > n"
)


class Signed:
    """Collects the rows of a batch. Of several changes to one row, the last counts."""

    def __init__(self) -> None:
        self._headers: list[tuple[Any, ...]] = []
        #: Messages that became entries, each with the number of its room.
        self._became: list[tuple[e.SignMessage, int]] = []
        self._rows: dict[tuple[str, str, bytes], e.PutRow] = {}
        self._receipts: dict[tuple[str, str, str, bytes], e.PutReceipt] = {}
        self._reads: dict[tuple[str, str, str, bytes], e.PutRead] = {}

    def add_entry(self, one: e.AddEntry) -> None:
        """Add what the author of an entry signed."""
        message = one.message
        self._headers.append(
            (message.room, message.author, one.stream, one.n, one.hash, one.header, one.signature, message.id)
        )

    def add_header(self, one: e.AddHeader) -> None:
        """Add a header without a message."""
        self._headers.append((one.room, one.author, one.stream, one.n, one.hash, one.header, one.signature, None))

    def sign(self, one: e.SignMessage, room: int) -> None:
        """A message becomes an entry, in the room with this number."""
        message = one.message
        self._became.append((one, room))
        self._headers.append(
            (message.room, message.author, one.stream, one.n, one.hash, one.header, one.signature, message.id)
        )

    def put_row(self, one: e.PutRow) -> None:
        """Set a row of the vector."""
        self._rows[one.room, one.author, one.stream] = one

    def put_receipt(self, one: e.PutReceipt) -> None:
        """Set how far a member holds a stream of ours. It never goes back."""
        key = (one.room, one.member, one.author, one.stream)
        if key not in self._receipts or one.n >= self._receipts[key].n:
            self._receipts[key] = one

    def put_read(self, one: e.PutRead) -> None:
        """Set how far a member has read a stream of ours. It never goes back."""
        key = (one.room, one.member, one.author, one.stream)
        if key not in self._reads or one.n >= self._reads[key].n:
            self._reads[key] = one

    def write(self, db: sqlite3.Connection) -> None:
        """Write all rows collected. The messages are written before. May raise IndexBroken and sqlite3.Error."""
        for one, room in self._became:
            _become(db, one, room)
        insert(db, "INSERT INTO signed VALUES", self._headers)
        insert(db, f"INSERT OR REPLACE INTO vector ({_VECTOR}) VALUES", list(map(_vector_row, self._rows.values())))
        db.executemany(
            _RECEIPT,
            [storable((r.room, r.member, r.author, r.stream, r.n, r.hash)) for r in self._receipts.values()],
        )
        db.executemany(
            "UPDATE receipt SET read = ? WHERE room = ? AND member = ? AND author = ? AND stream = ? AND read < ?",
            [storable((r.n, r.room, r.member, r.author, r.stream, r.n)) for r in self._reads.values()],
        )
        self.clear()

    def clear(self) -> None:
        """Drop the rows collected."""
        for pile in (self._headers, self._became, self._rows, self._receipts, self._reads):
            pile.clear()


def _become(db: sqlite3.Connection, one: e.SignMessage, room: int) -> None:
    message = one.message
    # The index knows a message by its room as well.
    index.move_message(db, message.id, room)
    db.execute(
        "UPDATE entry SET room = ?, clock = ?, tie = ?, marks = ? WHERE id = ?",
        storable((room, one.clock, one.hash, ",".join(message.marks) or None, message.id)),
    )
    db.execute("DELETE FROM delivery WHERE entry = ?", (message.id,))


def _vector_row(one: e.PutRow) -> tuple[Any, ...]:
    row = one.row
    return (one.room, one.author, one.stream, row.first, row.n, row.hash, row.clock, *(row.before or (None, None)))
