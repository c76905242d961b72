"""Host names, looked up without holding anybody up: a name that isn't known at once is looked up in the background."""

from __future__ import annotations

import asyncio
import socket
import time

from node.model import Address, is_ip
from node.peers import zones

#: A command waits so long for a name, in seconds; then it is refused, and the look-up goes on.
PATIENCE = 0.04
#: An answer counts for so long, in seconds.
LIFETIME = 60.0
#: Names remembered; beyond, the oldest is dropped.
MAX_NAMES = 1000


class Unresolved(Exception):
    """`pending`: the look-up still runs. Otherwise nobody goes by that host name."""

    def __init__(self, host: str, pending: bool) -> None:
        super().__init__(host)
        self.host = host
        self.pending = pending


class Resolver:
    """Looks names up, each at most once at a time, and remembers answers for a while."""

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
            # Old clients know IPv4 only, so it goes first.
            host = min(hosts, key=lambda host: ":" in host)
        except (OSError, ValueError):
            host = None
        while len(self._known) >= MAX_NAMES:
            del self._known[next(iter(self._known))]
        self._known[name] = (time.monotonic() + LIFETIME, host)
        self._running.pop(name, None)
        return host
