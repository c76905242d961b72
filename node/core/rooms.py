"""Conversations: what is said in them, in which order, and how much of it is unread. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from node.bus import messages as m
from node.core import effects as e
from node.core.clock import order_text
from node.core.ledger import Ledger
from node.protocol.plain.codec import Text


class Rooms:
    """All conversations of this node."""

    def __init__(self, ledger: Ledger, rooms: Iterable[m.Room]) -> None:
        self._ledger = ledger
        self.by_id: dict[str, m.Room] = {room.id: room for room in rooms}

    def add_plain(self, room: str, name: str, peer: str) -> None:
        """A conversation with a plain peer."""
        self._put(m.RoomAdded, m.Room(id=room, kind="plain", name=name, peer=peer, created=self._ledger.now))

    def rename(self, room: str, name: str) -> None:
        """A conversation goes by another name."""
        known = self.by_id.get(room)
        if known is not None and known.name != name:
            self._put(m.RoomChanged, replace(known, name=name))

    def _put(self, event: type[m.RoomAdded | m.RoomChanged], room: m.Room) -> None:
        self.by_id[room.id] = room
        self._ledger.put(e.PutRoom(room))
        self._ledger.log(event(room=_without_text(room)), room.id)

    def receive(self, room_id: str, author: str, name: str, texts: Iterable[Text]) -> int:
        """Texts that came in; one row of the room for all of them. Returns how many."""
        room, ledger = self.by_id[room_id], self._ledger
        now, clock = ledger.now, ledger.clock
        last = None
        count = 0
        for text in texts:
            value = clock.next(now)
            last = m.Message(
                id=ledger.next_message(),
                room=room_id,
                order=order_text(value),
                at=now,
                direction="in",
                author=author,
                name=name,
                text=text.text,
                marks=list(text.marks),
            )
            ledger.put(e.AddMessage(last, value, None, text.raw))
            ledger.log(m.MessageReceived(message=last), room_id, last.id)
            count += 1
        if last is not None:
            self._store(replace(room, unread=room.unread + count, last=m.preview(last)))
        return count

    def notice(self, room_id: str, author: str, name: str, text: str) -> None:
        """A quiet line: never unread, never the room's last message."""
        ledger = self._ledger
        value = ledger.clock.next(ledger.now)
        message = m.Message(
            id=ledger.next_message(),
            room=room_id,
            order=order_text(value),
            at=ledger.now,
            direction="in",
            author=author,
            name=name,
            kind="notice",
            text=text,
        )
        ledger.put(e.AddMessage(message, value))
        ledger.log(m.MessageReceived(message=message), room_id, message.id)

    def accept(self, room_id: str, peer: str, me: m.Self, text: str) -> m.Message:
        """A text of our own, to be sent."""
        ledger = self._ledger
        value = ledger.clock.next(ledger.now)
        message = m.Message(
            id=ledger.next_message(),
            room=room_id,
            order=order_text(value),
            at=ledger.now,
            direction="out",
            author=me.id,
            name=me.name,
            text=text,
            state="waiting",
        )
        ledger.put(e.AddMessage(message, value, peer))
        ledger.log(m.MessageAccepted(message=message), room_id, message.id)
        self._store(replace(self.by_id[room_id], last=m.preview(message)))
        return message

    def state(
        self,
        room_id: str,
        message: int,
        state: m.DeliveryState,
        detail: str | None = None,
        marks: list[str] | None = None,
    ) -> None:
        """One of our own messages goes to another state."""
        ledger = self._ledger
        ledger.put(e.SetState(message, state, detail, marks))
        ledger.log(m.MessageStateChanged(room=room_id, id=message, state=state, detail=detail, marks=marks), room_id)
        room = self.by_id.get(room_id)
        if room is not None and room.last is not None and room.last.id == message:
            kept = room.last.marks if marks is None else marks
            self.by_id[room_id] = replace(room, last=replace(room.last, state=state, detail=detail, marks=kept))

    def read(self, room_id: str, upto: int, unread: int) -> None:
        """Somebody read the room up to a message."""
        self._store(replace(self.by_id[room_id], read_upto=upto, unread=unread))
        self._ledger.log(m.RoomRead(room=room_id, read_upto=upto, unread=unread), room_id)

    def merge(self, gone_id: str, into_id: str) -> None:
        """All of one conversation now belongs to another."""
        gone, into = self.by_id.pop(gone_id), self.by_id[into_id]
        newest = max((room.last for room in (gone, into) if room.last is not None), key=lambda x: x.order, default=None)
        if newest is not None:
            newest = replace(newest, room=into_id)
        merged = replace(
            into,
            unread=gone.unread + into.unread,
            # What was read in one is not read in the other: the lower mark, unless one has nothing unread.
            read_upto=_merged_mark(gone, into),
            last=newest,
        )
        self.by_id[into_id] = merged
        self._ledger.put(e.MergeRooms(gone_id, into_id))
        self._ledger.put(e.PutRoom(merged))
        self._ledger.log(m.RoomsMerged(gone=gone_id, room=_without_text(merged)), into_id)

    def _store(self, room: m.Room) -> None:
        self.by_id[room.id] = room
        self._ledger.put(e.PutRoom(room))


def _without_text(room: m.Room) -> m.Room:
    """A room as the log may hold it: texts stand in messages only, so that one that is deleted is really gone."""
    return replace(room, last=None)


def _merged_mark(one: m.Room, other: m.Room) -> int:
    unread = [room.read_upto for room in (one, other) if room.unread]
    return min(unread) if unread else max(one.read_upto, other.read_upto)
