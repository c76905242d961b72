"""What is taken of an mDNS answer. Anybody on the network can send one, with anything in it. Opens no socket.

A service counts only with a name and a TXT record as nodes make them. Of its addresses only those count that are on a
network of this machine: a made-up answer can't make this node dial a machine elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from node.model import Address
from node.peers import interfaces
from node.protocol import nearby

#: Most addresses of a service that are looked at, and that are kept.
MAX_LOOKED_AT, MAX_KEPT = 64, 8


class Seen(NamedTuple):
    """A service that may be a node's."""

    tag: bytes
    addresses: tuple[Address, ...]


def read(
    properties: Mapping[bytes, bytes | None],
    hosts: Sequence[str],
    port: int | None,
    own: Iterable[interfaces.Own],
) -> Seen | None:
    """What a service says of itself; None when nothing in it can be used.

    `hosts` are its IP addresses; link-local ones of IPv6 with the number of the interface as their zone.
    """
    tag = nearby.read(properties)
    if tag is None or port is None or not 1 <= port <= 65_535:
        return None
    networks = list(own)
    found: dict[Address, None] = {}
    for host in hosts[:MAX_LOOKED_AT]:
        usable = _usable(host, networks)
        if usable is not None:
            found[Address(usable, port)] = None
    best = sorted(found, key=lambda address: interfaces.rank(address.host))
    return Seen(tag, tuple(best[:MAX_KEPT])) if best else None


def _usable(host: str, own: list[interfaces.Own]) -> str | None:
    """The host in our form, with its zone as the interface's name; None if it isn't on a network of this machine."""
    bare, _, zone = host.partition("%")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if address.version == 6 and (address.ipv4_mapped is not None or address.is_link_local) and not zone:
        return None
    if address.version == 6 and address.is_link_local:
        try:
            name = socket.if_indextoname(int(zone)) if zone.isdecimal() else zone
        except (OSError, OverflowError):
            return None
        there = [one for one in own if one.name == name]
        return f"{address}%{name}" if interfaces.is_near(bare, there) else None
    return str(address) if interfaces.is_near(bare, own) else None
