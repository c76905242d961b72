"""Addresses that linked nodes tell each other: each its own, and on request those of others in rooms of both. Pure.

So a link survives a move: whoever gets another address tells it over the links that still stand, and whoever lost
somebody asks those who share a room with both. Only nodes that people here have dealt with are told anything. What is
told proves nothing: an address is dialled only with the key that it was told for, and where another key answers, it is
forgotten. (PROTOCOL.md, section 9.6)
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from node.core import effects as e
from node.core.connections import Connections
from node.core.contact import Contact
from node.core.contacts import Contacts
from node.core.ledger import Ledger
from node.core.links import Link, Links
from node.core.paths import plausible
from node.core.rooms import Rooms
from node.model import Address, normal_host, parse_address
from node.protocol.secure import frames as f

#: An address of somebody else is told, and taken, for so long after it was good (ms): a week outlasts a holiday.
FRESH_MS = 7 * 24 * 3600_000
#: Most addresses of one node that are told or taken at once: more would only be dialled in vain.
MOST = 4
#: A lost node is asked for at most once in this time (ms), over at most ASK links; and an answer is taken for so long.
SEEK_MS, ASK = 60_000, 3
#: SEEK and WHERE that a link may say at once, and how long until it may say another (ms). More are dropped and counted.
BURST, REFILL_MS = 10, 5_000


class Told(msgspec.Struct):
    """What goes on over one link with regard to addresses."""

    #: Our own addresses as they were told last.
    own: list[str] | None = None
    #: How many frames the other side may say now, and since when that is so (ms).
    left: int = BURST
    since: int = 0
    dropped: int = 0


class Exchange:
    """The exchange of addresses over all encrypted links."""

    def __init__(
        self, ledger: Ledger, me: str, rooms: Rooms, contacts: Contacts, links: Links, connections: Connections
    ) -> None:
        self._ledger = ledger
        self._me = me
        self._rooms = rooms
        self._contacts = contacts
        self._links = links
        self._connections = connections
        self._told: dict[int, Told] = {}
        #: Whom somebody was asked for, and when (ms).
        self._sought: dict[str, int] = {}

    # -- links

    def linked(self, link: Link, contact: Contact) -> None:
        """An encrypted link is open: tell our own addresses."""
        self._told[link.number] = Told(since=self._ledger.now)
        self._tell_own(link, contact)

    def known(self, contact: Contact) -> None:
        """Somebody here has dealt with this node for the first time."""
        for link in contact.links:
            self._tell_own(link, contact)

    def unlinked(self, number: int) -> None:
        """A link is over."""
        self._told.pop(number, None)

    def moved(self) -> None:
        """Our own addresses may have changed: tell them to all."""
        for number in list(self._told):
            link = self._links.get(number)
            contact = self._contacts.of_link(link)
            if link is not None and contact is not None:
                self._tell_own(link, contact)

    def _tell_own(self, link: Link, contact: Contact) -> None:
        told = self._told.get(link.number)
        if told is None or link.leaving or contact.peer.standing == "stranger":
            return
        own = [one for one in map(parse_address, self._contacts.own_addresses) if plausible(one, link.host)][:MOST]
        if told.own == [str(one) for one in own]:
            return
        told.own = [str(one) for one in own]
        where = f.Where([(self._me, [f.At(one.host, one.port, 0) for one in own])])
        self._ledger.put(e.Say(link.number, where))

    # -- what others say

    def heard(self, link: Link, contact: Contact, frame: f.Seek | f.Where) -> None:
        """A node asks for addresses, or tells some."""
        told = self._told.get(link.number)
        if told is None or contact.peer.standing == "stranger" or not self._may(told):
            return
        if isinstance(frame, f.Seek):
            self._answer(link, contact, frame)
            return
        for peer, rows in frame.rows:
            sought = self._sought.get(peer)
            if peer == contact.id:
                self._take(contact, link, rows)
            elif (
                sought is not None
                and self._ledger.now - sought < SEEK_MS
                and peer in self._contacts.by_id
                and self.share_room(contact.id, peer)
            ):
                self._take(self._contacts.by_id[peer], link, rows)
            else:
                told.dropped += 1

    def _may(self, told: Told) -> bool:
        now = self._ledger.now
        more, rest = divmod(max(0, now - told.since), REFILL_MS)
        told.left, told.since = min(BURST, told.left + more), now - rest
        if told.left < 1:
            told.dropped += 1
            return False
        told.left -= 1
        return True

    def _take(self, contact: Contact, link: Link, rows: Iterable[f.At]) -> None:
        found = []
        for row in rows:
            try:
                address = Address(normal_host(row.host), row.port)
            except ValueError:
                continue
            if (
                row.age * 1000 < FRESH_MS
                and plausible(address, link.host)
                and not self._contacts.is_own(address)
                and self._contacts.at(address.host, address.port) in (None, contact)
            ):
                found.append(address)
        if contact.id == link.peer:
            self._contacts.places.drop_told(contact, keep=found[:MOST])
        if found:
            self._connections.heard_of(contact, found[:MOST], "exchange")

    def _answer(self, link: Link, asker: Contact, seek: f.Seek) -> None:
        """Tell where others were good lately, as far as the asker shares a room with them."""
        rows = []
        for peer in dict.fromkeys(seek.peers):
            contact = self._contacts.by_id.get(peer)
            if (
                contact is None
                or contact.gone
                or contact is asker
                or contact.peer.standing == "stranger"
                or not self.share_room(asker.id, peer)
            ):
                continue
            now = self._ledger.now
            good = [
                f.At(path.address.host, path.address.port, max(0, now - path.good) // 1000)
                for path in contact.paths
                if path.good is not None and now - path.good < FRESH_MS and plausible(path.address, link.host)
            ]
            if good:
                rows.append((peer, good[:MOST]))
        if rows:
            self._ledger.put(e.Say(link.number, f.Where(rows)))

    def share_room(self, one: str, other: str) -> bool:
        """Whether two others are members of one room of this node. Plain and hidden rooms and requests don't count."""
        return any(
            one in room.members and other in room.members and not (room.kind == "plain" or room.request or room.hidden)
            for room in self._rooms.by_id.values()
            if len(room.members) > 1
        )

    # -- whom we lost

    def seek(self, lost: Iterable[Contact]) -> None:
        """No address of these nodes works: ask others who share a room with them."""
        now = self._ledger.now
        for contact in lost:
            if not contact.is_node or contact.links or not self._told:
                continue
            if 0 <= now - self._sought.get(contact.id, now - SEEK_MS) < SEEK_MS:
                continue
            self._sought = {peer: at for peer, at in self._sought.items() if 0 <= now - at < SEEK_MS}
            asked = [number for number, peer in self._linked_members(contact.id)][:ASK]
            if asked:
                self._sought[contact.id] = now
            for number in asked:
                self._ledger.put(e.Say(number, f.Seek([contact.id])))

    def _linked_members(self, peer: str) -> Iterable[tuple[int, str]]:
        """The links with others who share a room with this node."""
        members = {
            one
            for room in self._rooms.by_id.values()
            if len(room.members) > 1 and peer in room.members and not (room.request or room.hidden)
            for one in room.members
        }
        for number in self._told:
            link = self._links.get(number)
            if link is not None and not link.leaving and link.peer in members and link.peer != peer:
                contact = self._contacts.of_link(link)
                if contact is not None and contact.peer.standing != "stranger":
                    yield number, link.peer
