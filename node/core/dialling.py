"""Decides which peers to dial, at which of their addresses, and when. Pure.

A peer is dialled to send it waiting messages, to open a connection that somebody wants, or to say hello or good-bye.
A node's addresses are tried beside each other, a little apart (racing.py), because only its key may answer. Those of a
plain peer are tried one after another: many old clients serve one connection at a time, and would take two for two
peers. When none of them works, the next round comes after a backoff (retries.py), or at once when the peer is heard of
or the network has changed. At most MAX_DIALS are under way at a time; further peers stand in line.
"""

from __future__ import annotations

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.links import Input, Links
from node.core.racing import Race
from node.core.retries import FIRST_RETRY_MS, QUICK_RETRIES, Retries, backoff_ms
from node.model import Address
from node.protocol.plain.registry import ANCESTOR, PERSISTENT

#: Most dials and one-shot deliveries under way at a time. Each takes an open file, for some seconds if nobody answers.
#: Further peers stand in line, first come, first served.
MAX_DIALS = 256
#: How often a known node is dialled again whose link broke off, if nobody wants anything of it: for some four minutes.
#: One of the two has another address now, perhaps, and only that one can find the other.
LOST_TRIES = 12
#: A host name is looked up anew before a round of tries, but not more often than this (ms).
LOOK_UP_MS = 30_000


class Dialling:
    """All dials of this node."""

    def __init__(self, ledger: Ledger, contacts: Contacts, links: Links, me: str = "") -> None:
        self._me = me
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self.retries = Retries()
        #: Whether wanted peers are dialled automatically.
        self.reconnect = True
        #: The links of all dials under way, and the peers in line.
        self._under_way: set[int] = set()
        self._line: dict[str, Contact] = {}
        #: The nodes whose addresses are being tried, by id.
        self._racing: dict[str, Contact] = {}
        #: The nodes of which no address worked, since `just_failed` was called last.
        self._failed: list[Contact] = []

    # -- whom, and when

    def wants(self, contact: Contact) -> bool:
        """Whether there is a reason to dial this peer."""
        tries = contact.tries
        if contact.queue.waiting or contact.queue.more_on_disk or tries.greet or contact.owed or contact.near:
            return True
        kept = contact.peer.wanted or (tries.lost and tries.failed <= LOST_TRIES)
        return (contact.always or (kept and self.reconnect)) and not contact.one_shot

    def due(self, contact: Contact) -> bool:
        """Whether to dial this peer now. The caller checks that it has no link and no dial under way."""
        tries = contact.tries
        if contact.gone or not contact.can_be_dialled:
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
        tries.next_at = None
        tries.succeeded = tries.left = False
        tries.began = self._ledger.now
        self._line.pop(contact.id, None)
        looking_up = self._look_up(contact)
        if contact.is_node:
            return self._race(contact, looking_up)
        if not targets:
            # Its host name has to be looked up first.
            tries.link = 0
            return 0
        address = targets[tries.address % len(targets)]
        number = tries.link = self._ledger.next_link()
        self._under_way.add(number)
        if tries.secure:
            self._say_connecting(contact)
            self._links.dialled(number, contact.id, address, "secure", ANCESTOR.name)
            self._ledger.put(e.Dial(number, address, "secure"))
            return number
        if contact.one_shot:
            self._links.dialled(number, contact.id, address, "one_shot", peer.dialect)
            self._ledger.put(e.Dial(number, address, "one_shot", peer.dialect))
            return number
        self._say_connecting(contact)
        known = peer.dialect in PERSISTENT
        dialect = peer.dialect if known else ANCESTOR.name
        self._links.dialled(number, contact.id, address, "persistent", dialect)
        if sure or (known and (peer.dialect_from != "guess" or tries.asked)):
            self._ledger.put(e.Dial(number, address, "persistent", dialect))
        else:
            self._ledger.put(e.Dial(number, address, "unsure"))
        return number

    def _say_connecting(self, contact: Contact) -> None:
        # A retry of an unreachable peer isn't worth a numbered event.
        if contact.tries.greet or contact.peer.error is None:
            self._contacts.change(contact, link="connecting")

    # -- several addresses of a node

    def _race(self, contact: Contact, looking_up: int) -> int:
        """Begin a round of tries at a node's addresses; returns the first link, 0 if there is none yet."""
        self._say_connecting(contact)
        contact.tries.race = Race(contact.targets, looking_up=looking_up)
        contact.tries.link = 0
        self._racing[contact.id] = contact
        self._go_on(contact)
        return contact.tries.link or 0

    def _go_on(self, contact: Contact) -> None:
        """Try the next address, if it is time to."""
        tries, now = contact.tries, self._ledger.now
        race = tries.race
        if race is None:
            return
        while (address := race.take(now)) is not None:
            # The first try is the peer's place among all dials; further ones only fill what is free.
            if race.links and len(self._under_way) >= MAX_DIALS:
                race.wait(address, now)
                break
            number = self._ledger.next_link()
            race.began(number, address, now)
            tries.link = tries.link or number
            self._under_way.add(number)
            self._contacts.places.tried(contact, address)
            self._links.dialled(number, contact.id, address, "secure", ANCESTOR.name)
            self._ledger.put(e.Dial(number, address, "secure", expect=contact.id))

    def add(self, contact: Contact) -> None:
        """Further addresses of a node became known: the round under way goes on with them."""
        race = contact.tries.race
        if race is not None:
            race.add(contact.targets)
            self._go_on(contact)

    def dialled(self, contact: Contact, number: int) -> bool:
        """Whether this link is a dial under way to the peer."""
        race = contact.tries.race
        return number in race.links if race is not None else bool(number) and contact.tries.link == number

    def under_way(self, contact: Contact) -> list[int]:
        """The links of all dials under way to the peer."""
        race = contact.tries.race
        if race is not None:
            return list(race.links)
        return [contact.tries.link] if contact.tries.link else []

    def missed(self, contact: Contact, number: int, reason: str | None) -> bool:
        """A try has ended without success. Returns whether others of its round go on."""
        race = contact.tries.race
        if race is None or number not in race.links:
            return False
        self._under_way.discard(number)
        self._contacts.places.tried(contact, race.links[number], reason or "It closed the connection.")
        race.failed(number, reason or "It closed the connection.")
        self._go_on(contact)
        contact.tries.link = next(iter(race.links), 0)
        return not race.over

    def stop(self, contact: Contact) -> None:
        """The peer is linked, or isn't to be: begin no further try of the round under way."""
        race = contact.tries.race
        if race is not None:
            race.stop()
            if race.over:
                self.done(contact)

    def done(self, contact: Contact, winner: int = 0) -> None:
        """The dial under way has ended, or its link is open: free its place, and hang up all other tries."""
        tries = contact.tries
        if tries.race is not None:
            race, tries.race = tries.race, None
            for number in race.links:
                self._under_way.discard(number)
                link = self._links.get(number)
                if number != winner and link is not None and not link.leaving:
                    self._links.go(number, Input.LEAVE)
                    self._ledger.put(e.HangUp(number))
            self._racing.pop(contact.id, None)
        if tries.link is not None:
            self._under_way.discard(tries.link)
            tries.link = None

    def next_deadline(self) -> int | None:
        """When `tick` has something to do, or a retry is due (ms)."""
        races = [one.tries.race.next_at() for one in self._racing.values() if one.tries.race is not None]
        times = (self.retries.next_deadline(), *races)
        return min((at for at in times if at is not None), default=None)

    def tick(self) -> None:
        """Try the next addresses of those whose time has come."""
        for contact in list(self._racing.values()):
            self._go_on(contact)

    def shift(self, by: int) -> None:
        """The wall clock was set by `by` ms: shift all times, so that the remaining waits stay the same."""
        self.retries.shift(by)
        for contact in self._racing.values():
            if contact.tries.race is not None:
                contact.tries.race.shift(by)

    # -- host names

    def _look_up(self, contact: Contact) -> int:
        """Have the host names of a peer looked up, unless that was done just now. Returns the number of look-ups."""
        names, now = contact.peer.hostnames, self._ledger.now
        recent = contact.looked_up is not None and 0 <= now - contact.looked_up < LOOK_UP_MS
        if not names or (recent and contact.targets):
            return 0
        contact.looked_up = now
        for name in names:
            self._ledger.put(e.LookUp(name, contact.id))
        return len(names)

    def looked_up(self, contact: Contact) -> bool:
        """A look-up for the round under way has ended. Returns whether the round is over by that."""
        tries = contact.tries
        race = tries.race
        if race is None:
            waiting = tries.link == 0
            if waiting:
                tries.link = None
            return waiting
        race.looking_up = max(0, race.looking_up - 1)
        race.add(contact.targets)
        self._go_on(contact)
        tries.link = next(iter(race.links), 0)
        return race.over

    # -- again

    def later(self, contact: Contact, reason: str) -> None:
        """Count a failed attempt, and schedule a retry with backoff if there is a reason to dial."""
        tries = contact.tries
        tries.failed += 1
        tries.reason = reason
        if contact.is_node:
            self._failed.append(contact)
        if self.wants(contact) and contact.can_be_dialled and not contact.gone and not tries.paused:
            wait = backoff_ms(contact.id, tries.failed, node=contact.is_node, me=self._me)
            self.retries.put(contact, self._ledger.now + wait)
            self._ledger.tell(ev.RetryScheduled(next_try=next_try(contact)))

    def just_failed(self) -> list[Contact]:
        """The nodes of which no address worked since the last call."""
        found, self._failed = self._failed, []
        return found

    def elsewhere(self, contact: Contact) -> bool:
        """A plain peer was not reached: dial its next address. Returns whether that one has its turn at once."""
        tries, count = contact.tries, max(1, len(contact.targets))
        tries.address = (tries.address + 1) % count
        tries.passed = (tries.passed + 1) % count
        return bool(tries.passed) and self.wants(contact)

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
        """The peer itself was heard, or heard of: end its backoff."""
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
        tries.greet = tries.lost = False
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
