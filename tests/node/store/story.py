"""A node's life as the store gets to see it: the core's own ledger decides the records, and nothing else is needed."""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterable
from typing import Any, cast

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.belief import Belief
from node.core.clock import order_text
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.effects import ReportExpiry
from node.core.expiry import Expiry
from node.core.ledger import Ledger
from node.core.plain import Recognising
from node.core.rooms import Rooms
from node.core.stimuli import ExpiryDue
from node.protocol.plain.codec import Text
from node.store import database
from node.store.reader import Reader
from node.store.writer import Writer

LOG = "log-1"
INSTANCE = "1a" * 16
START = 1_700_000_000_000
ME = nouns.Self(id="me" * 26, code="aaaa", name="anna", listen="127.0.0.1:5000", addresses=["127.0.0.1:5000"])
SETTINGS = nouns.Settings(name="anna")


#: The room of several: its id is nobody's.
GROUP = "group"


class Story:
    """Decides records in order. `records` holds those that were decided and not yet committed."""

    def __init__(self) -> None:
        self.ledger = Ledger(LOG, 0, 0, 0)
        self.ledger.now = START
        self.rooms = Rooms(self.ledger, [])
        self.contacts = Contacts(self.ledger, self.rooms, "me", [], 0)
        self.recognising = Recognising(self.contacts)
        #: Messages to several peers: state and detail for each.
        self.sent_to: dict[int, dict[str, tuple[str, str | None]]] = {}
        self.ledger.put(e.PutSettings(SETTINGS, ME))
        self.ledger.log(ev.NodeStarted(self=ME, settings=SETTINGS, version="0"))

    def records(self) -> list[e.Record]:
        """What was decided since the last call."""
        return cast(list[e.Record], self.ledger.take())

    def meet(self, host: str, port: int | None = None, name: str | None = None) -> Contact:
        return self.contacts.add(host, port, name, "std", "seen")

    def hear(self, contact: Contact, *texts: str) -> list[int]:
        """Texts come in; returns their ids."""
        self.ledger.now += 1
        self.contacts.seen(contact)
        first = self.ledger.last_message + 1
        self.rooms.receive(contact.peer.room, contact.id, contact.peer.name, [Text(text) for text in texts])
        return list(range(first, self.ledger.last_message + 1))

    def say(self, contact: Contact, text: str) -> int:
        """A text of our own; returns its id."""
        self.ledger.now += 1
        return self.rooms.accept(contact.peer.room, contact.id, ME, [text])[0].id

    def say_to(self, contacts: list[Contact], text: str) -> int:
        """A text of our own to several peers, in the room of several; returns its id."""
        if GROUP not in self.rooms.by_id:
            room = nouns.Room(id=GROUP, kind="plain", name="all", read_upto=self.ledger.last_message)
            self.rooms._put(ev.RoomAdded, room)
        self.ledger.now += 1
        clock = self.ledger.clock.next(self.ledger.now)
        message = nouns.Message(
            id=self.ledger.next_message(), room=GROUP, order=order_text(clock), at=self.ledger.now, direction="out",
            author=ME.id, name=ME.name, text=text, state="waiting",
        )  # fmt: skip
        self.sent_to[message.id] = {contact.id: ("waiting", None) for contact in contacts}
        self.ledger.put(e.AddMessage(message, clock, tuple(self.sent_to[message.id])))
        self.ledger.log(ev.MessageAccepted(message=message), GROUP, message.id)
        self.rooms._store(replace(self.rooms.by_id[GROUP], last=nouns.preview(message)))
        return message.id

    def become(
        self, message: int, peer: str, state: str, detail: str | None = None, marks: list[str] | None = None
    ) -> None:
        """A message to several is in another state for one of them."""
        self.sent_to[message][peer] = (state, detail)
        self.ledger.put(e.SetState(message, peer, state, detail, marks))
        now, why = self.shown(message)
        self.ledger.log(ev.MessageStateChanged(room=GROUP, id=message, state=now, detail=why, marks=marks), GROUP)
        room = self.rooms.by_id.get(GROUP)
        if room is not None and room.last is not None and room.last.id == message:
            kept = room.last.marks if marks is None else marks
            last = replace(room.last, state=now, detail=why, marks=kept)
            self.rooms.by_id[GROUP] = replace(room, last=last)

    def shown(self, message: int) -> tuple[str, str | None]:
        """State and detail of a message to several, as front ends should see them."""
        return _least_advanced(self.sent_to[message].values())

    def unite(self, contact: Contact, known: Contact) -> None:
        """Two peers are one, also among those to whom a message went."""
        self.contacts.unite(contact, known)
        self._united(contact, known)

    def claim(self, contact: Contact, port: int) -> Contact:
        """A peer says on which port it listens, and may be one with another for that."""
        known = self.recognising.claim(contact, port)
        if known is not contact:
            self._united(contact, known)
        return known

    def _united(self, contact: Contact, known: Contact) -> None:
        for peers in self.sent_to.values():
            if contact.id in peers:
                peers[known.id] = _least_advanced([peers[one] for one in (contact.id, known.id) if one in peers])
                del peers[contact.id]

    def expire(self, reader: Reader, before: int, after: int = 0, limit: int = 100) -> int | None:
        """Take a step of expiry, as the store is now; returns where the next one begins."""
        expiry = Expiry(self.ledger, self.rooms, self.contacts, Belief(self.ledger, None))
        expiry.due(ExpiryDue(before, after, limit))
        assert expiry.asked is not None
        self.ledger._effects.pop()
        expiry.fetched(reader.answer(expiry.asked))
        report = self.ledger._effects.pop()
        assert isinstance(report, ReportExpiry)
        return report.next

    def notice(self, contact: Contact, text: str) -> int:
        self.ledger.now += 1
        self.contacts.seen(contact)
        self.rooms.notice(contact.peer.room, contact.id, contact.peer.name, text)
        return self.ledger.last_message


def _least_advanced(states: Iterable[tuple[str, str | None]]) -> tuple[str, str | None]:
    order: tuple[str, ...] = nouns.ADVANCE
    return min(states, key=lambda one: (order.index(one[0]), one[1] is None, one[1] or ""))


def new_writer(home: pathlib.Path) -> Writer:
    """A writer on a database that was never used."""
    writer = Writer(home)
    writer.prepare(log=LOG, instance=INSTANCE)
    return writer


def commit(writer: Writer, story: Story) -> None:
    """Put on disk what the story has decided."""
    writer.commit(story.records())


class Store:
    """A new database, with a writer, a reader, and a story for it."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.writer = new_writer(home)
        self.reader = Reader(home)
        self.story = Story()

    def commit(self) -> None:
        """Put on disk what the story has decided."""
        commit(self.writer, self.story)

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


def finish(writer: Writer, limit: int = 100) -> None:
    """Take all steps of removing what is on its way out."""
    while writer.work is not None:
        writer.advance(writer.work, limit)


def erase(writer: Writer) -> None:
    """Erase from the search index the words of messages that are no more."""
    if writer.keeper.state().owes:
        more = writer.keeper.erase(begin=True)
        while more:
            more = writer.keeper.erase(begin=False)


def rows(home: pathlib.Path, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds in the database of a home."""
    with sqlite3.connect(home / database.FILE_NAME) as db:
        return db.execute(sql).fetchall()


def contents(home: pathlib.Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that records have become, by table."""
    tables = (
        "fact", "peer", "address", "room", "member", "alias", "entry", "body", "delivery", "event", "reply", "vector"
    )  # fmt: skip
    found = {table: rows(home, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}
    return found | {table: rows(home, f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4") for table in ("signed", "receipt")}
