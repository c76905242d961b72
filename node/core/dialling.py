"""Whom to dial, at which of its addresses, and when; all within one budget. Pure.

A peer is dialled for what waits for it, for a connection that somebody wants, or for a word of hello or good-bye. After
a failed attempt it has to wait, longer each time (retries.py). At most MAX_DIALS are under way at a time; beyond, peers
stand in line.
"""

from __future__ import annotations

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.links import Links
from node.core.retries import FIRST_RETRY_MS, Retries, backoff_ms
from node.model import Address
from node.protocol.plain.registry import ANCESTOR, PERSISTENT

#: Dials, and exchanges of one message, under way at a time. Each takes an open file, for some seconds where nobody
#: answers. Beyond, peers stand in line in the order in which they came.
MAX_DIALS = 256


class Dialling:
    """Every dial of this node."""

    def __init__(self, ledger: Ledger, contacts: Contacts, links: Links) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self.retries = Retries()
        #: Wanted peers are dialled by themselves.
        self.reconnect = True
        #: The links of all dials that are under way, and who stands in line.
        self._under_way: set[int] = set()
        self._line: dict[str, Contact] = {}

    # -- whom, and when

    def wants(self, contact: Contact) -> bool:
        """Whether there is anything to dial this peer for."""
        if contact.queue.waiting or contact.queue.more or contact.tries.greet:
            return True
        return contact.peer.wanted and self.reconnect and not contact.one_shot

    def due(self, contact: Contact) -> bool:
        """Whether this peer is to be dialled now, if nothing is under way with it."""
        tries = contact.tries
        if contact.gone or not contact.targets:
            return False
        if tries.farewell:
            return True
        if tries.paused:
            return False
        if tries.next_at is not None and tries.next_at > self._ledger.now:
            return False
        # While only the disk knows what waits, there is nothing to send yet.
        return self.wants(contact) and bool(contact.queue.waiting or tries.greet or not contact.queue.more)

    def next_in_line(self) -> Contact | None:
        """Who may be dialled now that there is room for one more; it is in line no more. None: nobody."""
        if not self._line or len(self._under_way) >= MAX_DIALS:
            return None
        return self._line.pop(next(iter(self._line)))

    # -- where, and how

    def dial(self, contact: Contact) -> None:
        """Dial a peer that has a target, or let it stand in line."""
        if len(self._under_way) >= MAX_DIALS:
            self._line[contact.id] = contact
        else:
            self._dial(contact)

    def call(self, contact: Contact) -> int:
        """Dial now, whatever else is under way or waits; returns the link.

        Whoever can't be taken for a one-shot client is dialled as the ancestor. Only for somebody who isn't linked or
        being dialled.
        """
        return self._dial(contact, sure=True)

    def say_goodbye(self, contact: Contact) -> None:
        """Dial a one-shot client to tell it that we leave, now, whatever else is under way."""
        contact.tries.farewell = True
        self._dial(contact)

    def _dial(self, contact: Contact, *, sure: bool = False) -> int:
        peer, tries, targets = contact.peer, contact.tries, contact.targets
        address = targets[tries.address % len(targets)]
        number = tries.link = self._ledger.next_link()
        tries.next_at = None
        tries.worked = tries.left = False
        tries.began = self._ledger.now
        self._line.pop(contact.id, None)
        self._under_way.add(number)
        if contact.one_shot:
            self._links.dialled(number, contact.id, address, "one_shot", peer.dialect)
            self._ledger.put(e.Dial(number, address, "one_shot", peer.dialect))
            return number
        # A further try of one who can't be reached is not worth a numbered event.
        if tries.greet or peer.error is None:
            self._contacts.change(contact, link="connecting")
        known = peer.dialect in PERSISTENT
        dialect = peer.dialect if known else ANCESTOR.name
        self._links.dialled(number, contact.id, address, "persistent", dialect)
        if sure or (known and (peer.dialect_from != "guess" or tries.asked)):
            self._ledger.put(e.Dial(number, address, "persistent", dialect))
        else:
            self._ledger.put(e.Dial(number, address, "unsure"))
        return number

    def done(self, contact: Contact) -> None:
        """What was dialled is over, or has become an open link."""
        if contact.tries.link is not None:
            self._under_way.discard(contact.tries.link)
            contact.tries.link = None

    # -- again

    def later(self, contact: Contact, reason: str) -> None:
        """Try again after a pause that grows with each attempt, if there is anything to try for."""
        tries = contact.tries
        tries.failed += 1
        tries.reason = reason
        if self.wants(contact) and contact.targets and not contact.gone and not tries.paused:
            self.retries.put(contact, self._ledger.now + backoff_ms(contact.id, tries.failed))
            self._ledger.tell(ev.RetryScheduled(next_try=next_try(contact)))

    def elsewhere(self, contact: Contact) -> None:
        """It was not reached: another of its addresses is dialled next time."""
        contact.tries.address = (contact.tries.address + 1) % max(1, len(contact.targets))

    def prefer(self, contact: Contact, host: str, port: int | None) -> None:
        """It spoke from one of its addresses: that one is dialled first."""
        if len(contact.peer.addresses) > 1 and port is not None and Address(host, port) in contact.targets:
            contact.tries.address = contact.targets.index(Address(host, port))

    def hurry(self, contact: Contact) -> None:
        """Somebody wants something now: a long back-off must not make them wait for it."""
        tries = contact.tries
        tries.paused = False
        if tries.next_at is not None and tries.failed > 2:
            tries.next_at = None
            tries.failed = 0

    def showed_up(self, contact: Contact) -> None:
        """The peer itself was heard of: no reason to wait any longer. It is still not dialled each moment."""
        tries, now = contact.tries, self._ledger.now
        tries.paused = False
        tries.failed = 0
        if tries.next_at is not None:
            soonest = tries.began + FIRST_RETRY_MS
            if not tries.began <= now < soonest:
                tries.next_at = None
            elif soonest < tries.next_at:
                self.retries.put(contact, soonest)

    def want(self, contact: Contact) -> None:
        """Somebody asked for a connection: try now."""
        tries = contact.tries
        tries.paused = tries.farewell = False
        tries.failed = 0
        tries.next_at = None
        tries.greet = not contact.links

    def pause(self, contact: Contact) -> None:
        """Don't dial before there is a new reason to."""
        tries = contact.tries
        tries.paused = True
        tries.greet = False
        tries.next_at = None
        tries.failed = 0

    def forget(self, contact: Contact) -> None:
        """The peer is no more: nothing is dialled for it, or in line."""
        self._line.pop(contact.id, None)
        contact.tries.next_at = None
        self.done(contact)


def next_try(contact: Contact) -> nouns.NextTry:
    """When the contact is tried next; only where that is set."""
    tries = contact.tries
    return nouns.NextTry(peer=contact.id, at=tries.next_at or 0, attempt=tries.failed, reason=tries.reason)
