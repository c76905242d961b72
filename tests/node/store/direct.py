"""A node in rooms with other Snicher nodes, as its store gets to see it: real keys, real headers, real signatures."""

from __future__ import annotations

import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.clock import order_text
from node.core.loaded import Row
from node.model import Entry, direct_room, short_code
from node.protocol.entries import text_body
from tests.node.store import story as stories
from tests.support.authors import author_of, position, write_entry

#: This node, the other one, and a third.
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3)]
ME, OTHER, THIRD = map(author_of, KEYS)
ROOM: str = direct_room(ME, OTHER)
SELF = nouns.Self(id=ME, code=short_code(ME), name="anna", listen="127.0.0.1:5000")


class Author:
    """Who writes one stream of a room."""

    def __init__(self, number: int, room: str, stream: bytes, before: Entry | None = None) -> None:
        self.key, self.id = KEYS[number], author_of(KEYS[number])
        self.room, self.stream, self.before = room, stream, before
        #: All that was written, by number; `entries[0]` is number 1.
        self.entries: list[Entry] = []

    def write(self, clock: int, body: bytes, kind: str = "text") -> Entry:
        """The next entry."""
        last = position(self.entries[-1]) if self.entries else None
        before = None if self.before is None else (self.before.header.stream, self.before.header.n)
        prev = bytes(32) if self.before is None else self.before.hash
        entry = write_entry(self.key, self.room, self.stream, last, clock, kind, body, before=before, before_hash=prev)
        self.entries.append(entry)
        return entry

    @property
    def row(self) -> Row:
        """The row of whoever holds all of it."""
        last = self.entries[-1]
        return Row(1, last.header.n, last.hash, last.header.clock, self.entries[0].header.before)


class Direct(stories.Store):
    """A store of a node that has a room with other nodes, and what it decides to keep."""

    def __init__(self, home: pathlib.Path, members: tuple[str, ...] = (OTHER,)) -> None:
        super().__init__(home)
        self.ledger = self.story.ledger
        self.ledger.put(e.PutSettings(stories.SETTINGS, SELF))
        for member in members:
            peer = nouns.Peer(id=member, room=ROOM, name="bela", kind="node", code=short_code(member))
            self.ledger.put(e.PutPeer(peer))
        self.room = nouns.Room(id=ROOM, kind="direct", name="bela", peer=members[0], encrypted=True,
                               created=stories.START, members=sorted(members))  # fmt: skip
        self.story.rooms._put(ev.RoomAdded, self.room)
        self.mine, self.theirs = Author(0, ROOM, b"m" * 16), Author(1, ROOM, b"t" * 16)

    def tick(self) -> int:
        """Time goes on; returns the clock of what is said now."""
        self.ledger.now += 1
        return self.ledger.clock.next(self.ledger.now)

    def add(
        self, author: Author, text: str | None, *, kind: str = "text", signed: bool = True, body: bytes | None = None
    ) -> nouns.Message:
        """An entry is kept; returns its message as front ends should see it. `text` None: it has none, but a body."""
        clock = self.tick()
        entry = author.write(clock, text_body(text) if body is None and text is not None else body or b"\x80", kind)
        outgoing = author.id == ME
        message = nouns.Message(
            id=self.ledger.next_message(), room=author.room, order=order_text(clock, entry.hash), at=self.ledger.now,
            direction="out" if outgoing else "in", author=author.id, name="anna" if outgoing else "bela",
            kind=kind if kind == "text" else "unknown", text=text or "", state="waiting" if outgoing else None,
            entry=nouns.Place(stream=author.stream.hex(), n=entry.header.n),
        )  # fmt: skip
        self.ledger.put(
            e.AddEntry(
                message, clock, author.stream, entry.header.n, entry.hash, entry.header_bytes,
                entry.signature if signed else None, body if text is not None else entry.body,
            )
        )  # fmt: skip
        self.ledger.put(e.PutRow(author.room, author.id, author.stream, author.row))
        event = ev.MessageAccepted if outgoing else ev.MessageReceived
        self.ledger.log(event(message=message), author.room, message.id)
        return message

    def add_header(self, author: Author, *, signed: bool = True) -> Entry:
        """An entry is kept whose body is no more."""
        entry = author.write(self.tick(), b"gone")
        self.ledger.put(
            e.AddHeader(
                author.room, author.id, author.stream, entry.header.n, entry.hash, entry.header_bytes,
                entry.signature if signed else None,
            )
        )  # fmt: skip
        self.ledger.put(e.PutRow(author.room, author.id, author.stream, author.row))
        return entry

    def wait(self, text: str, peer: str = OTHER, room: str = ROOM) -> nouns.Message:
        """A text that waits in clear."""
        clock = self.tick()
        message = nouns.Message(
            id=self.ledger.next_message(), room=room, order=order_text(clock), at=self.ledger.now, direction="out",
            author=ME, name="anna", text=text, state="waiting",
        )  # fmt: skip
        self.ledger.put(e.AddMessage(message, clock, (peer,)))
        self.ledger.log(ev.MessageAccepted(message=message), room, message.id)
        return message

    def sign(self, message: nouns.Message) -> nouns.Message:
        """A text that waited in clear becomes an entry; returns it as front ends should see it."""
        clock, mine = self.tick(), self.mine
        entry = mine.write(clock, text_body(message.text))
        now = replace(
            message, room=ROOM, order=order_text(clock, entry.hash), state="waiting", detail=None,
            entry=nouns.Place(stream=mine.stream.hex(), n=entry.header.n),
        )  # fmt: skip
        self.ledger.put(
            e.SignMessage(
                now, clock, mine.stream, entry.header.n, entry.hash, entry.header_bytes, entry.signature
            )
        )  # fmt: skip
        self.ledger.put(e.PutRow(ROOM, ME, mine.stream, mine.row))
        self.ledger.log(ev.MessageChanged(message=now), ROOM, message.id)
        return now

    def receipt(self, n: int, member: str = OTHER, author: Author | None = None) -> None:
        """A member says that it holds a stream of ours up to number `n`."""
        author = author or self.mine
        hash_ = author.entries[n - 1].hash
        self.ledger.now += 1
        self.ledger.put(e.PutReceipt(ROOM, member, author.id, author.stream, n, hash_))
        self.ledger.log(ev.ReceiptAdvanced(room=ROOM, member=member, stream=author.stream.hex(), n=n), ROOM)
