"""The life of a link: it opens, is assigned to a peer, is left, and ends. Pure.

This file updates the links (links.py) and the link states of their peers, and reports changes of both. outbox.py
chooses the link for a message, and dialling.py chooses whom to dial.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.dialling import Dialling
from node.core.ledger import Ledger
from node.core.links import Input, Link, Links, State
from node.core.outbox import Outbox
from node.model import Address
from node.protocol.plain.registry import BY_NAME, ONE_SHOT, STD

#: A persistent link that was open this long (ms) resets the backoff. One that ends sooner, with nothing said, counts as
#: a failed attempt, so that a peer that accepts and drops every connection isn't dialled each second.
STEADY_MS = 10_000
#: Two peers have dialled each other at the same moment if the second link opens within this time (ms) of the first.
SAME_MOMENT_MS = 5_000
#: A guessed dialect was wrong if the peer closes within this time (ms) of a text written in it, or of the probe's
#: answer.
FALL_MS = 2_000
#: At a start, peers are dialled in batches of START_TOGETHER, with a pause of START_PAUSE_MS between them.
START_TOGETHER = 20
START_PAUSE_MS = 100
#: Most one-shot clients that get a good-bye when the node stops: those heard or reached last. Peers with a persistent
#: link see it close.
MAX_FAREWELLS = 64


class Connections:
    """Handles everything that links report, and everything that people want of them."""

    def __init__(self, ledger: Ledger, contacts: Contacts, links: Links, dialling: Dialling, outbox: Outbox) -> None:
        self._ledger = ledger
        self._contacts = contacts
        self._links = links
        self._dialling = dialling
        self._outbox = outbox

    def owner(self, number: int) -> Contact | None:
        """The peer of a link. An incoming link has one only if it is persistent and the peer has spoken on it."""
        return self._contacts.of_link(self._links.get(number))

    def settle(self, detail: str) -> None:
        """Resume after a start or a disk failure: end earlier attempts as unconfirmed, and retry what waits."""
        started, queues, dialling = 0, self._outbox.queues, self._dialling
        for contact in list(self._contacts.by_id.values()):
            queue = contact.queue
            if contact.peer.link in ("online", "connecting") and not contact.links and contact.tries.link is None:
                self._contacts.change(contact, link="offline")
            for waiting in [one for one in queue.inflight.values() if not one.link]:
                queues.take_back(contact, waiting)
                queues.end(contact, waiting, "unconfirmed", detail)
            if contact.gone:
                queue.give_up_to = self._ledger.last_message if queue.more_on_disk else 0
            elif dialling.due(contact) or queue.more_on_disk:
                started += 1
                pause = started // START_TOGETHER * START_PAUSE_MS
                if pause:
                    dialling.retries.put(contact, self._ledger.now + pause)
            self._outbox.pump(contact)

    def admit(self) -> None:
        """Dial the peers in line until MAX_DIALS are under way."""
        while (contact := self._dialling.next_in_line()) is not None:
            if self._contacts.by_id.get(contact.id) is contact:
                self._outbox.pump(contact)

    # -- what links report

    def up(self, up: s.LinkUp) -> None:
        """Record the direction, address and dialect of a link, as the network reports them."""
        self._links.up(up.link, up.direction, up.host, up.port, up.dialect, up.two_way)

    def connected(self, number: int) -> None:
        """A one-shot connection is open: record the next message as being sent, and send it."""
        contact, link = self.owner(number), self._links.get(number)
        if contact is None or link is None:
            self._ledger.put(e.HangUp(number))
            return
        if link.leaving:
            return
        tries = contact.tries
        self._links.go(number, Input.COME_UP)
        if self._outdated(contact, link) or contact.node_here:
            # The second: since it was dialled, a node has become known at this address, or has come back to the list.
            tries.succeeded = True
            self.hang_up(contact, number)
        elif tries.farewell:
            tries.farewell = False
            self._ledger.put(e.Transmit(number, 0, "exit", control=True))
        elif self._outbox.give_one(contact, number):
            # A message introduces us as well as a hello does.
            tries.greet = False
        elif tries.greet and not self._outbox.closed:
            tries.greet = False
            self._ledger.put(e.Transmit(number, 0, "connect", control=True))
        else:
            tries.succeeded = True
            self.hang_up(contact, number)

    def settled(self, settled: s.Settled) -> None:
        """A probe has found the dialect of an unknown address."""
        contact = self.owner(settled.link)
        if contact is None:
            self._ledger.put(e.HangUp(settled.link))
            return
        tries, dialect = contact.tries, settled.dialect
        tries.succeeded = True
        if settled.obeyed and tries.fallen:
            # The same guess has failed before. Most other clients can read std, too.
            dialect = STD.name
        if contact.peer.dialect_from == "guess":
            tries.asked, tries.tested = True, self._ledger.now
            self._contacts.change(contact, dialect=dialect)
        if settled.obeyed or dialect in ONE_SHOT:
            return
        if contact.peer.dialect == settled.dialect:
            self.opened(settled.link)
        else:
            # Meanwhile the peer or a person has said otherwise, which overrides the guess.
            self.hang_up(contact, settled.link)

    def opened(self, number: int) -> None:
        """A persistent link that we dialled is ready for texts."""
        contact, link = self.owner(number), self._links.get(number)
        if contact is None or link is None:
            self._ledger.put(e.HangUp(number))
        elif self._dialling.dialled(contact, number) and self._outdated(contact, link):
            contact.tries.succeeded = True
            self.hang_up(contact, number)
        elif not link.leaving:
            if self._dialling.dialled(contact, number):
                self._dialling.done(contact)
            contact.tries.greet = False
            self.attach(contact, number)
            self._outbox.pump(contact)

    def _outdated(self, contact: Contact, link: Link) -> bool:
        """Whether another dialect was seen or chosen since this link was dialled. Then nothing is sent over it."""
        return contact.peer.dialect in BY_NAME and link.dialect != contact.peer.dialect

    def attach(self, contact: Contact, number: int) -> None:
        """A persistent link is open. The newest is used, because a peer that comes back may have lost the older one.

        If both sides dialled each other at the same moment, the first link is used, so that no message overtakes those
        in flight on it.
        """
        if not contact.has_link(number):
            self._links.belong(number, contact.id)
            link = self._links.go(number, Input.OPEN)
            if not contact.links:
                contact.linked_at = self._ledger.now
            crossed = bool(contact.links) and contact.links[-1].direction != link.direction
            if crossed and self._ledger.now - contact.linked_at < SAME_MOMENT_MS:
                contact.links.insert(-1, link)
            else:
                contact.links.append(link)
            contact.tries.next_at = None
        self._contacts.change(contact, link="online", error=None)

    def detach(self, contact: Contact, number: int) -> None:
        """Remove an incoming link that turned out to belong to another peer."""
        if contact.has_link(number):
            contact.drop_link(number)
            self._links.go(number, Input.SHUT)
        if not contact.links:
            self.offline(contact)
        self._outbox.pump(contact)

    def left(self, contact: Contact, link: Link) -> None:
        """The peer said good-bye: close its incoming link, and don't dial it again at once."""
        tries = contact.tries
        if contact.has_link(link.number) or (link.direction == "in" and link.contact is not None):
            self.hang_up(contact, link.number)
        if contact.links:
            return
        tries.left = True
        self._contacts.change(contact, link="offline", error=None)
        if tries.link is None and tries.next_at is None:
            self._dialling.later(contact, "It left.")

    def ended(self, number: int, reason: str | None, silent: int = 0, *, said_bye: bool = False) -> None:
        """A link is over. `silent`: for how long nothing had come over it (ms). `said_bye`: the other side has left."""
        contact, link = self.owner(number), self._links.over(number)
        if contact is None or link is None:
            return
        tries = contact.tries
        dialled = self._dialling.dialled(contact, number)
        if reason is not None and not link.leaving:
            self._guess_fails(contact, link)
        if dialled and tries.race is not None:
            race = tries.race
            if self._dialling.missed(contact, number, reason):
                # Other addresses of the node are being tried, or will be.
                return
            reason = race.reason() or reason
        if dialled:
            self._dialling.done(contact)
            tries.secure = tries.secure and link.kind != "secure"
        elif contact.has_link(number):
            contact.drop_link(number)
            contact.silent = silent
            tries.lost = contact.is_node and reason is not None and not said_bye and contact.peer.standing != "stranger"
            if self._ledger.now - contact.linked_at >= STEADY_MS:
                tries.failed = 0
        if dialled and tries.succeeded and reason is None:
            tries.failed = 0
            if contact.one_shot and not contact.links and not tries.paused and not tries.left:
                self._contacts.change(contact, link="reachable", error=None)
        elif self._outbox.usable(contact) or tries.link is not None:
            pass
        elif link.leaving or self._outbox.closed:
            self.offline(contact)
        elif not dialled or reason is not None or not contact.queue.inflight:
            # Otherwise the message given to this link too late comes back as not sent, and that counts as the failure.
            self._outbox.failed(contact, reason or "It closed the connection.")
        self._outbox.pump(contact)
        if not contact.links and tries.link is None and not self._dialling.wants(contact):
            # The probe has found its dialect, and there is no further reason to dial it.
            self.offline(contact)

    def _guess_fails(self, contact: Contact, link: Link) -> None:
        """The peer ended a link on which we spoke a guessed dialect: probe again before anything else is sent."""
        peer, tries = contact.peer, contact.tries
        if peer.dialect_from != "guess" or link.direction != "out" or link.dialect != peer.dialect:
            return
        tested = link.kind == "persistent" and tries.asked and 0 <= self._ledger.now - tries.tested < FALL_MS
        if link.state is State.DIALLED and not tested:
            # Perhaps nobody was there, so this says nothing about the dialect.
            tries.asked = False
            return
        tries.asked, tries.fallen = False, tested
        self._contacts.change(contact, dialect="unknown")

    def lost(self, contact: Contact) -> None:
        """The last link with a node doesn't work any more: dial it, if there is a reason to."""
        contact.tries.lost = contact.peer.standing != "stranger"
        self.offline(contact)
        self._outbox.pump(contact)

    def offline(self, contact: Contact) -> None:
        """Show the peer as offline, without an error."""
        if contact.peer.link in ("online", "connecting"):
            self._contacts.change(contact, link="offline", error=None)

    def showed_up(self, contact: Contact) -> None:
        """The peer itself was heard: end its backoff, and send what waits."""
        self._dialling.showed_up(contact)
        self._outbox.pump(contact)

    def heard_of(self, contact: Contact, found: Iterable[Address], how: nouns.How) -> None:
        """Others say that the peer is there now: learn these addresses, and try them at once if there is a reason to.

        A round of tries that is under way goes on with them.
        """
        self._contacts.places.learn(contact, found, how)
        tries = contact.tries
        if tries.race is not None:
            self._dialling.add(contact)
        elif not contact.links and not tries.paused:
            self._dialling.showed_up(contact)
            self._outbox.pump(contact)

    def looked_up(self, contact: Contact, found: Iterable[Address]) -> None:
        """A host name of the peer was looked up: try the addresses that it has. None found: there is no such host."""
        addresses = [one for one in found if not self._contacts.is_own(one)]
        self._contacts.places.learn(contact, addresses, "name")
        if self._dialling.looked_up(contact):
            race = contact.tries.race
            self._dialling.done(contact)
            if race is not None or not contact.targets:
                reason = None if race is None else race.reason()
                self._outbox.failed(contact, reason or f"There is no host {contact.peer.hostnames[0]} on this network.")
        self._outbox.pump(contact)

    def network_changed(self) -> None:
        """This machine has other addresses, or it has slept: try now whom somebody wants something of."""
        for contact in list(self._contacts.by_id.values()):
            if contact.tries.next_at is not None and not contact.tries.paused:
                contact.looked_up = None
                self._dialling.showed_up(contact)
                self._outbox.pump(contact)

    # -- what people want

    def want(self, contact: Contact) -> None:
        """Somebody asked for a connection: try now."""
        self._dialling.want(contact)
        self._outbox.pump(contact)

    def hang_up(self, contact: Contact, number: int) -> None:
        """Leave a link, and don't use it again. The outcome of each message in flight on it is still reported."""
        contact.drop_link(number)
        link = self._links.get(number)
        if link is not None and not link.leaving:
            self._links.go(number, Input.LEAVE)
            self._ledger.put(e.HangUp(number))

    def let_go(self, contact: Contact) -> None:
        """Leave all links, and don't dial until there is a new reason to. A one-shot link may finish its message."""
        self._dialling.pause(contact)
        self.leave(contact)
        self._outbox.queues.give_up_parts(contact, "it was broken off")

    def part(self, contact: Contact) -> None:
        """Somebody asked to disconnect: leave all links. Say good-bye to a one-shot client, which sees no close."""
        self.let_go(contact)
        contact.tries.farewell = contact.one_shot and contact.peer.link == "reachable" and bool(contact.targets)
        self._outbox.pump(contact)

    def close(self) -> None:
        """The node stops: leave all links, and say good-bye to reachable one-shot clients, which see no link close."""
        for contact in self._contacts.by_id.values():
            contact.tries.next_at = None
            self.leave(contact)
        self._outbox.closed = True
        reachable = self._contacts.reachable.all()
        there = [contact for contact in reachable if contact.one_shot and contact.tries.link is None]
        for contact in there[-MAX_FAREWELLS:]:
            self._dialling.say_goodbye(contact)

    def leave(self, contact: Contact) -> None:
        """Leave all links, except a dialled one with a message in flight: that one ends by itself, very soon."""
        for link in contact.links:
            self.hang_up(contact, link.number)
        self._dialling.stop(contact)
        for dialled in self._dialling.under_way(contact):
            if all(waiting.link != dialled for waiting in contact.queue.inflight.values()):
                self.hang_up(contact, dialled)

    def forget(self, contact: Contact) -> None:
        """Leave all links, and give up all waiting messages, in memory and on disk."""
        self.let_go(contact)
        self._outbox.queues.forget(contact)

    def delete(self, contact: Contact) -> None:
        """Leave all links, and forget everything about this peer's messages and dials."""
        for link in self._links.of(contact.id):
            self.hang_up(contact, link.number)
            self._links.disown(link.number)
        self._outbox.queues.delete(contact)
        self._dialling.forget(contact)

    def set_reconnect(self, reconnect: bool) -> None:
        """Switch automatic dialling of wanted peers on or off."""
        if reconnect == self._dialling.reconnect:
            return
        self._dialling.reconnect = reconnect
        for contact in list(self._contacts.by_id.values()):
            if not self._dialling.wants(contact):
                contact.tries.next_at = None
            elif contact.peer.wanted:
                self._outbox.pump(contact)

    def adopt(self, gone: Contact, into: Contact) -> None:
        """Two contacts turned out to be one: move the links and messages of `gone` to `into`."""
        for dialled in self._dialling.under_way(gone):
            # This link leads to the address of `gone`, so nothing more is sent over it. A message in flight may finish.
            if all(waiting.link != dialled for waiting in gone.queue.inflight.values()):
                self.hang_up(gone, dialled)
            self._links.disown(dialled)
        for link in self._links.of(gone.id):
            self._links.belong(link.number, into.id)
        into.links.extend(gone.links)
        self._outbox.adopt(gone, into)
        self._dialling.forget(gone)
