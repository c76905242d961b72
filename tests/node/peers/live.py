"""A Network on a loopback address, and old-fashioned sockets to meet it with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

import uvloop

from node.core import stimuli as s
from node.model import Address
from node.peers.network import Network
from node.protocol.plain.codec import Text
from tests.support.processes import loopback_host

Kind = TypeVar("Kind", bound=s.Stimulus)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on the loop that the node uses; what nobody caught in it fails the test."""
    uncaught: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: uncaught.append(context))
        async with asyncio.timeout(100):
            await test()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(watched())
    assert uncaught == []


class Anna:
    """A node for connections to meet: it only keeps what it is fed."""

    name = "anna"
    owed = 0.0

    def __init__(self, fed: list[s.Stimulus], full: set[str], used: set[int]) -> None:
        self.feed = fed.append
        self.in_use = used.__contains__
        self._full = full

    def full_for(self, source: str, light: bool) -> bool:
        return source in self._full


class Live(Network):
    """A Network that keeps what it feeds."""

    def __init__(self, room: int) -> None:
        self.fed: list[s.Stimulus] = []
        #: Sources that the disk has enough of for now.
        self.full: set[str] = set()
        #: Links that are used with somebody known.
        self.used: set[int] = set()
        super().__init__(Anna(self.fed, self.full, self.used), room)

    def all(self, kind: type[Kind]) -> list[Kind]:
        """What was fed, of one kind."""
        return [one for one in self.fed if isinstance(one, kind)]

    @property
    def texts(self) -> list[str]:
        """The texts heard, in order."""
        return [said.text for heard in self.all(s.Heard) for said in heard.said if isinstance(said, Text)]


async def eventually(look: Callable[[], object], within: float = 60.0) -> None:
    """Let the loop run until `look` is true."""
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def listening(room: int = 1000) -> AsyncIterator[Live]:
    """A Network that listens on an address of its own."""
    network = Live(room)
    await network.listen(Address(loopback_host(), 0))
    try:
        yield network
    finally:
        network.stop_listening()
        network.leave_all()
        await network.closed(60.0)


@contextlib.contextmanager
def dialled(network: Network, host: str | None = None) -> Iterator[socket.socket]:
    """A socket that is connected to the network, from a machine of its own."""
    address = network.listen_address
    with socket.socket() as sock:
        sock.bind((host or loopback_host(), 0))
        sock.connect((address.host, address.port))
        sock.setblocking(False)
        yield sock


async def read_to_end(sock: socket.socket) -> bytes:
    """All bytes until the other side closes; ConnectionResetError when it breaks off."""
    loop, found = asyncio.get_running_loop(), b""
    while data := await loop.sock_recv(sock, 65536):
        found += data
    return found
