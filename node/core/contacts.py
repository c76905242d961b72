"""Who the peers are: their addresses, names, dialects and link states. Pure.

A plain peer is the source address of a connection and the port it claims: nobody speaks for another address. Before it
has claimed a port it is its address and its name, and becomes one with the peer of that port when the claim comes.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable

import msgspec

from node.bus import messages as m
from node.core import effects as e
from node.core.ledger import Ledger
from node.core.rooms import Rooms
from node.model import PLAIN_PREFIX, Address

#: Peers in all. Beyond, a new stranger's connection is refused: it can't fill memory and disk with names.
MAX_PEERS = 20_000


class Waiting(msgspec.Struct):
    """One of our messages that waits for a peer."""

    id: int
    room: str
    text: str
    #: Its attempt is recorded ("sending").
    begun: bool = False


class Contact:
    """A peer and what the core remembers about it only while it runs."""

    __slots__ = (
        "attempt",
        "busy",
        "fetching",
        "gone",
        "greet",
        "inflight",
        "links",
        "more",
        "next_try",
        "part",
        "paused",
        "peer",
        "reason",
        "settled",
        "waiting",
    )

    def __init__(self, peer: m.Peer, *, gone: bool = False, more: bool = False) -> None:
        self.peer = peer
        self.gone = gone
        #: Open persistent links, the one to use last.
        self.links: list[int] = []
        #: The link being dialled or used for one message, if any.
        self.busy: int | None = None
        #: The head of its outbox, in order; `more` says that there are further ones on disk.
        self.waiting: collections.deque[Waiting] = collections.deque()
        self.more = more
        self.fetching = False
        #: Messages whose outcome became known while the disk was asked for more.
        self.settled: set[int] = set()
        #: Given to a link, outcome not known yet.
        self.inflight: dict[int, Waiting] = {}
        #: Which part of the head of `waiting` comes next, for one-shot peers.
        self.part = 1
        #: Failed attempts in a row; when the next is due (ms) and why.
        self.attempt = 0
        self.next_try: int | None = None
        self.reason = ""
        #: Somebody said disconnect: don't dial before there is a new reason to.
        self.paused = False
        #: Say hello when it turns out to be a one-shot client: somebody asked for a connection.
        self.greet = False

    @property
    def id(self) -> str:
        """The peer's id."""
        return self.peer.id

    @property
    def address(self) -> Address | None:
        """Where it listens, if it has said so."""
        return None if self.peer.port is None else Address(self.peer.host, self.peer.port)


class Contacts:
    """All peers of this node."""

    def __init__(self, ledger: Ledger, rooms: Rooms, contacts: Iterable[Contact], last_number: int) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._last_number = last_number
        self.by_id: dict[str, Contact] = {}
        self._by_address: dict[tuple[str, int], Contact] = {}
        self._by_host: dict[str, list[Contact]] = {}
        for contact in contacts:
            self._index(contact)

    def _index(self, contact: Contact) -> None:
        peer = contact.peer
        self.by_id[peer.id] = contact
        self._by_host.setdefault(peer.host, []).append(contact)
        if peer.port is not None:
            self._by_address[peer.host, peer.port] = contact

    def _unindex(self, contact: Contact) -> None:
        peer = contact.peer
        del self.by_id[peer.id]
        self._by_host[peer.host].remove(contact)
        if not self._by_host[peer.host]:
            del self._by_host[peer.host]
        if peer.port is not None:
            self._by_address.pop((peer.host, peer.port), None)

    def at(self, host: str, port: int) -> Contact | None:
        """The peer that listens there."""
        return self._by_address.get((host, port))

    def named(self, name: str) -> list[Contact]:
        """All peers that go by a name, those on the list only. Compared without regard to case."""
        folded = name.casefold()
        return [c for c in self.by_id.values() if not c.gone and c.peer.name.casefold() == folded]

    def change(self, contact: Contact, **changes: object) -> bool:
        """Change a peer; logged and stored only when something is new. Returns whether it was."""
        peer = contact.peer
        if all(getattr(peer, name) == value for name, value in changes.items()):
            return False
        address_changed = "port" in changes or "host" in changes
        if address_changed:
            self._unindex(contact)
        contact.peer = msgspec.structs.replace(peer, **changes)
        if address_changed:
            self._index(contact)
        self._ledger.put(e.PutPeer(contact.peer, contact.gone))
        if not contact.gone:
            self._ledger.log(m.PeerChanged(peer=contact.peer))
        if "name" in changes:
            self._rooms.rename(contact.peer.room, contact.peer.name)
        return True

    def seen(self, contact: Contact) -> None:
        """It said something now. Front ends derive that from the message itself, so it isn't logged."""
        if contact.peer.last_seen != self._ledger.now:
            contact.peer = msgspec.structs.replace(contact.peer, last_seen=self._ledger.now)
            self._ledger.put(e.PutPeer(contact.peer, contact.gone))

    def add(self, host: str, port: int | None, name: str | None, dialect: str, source: str) -> Contact:
        """A new plain peer and its conversation. Raises OverflowError at MAX_PEERS."""
        if len(self.by_id) >= MAX_PEERS:
            raise OverflowError(f"{MAX_PEERS} peers are known; forget some.")
        self._last_number += 1
        id_ = f"{PLAIN_PREFIX}{self._last_number}"
        shown = name or (str(Address(host, port)) if port is not None else host)
        peer = m.Peer(id=id_, room=id_, name=shown, host=host, port=port, dialect=dialect, dialect_from=source)
        contact = Contact(peer)
        self._index(contact)
        self._ledger.put(e.PutPeer(peer))
        self._ledger.log(m.PeerAdded(peer=peer))
        self._rooms.add_plain(id_, shown, id_)
        return contact

    def revive(self, contact: Contact) -> None:
        """A forgotten peer is back on the list."""
        if contact.gone:
            contact.gone = False
            self._ledger.put(e.PutPeer(contact.peer))
            self._ledger.log(m.PeerAdded(peer=contact.peer))

    def forget(self, contact: Contact) -> None:
        """Take it off the list; its conversation and its row stay."""
        contact.gone = True
        contact.peer = msgspec.structs.replace(contact.peer, wanted=False, link="offline", error=None)
        self._ledger.put(e.PutPeer(contact.peer, gone=True))
        self._ledger.log(m.PeerForgotten(peer=contact.id))

    def nameless(self, contact: Contact) -> bool:
        """Whether it is shown by its address because it has never said a name."""
        return contact.peer.name in (contact.peer.host, str(contact.address))

    def identify(self, host: str, port: int | None, name: str | None, dialect: str) -> Contact:
        """The peer at `host` that claims this port, or, without one, goes by this name; a new one if need be.

        Raises OverflowError at MAX_PEERS.
        """
        if port is not None:
            contact = self.at(host, port)
            if contact is None:
                provisional = self._provisional(host, name) if name else None
                if provisional is not None:
                    self.change(provisional, port=port)
                    contact = provisional
                else:
                    contact = self.add(host, port, name, dialect, "seen")
        else:
            same = [c for c in self._by_host.get(host, ()) if name is not None and c.peer.name == name]
            if len(same) == 1:
                contact = same[0]
            else:
                contact = self._provisional(host, name) or self.add(host, None, name, dialect, "seen")
        self.revive(contact)
        return contact

    def _provisional(self, host: str, name: str | None) -> Contact | None:
        """The peer of this address and name that hasn't said its port yet."""
        for contact in self._by_host.get(host, ()):
            if contact.peer.port is None and contact.peer.name == (name or host):
                return contact
        return None

    def claim(self, contact: Contact, port: int) -> Contact:
        """A peer known by name only says on which port it listens: it becomes one with the peer known there."""
        known = self.at(contact.peer.host, port)
        if known is contact:
            return contact
        if known is None:
            self.change(contact, port=port)
            return contact
        # The conversation that is known by its address stays; what was said before the claim joins it.
        if not self.nameless(contact) and self.nameless(known):
            self.change(known, name=contact.peer.name)
        self.revive(known)
        known.links.extend(contact.links)
        known.inflight.update(contact.inflight)
        if contact.waiting or contact.more:
            known.waiting = collections.deque(sorted((*known.waiting, *contact.waiting), key=lambda w: w.id))
            known.more = known.more or contact.more
        for waiting in (*known.waiting, *known.inflight.values()):
            waiting.room = known.peer.room
        self._ledger.put(e.PutPeer(contact.peer, gone=True))
        self._rooms.merge(contact.peer.room, known.peer.room)
        if not contact.gone:
            self._ledger.log(m.PeerForgotten(peer=contact.id))
        self._unindex(contact)
        return known
