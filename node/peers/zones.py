"""The zones of link-local IPv6 addresses (RFC 4007): the interface of this machine that leads to an address.

One link-local address means different machines behind different interfaces, so a peer's host keeps its zone. It is kept
as the interface's name, because the system's numbers change when an interface is unplugged. A number is accepted too.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from node.model import Address, normal_host
from node.peers import interfaces


def host_of(sockaddr: Sequence[Any]) -> str:
    """The host in a socket's address, with its zone if it is link-local. Raises ValueError when there is none."""
    bare, _, zone = str(sockaddr[0]).partition("%")
    host, link_local = _without_zone(bare)
    if not link_local:
        return host
    if not zone and len(sockaddr) == 4 and sockaddr[3]:
        zone = str(sockaddr[3])
    try:
        return f"{host}%{_named(zone)}" if zone else host
    except OSError:
        # The interface has disappeared since.
        return f"{host}%{zone}"


def checked(address: Address) -> Address:
    """An address to listen at or to dial, with its zone as the interface's name. Raises ValueError with a sentence.

    A link-local address is refused without a zone, and with a zone that this machine doesn't have.
    """
    host, _, zone = address.host.partition("%")
    if not _is_link_local(host):
        return address
    if zone:
        try:
            return Address(f"{host}%{_named(zone)}", address.port)
        except OSError:
            wrong = f"This machine has no interface {zone!r}"
    else:
        wrong = f"{host} is a link-local address, and each interface has its own of these: write through which one"
    names = sorted(name for _, name in socket.if_nameindex())
    example = next((name for name in names if not name.startswith("lo")), "eth0")
    raise ValueError(f"{wrong}, as in [{host}%{example}]:{address.port} (there are {', '.join(names)}).")


def elsewhere(address: Address) -> Address:
    """As `checked`, for an address to dial. One of this machine itself is refused, because it leads back to us."""
    address = checked(address)
    host = address.host.partition("%")[0]
    if _is_link_local(host) and host in (own.partition("%")[0] for own in interfaces.local_hosts()):
        raise ValueError(f"{address.host} is this machine itself; for another node on it write [::1]:{address.port}.")
    return address


@functools.lru_cache(4096)
def _without_zone(bare: str) -> tuple[str, bool]:
    """A host in canonical form, and whether it is link-local. Raises ValueError."""
    host = normal_host(bare)
    return host, _is_link_local(host)


def _is_link_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.version == 6 and address.is_link_local


def _named(zone: str) -> str:
    """The interface's name, of its name or number. Raises OSError when there is no such interface."""
    number = int(zone) if zone.isascii() and zone.isdigit() else socket.if_nametoindex(zone)
    try:
        return socket.if_indextoname(number)
    except OverflowError as error:
        raise OSError(f"no interface has the number {number}") from error
