"""A node's life as the store gets to see it: the core's own ledger decides the records, and nothing else is needed."""

from __future__ import annotations

import pathlib
from typing import cast

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.belief import Belief
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.expiry import Expiry
from node.core.ledger import Ledger
from node.core.plain import Recognising
from node.core.rooms import Rooms
from node.core.stimuli import ExpiryDue
from node.protocol.plain.codec import Text
from node.store.reader import Reader
from node.store.writer import Writer

LOG = "log-1"
START = 1_700_000_000_000
ME = nouns.Self(id="me" * 26, code="aaaa", name="anna", listen="127.0.0.1:5000", addresses=["127.0.0.1:5000"])
SETTINGS = nouns.Settings(name="anna")


class Story:
    """Decides records in order. `records` holds those that were decided and not yet committed."""

    def __init__(self) -> None:
        self.ledger = Ledger(LOG, 0, 0, 0)
        self.ledger.now = START
        self.rooms = Rooms(self.ledger, [])
        self.contacts = Contacts(self.ledger, self.rooms, [], 0)
        self.recognising = Recognising(self.contacts)
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
        return self.rooms.accept(contact.peer.room, contact.id, ME, text).id

    def expire(self, reader: Reader, before: int, after: int = 0) -> int | None:
        """Take a step of expiry, as the store is now; returns where the next one begins."""
        expiry = Expiry(self.ledger, self.rooms, self.contacts, Belief(self.ledger, None))
        expiry.due(ExpiryDue(before, after))
        assert expiry.asked is not None
        self.ledger._effects.pop()
        expiry.fetched(expiry.asked, reader.answer(expiry.asked))
        return expiry.next

    def notice(self, contact: Contact, text: str) -> int:
        self.ledger.now += 1
        self.contacts.seen(contact)
        self.rooms.notice(contact.peer.room, contact.id, contact.peer.name, text)
        return self.ledger.last_message


def new_writer(home: pathlib.Path) -> Writer:
    """A writer on a database that was never used."""
    writer = Writer(home)
    writer.prepare(log=LOG, stream="stream-1")
    return writer


def commit(writer: Writer, story: Story) -> None:
    """Put on disk what the story has decided."""
    writer.commit(story.records())


def erase(writer: Writer) -> None:
    """Erase from the search index the words of messages that are no more."""
    if writer.keeper.state().owes:
        more = writer.keeper.erase(begin=True)
        while more:
            more = writer.keeper.erase(begin=False)
