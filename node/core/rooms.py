"""Conversations: their messages, the order of these, and unread counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.clock import order_text
from node.core.ledger import Ledger
from node.protocol.plain.codec import Text


class Rooms:
    """All conversations of this node."""

    def __init__(self, ledger: Ledger, rooms: Iterable[nouns.Room]) -> None:
        self._ledger = ledger
        self.by_id: dict[str, nouns.Room] = {room.id: room for room in rooms}
        #: Revisions: how often each room was read or merged in this run, and all rooms together.
        self._revisions: dict[str, int] = {}
        self.moves = 0
        #: For each room, the message up to which it has expired in this run, and the event about it.
        self._expired: dict[str, tuple[int, int]] = {}
        #: Each room's oldest unread text, where it is known, that is, after the room was read to its end in this run.
        self._first_unread: dict[str, int] = {}
        #: Merged rooms whose unread texts the disk is still counting.
        self._estimated: set[str] = set()

    def revision(self, room: str) -> int:
        """A number that changes whenever the room's read mark moves."""
        return self._revisions.get(room, 0)

    def add_plain(self, room: str, name: str, peer: str) -> None:
        """Add a conversation with a plain peer. Its read mark stands at the node's newest message."""
        now, newest = self._ledger.now, self._ledger.last_message
        self._put(
            ev.RoomAdded,
            nouns.Room(id=room, kind="plain", name=name, peer=peer, created=now, read_upto=newest, members=[peer]),
        )

    def rename(self, room: str, name: str) -> None:
        """Rename a conversation."""
        known = self.by_id.get(room)
        if known is not None and known.name != name:
            self._put(ev.RoomChanged, replace(known, name=name))

    def _put(self, event: type[ev.RoomAdded | ev.RoomChanged], room: nouns.Room) -> None:
        self.by_id[room.id] = room
        self._ledger.put(e.PutRoom(room))
        self._ledger.log(event(room=_without_text(room)), room.id)

    def receive(self, room_id: str, author: str, name: str, texts: Iterable[Text]) -> int:
        """Add received texts, with one change of the room's row for all of them. Returns their number."""
        room, ledger = self.by_id[room_id], self._ledger
        now, clock = ledger.now, ledger.clock
        last = None
        count = 0
        for text in texts:
            value = clock.next(now)
            last = nouns.Message(
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
            ledger.put(e.AddMessage(last, value, (), text.raw))
            ledger.log(ev.MessageReceived(message=last), room_id, last.id)
            count += 1
        if last is not None:
            if not room.unread:
                self._first_unread[room_id] = last.id - count + 1
            self._store(replace(room, unread=room.unread + count, last=nouns.preview(last)))
        return count

    def notice(self, room_id: str, author: str, name: str, text: str) -> None:
        """Add a notice, which never counts as unread and is never the room's last message."""
        ledger = self._ledger
        value = ledger.clock.next(ledger.now)
        message = nouns.Message(
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
        ledger.log(ev.MessageReceived(message=message), room_id, message.id)

    def accept(self, room_id: str, peer: str, me: nouns.Self, text: str) -> nouns.Message:
        """Add a text of our own, to be sent."""
        ledger = self._ledger
        value = ledger.clock.next(ledger.now)
        message = nouns.Message(
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
        ledger.put(e.AddMessage(message, value, (peer,)))
        ledger.log(ev.MessageAccepted(message=message), room_id, message.id)
        self._store(replace(self.by_id[room_id], last=nouns.preview(message)))
        return message

    def state(
        self,
        room_id: str,
        message: int,
        peer: str,
        state: nouns.DeliveryState,
        detail: str | None = None,
        marks: list[str] | None = None,
    ) -> None:
        """Change the state of one of our own messages. It has one recipient, so this is the message's state."""
        ledger = self._ledger
        ledger.put(e.SetState(message, peer, state, detail, marks))
        ledger.log(ev.MessageStateChanged(room=room_id, id=message, state=state, detail=detail, marks=marks), room_id)
        room = self.by_id.get(room_id)
        if room is not None and room.last is not None and room.last.id == message:
            kept = room.last.marks if marks is None else marks
            self.by_id[room_id] = replace(room, last=replace(room.last, state=state, detail=detail, marks=kept))

    def read(self, room_id: str, upto: int, unread: int) -> None:
        """Move the room's read mark to a message, with `unread` texts above it."""
        self._moved(room_id)
        room = replace(self.by_id[room_id], read_upto=upto, unread=unread)
        self._store(room)
        self._ledger.log(ev.RoomRead(room=room_id, read_upto=upto, unread=unread), room_id)
        if room_id in self._estimated:
            self._count(room)

    def merge(self, gone_id: str, into_id: str) -> None:
        """Move all messages of one conversation to another."""
        gone, into = self.by_id.pop(gone_id), self.by_id[into_id]
        newest = max((room.last for room in (gone, into) if room.last is not None), key=lambda x: x.order, default=None)
        if newest is not None:
            newest = replace(newest, room=into_id)
        # The two were read up to different messages, so the mark goes below the oldest text unread in either.
        first = [self._first_unread.get(room.id, room.read_upto + 1) for room in (gone, into) if room.unread]
        highest = max(gone.read_upto, into.read_upto)
        mark = min(first) - 1 if first else highest
        unread = gone.unread + into.unread
        merged = replace(into, unread=unread, read_upto=mark, last=newest)
        self.by_id[into_id] = merged
        self._moved(gone_id)
        self._moved(into_id)
        if first:
            self._first_unread[into_id] = mark + 1
        self._ledger.put(e.MergeRooms(gone_id, into_id))
        self._ledger.put(e.PutRoom(merged))
        self._ledger.log(ev.RoomsMerged(gone=gone_id, room=_without_text(merged)), into_id)
        if mark < highest or not self._estimated.isdisjoint((gone_id, into_id)):
            # Texts that were already read in one room may stand above the common mark, so count.
            self._count(merged)
        self._let_go(gone_id)

    def _let_go(self, room_id: str) -> None:
        """Forget all state of a deleted room. Its id is never used again."""
        self._revisions.pop(room_id, None)
        self._expired.pop(room_id, None)
        self._estimated.discard(room_id)

    def _count(self, room: nouns.Room) -> None:
        """Let the disk count the unread texts, unless everything was read."""
        upto = self._ledger.last_message
        if room.last is None or room.read_upto >= room.last.id:
            self._estimated.discard(room.id)
            return
        self._estimated.add(room.id)
        revision = self.revision(room.id)
        self._ledger.put(e.Fetch(e.CountUnread(room.id, room.read_upto, upto, revision, room.unread)))

    def delete(self, room_id: str) -> None:
        """Delete a conversation with all its messages."""
        del self.by_id[room_id]
        self._moved(room_id)
        self._let_go(room_id)
        self._ledger.put(e.DeleteRoom(room_id))
        self._ledger.log(ev.RoomDeleted(room=room_id), room_id)

    def expire(self, room_id: str, upto: int, unread: int) -> bool:
        """Expire messages up to `upto`, with `unread` unread texts among them, except those that wait to be sent.

        Returns False, and does nothing, while the disk is still counting the room's unread texts.
        """
        room = self.by_id.get(room_id)
        if room is None or room_id in self._estimated:
            return False
        last = room.last
        if last is not None and last.id <= upto and last.state not in ("waiting", "sending"):
            last = None
        self._moved(room_id)
        room = replace(room, unread=max(0, room.unread - unread), last=last)
        self._ledger.put(e.ExpireMessages(room_id, upto))
        self._store(room)
        kept = None if last is None else last.id
        self._ledger.log(ev.MessagesExpired(room=room_id, upto=upto, unread=room.unread, last=kept), room_id)
        self._expired[room_id] = upto, self._ledger.head
        return True

    def expired_since(self, room_id: str, message: int, head: int) -> bool:
        """Whether this message may have expired after that event."""
        upto, at = self._expired.get(room_id, (0, 0))
        return message <= upto and at > head

    def recount(self, query: e.CountUnread, count: int) -> None:
        """Take the disk's count of texts above a merged room's mark, unless the mark has moved since."""
        room = self.by_id.get(query.room)
        if room is None or self.revision(room.id) != query.revision:
            return
        self._estimated.discard(room.id)
        unread = count + room.unread - query.unread
        if unread != room.unread:
            self.read(room.id, room.read_upto, unread)

    def _moved(self, room_id: str) -> None:
        self.moves += 1
        self._revisions[room_id] = self.revision(room_id) + 1
        self._first_unread.pop(room_id, None)

    def _store(self, room: nouns.Room) -> None:
        self.by_id[room.id] = room
        self._ledger.put(e.PutRoom(room))


def _without_text(room: nouns.Room) -> nouns.Room:
    """A room for the event log, without its last text, so that a deleted text is really gone."""
    return replace(room, last=None)
