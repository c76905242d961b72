"""Decides which peers to dial, at which of their addresses, and when. Pure.

A peer is dialled to send it waiting messages, to open a connection that somebody wants, or to say hello or good-bye.
After a failed attempt it is retried with backoff (retries.py). At most MAX_DIALS are under way at a time; further peers
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
from node.core.retries import FIRST_RETRY_MS, QUICK_RETRIES, Retries, backoff_ms
from node.model import Address
from node.protocol.plain.registry import ANCESTOR, PERSISTENT

#: Most dials and one-shot deliveries under way at a time. Each takes an open file, for some seconds if nobody answers.
#: Further peers stand in line, first come, first served.
MAX_DIALS = 256


class Dialling:
    """All dials of this node."""

    def __init__(self, ledger: Ledger, contacts: Contacts, links: Links) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self.retries = Retries()
        #: Whether wanted peers are dialled automatically.
        self.reconnect = True
        #: The links of all dials under way, and the peers in line.
        self._under_way: set[int] = set()
        self._line: dict[str, Contact] = {}

    # -- whom, and when

    def wants(self, contact: Contact) -> bool:
        """Whether there is a reason to dial this peer."""
        if contact.queue.waiting or contact.queue.more_on_disk or contact.tries.greet or contact.owed or contact.near:
            return True
        return contact.peer.wanted and self.reconnect and not contact.one_shot

    def due(self, contact: Contact) -> bool:
        """Whether to dial this peer now. The caller checks that it has no link and no dial under way."""
        tries = contact.tries
        if contact.gone or not contact.targets:
            return False
        if tries.farewell:
            return True
        if tries.paused:
            return False
        if tries.next_at is not None and tries.next_at > self._ledger.now:
            return False
        # While all waiting messages are still on disk, there is nothing to send yet.
        if contact.is_node:
            return self.wants(contact)
        return self.wants(contact) and bool(contact.queue.waiting or tries.greet or not contact.queue.more_on_disk)

    def next_in_line(self) -> Contact | None:
        """Take the next peer from the line, if one more dial is allowed. None: nobody may be dialled."""
        if not self._line or len(self._under_way) >= MAX_DIALS:
            return None
        return self._line.pop(next(iter(self._line)))

    # -- where, and how

    def dial(self, contact: Contact) -> None:
        """Dial a peer, or put it in line. It must have a target."""
        if len(self._under_way) >= MAX_DIALS:
            self._line[contact.id] = contact
        else:
            self._dial(contact)

    def call(self, contact: Contact) -> int:
        """Dial now, even beyond MAX_DIALS, and return the link. The peer must have no link and no dial under way.

        A peer of unknown dialect is dialled as the ancestor, without a probe.
        """
        return self._dial(contact, sure=True)

    def say_goodbye(self, contact: Contact) -> None:
        """Dial a one-shot client now, even beyond MAX_DIALS, to say good-bye."""
        contact.tries.farewell = True
        self._dial(contact)

    def _dial(self, contact: Contact, *, sure: bool = False) -> int:
        peer, tries, targets = contact.peer, contact.tries, contact.targets
        address = targets[tries.address % len(targets)]
        number = tries.link = self._ledger.next_link()
        tries.next_at = None
        tries.succeeded = tries.left = False
        tries.began = self._ledger.now
        self._line.pop(contact.id, None)
        self._under_way.add(number)
        if contact.is_node or tries.secure:
            if tries.greet or peer.error is None:
                self._contacts.change(contact, link="connecting")
            self._links.dialled(number, contact.id, address, "secure", ANCESTOR.name)
            self._ledger.put(e.Dial(number, address, "secure", expect=contact.id if contact.is_node else None))
            return number
        if contact.one_shot:
            self._links.dialled(number, contact.id, address, "one_shot", peer.dialect)
            self._ledger.put(e.Dial(number, address, "one_shot", peer.dialect))
            return number
        # A retry of an unreachable peer isn't worth a numbered event.
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
        """The dial under way has ended, or its link is open: free its place."""
        if contact.tries.link is not None:
            self._under_way.discard(contact.tries.link)
            contact.tries.link = None

    # -- again

    def later(self, contact: Contact, reason: str) -> None:
        """Count a failed attempt, and schedule a retry with backoff if there is a reason to dial."""
        tries = contact.tries
        tries.failed += 1
        tries.reason = reason
        if self.wants(contact) and contact.targets and not contact.gone and not tries.paused:
            self.retries.put(contact, self._ledger.now + backoff_ms(contact.id, tries.failed, node=contact.is_node))
            self._ledger.tell(ev.RetryScheduled(next_try=next_try(contact)))

    def elsewhere(self, contact: Contact) -> None:
        """The peer was not reached: dial its next address next time."""
        contact.tries.address = (contact.tries.address + 1) % max(1, len(contact.targets))

    def prefer(self, contact: Contact, host: str, port: int | None) -> None:
        """The peer spoke from this address: dial it first, if it is one of several."""
        if len(contact.peer.addresses) > 1 and port is not None and Address(host, port) in contact.targets:
            contact.tries.address = contact.targets.index(Address(host, port))

    def hurry(self, contact: Contact) -> None:
        """Somebody wants something now: end a long backoff, so that it doesn't make them wait.

        A node gets no quick retries for it: while much is said to one that is away, it is dialled about once a second.
        """
        tries = contact.tries
        tries.paused = False
        if tries.next_at is None or tries.failed <= 2:
            return
        if contact.is_node:
            tries.failed = min(tries.failed, QUICK_RETRIES)
            self._soon(contact)
        else:
            tries.failed = 0
            tries.next_at = None

    def showed_up(self, contact: Contact) -> None:
        """The peer itself was heard: end its backoff."""
        tries = contact.tries
        tries.paused = False
        tries.failed = 0
        if tries.next_at is not None:
            self._soon(contact)

    def _soon(self, contact: Contact) -> None:
        """End a backoff. Two dials are still at least FIRST_RETRY_MS apart."""
        tries, now = contact.tries, self._ledger.now
        soonest = tries.began + FIRST_RETRY_MS
        if not tries.began <= now < soonest:
            tries.next_at = None
        elif tries.next_at is not None and soonest < tries.next_at:
            self.retries.put(contact, soonest)

    def want(self, contact: Contact) -> None:
        """Somebody asked for a connection: end backoff and pause, and say hello."""
        tries = contact.tries
        tries.paused = tries.farewell = False
        tries.failed = 0
        tries.next_at = None
        tries.greet = not contact.links

    def pause(self, contact: Contact) -> None:
        """Don't dial until there is a new reason to."""
        tries = contact.tries
        tries.paused = True
        tries.greet = False
        tries.next_at = None
        tries.failed = 0

    def rest(self, contact: Contact, ms: int) -> None:
        """Its node takes nothing from us: dial it again after this time, unless somebody wants something of it."""
        tries = contact.tries
        if tries.next_at is not None:
            tries.failed = max(tries.failed, QUICK_RETRIES)
            self.retries.put(contact, self._ledger.now + ms)
            self._ledger.tell(ev.RetryScheduled(next_try=next_try(contact)))

    def forget(self, contact: Contact) -> None:
        """The peer was removed: drop its retry, its place in line and its dial."""
        self._line.pop(contact.id, None)
        contact.tries.next_at = None
        self.done(contact)


def next_try(contact: Contact) -> nouns.NextTry:
    """The next retry of a contact. Call it only if `tries.next_at` is set."""
    tries = contact.tries
    return nouns.NextTry(peer=contact.id, at=tries.next_at or 0, attempt=tries.failed, reason=tries.reason)
