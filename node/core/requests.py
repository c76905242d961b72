"""Requests: what unknown nodes have said, and how much of it is here until a person decides. Pure.

A request takes entries while it holds fewer than MAX_TEXTS and less than MAX_BYTES of them. What is more is neither
asked for nor acknowledged, so it waits at its author; his node is told so (DOOR). Once the request is accepted, the
rest is asked for. When there are too many requests, the one that was heard longest ago of the source with most of them
is deleted (strangers.py). A source may begin MAX_NEW of them in a day.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence

from node.core.contact import Contact
from node.core.ledger import Ledger
from node.core.rooms import Rooms
from node.core.strangers import Strangers
from node.model import Entry, source_of
from node.protocol import entries

#: Most entries of one request, and the bytes at which it takes no more: so it holds one entry beyond that at most.
MAX_TEXTS, MAX_BYTES = 20, 64 * 1024
#: Most requests in which something was said. Each further one deletes another.
MAX_REQUESTS = 100
#: Most unknown nodes of one source of which something is stored in a day, whatever the setting is.
MAX_NEW = 50
DAY_MS = 24 * 3600 * 1000
#: Most sources whose day is counted; beyond, the one whose day began first is forgotten.
MAX_SOURCES = 10_000


class Requests:
    """All requests of this node. `sizes` are those on disk: entries and bytes, by room."""

    def __init__(self, ledger: Ledger, rooms: Rooms, sizes: Mapping[str, tuple[int, int]]) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._held = dict(sizes)
        #: Those in which something was said.
        self._waiting = Strangers()
        #: Each source's begin of its day (ms), and how many unknown nodes have begun to write in it.
        self._days: collections.OrderedDict[str, tuple[int, int]] = collections.OrderedDict()

    def load(self, contact: Contact) -> None:
        """A contact as it is on disk. Call it in the order in which they were heard."""
        if contact.peer.room in self._held and self.is_one(contact.peer.room):
            self._waiting.heard(contact.id, source_of(contact.peer.host))

    def is_one(self, room: str) -> bool:
        """Whether this room is a request."""
        known = self._rooms.by_id.get(room)
        return known is not None and known.request

    def is_full(self, room: str) -> bool:
        """Whether this room takes no more before a person has decided."""
        if not self.is_one(room):
            return False
        count, size = self._held.get(room, (0, 0))
        return count >= MAX_TEXTS or size >= MAX_BYTES

    def take(self, contact: Contact, new: Sequence[Entry]) -> Sequence[Entry]:
        """Those of an unknown node's entries that are stored now, the first ones; what is more has to wait."""
        room = contact.peer.room
        fresh = self._rooms.by_id[room].last is None and room not in self._held
        if contact.peer.standing != "stranger" or (fresh and not self._may_begin(contact.peer.host)):
            return new if contact.peer.standing != "stranger" else ()
        if not self.is_one(room):
            return new
        count, size = self._held.get(room, (0, 0))
        taken = 0
        for entry in new:
            if count >= MAX_TEXTS or size >= MAX_BYTES:
                break
            taken, count, size = taken + 1, count + 1, size + entries.size(entry)
        self._held[room] = count, size
        self._waiting.heard(contact.id, source_of(contact.peer.host))
        return new[:taken]

    def _may_begin(self, host: str) -> bool:
        source, now = source_of(host), self._ledger.now
        began, count = self._days.get(source) or (now, 0)
        if not 0 <= now - began < DAY_MS:
            self._days.pop(source, None)
            began, count = now, 0
        if count >= MAX_NEW:
            return False
        self._days[source] = began, count + 1
        if len(self._days) > MAX_SOURCES:
            self._days.popitem(last=False)
        return True

    def over(self, contact: Contact) -> None:
        """It is a request no more."""
        self._held.pop(contact.peer.room, None)
        self._waiting.remove(contact.id)

    def surplus(self) -> str | None:
        """The peer whose request is deleted next; None: there aren't too many."""
        return next(self._waiting.first()) if len(self._waiting) > MAX_REQUESTS else None
