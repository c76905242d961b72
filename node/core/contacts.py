"""The list of peers: their addresses, names, dialects and link states, and who leaves it when it is full. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.contact import Contact
from node.core.directory import Directory
from node.core.ledger import Ledger
from node.core.links import Link
from node.core.paths import Path
from node.core.places import Places
from node.core.reachable import MAX_AGED, Reachable
from node.core.rooms import Rooms
from node.core.strangers import Strangers
from node.model import PLAIN_PREFIX, Address, direct_room, parse_address, short_code, source_of
from node.protocol.plain.registry import ANCESTOR

#: Most peers on the list. Beyond, a new peer displaces a stranger (strangers.py says which one).
MAX_PEERS = 20_000
#: So many strangers have room in any case, beside MAX_PEERS peers whom people here know: a node with a full list is
#: still there for newcomers.
NEWCOMERS = 1_000
#: Most strangers of one source on the list. Beyond, further names and ports of it are refused, so that a source that
#: claims another port each time can't fill the list.
MAX_PER_SOURCE = 500
#: A stranger who has not been heard for so long leaves the list: a month is longer than any holiday.
STRANGER_MS = 30 * 24 * 3600_000
#: How often to check for such strangers; an hour more or less doesn't matter.
LOOK_MS = 3600_000
#: Most conversations with strangers who were taken off the list by the node. Each further one deletes another.
MAX_SHELVED = 20_000
#: Candidates examined for a better choice: one who isn't connected, or whose conversation was read.
CHOICE = 64
#: What somebody is told for whom there is no room.
FULL = f"{MAX_PEERS} peers are known; forget some."
#: The standings of a peer, lowest first (node/bus/nouns.py says what each means).
STANDINGS = ("stranger", "known", "asked")
#: Wildcards: a node that listens there listens at every address of this machine. They can't be dialled.
ANYWHERE = ("0.0.0.0", "::")


class Contacts:
    """All peers of this node."""

    def __init__(self, ledger: Ledger, rooms: Rooms, me: str, contacts: Iterable[Contact], last_number: int) -> None:
        self._ledger = ledger
        #: This node's PeerId.
        self._me = me
        self._rooms = rooms
        self._last_number = last_number
        self._directory = Directory()
        self.places = Places(ledger, self._directory, self)
        self.by_id = self._directory.by_id
        #: What this node is called.
        self.own_name = ""
        self.reachable = Reachable()
        #: Number of peers on the list.
        self._listed = 0
        #: The strangers on the list, and those who were taken off it to make room or for their age.
        self._strangers = Strangers()
        self._shelved = Strangers()
        #: Strangers who left the list since `shelved` was called last.
        self._just_shelved: list[Contact] = []
        #: Whether unknown nodes make requests; and whose request is none any more since `just_let_in` was called.
        self.asks = True
        self._just_let_in: list[Contact] = []
        #: Who was deleted since `just_deleted` was called last.
        self._just_deleted: list[Contact] = []
        self._looked_at = 0
        #: Who was dealt with for the first time since `just_known` was called last.
        self._just_known: list[Contact] = []
        #: Where others reach this node, as HOST:PORT, best first.
        self.own_addresses: list[str] = []
        self._own: frozenset[str] = frozenset()
        #: Addresses at which this node has met itself.
        self._found_own: set[str] = set()
        self._own_port: int | None = None
        for contact in sorted(contacts, key=self._heard_at):
            self._directory.add(contact)
            self._listed += not contact.gone
            self._sort_in(contact)
        # The time of the last successful contact isn't stored, so only `last_seen` counts.
        for contact in sorted(self.by_id.values(), key=lambda contact: contact.peer.last_seen or 0):
            if contact.peer.link == "reachable":
                self.reachable.shown(contact, contact.peer.last_seen or 0)

    def _list(self, contact: Contact, by: int) -> None:
        self._listed += by
        self._sort_in(contact)

    def _sort_in(self, contact: Contact) -> None:
        """Keep a peer in the right set of strangers, after it was heard or its standing changed."""
        for strangers, there in ((self._strangers, not contact.gone), (self._shelved, contact.gone)):
            if there and contact.peer.standing == "stranger" and self.by_id.get(contact.id) is contact:
                strangers.heard(contact.id, source_of(contact.peer.host))
            else:
                strangers.remove(contact.id)

    def _heard_at(self, contact: Contact) -> int:
        """When it was heard last; for one that has only claimed a port, when it was added."""
        room = self._rooms.by_id.get(contact.peer.room)
        return contact.peer.last_seen or (0 if room is None else room.created)

    def we_are(self, me: nouns.Self) -> None:
        """Remember the addresses at which this node listens; no peer can have these."""
        self.own_name = me.name
        self.own_addresses = list(me.addresses)
        self._own = frozenset((*me.addresses, me.listen, *self._found_own))
        self._own_port = None
        try:
            listen = parse_address(me.listen)
        except ValueError:
            return
        if listen.host in ANYWHERE:
            self._own_port = listen.port

    def is_own(self, address: Address) -> bool:
        """Whether this node itself listens there."""
        if address.port == self._own_port:
            host = address.host
            return host in ANYWHERE or host == "::1" or host.startswith("127.") or str(address) in self._own
        return str(address) in self._own

    def met_self(self, address: Address) -> None:
        """This node answers at this address: it isn't dialled again in this run."""
        self._found_own.add(str(address))
        self._own |= {str(address)}

    def at(self, host: str, port: int) -> Contact | None:
        """The peer that listens there: the node, if one is known there.

        A node that left the list without a person's doing still counts: nothing goes there in clear.
        """
        found = self.node_at(host, port) or self.plain_at(host, port)
        if found is None:
            shelved = self._directory.node_of(Address(host, port))
            found = shelved if shelved is not None and shelved.peer.standing == "stranger" else None
        return found

    def plain_at(self, host: str, port: int) -> Contact | None:
        """The plain peer that listens there."""
        return self._directory.plain_at(host, port)

    def node_at(self, host: str, port: int) -> Contact | None:
        """The node on the list that is known to listen there."""
        return self._directory.node_at(host, port)

    def node_of(self, address: Address) -> Contact | None:
        """The node that is known to listen there, on the list or not."""
        return self._directory.node_of(address)

    def at_host(self, host: str, name: str) -> list[Contact]:
        """All plain peers of an address that call themselves so."""
        return self._directory.at_host(host, name)

    def named(self, name: str) -> list[Contact]:
        """All peers that go by a name, those on the list only. Compared by `names.key`."""
        return [contact for contact in self._directory.named(name) if not contact.gone]

    def alike(self, name: str) -> list[Contact]:
        """All nodes whose names look like this one, those on the list only."""
        return [contact for contact in self._directory.alike(name) if not contact.gone]

    def of_link(self, link: Link | None) -> Contact | None:
        """The peer of a link; None if it isn't known, or there is no such link."""
        return None if link is None or link.contact is None else self.by_id.get(link.contact)

    @property
    def _known(self) -> int:
        """Number of peers on the list who are no strangers."""
        return self._listed - len(self._strangers)

    def check_room_for(self, count: int) -> None:
        """Raises OverflowError if `count` more peers can't be known, however many strangers leave the list."""
        if count and self._known + count > MAX_PEERS:
            raise OverflowError(FULL)

    def _make_room(self, stranger: bool, keep: Contact | None = None) -> None:
        """Take strangers off the list until one more peer fits. Raises OverflowError for one who is no stranger."""
        if not stranger:
            self.check_room_for(1)
        while len(self._strangers) + stranger > max(MAX_PEERS - self._known - (not stranger), NEWCOMERS):
            first = [self.by_id[id_] for id_ in itertools.islice(self._strangers.first(), CHOICE)]
            spare = [contact for contact in first if contact is not keep]
            if not spare:
                raise OverflowError(FULL)
            self._shelve(next((contact for contact in spare if not contact.links), spare[0]))

    def _shelve(self, contact: Contact) -> None:
        """Take a stranger off the list. His conversation stays, and he returns when he says more."""
        self._take_off(contact, "stranger")
        self._just_shelved.append(contact)

    def shelved(self) -> list[Contact]:
        """Strangers who left the list since the last call; some may be back on it."""
        shelved, self._just_shelved = self._just_shelved, []
        return [contact for contact in shelved if contact.id in self._shelved]

    def is_empty(self, contact: Contact) -> bool:
        """Whether the conversation with it has no text, or none any more."""
        return self._rooms.by_id[contact.peer.room].last is None

    def surplus(self) -> Contact | None:
        """The stranger off the list whose conversation is deleted next; None: there aren't too many.

        One whose conversation was read goes before one with unread texts.
        """
        if len(self._shelved) <= MAX_SHELVED:
            return None
        first = [self.by_id[id_] for id_ in itertools.islice(self._shelved.first(), CHOICE)]
        return next((contact for contact in first if not self._rooms.by_id[contact.peer.room].unread), first[0])

    def age_strangers(self) -> None:
        """Take strangers who weren't heard for long off the list, at most MAX_AGED in one step."""
        now = self._ledger.now
        if now - self._looked_at < LOOK_MS:
            return
        found = [self.by_id[id_] for id_ in self._strangers.all()]
        old = [one for one in found if now - self._heard_at(one) > STRANGER_MS and not one.links]
        for contact in old[:MAX_AGED]:
            self._shelve(contact)
        if len(old) <= MAX_AGED:
            self._looked_at = now

    def change(self, contact: Contact, **changes: object) -> bool:
        """Change a peer; logged and stored only when something is new. Returns whether it was."""
        peer = contact.peer
        if "link" in changes:
            if changes["link"] == "reachable":
                self.reachable.shown(contact, self._ledger.now)
            else:
                self.reachable.over(contact)
            if contact.is_node:
                changes = contact.seen_as(changes["link"] == "online", self._ledger.now) | changes
        if all(getattr(peer, name) == value for name, value in changes.items()):
            return False
        if peer.standing == "asked" and changes.get("port", peer.port) != peer.port:
            # Somebody asked for its old address, not for this one.
            changes["standing"] = "known"
        if "port" in changes and not contact.is_node:
            changes["addresses"] = [*_addresses(peer.host, changes["port"]), *peer.addresses[1:]]
        indexed = "addresses" in changes or "host" in changes or "name" in changes or "own_name" in changes
        if indexed:
            self._directory.remove(contact)
        contact.peer = msgspec.structs.replace(peer, **changes)
        if indexed:
            self._directory.add(contact)
        if "standing" in changes:
            self._sort_in(contact)
            if peer.standing == "stranger":
                self._just_known.append(contact)
        self.put(contact)
        if not contact.gone:
            self._ledger.log(ev.PeerChanged(peer=contact.peer))
        if "name" in changes:
            self._rooms.rename(contact.peer.room, contact.peer.name)
        return True

    def age(self) -> None:
        """Peers neither heard nor reached for too long become "unknown"."""
        for contact in self.reachable.aged(self._ledger.now):
            if contact.peer.link == "reachable" and self.by_id.get(contact.id) is contact:
                self.change(contact, link="unknown")

    def calls_itself(self, contact: Contact, name: str) -> None:
        """Set the name that the peer gives itself. A local name stays in force."""
        if contact.peer.own_name is None:
            self.change(contact, name=name)
        else:
            self.change(contact, own_name=name)

    def rename(self, contact: Contact, name: str) -> None:
        """Set the local name of a peer, which wins over its own; an empty one removes it."""
        if name:
            self.change(contact, name=name, own_name=contact.own_name)
        else:
            self.change(contact, name=contact.own_name, own_name=None)

    def stand(self, contact: Contact, standing: nouns.Standing) -> None:
        """Raise a peer's standing to "known" or "asked"; it is never lowered here."""
        if STANDINGS.index(standing) > STANDINGS.index(contact.peer.standing):
            self.change(contact, standing=standing)
        if contact.peer.standing != "stranger":
            self.let_in(contact)

    def seen(self, contact: Contact, at: int | None = None) -> None:
        """Note that it said something, at this time (ms; None: now).

        Not logged, because front ends derive it from the message itself.
        """
        last, now = contact.peer.last_seen, self._ledger.now if at is None else at
        self._sort_in(contact)
        if contact.peer.link == "reachable":
            self.reachable.shown(contact, self._ledger.now)
        if last is None or last < now:
            contact.peer = msgspec.structs.replace(contact.peer, last_seen=now)
            self.put(contact)

    def add(self, host: str, port: int | None, name: str | None, dialect: str, source: str) -> Contact:
        """Add a plain peer and its conversation. Raises OverflowError at MAX_PEERS; if "seen", at MAX_PER_SOURCE."""
        if source == "seen" and self._strangers.count(source_of(host)) >= MAX_PER_SOURCE:
            raise OverflowError(f"{MAX_PER_SOURCE} peers are known at {source_of(host)}; forget some.")
        self._make_room(source == "seen")
        self._last_number += 1
        id_ = f"{PLAIN_PREFIX}{self._last_number}"
        shown = name or (str(Address(host, port)) if port is not None else host)
        peer = nouns.Peer(
            id=id_, room=id_, name=shown, host=host, port=port, dialect=dialect, dialect_from=source,
            standing="stranger" if source == "seen" else "asked", addresses=_addresses(host, port),
        )  # fmt: skip
        contact = Contact(peer)
        self._directory.add(contact)
        self._list(contact, 1)
        self._ledger.put(e.PutPeer(peer))
        self._ledger.log(ev.PeerAdded(peer=peer))
        self._rooms.add_plain(id_, shown, id_)
        return contact

    def add_node(
        self,
        peer: str,
        name: str,
        host: str,
        address: Address | None,
        standing: nouns.Standing,
        instead: Contact | None = None,
    ) -> Contact:
        """Add a Snicher node and its conversation. `instead`: who leaves the list at once, so that it has his place.

        Raises OverflowError at MAX_PEERS; a stranger, at MAX_PER_SOURCE.
        """
        if standing == "stranger" and self._strangers.count(source_of(host)) >= MAX_PER_SOURCE:
            raise OverflowError(f"{MAX_PER_SOURCE} peers are known at {source_of(host)}; forget some.")
        if instead is None or instead.gone:
            self._make_room(standing == "stranger")
        room = direct_room(self._me, peer)
        contact = Contact(
            nouns.Peer(
                id=peer, room=room, name=name, kind="node", host=host if address is None else address.host,
                port=None if address is None else address.port, dialect=ANCESTOR.name, dialect_from="seen",
                standing=standing, addresses=[] if address is None else [str(address)], code=short_code(peer),
                presence="offline",
            ),
            paths=() if address is None else (Path(address, "seen", self._ledger.now, self._ledger.now),),
        )  # fmt: skip
        self._directory.add(contact)
        self._list(contact, 1)
        self.put(contact)
        self._ledger.log(ev.PeerAdded(peer=contact.peer))
        self._rooms.add_direct(room, name, peer, request=standing == "stranger" and self.asks)
        return contact

    def is_hidden(self, contact: Contact) -> bool:
        """Whether the conversation with it is hidden, because it is blocked."""
        room = self._rooms.by_id.get(contact.peer.room)
        return room is not None and room.hidden

    def strangers(self) -> list[Contact]:
        """Everybody with whom nobody here has dealt, on the list or not."""
        return [self.by_id[id_] for strangers in (self._strangers, self._shelved) for id_ in strangers.all()]

    def let_in(self, contact: Contact) -> None:
        """If the conversation with it is a request, it is none any more."""
        if self._rooms.let_in(contact.peer.room):
            self._just_let_in.append(contact)

    def just_deleted(self) -> list[Contact]:
        """Who was deleted since the last call."""
        found, self._just_deleted = self._just_deleted, []
        return found

    def just_known(self) -> list[Contact]:
        """Who was dealt with for the first time since the last call."""
        found, self._just_known = self._just_known, []
        return [contact for contact in found if self.by_id.get(contact.id) is contact]

    def just_let_in(self) -> list[Contact]:
        """Whose request is none any more, since the last call."""
        found, self._just_let_in = self._just_let_in, []
        return [contact for contact in found if self.by_id.get(contact.id) is contact]

    def put(self, contact: Contact) -> None:
        """Write a peer as it is now; nobody is told."""
        self._ledger.put(e.PutPeer(contact.peer, contact.gone, contact.paths))

    def warn(self, contact: Contact, warning: str, rival: str | None = None) -> None:
        """Who this peer is has become doubtful: say it loudly, once."""
        if contact.peer.warning == warning:
            return
        self.change(contact, warning=warning, rival=rival)
        self._ledger.log(ev.PeerWarned(peer=contact.id, name=contact.peer.name, warning=warning))

    def revive(self, contact: Contact, *, keep: Contact | None = None, force: bool = False) -> None:
        """Put a peer back on the list; `keep` isn't displaced for it.

        Raises OverflowError for a stranger if only `keep` could make room, unless `force` (somebody here deals with
        him).
        """
        if not contact.gone:
            return
        if contact.peer.standing == "stranger":
            source = source_of(contact.peer.host)
            if self._strangers.count(source) >= MAX_PER_SOURCE:
                self._shelve(self.by_id[next(self._strangers.of(source))])
        try:
            self._make_room(contact.peer.standing == "stranger", keep)
        except OverflowError:
            if contact.peer.standing == "stranger" and not force:
                raise
        contact.gone = False
        self._directory.shade(contact)
        self._list(contact, 1)
        self.put(contact)
        self._ledger.log(ev.PeerAdded(peer=contact.peer))

    def forget(self, contact: Contact) -> None:
        """Take a peer off the list, as a person asked. Its conversation and its row stay.

        A request stays one. What a person forgets isn't known at its addresses any more.
        """
        room = self._rooms.by_id.get(contact.peer.room)
        if room is not None and room.request:
            self.places.set_addresses(contact, ())
            self._take_off(contact, "stranger")
        else:
            self._take_off(contact, "known")

    def block(self, contact: Contact) -> None:
        """Take a peer off the list, and hide its conversation."""
        if not contact.gone:
            self._take_off(contact, contact.peer.standing)
        self._rooms.hide(contact.peer.room, True)

    def unblock(self, contact: Contact) -> None:
        """Put it back on the list, and show its conversation again."""
        self.revive(contact, force=True)
        self._rooms.hide(contact.peer.room, False)

    def _take_off(self, contact: Contact, standing: nouns.Standing) -> None:
        contact.gone = True
        self._directory.shade(contact)
        contact.peer = msgspec.structs.replace(
            contact.peer, wanted=False, link="offline", error=None, standing=standing, status=""
        )
        if contact.is_node:
            contact.peer = msgspec.structs.replace(contact.peer, presence="offline")
        self._list(contact, -1)
        self.put(contact)
        self._ledger.log(ev.PeerForgotten(peer=contact.id))

    def unite(self, contact: Contact, known: Contact) -> None:
        """Merge `contact` into `known`: its conversation, and its name if `known` has none.

        Its address isn't taken over: it may belong to another plain peer tomorrow.
        """
        self.revive(known, keep=contact, force=True)
        if not contact.nameless and known.nameless:
            self.calls_itself(known, contact.own_name)
        if contact.peer.own_name is not None and known.peer.own_name is None:
            self.rename(known, contact.peer.name)
        if contact.peer.wanted:
            self.change(known, wanted=True)
        known.always = known.always or contact.always
        self.places.name_hosts(known, contact.peer.hostnames)
        self._ledger.put(e.PutPeer(contact.peer, gone=True, paths=contact.paths))
        self._rooms.merge(contact.peer.room, known.peer.room)
        self._directory.remove(contact)
        if not contact.gone:
            self._list(contact, -1)
            self._ledger.log(ev.PeerForgotten(peer=contact.id))
        self._sort_in(contact)
        if contact.peer.standing != "stranger":
            self.stand(known, "known")

    def delete(self, contact: Contact) -> None:
        """Delete a peer and its conversation. Its number isn't used again."""
        peer = contact.peer
        self._just_deleted.append(contact)
        nobody = nouns.Peer(id=peer.id, room=peer.room, name="", kind=peer.kind, dialect_from="guess")
        self._ledger.put(e.PutPeer(nobody, gone=True))
        self._directory.remove(contact)
        if not contact.gone:
            self._list(contact, -1)
            self._ledger.log(ev.PeerForgotten(peer=contact.id))
        self._sort_in(contact)
        self._rooms.delete(peer.room)


def _addresses(host: str, port: Any) -> list[str]:
    """The addresses at which a plain peer can be dialled; none while it hasn't announced its port."""
    return [] if port is None else [str(Address(host, port))]
