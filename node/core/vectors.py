"""What this node holds of each room: one row a stream, and what may be left out when rows are told. Pure.

A new stream names its author's last header before it (PROTOCOL.md, section 10). So a row says as well that every stream
which its chain names is held in full, unless that has a row of its own. Rows that say nothing new are not told, and
vectors grow with authors, not with restarts. This node itself remembers a row for every stream it has met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from node.core.loaded import KeptRow, Row
from node.protocol import entries
from node.protocol.secure.frames import Told

#: An author's PeerId, and one of its streams.
Stream = tuple[str, bytes]

NOTHING = Row(first=1, n=0, hash=entries.NO_PREVIOUS, clock=-1)


class Vector:
    """The rows of one room."""

    def __init__(self) -> None:
        self.rows: dict[Stream, Row] = {}
        #: The highest number at which a later stream names this one; and the streams that do so, each with its number.
        #: They are several where a home was copied: each machine went on in a stream of its own.
        self._ends: dict[Stream, int] = {}
        self._namers: dict[Stream, dict[Stream, int]] = {}
        #: Streams that a later one names, and of which something is missing.
        self.incomplete: set[Stream] = set()
        #: The highest clock of all headers, and of each author's.
        self.clock = -1
        self.clocks: dict[str, int] = {}

    def row(self, stream: Stream) -> Row:
        """What is held of a stream; NOTHING if that isn't known."""
        return self.rows.get(stream, NOTHING)

    def put(self, stream: Stream, row: Row) -> Stream | None:
        """Set a row. Returns the stream that it names, if this node holds less of that than is named."""
        self.rows[stream] = row
        self.clock = max(self.clock, row.clock)
        self.clocks[stream[0]] = max(self.clocks.get(stream[0], -1), row.clock)
        self._note(stream)
        if row.before is None:
            return None
        named = stream[0], row.before[0]
        if stream not in self._namers.get(named, ()):
            self._namers.setdefault(named, {})[stream] = row.before[1]
            self._ends[named] = max(self._ends.get(named, 0), row.before[1])
            self.rows.setdefault(named, NOTHING)
            self._note(named)
        return named if named in self.incomplete else None

    def _note(self, stream: Stream) -> None:
        if self.rows[stream].n < self._ends.get(stream, 0):
            self.incomplete.add(stream)
        else:
            self.incomplete.discard(stream)

    def end(self, stream: Stream) -> int:
        """The number at which a later stream names this one; 0: none does."""
        return self._ends.get(stream, 0)

    def is_told(self, stream: Stream) -> bool:
        """Whether the row says something that no other row says."""
        row = self.rows[stream]
        return row.n != self._ends.get(stream, 0) and (row.n > 0 or stream in self._ends)

    def told(self, streams: Iterable[Stream] | None = None) -> list[Told]:
        """The rows as they are told, sorted: all that say something, or those of these streams, whatever they say."""
        chosen = [one for one in self.rows if self.is_told(one)] if streams is None else list(streams)
        found = []
        for author, stream in sorted(chosen):
            row = self.rows[author, stream]
            found.append(Told(author, stream, row.first, row.n, row.hash))
        return found

    def digest(self) -> bytes:
        """The SHA-256 of all rows that say something."""
        return entries.digest(self.told())

    def claimed(self, stream: Stream, theirs: dict[Stream, int]) -> int:
        """How much of a stream somebody holds who has told `theirs`: numbers without a gap up to this one."""
        known = theirs.get(stream)
        if known is not None:
            return known
        namers = self._namers.get(stream, {})
        return max((n for namer, n in namers.items() if self._has_some(namer, theirs)), default=0)

    def _has_some(self, stream: Stream, theirs: dict[Stream, int]) -> bool:
        """Whether somebody holds anything of a stream who has told `theirs`."""
        seen = {stream}
        look = [stream]
        while look:
            one = look.pop()
            known = theirs.get(one)
            if known:
                return True
            # A row of its own with nothing in it: it isn't held, so it says nothing about what it names.
            if known is None:
                found = [namer for namer in self._namers.get(one, ()) if namer not in seen]
                seen.update(found)
                look += found
        return False

    def chain(self, stream: Stream) -> Iterator[tuple[Stream, int]]:
        """The streams that this one's chain names, each with its number there, the latest first, as far as known."""
        seen = {stream}
        while (before := self.row(stream).before) is not None:
            stream = stream[0], before[0]
            if stream in seen:
                return
            seen.add(stream)
            yield stream, before[1]

    def last_of(self, author: str) -> tuple[bytes, Row] | None:
        """The author's stream with its last header, and that row; None: nothing of the author is held."""
        own = [(row.clock, stream, row) for (by, stream), row in self.rows.items() if by == author and row.n]
        return max(own, key=lambda one: one[:2])[1:] if own else None


class Vectors:
    """The vectors of all rooms."""

    def __init__(self, rows: Iterable[KeptRow]) -> None:
        self._by_room: dict[str, Vector] = {}
        for one in rows:
            self.of(one.room).put((one.author, one.stream), one.row)

    def of(self, room: str) -> Vector:
        """The vector of a room; an empty one if nothing of it is held."""
        found = self._by_room.get(room)
        if found is None:
            found = self._by_room[room] = Vector()
        return found

    def rooms(self) -> list[str]:
        """All rooms of which something is known."""
        return [room for room, vector in self._by_room.items() if vector.rows]
