"""The addresses and host names of peers: what is learnt of them, what is kept, and what becomes of tries. Pure.

paths.py has the rules. An address that another node on the list is known by isn't given to a second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from node.bus import nouns
from node.core.contact import Contact
from node.core.directory import Directory
from node.core.ledger import Ledger
from node.core.paths import Path, kept, learnt, order
from node.model import Address

#: Most addresses of a node that are kept, the best ones.
MAX_NODE_ADDRESSES = 8
#: Most host names of a peer; beyond, the one that was given first goes.
MAX_HOSTNAMES = 4


class Peers(Protocol):
    """The list of peers."""

    @property
    def by_id(self) -> Mapping[str, Contact]:
        """All peers, on the list or not."""

    def at(self, host: str, port: int) -> Contact | None:
        """The peer that listens there."""

    def is_own(self, address: Address) -> bool:
        """Whether this node itself listens there."""

    def change(self, contact: Contact, **changes: object) -> bool:
        """Change a peer; returns whether anything was new."""

    def put(self, contact: Contact) -> None:
        """Write a peer as it is now."""


class Places:
    """The addresses and host names of all peers."""

    def __init__(self, ledger: Ledger, directory: Directory, contacts: Peers) -> None:
        self._ledger = ledger
        self._directory = directory
        self._contacts = contacts

    def set_addresses(self, contact: Contact, found: Iterable[Address]) -> None:
        """The addresses of a node are these, and no others. Those of another node on the list are left out."""
        known = {path.address: path for path in contact.paths}
        self._set_paths(contact, [known.get(one) or Path(one, "seen", self._ledger.now) for one in found])

    def learn(self, contact: Contact, found: Iterable[Address], how: nouns.How, *, good: bool = False) -> None:
        """Addresses of a peer were learnt now. `good`: it is linked there, or has called from there.

        Of more than MAX_NODE_ADDRESSES some go; paths.py says which. Those of another node on the list are left out.
        """
        if not contact.is_node:
            self._learn_plain(contact, found)
            return
        known = {path.address: path for path in contact.paths}
        new = {one: learnt(known, one, how, self._ledger.now, good=good) for one in found}
        if good:
            for one in new:
                contact.faults.pop(one, None)
        self._set_paths(contact, [*new.values(), *(path for path in contact.paths if path.address not in new)])

    def _learn_plain(self, contact: Contact, found: Iterable[Address]) -> None:
        """Further addresses of a plain peer, which its host name has. It keeps the one by which it is known."""
        new = [one for one in found if self._contacts.at(one.host, one.port) is None and not self._contacts.is_own(one)]
        listed = list(dict.fromkeys([*contact.peer.addresses, *map(str, new)]))[:MAX_NODE_ADDRESSES]
        first = contact.address or (new[0] if new else None)
        if first is not None and listed != contact.peer.addresses:
            if contact.address is None:
                self._contacts.change(contact, host=first.host, port=first.port)
            self._contacts.change(contact, addresses=listed)

    def _set_paths(self, contact: Contact, found: Iterable[Path]) -> None:
        chosen: dict[Address, Path] = {}
        for path in found:
            owner = None if path.is_hearsay else self._directory.node_of(path.address)
            if owner is not None and owner is not contact:
                if not owner.gone:
                    continue
                self.set_addresses(owner, [one for one in owner.addresses if one != path.address])
            chosen.setdefault(path.address, path)
        before = contact.paths
        # Who is found by which address depends on the paths, so they change while the node isn't in the directory.
        self._directory.remove(contact)
        contact.paths = tuple(order(kept(chosen.values(), MAX_NODE_ADDRESSES)))
        self._directory.add(contact)
        addresses = [path.address for path in contact.paths]
        contact.faults = {one: fault for one, fault in contact.faults.items() if one in addresses}
        first = addresses[0] if addresses else None
        changed = self._contacts.change(
            contact,
            host=contact.peer.host if first is None else first.host,
            port=None if first is None else first.port,
            addresses=[str(address) for address in addresses],
        )
        if contact.paths != before and not changed:
            self._contacts.put(contact)

    def tried(self, contact: Contact, address: Address, error: str | None = None) -> None:
        """An address of a node is being tried, or that has failed for this reason."""
        began = self._ledger.now if error is None else contact.faults.get(address, (self._ledger.now, None))[0]
        contact.faults[address] = began, error

    def drop_told(self, contact: Contact, keep: Iterable[Address]) -> None:
        """A node has told all of its addresses: what it told before, and was never good, is out of date."""
        old = [one for one in contact.paths if one.how == "exchange" and one.good is None and one.address not in keep]
        if old:
            self._set_paths(contact, [one for one in contact.paths if one not in old])

    def drop_hearsay(self, contact: Contact, address: Address) -> bool:
        """Another key answers at this address. If nobody vouches for the address, drop it; returns whether it was."""
        for path in contact.paths:
            if path.address == address and path.is_hearsay and path.how != "name":
                self.set_addresses(contact, [one.address for one in contact.paths if one is not path])
                return True
        return False

    def name_hosts(self, contact: Contact, hostnames: Iterable[str]) -> None:
        """People here gave these host names for a peer, as HOST:PORT; the last MAX_HOSTNAMES are kept."""
        names = list(dict.fromkeys([*contact.peer.hostnames, *hostnames]))[-MAX_HOSTNAMES:]
        self._contacts.change(contact, hostnames=names)

    def by_hostname(self, hostname: str) -> Contact | None:
        """The peer on the list for which people here gave this host name."""
        return next(
            (one for one in self._contacts.by_id.values() if hostname in one.peer.hostnames and not one.gone), None
        )
