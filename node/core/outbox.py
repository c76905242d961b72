"""Which message goes over which link, what became of it, and when to try again. Pure.

An attempt whose outcome is unknown is never repeated by itself: it becomes "unconfirmed" and people decide. Messages in
flight are on one link only: another one is used when their outcome is known, so that one that comes back keeps its
place. What waits is in queues.py.
"""

from __future__ import annotations

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.core.contact import Contact, Waiting
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.queues import Queues, part_lost
from node.core.retries import FIRST_RETRY_MS, Retries, backoff_ms
from node.core.rooms import Rooms
from node.protocol.plain.registry import ANCESTOR, BY_NAME, PERSISTENT

#: Messages given to one persistent link at a time: few, because all of them are unconfirmed if the machine stops.
IN_FLIGHT = 4
#: A persistent link that stood for so long was a success; one that ends sooner, with nothing said, counts as a failed
#: attempt: a peer that takes every connection and drops it is not dialled each second.
STEADY_MS = 10_000
#: Two who call each other do so at the same moment when the second link stands within this time of the first.
SAME_MOMENT_MS = 5_000
#: At a start, so many peers are dialled at once, and as many again after each pause.
START_TOGETHER = 20
START_PAUSE_MS = 100
#: One-shot clients that are told when the node goes down, those heard or reached last; others see it by themselves.
MAX_FAREWELLS = 64


class Outbox:
    """Brings waiting messages to links, and links about for waiting messages."""

    def __init__(self, ledger: Ledger, rooms: Rooms, contacts: Contacts) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self.queues = Queues(ledger, rooms)
        self.retries = Retries()
        #: Who is at the other end: of each link that we dialled, and of each persistent one that came in.
        self.owners: dict[int, Contact] = {}
        #: Links that we hung up and that haven't ended yet: nothing new is begun on them.
        self.leaving: set[int] = set()
        self.reconnect = True
        #: The node is going down: nothing is begun any more.
        self.closed = False

    def settle(self, detail: str) -> None:
        """After a start or a failed disk: nothing that came before is under way, and what waits is tried again."""
        started = 0
        for contact in list(self._contacts.by_id.values()):
            if contact.peer.link in ("online", "connecting") and not contact.links and contact.busy is None:
                self._contacts.change(contact, link="offline")
            for waiting in [one for one in contact.inflight.values() if not one.link]:
                self.queues.take_back(contact, waiting)
                self.queues.end(contact, waiting, "unconfirmed", detail)
            if contact.gone:
                contact.sweep = self._ledger.last_message if contact.more else 0
            elif self._due(contact) or contact.more:
                started += 1
                pause = started // START_TOGETHER * START_PAUSE_MS
                if pause:
                    self.retries.put(contact, self._ledger.now + pause)
            self.pump(contact)

    # -- messages come

    def add(self, contact: Contact, message: nouns.Message) -> None:
        """A message was accepted for this peer."""
        contact.paused = False
        self.queues.add(contact, message)
        # Somebody wants something now: a long back-off must not make them wait for it.
        if contact.next_try is not None and contact.attempt > 2:
            contact.next_try = None
            contact.attempt = 0
        self.pump(contact)

    def again(self, contact: Contact, message: nouns.Message) -> None:
        """A message that was given up waits again, in its place among the others."""
        contact.paused = False
        self.queues.again(contact, message)
        self.pump(contact)

    def fetched(self, query: e.Waiting, rows: list[tuple[int, str, str]] | None) -> None:
        """More of the outbox came from disk. None: it could not be read; it is asked again after a pause."""
        contact = self._contacts.by_id.get(query.peer)
        if contact is None or contact.fetching != query:
            return
        if rows is None:
            contact.fetching = None
            self.retries.put(contact, self._ledger.now + FIRST_RETRY_MS)
            return
        self.queues.fetched(contact, query, rows)
        self.pump(contact)

    # -- and go

    def pump(self, contact: Contact) -> None:
        """Do the next thing that can be done for this peer now."""
        if self.closed:
            return
        if self._usable(contact):
            self._fill(contact)
        elif contact.busy is None and not contact.inflight and self._due(contact):
            self._dial(contact)
        elif not contact.links and contact.not_dialled is not None and self.wants(contact):
            self._contacts.change(contact, link="offline", error=contact.not_dialled)
        if contact.more and not contact.waiting and contact.fetching is None:
            pausing = contact.next_try is not None and contact.next_try > self._ledger.now
            if contact.links or not pausing:
                self.queues.fetch(contact)

    def _usable(self, contact: Contact) -> bool:
        """Whether texts can go over a link that stands. Who speaks a one-shot dialect by now gets no bare text."""
        if contact.one_shot and (contact.peer.dialect_from == "chosen" or contact.address is not None):
            return False
        return bool(contact.links)

    def wants(self, contact: Contact) -> bool:
        """Whether there is anything to dial this peer for."""
        if contact.waiting or contact.more or contact.greet:
            return True
        return contact.peer.wanted and self.reconnect and not contact.one_shot

    def _due(self, contact: Contact) -> bool:
        if contact.gone or contact.target is None:
            return False
        if contact.farewell:
            return True
        if contact.paused:
            return False
        if contact.next_try is not None and contact.next_try > self._ledger.now:
            return False
        # While only the disk knows what waits, there is nothing to send yet.
        return self.wants(contact) and bool(contact.waiting or contact.greet or not contact.more)

    def _fill(self, contact: Contact) -> None:
        link = contact.links[-1]
        if any(waiting.link != link for waiting in contact.inflight.values()):
            return
        while contact.waiting and len(contact.inflight) < IN_FLIGHT:
            waiting = contact.waiting.popleft()
            if waiting.part > 1:
                self.queues.end(
                    contact, waiting, "unconfirmed", f"Part {waiting.part} could not be sent as the ones before."
                )
            else:
                self.queues.give(contact, waiting, link)

    def call(self, contact: Contact) -> int:
        """Dial now, whatever waits, and whoever can't be taken for a one-shot client as the ancestor; returns the link.

        Only for somebody who isn't linked or being dialled.
        """
        self._dial(contact, sure=True)
        assert contact.busy is not None
        return contact.busy

    def _dial(self, contact: Contact, *, sure: bool = False) -> None:
        address, peer = contact.target, contact.peer
        assert address is not None
        link = contact.busy = self._ledger.next_link()
        self.owners[link] = contact
        contact.next_try = None
        contact.worked = contact.left = False
        contact.tried = self._ledger.now
        contact.spoken = peer.dialect
        if contact.one_shot:
            self._ledger.put(e.Dial(link, address, "one_shot", peer.dialect))
            return
        # A further try of one who can't be reached is not worth a numbered event.
        if contact.greet or peer.error is None:
            self._contacts.change(contact, link="connecting")
        known = peer.dialect in PERSISTENT
        if not known:
            contact.spoken = ANCESTOR.name
        if sure or (known and peer.dialect_from != "guess"):
            self._ledger.put(e.Dial(link, address, "persistent", contact.spoken))
        else:
            self._ledger.put(e.Dial(link, address, "unsure"))

    # -- what links tell

    def connected(self, link: int) -> None:
        """A one-shot connection stands: now the message is recorded as being sent, and follows."""
        contact = self.owners.get(link)
        if contact is None:
            self._ledger.put(e.HangUp(link))
        elif link in self.leaving:
            return
        elif self._outdated(contact):
            contact.worked = True
            self.hang_up(contact, link)
        elif contact.farewell:
            contact.farewell = False
            self._ledger.put(e.Transmit(link, 0, "exit", control=True))
        elif contact.waiting and not contact.inflight and not self._usable(contact) and not self.closed:
            # A message makes us known as well as a hello.
            contact.greet = False
            self.queues.give(contact, contact.waiting.popleft(), link)
        elif contact.greet and not self.closed:
            contact.greet = False
            self._ledger.put(e.Transmit(link, 0, "connect", control=True))
        else:
            contact.worked = True
            self.hang_up(contact, link)

    def opened(self, link: int) -> None:
        """A persistent link that we dialled is ready for texts."""
        contact = self.owners.get(link)
        if contact is None:
            self._ledger.put(e.HangUp(link))
        elif contact.busy == link and self._outdated(contact):
            contact.worked = True
            self.hang_up(contact, link)
        elif link not in self.leaving:
            if contact.busy == link:
                contact.busy = None
            contact.greet = False
            self.attach(contact, link)
            self.pump(contact)

    def _outdated(self, contact: Contact) -> bool:
        """Whether it was seen or chosen to speak otherwise since it was dialled: nothing more is said as before."""
        return contact.peer.dialect in BY_NAME and contact.spoken != contact.peer.dialect

    def attach(self, contact: Contact, link: int) -> None:
        """A persistent link stands. The newest is used, for whoever comes back may have lost the one before.

        But where both called each other at the same moment, the first is: nothing may overtake what goes over it.
        """
        if link not in contact.links:
            if not contact.links:
                contact.since = self._ledger.now
            crossed = bool(contact.links) and (contact.links[-1] + link) % 2 == 1
            if crossed and self._ledger.now - contact.since < SAME_MOMENT_MS:
                contact.links.insert(-1, link)
            else:
                contact.links.append(link)
            contact.next_try = None
        self._contacts.change(contact, link="online", error=None)

    def detach(self, contact: Contact, link: int) -> None:
        """A link that came in turned out to be another peer's."""
        if link in contact.links:
            contact.links.remove(link)
        if not contact.links:
            self.offline(contact)
        self.pump(contact)

    def left(self, contact: Contact, link: int) -> None:
        """The peer took leave: it is not called back at once."""
        if link in contact.links or (link % 2 == 0 and link in self.owners):
            self.hang_up(contact, link)
        if contact.links:
            return
        contact.left = True
        self._contacts.change(contact, link="offline", error=None)
        if contact.busy is None and contact.next_try is None:
            self.later(contact, "It left.")

    def transmitted(self, done: s.Transmitted) -> None:
        """What became of a message that was given to a link. Exactly one of these follows each Transmit."""
        contact = self.queues.carried.get(done.token)
        waiting = contact.inflight[done.token] if contact is not None else None
        if contact is None or waiting is None or waiting.link not in (0, done.link):
            owner = self.owners.get(done.link)
            if owner is not None and done.token == 0 and done.outcome == "sent":
                owner.worked = True
            return
        self.queues.take_back(contact, waiting)
        marks: list[str] | None = list(done.marks) if done.marks else None
        if done.outcome == "sent":
            contact.attempt = 0
            contact.worked = contact.worked or done.link == contact.busy
            if done.part >= done.parts:
                self.queues.end(contact, waiting, "sent", None, marks)
            elif contact.gone or contact.paused:
                self.queues.end(contact, waiting, "unconfirmed", part_lost(done.part + 1, "it was broken off"))
            else:
                waiting.part, waiting.link = done.part + 1, 0
                self.queues.back(contact, waiting)
        elif done.outcome == "not_sent" and waiting.part == 1 and done.part == 1:
            self._not_sent(contact, waiting, done)
        else:
            said = f" ({done.reason.rstrip('.')})" if done.reason else ""
            detail = f"The connection ended{said}; it may or may not have arrived."
            self.queues.end(contact, waiting, "unconfirmed", detail)
        self.pump(contact)

    def _not_sent(self, contact: Contact, waiting: Waiting, done: s.Transmitted) -> None:
        """It certainly didn't leave: it waits again, in its old place. Its link is no good any more."""
        self.queues.not_sent(contact, waiting)
        if contact.gone:
            return
        if done.link in contact.links:
            contact.links.remove(done.link)
        if done.link not in self.leaving and not self._usable(contact) and contact.busy is None:
            self._failed(contact, done.reason)

    def ended(self, link: int, reason: str | None) -> None:
        """A link is over."""
        ours = link in self.leaving
        self.leaving.discard(link)
        contact = self.owners.pop(link, None)
        if contact is None:
            return
        dialled = contact.busy == link
        if dialled:
            contact.busy = None
        elif link in contact.links:
            contact.links.remove(link)
            if self._ledger.now - contact.since >= STEADY_MS:
                contact.attempt = 0
        if dialled and contact.worked and reason is None:
            contact.attempt = 0
            if contact.one_shot and not contact.links and not contact.paused and not contact.left:
                self._contacts.change(contact, link="reachable", error=None)
        elif self._usable(contact) or contact.busy is not None:
            pass
        elif ours or self.closed:
            self.offline(contact)
        elif not dialled or reason is not None or not contact.inflight:
            # Otherwise the message that was given to it too late comes back, and tells.
            self._failed(contact, reason or "It closed the connection.")
        self.pump(contact)

    def offline(self, contact: Contact) -> None:
        """Nothing is wrong, but no link stands."""
        if contact.peer.link in ("online", "connecting"):
            self._contacts.change(contact, link="offline", error=None)

    def _failed(self, contact: Contact, reason: str | None) -> None:
        """An attempt failed, or a link was lost."""
        self.queues.give_up_parts(contact, reason)
        contact.greet = contact.farewell = False
        if contact.paused or contact.gone or self.closed:
            # We broke it off ourselves.
            self._contacts.change(contact, link="offline", error=None)
            return
        self._contacts.change(contact, link="online" if contact.links else "offline", error=reason)
        if contact.next_try is None:
            self.later(contact, reason or "It left.")

    def later(self, contact: Contact, reason: str) -> None:
        """Try again after a pause that grows with each attempt, if there is anything to try for."""
        contact.attempt += 1
        contact.reason = reason
        if self.wants(contact) and contact.target is not None and not contact.gone and not contact.paused:
            self.retries.put(contact, self._ledger.now + backoff_ms(contact.id, contact.attempt))
            self._ledger.tell(ev.RetryScheduled(next_try=next_try(contact)))

    def showed_up(self, contact: Contact) -> None:
        """The peer itself was heard of: no reason to wait any longer. It is still not dialled each moment."""
        contact.paused = False
        contact.attempt = 0
        if contact.next_try is not None:
            soonest = contact.tried + FIRST_RETRY_MS
            if not contact.tried <= self._ledger.now < soonest:
                contact.next_try = None
            elif soonest < contact.next_try:
                self.retries.put(contact, soonest)
        self.pump(contact)

    # -- what people want

    def want(self, contact: Contact) -> None:
        """Somebody asked for a connection: try now."""
        contact.paused = False
        contact.attempt = 0
        contact.next_try = None
        contact.greet = not contact.links
        contact.farewell = False
        self.pump(contact)

    def hang_up(self, contact: Contact, link: int) -> None:
        """Leave a link. What it carries comes back, and it is used no more."""
        if link in contact.links:
            contact.links.remove(link)
        if link not in self.leaving:
            self.leaving.add(link)
            self._ledger.put(e.HangUp(link))

    def let_go(self, contact: Contact) -> None:
        """Leave all links and don't dial before there is a new reason to. A message on its way by itself gets there."""
        contact.paused = True
        contact.greet = False
        contact.next_try = None
        contact.attempt = 0
        self.leave(contact)
        self.queues.give_up_parts(contact, "it was broken off")

    def part(self, contact: Contact) -> None:
        """Somebody said disconnect: let go, and tell a one-shot client, which can't see it, that we left."""
        self.let_go(contact)
        contact.farewell = contact.one_shot and contact.peer.link == "reachable" and contact.target is not None
        self.pump(contact)

    def close(self) -> None:
        """The node goes down: leave all links, and tell the one-shot clients who are there, since they can't see it."""
        for contact in self._contacts.by_id.values():
            contact.next_try = None
            self.leave(contact)
        self.closed = True
        there = [contact for contact in self._contacts.reachable() if contact.one_shot and contact.busy is None]
        for contact in there[-MAX_FAREWELLS:]:
            contact.farewell = True
            self._dial(contact)

    def leave(self, contact: Contact) -> None:
        """Leave all links, but for one that carries a single message: that ends by itself, very soon."""
        for link in list(contact.links):
            self.hang_up(contact, link)
        busy = contact.busy
        if busy is not None and all(waiting.link != busy for waiting in contact.inflight.values()):
            self.hang_up(contact, busy)

    def forget(self, contact: Contact) -> None:
        """All that waits for this peer is given up, also what only the disk knows of."""
        self.let_go(contact)
        self.queues.forget(contact)

    def delete(self, contact: Contact) -> None:
        """Nothing that was to be sent to this peer is known any more; its links are left."""
        for link in [link for link, owner in self.owners.items() if owner is contact]:
            self.hang_up(contact, link)
            del self.owners[link]
        self.queues.delete(contact)
        contact.next_try = contact.busy = None

    def set_reconnect(self, reconnect: bool) -> None:
        """Whether wanted peers are dialled by themselves."""
        if reconnect == self.reconnect:
            return
        self.reconnect = reconnect
        for contact in list(self._contacts.by_id.values()):
            if not self.wants(contact):
                contact.next_try = None
            elif contact.peer.wanted:
                self.pump(contact)

    def adopt(self, gone: Contact, into: Contact) -> None:
        """Two contacts turned out to be one: links and messages of `gone` go over to `into`."""
        busy = gone.busy
        if busy is not None:
            # It leads to the other's address: what it carries comes back by itself, and nothing more goes there.
            if all(waiting.link != busy for waiting in gone.inflight.values()):
                self.hang_up(gone, busy)
            del self.owners[busy]
        for link, owner in self.owners.items():
            if owner is gone:
                self.owners[link] = into
        into.links.extend(gone.links)
        self.queues.adopt(gone, into)
        gone.next_try = None


def next_try(contact: Contact) -> nouns.NextTry:
    """When the contact is tried next; only where `next_try` is set."""
    return nouns.NextTry(peer=contact.id, at=contact.next_try or 0, attempt=contact.attempt, reason=contact.reason)
