"""The list of peers: their addresses, names, dialects and link states, and who leaves it when it is full. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec

from node import names
from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core.contact import Contact
from node.core.ledger import Ledger
from node.core.rooms import Rooms
from node.core.strangers import Strangers
from node.model import PLAIN_PREFIX, Address, parse_address, source_of

#: Peers on the list. Beyond, strangers leave it for whoever is new (strangers.py says which); with none left, who is
#: new is refused.
MAX_PEERS = 20_000
#: Strangers on the list of one source. Beyond, its further names and ports are refused: whoever claims another port
#: each time can't fill the list for everybody else.
MAX_PER_SOURCE = 500
#: A stranger who has not been heard for so long leaves the list: a month is longer than any holiday.
STRANGER_MS = 30 * 24 * 3600_000
#: How often it is looked for such strangers: a day more or less is of no matter to them.
LOOK_MS = 3600_000
#: Conversations with strangers who have left the list by themselves. Beyond, one is deleted for each further one.
MAX_SHELVED = 20_000
#: So many of those that would go first are looked at for one who is not connected, or whose conversation was read.
CHOICE = 64
#: How long a one-shot client counts as reachable after it was heard or reached. Most of them leave without a word; a
#: quarter of an hour is a short break, and longer than any of them pauses between its signs of life.
REACHABLE_MS = 15 * 60_000
#: Peers that stop counting as reachable in one step: after a night, thousands may be due at the same moment.
MAX_AGED = 500
#: How a peer may stand, from the lowest on (node/bus/nouns.py says what each means).
STANDINGS = ("stranger", "known", "asked")
#: To listen at one of these is to listen at every address of this machine; nobody can be dialled there.
ANYWHERE = ("0.0.0.0", "::")


class Contacts:
    """All peers of this node."""

    def __init__(self, ledger: Ledger, rooms: Rooms, contacts: Iterable[Contact], last_number: int) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._last_number = last_number
        self.by_id: dict[str, Contact] = {}
        self._by_address: dict[tuple[str, int], Contact] = {}
        self._by_name: dict[str, dict[str, Contact]] = {}
        self._by_host_name: dict[tuple[str, str], dict[str, Contact]] = {}
        #: Who counts as reachable, until when; the first one is due first.
        self._reachable: dict[str, tuple[Contact, int]] = {}
        #: How many are on the list.
        self._listed = 0
        #: The strangers among them, and those who have left it by themselves.
        self._strangers = Strangers()
        self._shelved = Strangers()
        #: Who has left it by himself just now.
        self._just_shelved: list[Contact] = []
        self._looked_at = 0
        self._own: frozenset[str] = frozenset()
        self._own_port: int | None = None
        for contact in sorted(contacts, key=self._heard_at):
            self._index(contact)
            self._listed += not contact.gone
            self._sort_in(contact)
        # When it was reached last isn't kept: only what was heard counts.
        for contact in sorted(self.by_id.values(), key=lambda contact: contact.peer.last_seen or 0):
            if contact.peer.link == "reachable":
                self._reachable[contact.id] = contact, (contact.peer.last_seen or 0) + REACHABLE_MS

    def _index(self, contact: Contact) -> None:
        peer = contact.peer
        self.by_id[peer.id] = contact
        self._by_name.setdefault(names.key(peer.name), {})[peer.id] = contact
        for host in contact.hosts:
            self._by_host_name.setdefault((host, contact.own_name), {})[peer.id] = contact
        for address in contact.addresses:
            self._by_address[address.host, address.port] = contact

    def _unindex(self, contact: Contact) -> None:
        peer = contact.peer
        del self.by_id[peer.id]
        _drop(self._by_name, names.key(peer.name), peer.id)
        for host in contact.hosts:
            _drop(self._by_host_name, (host, contact.own_name), peer.id)
        for address in contact.addresses:
            self._by_address.pop((address.host, address.port), None)

    def _list(self, contact: Contact, by: int) -> None:
        self._listed += by
        self._sort_in(contact)

    def _sort_in(self, contact: Contact) -> None:
        """It was heard now, is on the list or off it, a stranger or not: keep it among those that it belongs to."""
        for strangers, there in ((self._strangers, not contact.gone), (self._shelved, contact.gone)):
            if there and contact.peer.standing == "stranger" and self.by_id.get(contact.id) is contact:
                strangers.heard(contact.id, source_of(contact.peer.host))
            else:
                strangers.remove(contact.id)

    def _heard_at(self, contact: Contact) -> int:
        """When it was heard last; of one that has only claimed a port, when it came."""
        room = self._rooms.by_id.get(contact.peer.room)
        return contact.peer.last_seen or (0 if room is None else room.created)

    def we_are(self, me: nouns.Self) -> None:
        """Where this node listens: nobody else can."""
        self._own = frozenset((*me.addresses, me.listen))
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

    def at(self, host: str, port: int) -> Contact | None:
        """The peer that listens there."""
        return self._by_address.get((host, port))

    def at_host(self, host: str, name: str) -> list[Contact]:
        """All peers of an address that call themselves so."""
        return list(self._by_host_name.get((host, name), {}).values())

    def named(self, name: str) -> list[Contact]:
        """All peers that go by a name, those on the list only. Compared by `names.key`."""
        return [contact for contact in self._by_name.get(names.key(name), {}).values() if not contact.gone]

    def check_room_for(self, count: int) -> None:
        """Raises OverflowError when so many new peers would be too many even if all strangers left the list."""
        if self._listed - len(self._strangers) + count > MAX_PEERS:
            raise OverflowError(f"{MAX_PEERS} peers are known; forget some.")

    def _make_room(self, keep: Contact | None = None) -> None:
        """Have strangers leave the list until one more can be on it. Raises OverflowError."""
        while self._listed >= MAX_PEERS:
            first = [self.by_id[id_] for id_ in itertools.islice(self._strangers.first(), CHOICE)]
            spare = [contact for contact in first if contact is not keep]
            if not spare:
                raise OverflowError(f"{MAX_PEERS} peers are known; forget some.")
            self._shelve(next((contact for contact in spare if not contact.links), spare[0]))

    def _shelve(self, contact: Contact) -> None:
        """A stranger leaves the list; what he has said stays, and he comes back when he says more."""
        self._take_off(contact, "stranger")
        self._just_shelved.append(contact)

    def shelved(self) -> list[Contact]:
        """Who has left the list by himself since this was asked last; some may be back on it."""
        shelved, self._just_shelved = self._just_shelved, []
        return [contact for contact in shelved if contact.id in self._shelved]

    def is_empty(self, contact: Contact) -> bool:
        """Whether no text was ever said with it, or none is left."""
        return self._rooms.by_id[contact.peer.room].last is None

    def surplus(self) -> Contact | None:
        """Whose conversation is deleted next, because too many are kept of strangers who left the list by themselves.

        One that was read goes before one that was not.
        """
        if len(self._shelved) <= MAX_SHELVED:
            return None
        first = [self.by_id[id_] for id_ in itertools.islice(self._shelved.first(), CHOICE)]
        return next((contact for contact in first if not self._rooms.by_id[contact.peer.room].unread), first[0])

    def age_strangers(self) -> None:
        """Strangers who weren't heard for long leave the list, at most MAX_AGED of them in one step."""
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
            self._freshen(contact, changes["link"] == "reachable")
        if all(getattr(peer, name) == value for name, value in changes.items()):
            return False
        if peer.standing == "asked" and changes.get("port", peer.port) != peer.port:
            # It was another address that somebody asked for.
            changes["standing"] = "known"
        if "port" in changes:
            changes["addresses"] = [*_addresses(peer.host, changes["port"]), *peer.addresses[1:]]
        indexed = "addresses" in changes or "host" in changes or "name" in changes or "own_name" in changes
        if indexed:
            self._unindex(contact)
        contact.peer = msgspec.structs.replace(peer, **changes)
        if indexed:
            self._index(contact)
        if "standing" in changes:
            self._sort_in(contact)
        self._ledger.put(e.PutPeer(contact.peer, contact.gone))
        if not contact.gone:
            self._ledger.log(ev.PeerChanged(peer=contact.peer))
        if "name" in changes:
            self._rooms.rename(contact.peer.room, contact.peer.name)
        return True

    def _freshen(self, contact: Contact, reachable: bool) -> None:
        """It was heard or reached now, or its state tells more than that."""
        self._reachable.pop(contact.id, None)
        if reachable:
            self._reachable[contact.id] = contact, self._ledger.now + REACHABLE_MS

    def reachable(self) -> list[Contact]:
        """Who counts as reachable and may be dialled, whoever was heard or reached last at the end."""
        return [contact for contact, _ in self._reachable.values() if contact.targets and not contact.gone]

    def next_aging(self) -> int | None:
        """When somebody stops counting as reachable."""
        return next(iter(self._reachable.values()))[1] if self._reachable else None

    def age(self) -> None:
        """Whoever was neither heard nor reached for too long may be anywhere."""
        for _ in range(MAX_AGED):
            at = self.next_aging()
            if at is None or at > self._ledger.now:
                return
            contact, _ = self._reachable.pop(next(iter(self._reachable)))
            if contact.peer.link == "reachable" and self.by_id.get(contact.id) is contact:
                self.change(contact, link="unknown")

    def shift(self, by: int) -> None:
        """The wall clock was set: what is left until somebody ages stays the same."""
        self._reachable = {id_: (contact, at + by) for id_, (contact, at) in self._reachable.items()}

    def calls_itself(self, contact: Contact, name: str) -> None:
        """The peer says its name. What a person calls it stays."""
        if contact.peer.own_name is None:
            self.change(contact, name=name)
        else:
            self.change(contact, own_name=name)

    def rename(self, contact: Contact, name: str) -> None:
        """A person's name for a peer wins over its own; an empty one gives way to it again."""
        if name:
            self.change(contact, name=name, own_name=contact.own_name)
        else:
            self.change(contact, name=contact.own_name, own_name=None)

    def stand(self, contact: Contact, standing: nouns.Standing) -> None:
        """Somebody here has to do with it: as "known" or "asked". It never stands lower for that."""
        if STANDINGS.index(standing) > STANDINGS.index(contact.peer.standing):
            self.change(contact, standing=standing)

    def seen(self, contact: Contact) -> None:
        """It said something now. Front ends derive that from the message itself, so it isn't logged."""
        last, now = contact.peer.last_seen, self._ledger.now
        self._sort_in(contact)
        if contact.peer.link == "reachable":
            self._freshen(contact, reachable=True)
        if last is None or last < now:
            contact.peer = msgspec.structs.replace(contact.peer, last_seen=now)
            self._ledger.put(e.PutPeer(contact.peer, contact.gone))

    def add(self, host: str, port: int | None, name: str | None, dialect: str, source: str) -> Contact:
        """A new plain peer and its conversation. Raises OverflowError at MAX_PEERS, and at MAX_PER_SOURCE if "seen"."""
        if source == "seen" and self._strangers.count(source_of(host)) >= MAX_PER_SOURCE:
            raise OverflowError(f"{MAX_PER_SOURCE} peers are known at {source_of(host)}; forget some.")
        self._make_room()
        self._last_number += 1
        id_ = f"{PLAIN_PREFIX}{self._last_number}"
        shown = name or (str(Address(host, port)) if port is not None else host)
        peer = nouns.Peer(
            id=id_, room=id_, name=shown, host=host, port=port, dialect=dialect, dialect_from=source,
            standing="stranger" if source == "seen" else "asked", addresses=_addresses(host, port),
        )  # fmt: skip
        contact = Contact(peer)
        self._index(contact)
        self._list(contact, 1)
        self._ledger.put(e.PutPeer(peer))
        self._ledger.log(ev.PeerAdded(peer=peer))
        self._rooms.add_plain(id_, shown, id_)
        return contact

    def revive(self, contact: Contact, *, keep: Contact | None = None, force: bool = False) -> None:
        """Who was off the list is back on it; `keep` doesn't leave it for that.

        For a stranger, raises OverflowError at MAX_PEERS, unless `force`: somebody here has to do with him.
        """
        if not contact.gone:
            return
        if contact.peer.standing == "stranger":
            source = source_of(contact.peer.host)
            if self._strangers.count(source) >= MAX_PER_SOURCE:
                self._shelve(self.by_id[next(self._strangers.of(source))])
        try:
            self._make_room(keep)
        except OverflowError:
            if contact.peer.standing == "stranger" and not force:
                raise
        contact.gone = False
        self._list(contact, 1)
        self._ledger.put(e.PutPeer(contact.peer))
        self._ledger.log(ev.PeerAdded(peer=contact.peer))

    def forget(self, contact: Contact) -> None:
        """A person takes it off the list; its conversation and its row stay."""
        self._take_off(contact, "known")

    def _take_off(self, contact: Contact, standing: nouns.Standing) -> None:
        contact.gone = True
        contact.peer = msgspec.structs.replace(
            contact.peer, wanted=False, link="offline", error=None, standing=standing
        )
        self._list(contact, -1)
        self._ledger.put(e.PutPeer(contact.peer, gone=True))
        self._ledger.log(ev.PeerForgotten(peer=contact.id))

    def unite(self, contact: Contact, known: Contact) -> None:
        """Two peers are one: all that was said with `contact` is now with `known`, and so is a name that it lacks.

        Not its address: a plain peer is its address, and somebody else may have that tomorrow.
        """
        self.revive(known, keep=contact, force=True)
        if not contact.nameless and known.nameless:
            self.calls_itself(known, contact.own_name)
        if contact.peer.own_name is not None and known.peer.own_name is None:
            self.rename(known, contact.peer.name)
        if contact.peer.wanted:
            self.change(known, wanted=True)
        self._ledger.put(e.PutPeer(contact.peer, gone=True))
        self._rooms.merge(contact.peer.room, known.peer.room)
        self._unindex(contact)
        if not contact.gone:
            self._list(contact, -1)
            self._ledger.log(ev.PeerForgotten(peer=contact.id))
        self._sort_in(contact)
        if contact.peer.standing != "stranger":
            self.stand(known, "known")

    def delete(self, contact: Contact) -> None:
        """It was never known, nor anything that was said with it. Its number isn't given to anybody else."""
        peer = contact.peer
        nobody = nouns.Peer(id=peer.id, room=peer.room, name="", dialect_from="guess")
        self._ledger.put(e.PutPeer(nobody, gone=True))
        self._unindex(contact)
        if not contact.gone:
            self._list(contact, -1)
            self._ledger.log(ev.PeerForgotten(peer=contact.id))
        self._sort_in(contact)
        self._rooms.delete(peer.room)


def _addresses(host: str, port: Any) -> list[str]:
    """Where a plain peer can be dialled: nowhere, while it hasn't said its port."""
    return [] if port is None else [str(Address(host, port))]


def _drop(index: dict[Any, dict[str, Contact]], key: Any, id_: str) -> None:
    found = index[key]
    del found[id_]
    if not found:
        del index[key]
