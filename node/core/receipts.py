"""Which of our own entries are on whose disk, and read by whom. Pure.

A member says how far it holds our streams. With one row it also says that it holds every stream in full which that
one's chain names, unless it tells a row for it (vectors.py). States are computed from this, never stored per message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from node.core import effects as e
from node.core.ledger import Ledger
from node.core.loaded import KeptReceipt
from node.core.rooms import Rooms
from node.core.vectors import Stream, Vectors
from node.model import Entry


class Receipts:
    """What each member of each room holds of our own streams."""

    def __init__(
        self, ledger: Ledger, rooms: Rooms, me: str, vectors: Vectors, receipts: Iterable[KeptReceipt]
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._me = me
        self._vectors = vectors
        #: (room, member) -> stream -> number.
        self._held: dict[tuple[str, str], dict[bytes, int]] = {}
        #: Our own streams of each room of which a member lacks something.
        self._open: dict[str, set[Stream]] = {}
        #: The same of what it has read.
        self._read: dict[tuple[str, str], dict[bytes, int]] = {}
        for one in receipts:
            self._held.setdefault((one.room, one.member), {})[one.stream] = one.n
            if one.read:
                self._read.setdefault((one.room, one.member), {})[one.stream] = one.read
        for room in vectors.rooms():
            for stream in vectors.of(room).rows:
                if stream[0] == me:
                    self._judge(room, stream)

    def _judge(self, room: str, stream: Stream) -> None:
        known, row = self._rooms.by_id.get(room), self._vectors.of(room).row(stream)
        lacks = known is not None and any(
            self._held.get((room, member), {}).get(stream[1], 0) < row.n for member in known.members
        )
        if lacks and row.first <= row.n:
            self._open.setdefault(room, set()).add(stream)
        elif room in self._open:
            self._open[room].discard(stream)
            if not self._open[room]:
                del self._open[room]

    def opened(self, room: str, stream: Stream) -> None:
        """Entries of ours were written in this stream."""
        self._open.setdefault(room, set()).add(stream)

    def owes(self, room: str) -> bool:
        """Whether entries of ours in this room are missing on a member's disk."""
        return room in self._open

    def forget(self, room: str) -> None:
        """A conversation is deleted."""
        self._open.pop(room, None)
        for table in (self._held, self._read):
            for key in [key for key in table if key[0] == room]:
                del table[key]

    def state(self, room: str, entry: Entry) -> str:
        """The delivery state of an entry of ours."""
        known, header = self._rooms.by_id[room], entry.header
        for table, state in ((self._read, "read"), (self._held, "delivered")):
            numbers = [table.get((room, member), {}).get(header.stream, 0) for member in known.members]
            if numbers and min(numbers) >= header.n:
                return state
        return "waiting"

    def knows(self, room: str, stream: bytes) -> bool:
        """Whether this is a stream of ours in a room."""
        return (self._me, stream) in self._vectors.of(room).rows

    def read(self, room: str, member: str, rows: Iterable[tuple[str, bytes, int]]) -> None:
        """A member says how far it has read streams. It has read as well what their chains name.

        Nothing is noted beyond what it has told that it holds.
        """
        vector = self._vectors.of(room)
        for author, stream, n in rows:
            key = author, stream
            if author != self._me or key not in vector.rows:
                continue
            self._advance_read(room, member, stream, n)
            for named, last in vector.chain(key):
                if not self._advance_read(room, member, named[1], last):
                    break

    def _advance_read(self, room: str, member: str, stream: bytes, n: int) -> bool:
        n = min(n, self._held.get((room, member), {}).get(stream, 0))
        read = self._read.setdefault((room, member), {})
        if n <= read.get(stream, 0):
            return False
        read[stream] = n
        self._ledger.put(e.PutRead(room, member, self._me, stream, n))
        self._rooms.was_read(room, member, stream, n)
        return True

    def told(
        self,
        room: str,
        member: str,
        theirs: Mapping[Stream, int],
        streams: Iterable[Stream],
        *,
        anew: bool = False,
    ) -> None:
        """A member has told rows: note what follows for our own streams. `theirs` are all rows that it has told.

        `anew`: more of their chains may be known than when they were told last. Otherwise a chain is followed only as
        far as it says something new. Nothing is noted beyond what this node holds of them: a member may claim any
        number, and make up streams.
        """
        vector = self._vectors.of(room)
        for stream in streams:
            if stream[0] != self._me or stream not in vector.rows:
                continue
            self._advance(room, member, stream, min(theirs[stream], vector.row(stream).n))
            if not theirs[stream]:
                continue
            for named, n in vector.chain(stream):
                if named in theirs or not (self._advance(room, member, named, n) or anew):
                    break

    def _advance(self, room: str, member: str, stream: Stream, n: int) -> bool:
        """Note that a member holds a stream up to `n`; returns whether that is news."""
        held = self._held.setdefault((room, member), {})
        if n <= held.get(stream[1], 0):
            return False
        held[stream[1]] = n
        row = self._vectors.of(room).row(stream)
        self._ledger.put(e.PutReceipt(room, member, stream[0], stream[1], n, row.hash if row.n == n else b""))
        self._rooms.received(room, member, stream[1], n)
        self._judge(room, stream)
        return True
