"""Host names. A look-up that takes long goes on in the background, and its command is refused as retryable."""

from __future__ import annotations

import asyncio
import socket
import time

from node.model import Address, is_ip
from node.peers import zones

#: How long a command waits for a look-up, in seconds; then it is refused, and the look-up goes on.
PATIENCE = 0.04
#: How long an answer is cached, in seconds.
LIFETIME = 60.0
#: How long it is cached that a name has none, in seconds.
FAILED_LIFETIME = 1.0
#: Most addresses of a name that are used, the first ones.
MAX_ADDRESSES = 8
#: Most names in the cache; beyond, the oldest is dropped.
MAX_NAMES = 1000


class Unresolved(Exception):
    """A host name has no address yet. `pending`: the look-up still runs; otherwise there is no such host."""

    def __init__(self, host: str, pending: bool) -> None:
        super().__init__(host)
        self.host = host
        self.pending = pending


class Resolver:
    """Looks up names, each at most once at a time, and caches the answers."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._running: dict[str, asyncio.Task[list[str]]] = {}

    async def resolve(self, address: Address) -> Address:
        """The address with the first IP address of its host. Raises Unresolved."""
        if is_ip(address.host):
            return address
        hosts = self._cached(address.host)
        if hosts is None:
            task = self._begin(address.host)
            done, _ = await asyncio.wait([task], timeout=PATIENCE)
            if not done:
                raise Unresolved(address.host, pending=True)
            hosts = task.result()
        if not hosts:
            raise Unresolved(address.host, pending=False)
        return Address(hosts[0], address.port)

    async def all_of(self, host: str) -> list[str]:
        """All IP addresses of a host, IPv4 first; empty if there is no such host. It takes as long as it takes."""
        hosts = self._cached(host)
        return await asyncio.shield(self._begin(host)) if hosts is None else hosts

    def _cached(self, host: str) -> list[str] | None:
        known = self._known.get(host)
        return None if known is None or known[0] < time.monotonic() else known[1]

    def _begin(self, host: str) -> asyncio.Task[list[str]]:
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.create_task(self._look_up(host))
        return task

    async def _look_up(self, name: str) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
            hosts = list(dict.fromkeys(zones.host_of(entry[4]) for entry in found))
            # Prefer IPv4, because old clients speak only that.
            hosts = sorted(hosts, key=lambda host: ":" in host)[:MAX_ADDRESSES]
        except (OSError, ValueError):
            hosts = []
        while len(self._known) >= MAX_NAMES:
            del self._known[next(iter(self._known))]
        # That there is no such host is true for a short time only: the network may be coming up.
        lifetime = LIFETIME if hosts else FAILED_LIFETIME
        self._known[name] = (time.monotonic() + lifetime, hosts)
        self._running.pop(name, None)
        return hosts
