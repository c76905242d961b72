"""Conversations: their messages, the order of these, and unread counts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import queries as q
from node.core.clock import order_text, wall_ms
from node.core.ledger import Ledger
from node.model import Entry
from node.protocol import entries
from node.protocol.plain.codec import Text

#: Most ids of earlier plain conversations that a room remembers, the newest.
MAX_ALIASES = 64
#: Entries dated before this time (2020-01-01, in ms) come from a clock that was never set: they show when they arrived.
NEVER_SET_MS = 1_577_836_800_000


class Rooms:
    """All conversations of this node."""

    def __init__(self, ledger: Ledger, rooms: Iterable[nouns.Room]) -> None:
        self._ledger = ledger
        self.by_id: dict[str, nouns.Room] = {room.id: room for room in rooms}
        #: Ids of earlier plain conversations, each with the room that it became part of.
        self._aliases: dict[str, str] = {alias: room.id for room in self.by_id.values() for alias in room.aliases}
        #: Revisions: how often each room was read or merged in this run, and all rooms together.
        self._revisions: dict[str, int] = {}
        self.moves = 0
        #: For each room, the message up to which it has expired in this run, and the event about it.
        self._expired: dict[str, tuple[int, int]] = {}
        #: Each room's oldest unread text, where it is known, that is, after the room was read to its end in this run.
        self._first_unread: dict[str, int] = {}
        #: In each room, the id above which no text of somebody else stands. A room that isn't here has none above the
        #: newest message of all when the core was loaded. A room's `last` may be an older one, if its order is newest.
        self._received_upto: dict[str, int] = {}
        self._loaded_upto = ledger.last_message
        #: Merged rooms whose unread texts the disk is still counting.
        self._estimated: set[str] = set()

    def revision(self, room: str) -> int:
        """A number that changes whenever the room's read mark moves."""
        return self._revisions.get(room, 0)

    def received_upto(self, room: str) -> int:
        """An id above which no text of somebody else stands in this room."""
        return self._received_upto.get(room, self._loaded_upto)

    def add_plain(self, room: str, name: str, peer: str) -> None:
        """Add a conversation with a plain peer. Its read mark stands at the node's newest message."""
        now, newest = self._ledger.now, self._ledger.last_message
        self._put(
            ev.RoomAdded,
            nouns.Room(id=room, kind="plain", name=name, peer=peer, created=now, read_upto=newest, members=[peer]),
        )

    def add_direct(self, room: str, name: str, peer: str, *, request: bool) -> None:
        """Add a conversation with a Snicher node. Its read mark stands at the node's newest message."""
        now, newest = self._ledger.now, self._ledger.last_message
        self._put(
            ev.RoomAdded,
            nouns.Room(
                id=room, kind="direct", name=name, peer=peer, encrypted=True, created=now, read_upto=newest,
                members=[peer], request=request,
            ),
        )  # fmt: skip

    def hide(self, room: str, hidden: bool) -> None:
        """Hide a conversation, or show it again."""
        known = self.by_id.get(room)
        if known is not None and known.hidden != hidden:
            self._put(ev.RoomChanged, replace(known, hidden=hidden))

    def let_in(self, room: str) -> bool:
        """A room is a request no more. Returns whether it was one."""
        known = self.by_id.get(room)
        if known is None or not known.request:
            return False
        self._put(ev.RoomChanged, replace(known, request=False))
        return True

    def named(self, id_: str) -> nouns.Room | None:
        """The room with this id, or the one that a plain conversation of this id became part of."""
        return self.by_id.get(id_) or self.by_id.get(self._aliases.get(id_, ""))

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
            self._received_upto[room_id] = last.id
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

    def add_entries(
        self, room_id: str, name: str, new: Sequence[Entry], state: Callable[[Entry], str | None]
    ) -> list[nouns.Message]:
        """Add entries of one author to a conversation. Returns them as messages, without those whose body is no more.

        `state` tells the delivery state of our own ones, and None for those of others. Only texts of others count as
        unread.
        """
        room, ledger = self.by_id[room_id], self._ledger
        shown: list[nouns.Message] = []
        last = room.last
        unread = 0
        for entry in new:
            header = entry.header
            if entry.body is None:
                ledger.put(
                    e.AddHeader(
                        room_id, header.author, header.stream, header.n, entry.hash, entry.header_bytes, entry.signature
                    )
                )
                continue
            text = entries.text_of(entry.body) if header.kind == "text" else None
            message = self._as_message(ledger.next_message(), entry, room_id, name, text, state(entry))
            exact = None if text is not None and entries.text_body(text) == entry.body else entry.body
            ledger.put(
                e.AddEntry(
                    message, header.clock, header.stream, header.n, entry.hash, entry.header_bytes, entry.signature,
                    exact,
                )
            )  # fmt: skip
            if message.direction == "out":
                ledger.log(ev.MessageAccepted(message=message), room_id, message.id)
            else:
                ledger.log(ev.MessageReceived(message=message), room_id, message.id)
            shown.append(message)
            if text is not None:
                last = message
                if message.direction == "in":
                    if not room.unread and not unread:
                        self._first_unread[room_id] = message.id
                    self._received_upto[room_id] = message.id
                    unread += 1
        if last is not room.last and last is not None:
            self._store(replace(room, unread=room.unread + unread, last=nouns.preview(last)))
        return shown

    def _as_message(
        self, id_: int, entry: Entry, room_id: str, name: str, text: str | None, state: str | None
    ) -> nouns.Message:
        header, now = entry.header, self._ledger.now
        written = wall_ms(header.clock)
        return nouns.Message(
            id=id_,
            room=room_id,
            order=order_text(header.clock, entry.hash),
            at=written if NEVER_SET_MS <= written <= now else now,
            direction="in" if state is None else "out",
            author=header.author,
            name=name,
            kind="unknown" if text is None else "text",
            text=text or "",
            state=state,
            entry=nouns.Place(stream=header.stream.hex(), n=header.n),
        )

    def sign(self, message: nouns.Message, entry: Entry) -> None:
        """A message of ours that waited in clear becomes this entry."""
        header = entry.header
        message = replace(
            message,
            order=order_text(header.clock, entry.hash),
            state="waiting",
            detail=None,
            entry=nouns.Place(stream=header.stream.hex(), n=header.n),
        )
        self._ledger.put(
            e.SignMessage(
                message, header.clock, header.stream, header.n, entry.hash, entry.header_bytes, entry.signature
            )
        )
        self._ledger.log(ev.MessageChanged(message=message), message.room, message.id)
        room = self.by_id[message.room]
        # Its place is another now: it may have become the newest.
        if room.last is None or room.last.id == message.id or room.last.order < message.order:
            self._store(replace(room, last=nouns.preview(message)))

    def received(self, room_id: str, member: str, stream: bytes, n: int) -> None:
        """A member of the room has our own stream up to number `n` on its disk."""
        place = nouns.Place(stream=stream.hex(), n=n)
        self._ledger.log(ev.ReceiptAdvanced(room=room_id, member=member, stream=place.stream, n=n), room_id)
        self._advance_last(room_id, place, "delivered")

    def was_read(self, room_id: str, member: str, stream: bytes, n: int) -> None:
        """A member of the room has read our own stream up to number `n`."""
        place = nouns.Place(stream=stream.hex(), n=n)
        self._ledger.log(ev.ReadAdvanced(room=room_id, member=member, stream=place.stream, n=n), room_id)
        self._advance_last(room_id, place, "read")

    def _advance_last(self, room_id: str, upto: nouns.Place, state: Literal["delivered", "read"]) -> None:
        """Bring the room's newest text to this state if it is ours and stands at or before `upto`; never back."""
        room = self.by_id.get(room_id)
        if room is None or room.last is None or room.last.state in (None, "read") or room.last.entry is None:
            return
        if room.last.entry.stream == upto.stream and room.last.entry.n <= upto.n:
            self.by_id[room_id] = replace(room, last=replace(room.last, state=state, detail=None))

    def accept(self, room_id: str, peer: str, me: nouns.Self, texts: Sequence[str]) -> list[nouns.Message]:
        """Add texts of our own, at least one, to be sent in clear."""
        ledger = self._ledger
        messages = []
        for text in texts:
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
            messages.append(message)
        self._store(replace(self.by_id[room_id], last=nouns.preview(messages[-1])))
        return messages

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
        # By id, because a log that is replayed shows messages with the order that they got later.
        newest = max((room.last for room in (gone, into) if room.last is not None), key=lambda x: x.id, default=None)
        if newest is not None:
            newest = replace(newest, room=into_id)
        # The two were read up to different messages, so the mark goes below the oldest text unread in either.
        first = [self._first_unread.get(room.id, room.read_upto + 1) for room in (gone, into) if room.unread]
        highest = max(gone.read_upto, into.read_upto)
        mark = min(first) - 1 if first else highest
        unread = gone.unread + into.unread
        merged = replace(into, unread=unread, read_upto=mark, last=newest)
        if into.kind == "direct":
            # Front ends, bots and links may still know it by its old ids.
            aliases = [*gone.aliases, gone_id, *into.aliases]
            merged = replace(merged, aliases=aliases[:MAX_ALIASES])
            self._aliases |= dict.fromkeys(merged.aliases, into_id)
        self.by_id[into_id] = merged
        self._received_upto[into_id] = max(self.received_upto(gone_id), self.received_upto(into_id))
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
        self._received_upto.pop(room_id, None)
        self._expired.pop(room_id, None)
        self._estimated.discard(room_id)

    def _count(self, room: nouns.Room) -> None:
        """Let the disk count the unread texts, unless everything was read."""
        upto = self._ledger.last_message
        if room.last is None or room.read_upto >= self.received_upto(room.id):
            self._estimated.discard(room.id)
            return
        self._estimated.add(room.id)
        revision = self.revision(room.id)
        self._ledger.put(e.Fetch(q.CountUnread(room.id, room.read_upto, upto, revision, room.unread)))

    def delete(self, room_id: str) -> None:
        """Delete a conversation with all its messages."""
        for alias in self.by_id.pop(room_id).aliases:
            self._aliases.pop(alias, None)
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

    def recount(self, query: q.CountUnread, count: int) -> None:
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
