"""The addresses of this machine, read from its interfaces, without asking any other machine; and when they change."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import ifaddr

from node import tasks
from node.model import Address, is_loopback

log = logging.getLogger("snicher")

#: How often the interfaces are looked at, in seconds.
LOOK_S = 5.0
#: A change is told once two looks so far apart (seconds) agree: a cable that is plugged in brings several in a row.
SETTLE_S = 1.0
#: Looks that may differ in a row; then what is there is told all the same.
MAX_SETTLING = 8
#: With a pause of so many seconds more than planned between two looks, the machine was asleep (or its clock was set,
#: which is treated the same).
SLEPT_S = 20.0
#: A network with more addresses than these prefixes leave is no network that one shares: somebody's default route, say.
MIN_PREFIX = {4: 8, 6: 32}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Own(NamedTuple):
    """An address of this machine: the interface that has it, and the network that it is on."""

    host: str
    prefix: int
    #: The interface's name and number.
    name: str
    number: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def is_link_local(self) -> bool:
        """Whether it holds on one cable only (fe80 and 169.254)."""
        return ipaddress.ip_address(self.host).is_link_local

    @property
    def network(self) -> Network:
        """Its network."""
        return ipaddress.ip_network((self.host, self.prefix), strict=False)


def own() -> list[Own]:
    """All addresses of this machine, in the order of `local_hosts`; a host is without its zone."""
    found: dict[tuple[str, str], Own] = {}
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            host = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            one = Own(host.partition("%")[0], ip.network_prefix, adapter.name, adapter.index or 0)
            found.setdefault((one.host, one.name), one)
    return sorted(found.values(), key=lambda one: (rank(one.host), one))


def local_hosts() -> list[str]:
    """All IP addresses of this machine: first those that others can reach, last loopback and link-local ones."""
    return hosts_of(own())


def hosts_of(found: Iterable[Own]) -> list[str]:
    """The IP addresses among these, without zones, in the order of `local_hosts`."""
    return sorted(dict.fromkeys(one.host for one in found), key=rank)


def outside(hosts: Iterable[str]) -> list[str]:
    """Those of these hosts that others may reach: addresses that hold on one cable only if there are no others.

    Containers and the like make and remove such addresses all the time.
    """
    found = [host for host in hosts if not rank(host)[0]]
    return [host for host in found if not rank(host)[1]] or found


def rank(host: str) -> tuple[bool, bool, bool]:
    """Sorts addresses: those that others can reach first, IPv4 before IPv6."""
    address = ipaddress.ip_address(host.partition("%")[0])
    return (address.is_loopback, address.is_link_local, address.version == 6)


def reachable_at(listen: Address, hosts: Iterable[str] | None = None) -> list[str]:
    """HOST:PORT of every address at which others can reach a node that listens there, best first.

    A wildcard stands for all interfaces of its family; loopback is named only when there is nothing else. `hosts`: as
    of `local_hosts`, if they are at hand.
    """
    if listen.host not in ("0.0.0.0", "::"):
        return [str(listen)]
    usable = [host for host in hosts or local_hosts() if listen.host == "::" or ":" not in host]
    outside = [host for host in usable if not rank(host)[0] and not rank(host)[1]]
    return [str(Address(host, listen.port)) for host in outside or usable]


def is_near(host: str, found: Iterable[Own]) -> bool:
    """Whether an address, without a zone, is another machine's on one of the networks of these interfaces.

    Also this machine's own. Never loopback, multicast, broadcast, or an address of another network.
    """
    address = ipaddress.ip_address(host)
    if address.is_loopback or address.is_multicast or address.is_unspecified:
        return False
    for one in found:
        network = one.network
        if network.version != address.version or one.is_local or one.prefix < MIN_PREFIX[network.version]:
            continue
        if address in network:
            edges = (network.network_address, network.broadcast_address)
            return str(address) == one.host or network.version == 6 or network.prefixlen > 30 or address not in edges
    return False


class Watcher:
    """Looks at the interfaces, and tells when they have changed and settled."""

    def __init__(
        self,
        changed: Callable[[list[Own], bool], None],
        look: Callable[[], list[Own]] = own,
        clock: Callable[[], float] = time.time,
    ) -> None:
        #: Called with what is there now, and whether the machine has slept.
        self._changed = changed
        self._look = look
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        #: What was told last.
        self.found: list[Own] = []

    def start(self) -> list[Own]:
        """Look now, and from now on; returns what is there."""
        self.found = self._safely() or []
        self._task = tasks.begin(self._watch(), "watching the interfaces")
        return self.found

    async def close(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        await tasks.end(task)

    def _safely(self) -> list[Own] | None:
        try:
            return self._look()
        except (OSError, ValueError) as error:
            log.debug("the interfaces can't be looked at: %s", error)
            return None

    async def _watch(self) -> None:
        while True:
            woke = await self._slept(LOOK_S)
            now = self._safely()
            for _ in range(MAX_SETTLING):
                if now is None or (now == self.found and not woke):
                    break
                before = now
                woke = await self._slept(SETTLE_S) or woke
                now = self._safely()
                if now == before:
                    break
            if now is not None and (now != self.found or woke):
                self.found = now
                self._changed(now, woke)

    async def _slept(self, seconds: float) -> bool:
        """Wait so long; returns whether it took much longer."""
        began = self._clock()
        await asyncio.sleep(seconds)
        return not 0 <= self._clock() - began < seconds + SLEPT_S
