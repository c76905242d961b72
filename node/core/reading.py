"""Read marks and typing in direct rooms: told to others, and heard from them. Pure.

Both go only to the room's other members, and only while this node's user shares them (the setting `share_reading`).
Plain peers have neither, and requests have none before they are accepted. A read mark is kept by whoever gets it; the
newest is told again at link-up. Typing is kept nowhere. (PROTOCOL.md, section 10)
"""

from __future__ import annotations

from collections.abc import Iterator

from node.bus import events as ev
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.ledger import Ledger
from node.core.receipts import Receipts
from node.core.rooms import Rooms
from node.core.syncs import Session, Sync
from node.protocol.secure import frames as f

#: How long one TYPING holds, in seconds; and how often it is said at most (ms).
TYPING_S, TYPING_MS = 6, 2_000
#: How often front ends are told at most that a member types, in ms: a member may say it as often as it likes.
TOLD_MS = 500


class Reading:
    """What is read and who types, in all rooms of entries. `sessions` are the encrypted links that stand."""

    def __init__(self, ledger: Ledger, rooms: Rooms, me: str, receipts: Receipts, sessions: dict[int, Session]) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._me = me
        self._receipts = receipts
        self._sessions = sessions
        #: Whether others are told.
        self.shared = True
        #: When each room's members were last told that somebody types here (ms).
        self._typed: dict[str, int] = {}
        #: When front ends were last told that the member on a link types (ms), and whether it does since.
        self._heard: dict[tuple[int, str], tuple[int, bool]] = {}

    def _at(self, room: str) -> Iterator[tuple[Session, Sync]]:
        """The links over which others share this room."""
        for session in self._sessions.values():
            sync = session.rooms.get(room)
            if sync is not None and session.peer != self._me:
                yield session, sync

    # -- told to others

    def linked(self, session: Session) -> None:
        """A link is open: tell the newest read mark of the rooms that both share."""
        if session.peer != self._me:
            for room in session.rooms:
                self.moved(room)

    def moved(self, room_id: str) -> None:
        """The read mark of a room has moved, or a member may not know it."""
        room = self._rooms.by_id.get(room_id)
        if (
            self.shared
            and room is not None
            and room.kind == "direct"
            and not room.request
            and any(True for _ in self._at(room_id))
        ):
            self._ledger.put(e.Fetch(q.ReadPlaces(room_id, room.read_upto)))

    def share(self, shared: bool) -> None:
        """The setting is this from now on."""
        if shared == self.shared:
            return
        self.shared = shared
        for room in {room for session in self._sessions.values() for room in session.rooms}:
            self.moved(room)

    def placed(self, answer: s.PlacesRead) -> None:
        """The store says how far a mark reaches in others' streams: tell their authors, if it is news."""
        room = answer.query.room
        if not self.shared:
            return
        for session, sync in self._at(room):
            news = [row for row in answer.rows if row[2] > sync.read.get((row[0], row[1]), 0)]
            if news:
                sync.read |= {(author, stream): n for author, stream, n in news}
                self._ledger.put(e.Say(session.link, f.Read(room, news)))

    def types(self, room_id: str, stopped: bool) -> None:
        """Somebody here types in a room, or has stopped."""
        now, last = self._ledger.now, self._typed.get(room_id)
        room = self._rooms.by_id.get(room_id)
        if (
            not self.shared
            or room is None
            or room.request
            or (not stopped and last is not None and 0 <= now - last < TYPING_MS)
        ):
            return
        if stopped:
            if self._typed.pop(room_id, None) is None:
                return
        else:
            self._typed[room_id] = now
        for session, _ in self._at(room_id):
            self._ledger.put(e.Say(session.link, f.Typing(room_id, 0 if stopped else TYPING_S)))

    def said(self, room_id: str) -> None:
        """A text of ours ends the typing before it, without a word."""
        self._typed.pop(room_id, None)

    # -- heard from others

    def read(self, session: Session, sync: Sync, frame: f.Read) -> None:
        """A member says how far it has read."""
        if session.peer == self._me:
            return
        for author, stream, n in frame.rows:
            if author == self._me and self._receipts.knows(frame.room, stream):
                sync.theirs_read[author, stream] = n
        self.received(session, sync, frame.room)

    def received(self, session: Session, sync: Sync, room: str) -> None:
        """A member has told what it holds: what it has read of that counts from now on."""
        if sync.theirs_read and session.peer != self._me:
            self._receipts.read(room, session.peer, [(*stream, n) for stream, n in sync.theirs_read.items()])

    def typing(self, session: Session, frame: f.Typing) -> None:
        """A member types."""
        room = self._rooms.by_id.get(frame.room)
        if session.peer == self._me or room is None or room.request:
            return
        now, key = self._ledger.now, (session.link, frame.room)
        told, types = self._heard.get(key, (-TOLD_MS, False))
        # An end is told at once, but only of what was told.
        if 0 <= now - told < TOLD_MS if frame.seconds else not types:
            return
        self._heard[key] = (now, True) if frame.seconds else (told, False)
        until = now + frame.seconds * 1000 if frame.seconds else 0
        self._ledger.tell(ev.Typing(room=frame.room, member=session.peer, until=until))

    def unlinked(self, session: Session) -> None:
        """A link is over."""
        for room in session.rooms:
            self._heard.pop((session.link, room), None)
