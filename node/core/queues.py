"""The queue of each contact: the head of its outbox in memory, the rest on disk, and the messages in flight. Pure.

A message is recorded as "sending" before its first byte leaves. Messages that return to the queue keep their place. If
memory doesn't know the order, all of them are read from disk again.
"""

from __future__ import annotations

import collections

from node.bus import nouns
from node.core import effects as e
from node.core import queries as q
from node.core.contact import Contact, Waiting
from node.core.ledger import Ledger
from node.core.rooms import Rooms

#: Most messages of one peer's outbox held in memory; the rest waits on disk.
WINDOW = 64
#: Most messages of a forgotten peer that are given up in one step.
SWEEP = 1_000

FORGOTTEN = "The peer was forgotten before this could be sent."


class Queues:
    """The queues of all contacts, and the owner of each message in flight."""

    def __init__(self, ledger: Ledger, rooms: Rooms) -> None:
        self._ledger = ledger
        self._rooms = rooms
        #: The contact of each message in flight.
        self.carried: dict[int, Contact] = {}
        self._asked = 0

    # -- in

    def load(self, contact: Contact, message: int, room: str, text: str) -> None:
        """Add a message whose attempt was under way when the core was loaded."""
        contact.queue.inflight[message] = Waiting(message, room, text, begun=True)
        self.carried[message] = contact

    def add(self, contact: Contact, message: nouns.Message) -> None:
        """Add a message that was accepted for this peer."""
        if contact.queue.more_on_disk or len(contact.queue.waiting) >= WINDOW:
            # A query in flight may be answered without this message, because it was asked before.
            contact.queue.added_since = contact.queue.more_on_disk = True
        else:
            contact.queue.waiting.append(Waiting(message.id, message.room, message.text))

    def again(self, contact: Contact, message: nouns.Message) -> None:
        """Put a message that was given up back in its place in the queue."""
        if contact.queue.more_on_disk or len(contact.queue.waiting) >= WINDOW:
            self.let_disk_order(contact)
        else:
            self.back(contact, Waiting(message.id, message.room, message.text))

    def fetch(self, contact: Contact) -> None:
        """Query the disk for the next waiting messages."""
        self._asked += 1
        contact.queue.ended_since.clear()
        contact.queue.added_since = False
        contact.queue.fetching = q.ReadWaiting(contact.id, SWEEP if contact.queue.give_up_to else WINDOW, self._asked)
        self._ledger.put(e.Fetch(contact.queue.fetching))

    def fetch_unsigned(self, contact: Contact) -> None:
        """Query the disk for messages that were meant to go in clear to a node."""
        self._asked += 1
        contact.queue.ended_since.clear()
        contact.queue.added_since = False
        contact.queue.fetching = q.ReadUnsigned(contact.id, WINDOW, self._asked)
        self._ledger.put(e.Fetch(contact.queue.fetching))

    def let_disk_order_all(self, contact: Contact) -> None:
        """Leave all messages that wait to the disk. Parts that were sent of a long text are its end."""
        self.give_up_parts(contact, "it is a Snicher node, as turned out meanwhile")
        if contact.queue.waiting:
            contact.queue.waiting.clear()
            contact.queue.added_since = contact.queue.more_on_disk = True

    def fetched(self, contact: Contact, query: q.ReadWaiting, rows: list[tuple[int, str, str]]) -> None:
        """Take the disk's answer to this contact's last query."""
        contact.queue.fetching = None
        # The answer may hold messages that were sent since the query was asked; they must not go out twice.
        queue = contact.queue
        known = {waiting.id for waiting in queue.waiting} | set(queue.inflight) | queue.ended_since
        for row in rows:
            if row[0] in known:
                continue
            waiting = Waiting(*row)
            if waiting.id <= contact.queue.give_up_to:
                self.end(contact, waiting, "failed", FORGOTTEN)
            else:
                contact.queue.waiting.append(waiting)
        _sort(contact)
        contact.queue.more_on_disk = contact.queue.added_since or len(rows) >= query.limit
        contact.queue.added_since = False
        if not contact.queue.more_on_disk:
            contact.queue.give_up_to = 0

    def let_disk_order(self, contact: Contact) -> None:
        """Drop the messages in memory whose attempt hasn't begun; they are read again from disk, in order."""
        contact.queue.waiting = collections.deque(waiting for waiting in contact.queue.waiting if waiting.begun)
        contact.queue.more_on_disk = True
        contact.queue.fetching = None

    def give(self, contact: Contact, waiting: Waiting, link: int) -> None:
        """Hand a message to a link. Its state "sending" is recorded first."""
        if not waiting.begun:
            waiting.begun = True
            self._rooms.state(waiting.room, waiting.id, contact.id, "sending")
        waiting.link = link
        contact.queue.inflight[waiting.id] = waiting
        self.carried[waiting.id] = contact
        self._ledger.put(e.Transmit(link, waiting.id, waiting.text, waiting.part))

    # -- out, or back

    def give_up_parts(self, contact: Contact, reason: str | None) -> None:
        """End long texts of which some parts were sent: the rest isn't retried automatically."""
        while contact.queue.waiting and contact.queue.waiting[0].part > 1:
            waiting = contact.queue.waiting.popleft()
            self.end(contact, waiting, "unconfirmed", part_lost(waiting.part, reason))

    def take_back(self, contact: Contact, waiting: Waiting) -> None:
        """Record that a message is no longer in flight."""
        del contact.queue.inflight[waiting.id]
        del self.carried[waiting.id]

    def back(self, contact: Contact, waiting: Waiting) -> None:
        """Put a message back in its old place in the queue."""
        contact.queue.waiting.append(waiting)
        _sort(contact)

    def end(
        self,
        contact: Contact,
        waiting: Waiting,
        state: nouns.DeliveryState,
        detail: str | None,
        marks: list[str] | None = None,
    ) -> None:
        """End a message in this state: it isn't retried automatically."""
        if contact.queue.fetching is not None:
            contact.queue.ended_since.add(waiting.id)
        self._rooms.state(waiting.room, waiting.id, contact.id, state, detail, marks)

    def not_sent(self, contact: Contact, waiting: Waiting) -> None:
        """A message certainly wasn't sent: put it back in its old place."""
        waiting.begun, waiting.link = False, 0
        if contact.gone:
            self.end(contact, waiting, "failed", FORGOTTEN)
            return
        self._rooms.state(waiting.room, waiting.id, contact.id, "waiting")
        if contact.queue.more_on_disk:
            # Messages that came back earlier may be before it, on disk.
            self.let_disk_order(contact)
        else:
            self.back(contact, waiting)

    def forget(self, contact: Contact) -> None:
        """Give up all waiting messages, in memory and on disk."""
        for waiting in contact.queue.waiting:
            self.end(contact, waiting, "failed", FORGOTTEN)
        contact.queue.waiting.clear()
        contact.queue.fetching = None
        contact.queue.give_up_to = self._ledger.last_message if contact.queue.more_on_disk else 0

    def delete(self, contact: Contact) -> None:
        """Forget everything about a contact's messages."""
        for token in contact.queue.inflight:
            del self.carried[token]
        contact.queue.waiting.clear()
        contact.queue.inflight.clear()
        contact.queue.fetching = None
        contact.queue.more_on_disk = False

    def adopt(self, gone: Contact, into: Contact) -> None:
        """Move the messages of `gone`, waiting or in flight, to `into`."""
        for waiting in (*gone.queue.waiting, *gone.queue.inflight.values()):
            waiting.room = into.peer.room
        for token in gone.queue.inflight:
            self.carried[token] = into
        into.queue.inflight.update(gone.queue.inflight)
        into.queue.waiting.extend(gone.queue.waiting)
        _sort(into)
        if into.queue.more_on_disk or gone.queue.more_on_disk:
            self.let_disk_order(into)


def _sort(contact: Contact) -> None:
    """Sort by acceptance, but put a message of which a part was sent first."""
    contact.queue.waiting = collections.deque(sorted(contact.queue.waiting, key=_place))


def _place(waiting: Waiting) -> tuple[bool, int]:
    return waiting.part == 1, waiting.id


def part_lost(part: int, reason: str | None) -> str:
    """The reason why the rest of a long text isn't sent."""
    return f"Part {part} could not be sent: {reason or 'the connection ended'}"
