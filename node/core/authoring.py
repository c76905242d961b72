"""Writes this node's own entries: their streams, numbers, clocks and signatures. Pure: the key and the secret are
handed in.

A stream is used in one run of the node only. So neither a restored backup nor a copied home can use a number twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec.structs import replace

from node.core import effects as e
from node.core.clock import FAR
from node.core.ledger import Ledger
from node.core.loaded import Row
from node.core.vectors import Stream, Vector
from node.model import Entry, PeerId, Position
from node.protocol import entries

#: Bytes of entries up to the next signature: a RUN ends at one, and should stay small.
SIGN_EVERY_BYTES = 48 * 1024
#: Entries up to the next signature.
SIGN_EVERY = 500


class Author:
    """This node as an author."""

    def __init__(self, ledger: Ledger, me: str, signer: entries.Signer, secret: bytes) -> None:
        self._ledger = ledger
        self.me = PeerId(me)
        self._signer = signer
        #: Random for this run.
        self._secret = secret
        self._streams: dict[str, Stream] = {}

    def stream(self, room: str) -> Stream:
        """The stream of this run in a room: it can't be guessed, and no other run has it."""
        found = self._streams.get(room)
        if found is None:
            digest = hashlib.sha256(b"snicher stream 1\x00" + self._secret + room.encode()).digest()
            found = self._streams[room] = self.me, digest[:16]
        return found

    def write(self, room: str, vector: Vector, kind: str, bodies: Sequence[bytes]) -> list[Entry]:
        """The next entries in a room, signed. The vector's row moves on with them; the caller stores them."""
        key = self.stream(room)
        row = vector.rows.get(key)
        before = None if row is not None else vector.last_of(self.me)
        last = None if row is None or not row.n else Position(row.n, row.hash)
        named = None if before is None else (before[0], before[1].n)
        written: list[Entry] = []
        size = unsigned = 0
        for index, body in enumerate(bodies):
            header, data = entries.next_header(
                self.me,
                room,
                key[1],
                last,
                self._clock(vector),
                kind,
                body,
                before=named,
                before_hash=entries.NO_PREVIOUS if before is None else before[1].hash,
            )
            entry = Entry(header, data, entries.header_hash(data), None, body)
            last = Position(header.n, entry.hash)
            size += entries.size(entry)
            unsigned += 1
            following = len(bodies[index + 1]) if index + 1 < len(bodies) else None
            if following is None or unsigned >= SIGN_EVERY or size + following > SIGN_EVERY_BYTES:
                entry = replace(entry, signature=entries.sign(self._signer, data))
                size = unsigned = 0
            written.append(entry)
            first = header.n if row is None else row.first
            row = Row(first, header.n, entry.hash, header.clock, named if row is None else row.before)
            vector.put(key, row)
        if row is not None:
            self._ledger.put(e.PutRow(room, key[0], key[1], row))
        return written

    def _clock(self, vector: Vector) -> int:
        """A clock for the next entry: above everything said in the room, so that an answer stands below its question.

        A clock from the far future is not followed, but for our own earlier ones.
        """
        floor = max(vector.clocks.get(self.me, -1), vector.clock if vector.clock < FAR else -1)
        return max(self._ledger.clock.written(self._ledger.now), floor + 1)
