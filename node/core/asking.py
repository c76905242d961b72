"""What this node lacks of a room and asks others for: each stream over one link at a time. Pure.

Whoever doesn't bring anything for ASK_AGAIN_MS isn't asked any longer, if another link can give the stream. Streams of
authors who aren't linked are followed: whoever is asked sends what comes later as well. (PROTOCOL.md, section 10)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from node.core import effects as e
from node.core.ledger import Ledger
from node.core.syncs import Session, Sync
from node.core.vectors import Stream, Vector, Vectors
from node.protocol.secure import frames as f

#: After this time (ms) without an answer, another link is asked.
ASK_AGAIN_MS = 2_000


class Asking:
    """Everything that was asked for and isn't complete. `own` is the stream that this node writes in a room; `takes`
    says whether entries of an author are taken in a room now.
    """

    def __init__(
        self,
        ledger: Ledger,
        vectors: Vectors,
        sessions: dict[int, Session],
        own: Callable[[str], Stream],
        takes: Callable[[str, str], bool],
    ) -> None:
        self._ledger = ledger
        self._vectors = vectors
        self._sessions = sessions
        self._own = own
        self._takes = takes
        #: Streams asked for, each with the link and the time (ms) at which another is asked.
        self._asked: dict[tuple[str, Stream], tuple[int, int]] = {}

    def is_asked(self, session: Session, room: str, stream: Stream) -> bool:
        """Whether this link was asked for a stream, and hasn't brought all of it."""
        return self._asked.get((room, stream), (None, 0))[0] == session.link

    def for_all(self, room: str) -> None:
        """Ask for everything in a room that this node lacks and somebody linked has."""
        vector = self._vectors.of(room)
        for session in self._sessions.values():
            sync = session.rooms.get(room)
            if sync is not None and sync.known:
                self.for_some(session, sync, room, {*sync.theirs, *vector.incomplete})

    def for_some(self, session: Session, sync: Sync, room: str, streams: Iterable[Stream]) -> None:
        """Ask a link for those of these streams of which it holds more than this node."""
        vector = self._vectors.of(room)
        for stream in sorted(streams):
            if _can_give(sync, vector, stream):
                self.ask(session, sync, room, stream)

    def ask(self, session: Session, sync: Sync, room: str, stream: Stream) -> None:
        """Ask a link for what follows of a stream, unless another was asked a moment ago."""
        if stream == self._own(room) or stream in sync.refused or (room, stream) in self._asked:
            return
        if not self._takes(room, stream[0]):
            return
        self._asked[room, stream] = session.link, self._ledger.now + ASK_AGAIN_MS
        follow = all(other.peer != stream[0] for other in self._sessions.values())
        after = self._vectors.of(room).row(stream).n
        self._ledger.put(e.Say(session.link, f.Want(room, stream[0], stream[1], after, follow)))

    def brought(self, session: Session, sync: Sync, room: str, stream: Stream) -> None:
        """A link has brought entries of a stream."""
        if self.is_asked(session, room, stream):
            if self._vectors.of(room).row(stream).n >= sync.theirs[stream]:
                del self._asked[room, stream]
            else:
                self._asked[room, stream] = session.link, self._ledger.now + ASK_AGAIN_MS

    def give_up(self, room: str, stream: Stream) -> None:
        """Nothing more of a stream is expected from whoever was asked for it."""
        self._asked.pop((room, stream), None)

    def leave(self, room: str) -> None:
        """Nothing more of this room is expected from anybody."""
        for key in [key for key in self._asked if key[0] == room]:
            del self._asked[key]

    def unlinked(self, session: Session) -> None:
        """A link is over: ask others for what it was asked for. Call it once the session is gone."""
        for key in [key for key, (asked, _) in self._asked.items() if asked == session.link]:
            del self._asked[key]
        for room in session.rooms:
            self.for_all(room)

    def next_deadline(self) -> int | None:
        """When `tick` has something to do (ms). With one link there is nobody else to ask."""
        return min((at for _, at in self._asked.values()), default=None) if len(self._sessions) > 1 else None

    def tick(self) -> None:
        """Ask others for what doesn't come."""
        # Looked for once a room: one link may have been asked for thousands of made-up streams.
        sharing: dict[str, list[Session]] = {}
        for key in [key for key, (_, at) in self._asked.items() if at <= self._ledger.now]:
            room = key[0]
            if room not in sharing:
                sharing[room] = [session for session in self._sessions.values() if room in session.rooms]
            self._ask_another(key, sharing[room])

    def _ask_another(self, key: tuple[str, Stream], sharing: Iterable[Session]) -> None:
        """A link doesn't answer: ask one after it that claims the stream. Without another, go on waiting for this."""
        room, stream = key
        asked = self._asked.pop(key)[0]
        vector = self._vectors.of(room)
        others = [session for session in sharing if session.link != asked]
        for session in sorted(others, key=lambda one: (one.link < asked, one.link)):
            sync = session.rooms[room]
            if _can_give(sync, vector, stream):
                self.ask(session, sync, room, stream)
                return
        self._asked[key] = asked, self._ledger.now + ASK_AGAIN_MS


def _can_give(sync: Sync, vector: Vector, stream: Stream) -> bool:
    """Whether the other side holds something of a stream that this node lacks."""
    claimed = vector.claimed(stream, sync.theirs)
    return claimed > vector.row(stream).n and sync.firsts.get(stream, 1) <= claimed
