"""Finds peers by id, by address and by name. Pure.

An address may have a plain peer and a node: clear text from a node's address goes to a plain peer of its own, and the
names that begin a text in clear are looked up among plain peers only.
"""

from __future__ import annotations

from typing import Any

from node import looks, names
from node.core.contact import Contact
from node.model import Address


class Directory:
    """All peers, on the list or not. Remove a peer before its name, host or addresses change, and add it again."""

    def __init__(self) -> None:
        self.by_id: dict[str, Contact] = {}
        self._plain_at: dict[tuple[str, int], Contact] = {}
        self._nodes_at: dict[tuple[str, int], Contact] = {}
        self._by_name: dict[str, dict[str, Contact]] = {}
        #: Nodes only: whatever a plain peer calls itself, it is no node.
        self._by_look: dict[str, dict[str, Contact]] = {}
        self._by_host_name: dict[tuple[str, str], dict[str, Contact]] = {}

    def add(self, contact: Contact) -> None:
        """Add a peer."""
        peer = contact.peer
        self.by_id[peer.id] = contact
        self._by_name.setdefault(names.key(peer.name), {})[peer.id] = contact
        for address in contact.addresses:
            (self._nodes_at if contact.is_node else self._plain_at)[address.host, address.port] = contact
        self.shade(contact)
        if contact.is_node:
            for look in looks.looks(peer.name):
                self._by_look.setdefault(look, {})[peer.id] = contact
            # What is said in clear is never taken for a node's words, whatever name it begins with.
            return
        for host in contact.hosts:
            self._by_host_name.setdefault((host, contact.own_name), {})[peer.id] = contact

    def shade(self, contact: Contact) -> None:
        """Note at plain peers whether a node that is on the list is known at their address."""
        for address in contact.addresses:
            plain = self._plain_at.get((address.host, address.port))
            if plain is not None:
                plain.node_here = self.node_at(address.host, address.port) is not None

    def remove(self, contact: Contact) -> None:
        """Remove a peer."""
        peer = contact.peer
        del self.by_id[peer.id]
        _drop(self._by_name, names.key(peer.name), peer.id)
        for address in contact.addresses:
            (self._nodes_at if contact.is_node else self._plain_at).pop((address.host, address.port), None)
        if contact.is_node:
            for look in looks.looks(peer.name):
                _drop(self._by_look, look, peer.id)
            self.shade(contact)
            return
        for host in contact.hosts:
            _drop(self._by_host_name, (host, contact.own_name), peer.id)

    def plain_at(self, host: str, port: int) -> Contact | None:
        """The plain peer that listens there."""
        return self._plain_at.get((host, port))

    def node_at(self, host: str, port: int) -> Contact | None:
        """The node on the list that is known to listen there."""
        found = self._nodes_at.get((host, port))
        return None if found is None or found.gone else found

    def node_of(self, address: Address) -> Contact | None:
        """The node that has this address, on the list or not."""
        return self._nodes_at.get((address.host, address.port))

    def at_host(self, host: str, name: str) -> list[Contact]:
        """All plain peers of a host that call themselves so."""
        return list(self._by_host_name.get((host, name), {}).values())

    def named(self, name: str) -> list[Contact]:
        """All peers that go by a name. Compared by `names.key`."""
        return list(self._by_name.get(names.key(name), {}).values())

    def alike(self, name: str) -> list[Contact]:
        """All nodes whose names look like this one."""
        found: dict[str, Contact] = {}
        for look in looks.looks(name):
            found |= self._by_look.get(look, {})
        return list(found.values())


def _drop(index: dict[Any, dict[str, Contact]], key: Any, id_: str) -> None:
    found = index[key]
    del found[id_]
    if not found:
        del index[key]
