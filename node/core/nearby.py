"""Who is on the same network, and whom to link of them. Pure.

mDNS tells of services: a random name, addresses, and a tag by which those who know its key recognise a node. Anybody on
the network can make up any of it, so nothing of it is believed: an address becomes a node's only when its key has
answered there, and until then the address is kept here, in memory. Nothing goes there in clear but the offer to
encrypt. Services that nobody knows are linked to learn who they are.

Up to LINK_ALL nodes are all linked. Beyond, those are that people here deal with, NEIGHBOURS on each side by
SHA-256(PeerId), so that all hang together, and RANDOM others; the rest is linked once, to learn its name.

What flaps is damped: retries back off, front ends are told at most every TELL_MS, and nothing of it is in the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.core.blocking import Blocking
from node.core.connections import Connections
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.links import Link, Links
from node.core.ports import is_service
from node.core.retries import backoff_ms
from node.core.rooms import Rooms
from node.model import Address
from node.protocol import nearby as said

#: Most nodes that are linked without a choice.
LINK_ALL = 32
#: Links that aren't chosen any more are left only with so many more nodes than that: one that comes and goes at the
#: limit makes no links come and go.
SLACK = 8
#: Beyond: neighbours on each side by SHA-256(PeerId), and how many others at random.
NEIGHBOURS = 3
RANDOM = 8
#: A link that isn't chosen stays for so long (ms): to exchange what there is.
LINGER_MS = 10_000
#: Most services that are remembered. A further one takes the place of the one that was tried in vain most often, or is
#: left out when all of them answer.
MAX_SEEN = 256
#: Most addresses of a service that are tried.
MAX_ADDRESSES = 8
#: Most services that are dialled at a time: to learn who they are, or at an address that isn't known to be theirs.
MAX_TRIALS = 32
#: Of two that see each other, the one with the higher tag waits so long (ms) for the other's dial.
WAIT_MS = 250
#: A service that wasn't dialled for so long (ms) is dialled without a pause again.
CALM_MS = 60_000
#: A service that was dialled in vain is asked for so often at most (ms): whoever leaves without a good-bye would be
#: listed for an hour.
RECONFIRM_MS = 20_000
#: How it must be for services to be seen at all.
LOOKING = ("on", "deaf")
#: What people should know, whatever they look at.
TROUBLE = ("deaf", "failing")
#: Front ends are told at most so often (ms).
TELL_MS = 500


class Sighting:
    """One service, as it was seen last."""

    __slots__ = (
        "addresses",
        "began",
        "doubted",
        "fresh",
        "moved",
        "name",
        "next_at",
        "peer",
        "since",
        "tag",
        "trial",
        "tries",
    )

    def __init__(self, name: str, tag: bytes, addresses: tuple[Address, ...], now: int) -> None:
        self.name = name
        self.tag = tag
        self.addresses = addresses
        self.since = now
        #: Whose it is: recognised by its tag, or proved by the key that answered there.
        self.peer: str | None = None
        #: The link of the dial under way; when the last one began, and how many there were without calm between them.
        self.trial: int | None = None
        self.began: int | None = None
        self.tries = 0
        #: When it was asked for last, because it was dialled in vain (ms).
        self.doubted: int | None = None
        #: When the next dial may begin (ms); None: none is planned.
        self.next_at: int | None = now
        #: It was seen anew, and nothing has followed from that yet.
        self.fresh = True
        #: It has other addresses than before, so a link with it may be dead without anybody knowing.
        self.moved = False


class Nearby:
    """All services that are seen, and what follows from them."""

    def __init__(
        self,
        ledger: Ledger,
        me: str,
        secret: bytes,
        rooms: Rooms,
        contacts: Contacts,
        links: Links,
        connections: Connections,
        blocking: Blocking,
    ) -> None:
        self._ledger = ledger
        self._me = me
        #: Handed in, and unknown to others: it decides who is chosen at random, for this run.
        self._secret = secret
        self._rooms = rooms
        self._contacts = contacts
        self._links = links
        self._connections = connections
        self._blocking = blocking
        self._how = "off"
        self._strangers = True
        self._seen: dict[str, Sighting] = {}
        #: Dials under way, by link.
        self._trials: dict[int, Sighting] = {}
        #: Contacts that are linked because they are near, by id.
        self._near: dict[str, Contact] = {}
        self._closed = False
        self._state: nouns.NearbyState = "off"
        self._detail: str | None = None
        #: Something changed since the last decision; and since front ends were told.
        self._dirty = False
        self._untold = False
        self._told_at: int | None = None
        #: Whose tags are known, and the day that they are for.
        self._day = -1
        self._tagged: dict[bytes, str] = {}
        self._own: frozenset[bytes] = frozenset()

    # -- the setting

    def load(self, settings: nouns.Settings) -> None:
        """The settings at the start. Call `begin` when the node is up."""
        self._how, self._strangers = settings.discovery, settings.accept_nodes != "nobody"

    def set(self, settings: nouns.Settings) -> None:
        """The settings are these from now on."""
        strangers = settings.accept_nodes != "nobody"
        if (settings.discovery, strangers) == (self._how, self._strangers):
            return
        changed = settings.discovery != self._how
        self._how, self._strangers = settings.discovery, strangers
        if changed:
            self.begin()
        self._dirty = True

    def begin(self) -> None:
        """Look round from here on, if the setting says so; everything that is seen is told again."""
        self._ledger.put(e.Discover(self._how))

    def stop(self) -> None:
        """The node goes down: say good-bye, and dial nobody."""
        self._closed = True
        self._ledger.put(e.Discover("off"))

    # -- what is seen

    def discovering(self, told: s.Discovering) -> None:
        """How looking round goes."""
        if (told.state, told.detail) == (self._state, self._detail):
            return
        self._state, self._detail = told.state, told.detail
        self._ledger.put(e.Notice("nearby", told.detail if told.state in TROUBLE else None))
        if told.state not in LOOKING:
            for one in list(self._seen.values()):
                self._drop(one)
        self._untold = True

    def sighted(self, seen: s.Sighted) -> None:
        """A service was seen, for the first time or with something new."""
        addresses = tuple(
            one for one in seen.addresses[:MAX_ADDRESSES] if not is_service(one.port) and not self._contacts.is_own(one)
        )
        known = self._seen.get(seen.name)
        if not addresses or self._is_own(seen.tag):
            if known is not None:
                self._drop(known)
            return
        if known is None:
            if len(self._seen) >= MAX_SEEN and not self._displace():
                return
            self._seen[seen.name] = Sighting(seen.name, seen.tag, addresses, self._ledger.now)
        elif (known.tag, known.addresses) == (seen.tag, addresses):
            return
        else:
            if known.tag != seen.tag:
                known.peer = None
            known.moved = known.moved or not set(known.addresses) <= set(addresses)
            known.tag, known.addresses = seen.tag, addresses
            self._afresh(known)
        self._changed()

    def vanished(self, name: str) -> None:
        """A service has said good-bye, or was not heard for long. A link with it goes on."""
        known = self._seen.get(name)
        if known is not None:
            self._drop(known)

    def _displace(self) -> bool:
        """Make room for a further service; returns whether there is some."""
        in_vain = [one for one in self._seen.values() if one.tries > 1 and not self._linked(one)]
        if not in_vain:
            return False
        self._drop(max(in_vain, key=lambda one: one.tries))
        return True

    def _afresh(self, one: Sighting) -> None:
        one.tries = 0
        one.began = None
        one.next_at = self._ledger.now
        one.fresh = True

    def _drop(self, one: Sighting) -> None:
        del self._seen[one.name]
        if one.trial is not None:
            # The dial goes on; what it finds is a link like any other.
            self._trials.pop(one.trial, None)
        self._changed()

    def network_changed(self) -> None:
        """The machine is on another network: everything is tried again at once."""
        for one in self._seen.values():
            self._afresh(one)
        self._dirty = True

    # -- what links report

    def secured(self, link: int, peer: str) -> None:
        """A node has proved its key on a link. Call it once its contact is known."""
        one = self._trials.pop(link, None)
        if one is not None:
            one.trial, one.moved = None, False
            one.peer = peer
            self._untold = True
        self._dirty = self._dirty or bool(self._seen)

    def closed(self, link: int, peer: str | None) -> None:
        """A link is over, or could not be opened. `peer`: the contact that it belonged to."""
        one = self._trials.pop(link, None)
        if one is not None:
            one.trial = None
            self._doubt(one)
        if peer in self._near and not self._links.with_peer(peer or ""):
            for other in self._seen.values():
                if other.peer == peer:
                    self._doubt(other)
        if one is not None or peer in self._near:
            self._dirty = True

    def _doubt(self, one: Sighting) -> None:
        now = self._ledger.now
        if one.doubted is None or not 0 <= now - one.doubted < RECONFIRM_MS:
            one.doubted = now
            self._ledger.put(e.Reconfirm(one.name))

    # -- time

    def next_deadline(self) -> int | None:
        """When `tick` has something to do (ms)."""
        if self._closed:
            return None
        times = [one.next_at for one in self._seen.values() if one.next_at is not None and one.trial is None]
        if self._untold:
            times.append((self._told_at or 0) + TELL_MS)
        if len(self._seen) > LINK_ALL + SLACK:
            times += [link.since + LINGER_MS for link, _ in self._spare()]
        return min(times, default=None)

    def shift(self, by: int) -> None:
        """The wall clock was set by `by` ms: move all deadlines along."""
        for one in self._seen.values():
            one.since += by
            one.next_at = None if one.next_at is None else one.next_at + by
            one.began = None if one.began is None else one.began + by
        if self._told_at is not None:
            self._told_at += by

    def tick(self) -> None:
        """A deadline has come."""
        self._dirty = self._dirty or bool(self._seen)

    def settle(self) -> None:
        """Decide what follows from all that has happened. Call it after each stimulus."""
        if self._closed:
            return
        if self._dirty:
            self._dirty = False
            self._choose()
            for link, contact in self._spare() if len(self._seen) > LINK_ALL + SLACK else ():
                if self._ledger.now - link.since >= LINGER_MS:
                    self._connections.hang_up(contact, link.number)
        if self._untold and (self._told_at is None or not 0 <= self._ledger.now - self._told_at < TELL_MS):
            self._untold = False
            self._told_at = self._ledger.now
            self._ledger.tell(ev.NearbyChanged(nearby=self.here()))

    def here(self) -> nouns.Nearby:
        """Who is near, as front ends see it."""
        services = [
            nouns.Sighting(id=one.name, peer=one.peer, addresses=[*map(str, one.addresses)], since=one.since)
            for one in self._seen.values()
        ]
        return nouns.Nearby(state=self._state, detail=self._detail, services=services)

    def _changed(self) -> None:
        self._dirty = self._untold = True

    # -- who it is

    def _look_up(self) -> None:
        """Keep the tags of all nodes that are known, for this day and those beside it."""
        day = said.day_of(self._ledger.now)
        if day != self._day:
            self._day = day
            self._tagged = {}
            self._own = frozenset(said.tags(self._me, day))
        tagged = set(self._tagged.values())
        for id_ in self._contacts.by_id.keys() - tagged:
            if self._contacts.by_id[id_].is_node:
                self._tagged |= dict.fromkeys(said.tags(id_, day), id_)

    def _is_own(self, tag: bytes) -> bool:
        self._look_up()
        return tag in self._own

    def _recognise(self) -> None:
        unknown = [one for one in self._seen.values() if one.peer is None]
        if unknown:
            self._look_up()
        for one in unknown:
            one.peer = self._tagged.get(one.tag)
            self._untold = self._untold or one.peer is not None

    def _contact(self, one: Sighting) -> Contact | None:
        return None if one.peer is None else self._contacts.by_id.get(one.peer)

    def _linked(self, one: Sighting) -> bool:
        return one.peer is not None and bool(self._links.with_peer(one.peer))

    # -- whom to link

    def _choose(self) -> None:
        self._recognise()
        chosen = self._chosen()
        near = {one.peer: contact for one in chosen if (contact := self._contact(one)) is not None}
        for id_, contact in self._near.items():
            contact.near = id_ in near
        for contact in near.values():
            contact.near = True
        self._near = {contact.id: contact for contact in near.values()}
        for one in chosen:
            self._try(one)
        waits = {one.name for one in chosen}
        for one in self._seen.values():
            if one.name not in waits:
                one.next_at = None

    def _chosen(self) -> list[Sighting]:
        """Those that are to be linked. One node may be seen as two services: before and after a crash."""
        here: dict[str, list[Sighting]] = {}
        for one in self._seen.values():
            if self._may(one):
                here.setdefault(one.peer or one.name, []).append(one)
        if len(here) <= LINK_ALL:
            return [one for services in here.values() for one in services]
        known = {peer for peer, services in here.items() if services[0].peer is not None}
        chosen = {peer for peer in known if self._is_in_use(here[peer][0])}
        chosen |= set(self._neighbours(known))
        others = sorted(known - chosen, key=lambda peer: hashlib.sha256(self._secret + peer.encode()).digest())
        chosen |= set(others[:RANDOM])
        return [one for services in here.values() for one in services if one.peer is None or one.peer in chosen]

    def _may(self, one: Sighting) -> bool:
        """Whether this node may dial it."""
        if self._how == "off":
            return False
        if one.peer is None:
            return self._how == "on" and self._strangers
        contact = self._contact(one)
        if contact is None or contact.gone or self._blocking.has_node(one.peer):
            # Somebody here has taken it off the list.
            return False
        return contact.peer.standing != "stranger" or (self._how == "on" and self._strangers)

    def _is_in_use(self, one: Sighting) -> bool:
        """Whether people here deal with it."""
        contact = self._contact(one)
        if contact is None:
            return False
        room = self._rooms.by_id.get(contact.peer.room)
        return (
            contact.peer.standing != "stranger"
            or contact.peer.wanted
            or contact.owed
            or contact.queue.pending
            or (room is not None and room.last is not None)
        )

    def _neighbours(self, peers: Iterable[str]) -> list[str]:
        """The NEIGHBOURS on each side of this node, on the ring of all by SHA-256(PeerId)."""
        mine = _place(self._me)
        ring = sorted(peers, key=lambda peer: (_place(peer) < mine, _place(peer)))
        return [*ring[:NEIGHBOURS], *ring[-NEIGHBOURS:]]

    def _spare(self) -> list[tuple[Link, Contact]]:
        """Links that this node has dialled and doesn't need, each with its contact."""
        found = []
        for one in self._seen.values():
            contact = self._contact(one)
            if contact is not None and not contact.near and not self._is_in_use(one):
                found += [(link, contact) for link in contact.links if link.direction == "out" and not link.leaving]
        return found

    # -- dialling

    def _try(self, one: Sighting) -> None:
        """Dial it, if it is to be linked and it is time."""
        now = self._ledger.now
        contact = self._contact(one)
        said_goodbye = contact is not None and contact.tries.paused and not contact.links
        if one.trial is not None or said_goodbye or (self._linked(one) and not self._may_be_dead(one)):
            one.next_at = None
            return
        if one.next_at is None:
            one.next_at = self._soonest(one)
        if one.fresh and one.since == now and self._waits(one):
            one.next_at = now + WAIT_MS
        if one.next_at > now:
            return
        new = [address for address in one.addresses if contact is None or address not in contact.addresses]
        if contact is not None and one.fresh and len(new) < len(one.addresses):
            # It is where it was. It is dialled like anybody who is wanted, and retried by the same rules.
            self._connections.showed_up(contact)
        one.fresh = False
        if not new:
            one.next_at = None
        elif len(self._trials) < MAX_TRIALS:
            one.tries = one.tries + 1 if one.began is not None and 0 <= now - one.began < CALM_MS else 1
            one.began, one.next_at = now, None
            one.trial = self._ledger.next_link()
            self._trials[one.trial] = one
            self._ledger.put(e.Dial(one.trial, new[(one.tries - 1) % len(new)], "secure", expect=one.peer))
        else:
            one.next_at = now + WAIT_MS

    def _soonest(self, one: Sighting) -> int:
        """When it may be dialled again (ms)."""
        now = self._ledger.now
        if one.began is None or not 0 <= now - one.began < CALM_MS:
            return now
        return max(now, one.began + backoff_ms(one.name, one.tries, node=True))

    def _waits(self, one: Sighting) -> bool:
        """Whether the other side is to dial first, so that two links seldom cross."""
        return said.tag(self._me, self._day) > one.tag

    def _may_be_dead(self, one: Sighting) -> bool:
        """Whether the other side has left the address to which all its links lead."""
        contact = self._contact(one)
        if not one.moved or contact is None:
            return False
        hosts = {address.host for address in one.addresses}
        return not any(link.host in hosts for link in contact.links)


def _place(peer: str) -> bytes:
    """A node's place on the ring of all."""
    return hashlib.sha256(peer.encode()).digest()
