"""What waits for whom: which message goes over which link, what became of it, and when to try again. Pure.

A message is recorded as "sending" before its first byte leaves. An attempt whose outcome is unknown is never repeated
by itself: it becomes "unconfirmed" and people decide.
"""

from __future__ import annotations

import collections
import zlib

from node.bus import messages as m
from node.core import effects as e
from node.core import stimuli as s
from node.core.contacts import Contact, Contacts, Waiting
from node.core.ledger import Ledger
from node.core.rooms import Rooms

#: Messages of one peer's outbox held in memory; the rest stays on disk until it is its turn.
WINDOW = 64
#: Messages given to one persistent link at a time: few, because all of them are unconfirmed if the machine stops.
IN_FLIGHT = 4
#: Back-off between attempts: 1 s, doubled each time, at most a minute; up to a fifth more or less, so that many nodes
#: don't dial at the same moment.
FIRST_RETRY_MS = 1_000
LAST_RETRY_MS = 60_000


def backoff_ms(peer: str, attempt: int) -> int:
    """How long to wait after failed attempt number `attempt` (from 1). Between 0.8 and 1.2 of the doubled time."""
    base = min(LAST_RETRY_MS, FIRST_RETRY_MS << min(attempt - 1, 20))
    jitter = zlib.crc32(f"{peer}/{attempt}".encode()) % 401 - 200
    return base + base * jitter // 1000


class Outbox:
    """Brings waiting messages to links, and links about for waiting messages."""

    def __init__(self, ledger: Ledger, rooms: Rooms, contacts: Contacts) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._contacts = contacts
        #: Who uses which link that we dialled.
        self.dialled: dict[int, Contact] = {}
        self.reconnect = True

    def add(self, contact: Contact, message: m.Message) -> None:
        """A message was accepted for this peer."""
        contact.paused = False
        if contact.more or len(contact.waiting) >= WINDOW:
            contact.more = True
        else:
            contact.waiting.append(Waiting(message.id, message.room, message.text))
        # Somebody wants something now: a long back-off must not make them wait for it.
        if contact.next_try is not None and contact.attempt > 2:
            contact.next_try = None
            contact.attempt = 0
        self.pump(contact)

    def again(self, contact: Contact, message: m.Message) -> None:
        """A message that was given up waits again, in its place among the others."""
        contact.paused = False
        contact.waiting.append(Waiting(message.id, message.room, message.text))
        contact.waiting = collections.deque(sorted(contact.waiting, key=lambda w: w.id))
        self.pump(contact)

    def fetched(self, contact: Contact, rows: list[tuple[int, str, str]]) -> None:
        """More of the outbox came from disk."""
        contact.fetching = False
        # What was sent while the store was read is still waiting in that answer: it must not go out twice.
        known = {waiting.id for waiting in contact.waiting} | set(contact.inflight) | contact.settled
        fresh = [Waiting(*row) for row in rows if row[0] not in known]
        contact.waiting = collections.deque(sorted((*contact.waiting, *fresh), key=lambda w: w.id))
        contact.more = len(rows) >= WINDOW
        self.pump(contact)

    def pump(self, contact: Contact) -> None:
        """Do the next thing that can be done for this peer now."""
        if not contact.waiting and contact.more and not contact.fetching:
            contact.fetching = True
            contact.settled.clear()
            self._ledger.put(e.Fetch(e.Waiting(contact.id, WINDOW)))
        if contact.links:
            self._fill(contact)
        elif contact.busy is None and self._due(contact):
            self._dial(contact)

    def _due(self, contact: Contact) -> bool:
        if contact.gone or contact.paused or contact.address is None:
            return False
        if contact.next_try is not None and contact.next_try > self._ledger.now:
            return False
        if contact.waiting or contact.greet:
            return True
        return contact.peer.wanted and self.reconnect and contact.peer.dialect != "std"

    def _fill(self, contact: Contact) -> None:
        link = contact.links[-1]
        while contact.waiting and len(contact.inflight) < IN_FLIGHT:
            waiting = contact.waiting.popleft()
            self._begin(waiting)
            contact.inflight[waiting.id] = waiting
            self._ledger.put(e.Transmit(link, waiting.id, waiting.text))
        if not contact.waiting and contact.more and not contact.fetching:
            self.pump(contact)

    def _begin(self, waiting: Waiting) -> None:
        if not waiting.begun:
            waiting.begun = True
            self._rooms.state(waiting.room, waiting.id, "sending")

    def _dial(self, contact: Contact) -> None:
        address = contact.address
        assert address is not None
        peer = contact.peer
        link = contact.busy = self._ledger.next_link()
        self.dialled[link] = contact
        contact.next_try = None
        if peer.dialect == "std":
            self._ledger.put(e.Dial(link, address, "one_shot"))
        else:
            sure = peer.dialect == "snicher" and peer.dialect_from != "guess"
            self._contacts.change(contact, link="connecting")
            self._ledger.put(e.Dial(link, address, "persistent" if sure else "unsure"))

    def connected(self, link: int) -> None:
        """A one-shot connection stands: now the message is recorded as being sent, and follows."""
        contact = self.dialled.get(link)
        if contact is None:
            self._ledger.put(e.HangUp(link))
        elif contact.waiting:
            waiting = contact.waiting.popleft()
            self._begin(waiting)
            contact.inflight[waiting.id] = waiting
            self._ledger.put(e.Transmit(link, waiting.id, waiting.text, contact.part))
        elif contact.greet:
            contact.greet = False
            self._ledger.put(e.Transmit(link, 0, "connect", control=True))
        else:
            self._ledger.put(e.HangUp(link))

    def transmitted(self, contact: Contact, done: s.Transmitted) -> None:
        """What became of a message that was given to a link. Exactly one of these follows each Transmit."""
        waiting = contact.inflight.pop(done.token, None)
        if waiting is None:
            return
        if done.outcome == "sent" and done.part < done.parts:
            contact.part = done.part + 1
            contact.waiting.appendleft(waiting)
            return
        if contact.fetching:
            contact.settled.add(waiting.id)
        marks: list[str] | None = list(done.marks) if done.marks else None
        begun_part, contact.part = contact.part, 1
        if done.outcome == "sent":
            self._rooms.state(waiting.room, waiting.id, "sent", None, marks)
        elif done.outcome == "not_sent" and begun_part == 1:
            self._back(contact, waiting)
        else:
            said = f" ({done.reason.rstrip('.')})" if done.reason else ""
            self._rooms.state(
                waiting.room, waiting.id, "unconfirmed", f"The connection ended{said}; it may or may not have arrived."
            )
        self.pump(contact)

    def _back(self, contact: Contact, waiting: Waiting) -> None:
        """It certainly didn't leave: it waits again, in its old place."""
        if waiting.begun:
            waiting.begun = False
            self._rooms.state(waiting.room, waiting.id, "waiting")
        contact.waiting.append(waiting)
        contact.waiting = collections.deque(sorted(contact.waiting, key=lambda w: w.id))

    def ended(self, contact: Contact, link: int, reason: str | None, *, worked: bool) -> None:
        """A link that we dialled is over. `worked`: it did what it was for."""
        self.dialled.pop(link, None)
        if contact.busy == link:
            contact.busy = None
        if worked:
            contact.attempt = 0
            contact.next_try = None
        elif contact.busy is None and not contact.links:
            self._failed(contact, reason)
        self.pump(contact)

    def _failed(self, contact: Contact, reason: str | None) -> None:
        """An attempt failed, or (without a reason) a link ended as it should."""
        if contact.part > 1 and contact.waiting:
            waiting = contact.waiting.popleft()
            detail = f"Part {contact.part} could not be sent: {reason or 'the connection ended'}"
            contact.part = 1
            self._rooms.state(waiting.room, waiting.id, "unconfirmed", detail)
        contact.greet = False
        if contact.paused:
            # We broke it off ourselves, because somebody said disconnect.
            self._contacts.change(contact, link="offline", error=None)
            return
        contact.attempt += 1
        contact.reason = reason or "It left."
        self._contacts.change(contact, link="offline", error=reason)
        again = contact.waiting or contact.more or (contact.peer.wanted and self.reconnect)
        if again and not contact.gone:
            contact.next_try = self._ledger.now + backoff_ms(contact.id, contact.attempt)
            self._ledger.tell(m.RetryScheduled(next_try=next_try(contact)))

    def showed_up(self, contact: Contact) -> None:
        """The peer itself was heard of: no reason to wait any longer."""
        contact.attempt = 0
        contact.next_try = None
        contact.paused = False
        self.pump(contact)


def next_try(contact: Contact) -> m.NextTry:
    """When the contact is tried next; only where `next_try` is set."""
    return m.NextTry(peer=contact.id, at=contact.next_try or 0, attempt=contact.attempt, reason=contact.reason)
