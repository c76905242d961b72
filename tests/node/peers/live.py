"""A Network on a loopback address, and old-fashioned sockets to meet it with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core import stimuli as s
from node.model import Address, peer_id
from node.peers.network import Network
from node.peers.tls import Credentials
from node.protocol.plain.codec import Text
from node.protocol.secure.frames import Hello
from tests.support.processes import loopback_host

Kind = TypeVar("Kind", bound=s.Stimulus)


#: The loops that a node can run on: the one that it uses, and the one of the platforms without it.
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


def run(test: Callable[[], Coroutine[Any, Any, None]], loop: str = "uvloop") -> None:
    """Run a test on a loop, by default the one that the node uses; what nobody caught in it fails the test."""
    uncaught: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: uncaught.append(context))
        async with asyncio.timeout(100):
            await test()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(watched())
    assert uncaught == []


def key(number: int) -> Ed25519PrivateKey:
    """An identity of a test, always the same for a number."""
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


def hello(port: int = 5000, name: str = "anna") -> Hello:
    """Who a node of a test says it is."""
    return Hello([2], bytes(16), bytes(16), name, port, 1_700_000_000_000, [])


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

    def __init__(self, room: int, key: Ed25519PrivateKey | None = None) -> None:
        self.fed: list[s.Stimulus] = []
        #: Sources that the disk has enough of for now.
        self.full: set[str] = set()
        #: Links that are used with somebody known.
        self.used: set[int] = set()
        credentials = None if key is None else Credentials(key)
        #: Its PeerId, if it has a key.
        self.peer = "" if key is None else peer_id(key.public_key().public_bytes_raw())
        super().__init__(Anna(self.fed, self.full, self.used), room, credentials, self.said_hello)

    def said_hello(self) -> Hello:
        """What it says of itself on an encrypted link."""
        return hello(self.listen_address.port)

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
async def listening(room: int = 1000, key: Ed25519PrivateKey | None = None) -> AsyncIterator[Live]:
    """A Network that listens on an address of its own. With a key, it makes encrypted links."""
    network = Live(room, key)
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
