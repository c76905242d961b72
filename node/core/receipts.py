"""Which of our own entries are on whose disk. Pure.

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
        for one in receipts:
            self._held.setdefault((one.room, one.member), {})[one.stream] = one.n
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
        for key in [key for key in self._held if key[0] == room]:
            del self._held[key]

    def state(self, room: str, entry: Entry) -> str:
        """The delivery state of an entry of ours."""
        known, header = self._rooms.by_id[room], entry.header
        held = [self._held.get((room, member), {}).get(header.stream, 0) for member in known.members]
        return "delivered" if held and min(held) >= header.n else "waiting"

    def told(self, room: str, member: str, theirs: Mapping[Stream, int], streams: Iterable[Stream]) -> None:
        """A member has told rows: note what follows for our own streams. `theirs` are all rows that it has told.

        Nothing is noted beyond what this node holds of them: a member may claim any number, and make up streams.
        """
        vector = self._vectors.of(room)
        for stream in streams:
            if stream[0] != self._me or stream not in vector.rows:
                continue
            self._advance(room, member, stream, min(theirs[stream], vector.row(stream).n))
            if not theirs[stream]:
                continue
            for named in vector.chain(stream):
                if named in theirs or not self._advance(room, member, named, vector.end(named)):
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
