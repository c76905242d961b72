"""Requests: what unknown nodes have said, and how much of it is here until a person decides. Pure.

A request takes entries while it holds fewer than MAX_TEXTS and less than MAX_BYTES of them. What is more is neither
asked for nor acknowledged, so it waits at its author, whose node is told so (refusals.py). Once the request is
accepted, the rest is asked for. When there are too many requests, the one that was heard longest ago of the source with
most of them is deleted (strangers.py). A source may begin MAX_NEW of them in a day; what its further unknown nodes say
waits at them. While there are MAX_REQUESTS, each from a source of its own, none of them is deleted for somebody else:
what further ones say waits, too.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence

from node.bus import events as ev
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
#: Whether what a node says is taken, as DOOR has it: yes; no more before a person has decided; nothing today.
OPEN, FULL, LATER = 0, 1, 2
MANY_NEW = (
    f"Too many unknown nodes: {MAX_NEW} have begun to write from this address in a day. Nothing is taken from further"
    " ones there before that day is over."
)
CROWDED = (
    f"Too many unknown nodes: {MAX_REQUESTS} requests wait, each from another address. Nothing is taken from further"
    " ones before somebody here accepts, refuses or blocks some."
)
#: When somebody who waits for that is let in again, if there is room (ms).
CROWDED_MS = 3600_000
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
        #: The begin of the day (ms) in which people were told last that a source has used it up.
        self._told: dict[str, int] = {}
        #: When people were told last that there are too many requests (ms).
        self._told_crowded = -CROWDED_MS

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

    def state(self, contact: Contact) -> int:
        """Whether what a node says is taken now: OPEN, FULL or LATER."""
        if contact.peer.standing != "stranger":
            return OPEN
        host = contact.peer.host
        if self._is_fresh(contact) and (self._day(host)[1] >= MAX_NEW or self._is_crowded(contact)):
            return LATER
        return FULL if self.is_full(contact.peer.room) else OPEN

    def begins_again(self, contact: Contact) -> int:
        """When what a node says may be taken again (ms)."""
        began, count = self._day(contact.peer.host)
        return began + DAY_MS if count >= MAX_NEW else self._ledger.now + CROWDED_MS

    def take(self, contact: Contact, new: Sequence[Entry]) -> Sequence[Entry]:
        """Those of an unknown node's entries that are stored now, the first ones; what is more has to wait."""
        room = contact.peer.room
        if contact.peer.standing != "stranger":
            return new
        if self._is_fresh(contact) and (self._is_crowded(contact, tell=True) or not self._begin(contact.peer.host)):
            return ()
        if not self.is_one(room):
            self._held.setdefault(room, (0, 0))
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

    def _is_fresh(self, contact: Contact) -> bool:
        """Whether nothing that it has said is here."""
        room = contact.peer.room
        return self._rooms.by_id[room].last is None and room not in self._held

    def _is_crowded(self, contact: Contact, *, tell: bool = False) -> bool:
        """Whether there is no request that could give way to one of this node. `tell`: say so, once an hour."""
        full = self.is_one(contact.peer.room) and len(self._waiting) >= MAX_REQUESTS
        if not full or self._waiting.most > 1 or self._waiting.count(source_of(contact.peer.host)):
            return False
        if tell and not 0 <= self._ledger.now - self._told_crowded < CROWDED_MS:
            self._told_crowded = self._ledger.now
            self._ledger.tell(ev.ConnectionNoticed(address=source_of(contact.peer.host), what=CROWDED))
        return True

    def _day(self, host: str) -> tuple[int, int]:
        """When the day of a source began (ms), and how many unknown nodes have begun to write in it."""
        now = self._ledger.now
        began, count = self._days.get(source_of(host)) or (now, 0)
        return (began, count) if 0 <= now - began < DAY_MS else (now, 0)

    def _begin(self, host: str) -> bool:
        """Count an unknown node that begins to write. Returns False, and says so once a day, when it may not."""
        source, (began, count) = source_of(host), self._day(host)
        if count >= MAX_NEW:
            if self._told.get(source) != began:
                self._told[source] = began
                self._ledger.tell(ev.ConnectionNoticed(address=source, what=MANY_NEW))
            return False
        if not count:
            # A new day, which began last of all.
            self._days.pop(source, None)
            self._told.pop(source, None)
        self._days[source] = began, count + 1
        if len(self._days) > MAX_SOURCES:
            self._told.pop(self._days.popitem(last=False)[0], None)
        return True

    def over(self, contact: Contact) -> None:
        """It is a request no more."""
        self._held.pop(contact.peer.room, None)
        self._waiting.remove(contact.id)

    def surplus(self) -> str | None:
        """The peer whose request is deleted next; None: there aren't too many."""
        return next(self._waiting.first()) if len(self._waiting) > MAX_REQUESTS else None
