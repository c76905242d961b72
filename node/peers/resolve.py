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
        self._known: dict[str, tuple[float, str | None]] = {}
        self._running: dict[str, asyncio.Task[str | None]] = {}

    async def resolve(self, address: Address) -> Address:
        """The address with an IP address for its host. Raises Unresolved."""
        if is_ip(address.host):
            return address
        known = self._known.get(address.host)
        if known is None or known[0] < time.monotonic():
            task = self._running.get(address.host)
            if task is None:
                task = self._running[address.host] = asyncio.create_task(self._look_up(address.host))
            done, _ = await asyncio.wait([task], timeout=PATIENCE)
            if not done:
                raise Unresolved(address.host, pending=True)
            host = task.result()
        else:
            host = known[1]
        if host is None:
            raise Unresolved(address.host, pending=False)
        return Address(host, address.port)

    async def _look_up(self, name: str) -> str | None:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
            hosts = [zones.host_of(entry[4]) for entry in found]
            # Prefer IPv4, because old clients speak only that.
            host = min(hosts, key=lambda host: ":" in host)
        except (OSError, ValueError):
            host = None
        while len(self._known) >= MAX_NAMES:
            del self._known[next(iter(self._known))]
        self._known[name] = (time.monotonic() + LIFETIME, host)
        self._running.pop(name, None)
        return host
