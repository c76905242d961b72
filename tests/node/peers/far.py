"""The far end of an encrypted link, on a socket that a test holds: it says what the test likes, and how."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.model import peer_id
from node.peers.connection import Connection
from node.peers.tls import Credentials, Engine
from node.protocol.secure import frames
from node.protocol.secure.frames import Frame, Run, Splitter
from node.protocol.secure.offer import ANSWER, OFFER
from tests.node.peers.live import LOOPS, Live, dialled, eventually, hello, key, listening
from tests.support.processes import loopback_host

How = Literal["persistent", "unsure", "secure"]
ANNA, BEN, EVE = (peer_id(key(number).public_key().public_bytes_raw()) for number in (1, 2, 3))
BENS = Credentials(key(2))
loops = pytest.mark.parametrize("loop", LOOPS)


def numbered(number: int, size: int = 10) -> Run:
    """A frame that can be told from others, of about a size."""
    return Run("room", [number.to_bytes(4, "big")], [bytes(size)], bytes(64))


def numbers(fed: list[Frame]) -> list[int]:
    return [int.from_bytes(frame.headers[0], "big") for frame in fed if isinstance(frame, Run)]


def framed(live: Live) -> list[Frame]:
    return [frame for one in live.all(s.Framed) for frame in one.frames]


@contextlib.asynccontextmanager
async def two() -> AsyncIterator[tuple[Live, Live]]:
    async with listening(key=key(1)) as anna, listening(key=key(2)) as ben:
        yield anna, ben


async def upgraded(anna: Live, ben: Live, how: How = "secure", link: int = 1) -> int:
    """Anna dials Ben; returns the number of the link at Ben's."""
    before = len(ben.all(s.Secured))
    anna.perform(e.Dial(link, ben.listen_address, how))
    await eventually(lambda: len(ben.all(s.Secured)) > before and any(one.link == link for one in anna.all(s.Secured)))
    return ben.all(s.Secured)[-1].link


class Far:
    """One end. `most`: it writes pieces of 1 to so many bytes, each in a segment of its own."""

    def __init__(self, sock: socket.socket, *, dials: bool, credentials: Credentials = BENS, most: int | None = None):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.dials = dials
        self.engine = Engine(credentials, server=not dials)
        #: Frames that came, in order, without those that keep the link alive.
        self.heard: list[Frame] = []
        self._most = most
        self._dice = random.Random(3)
        self._splitter = Splitter()
        self._splitter.limit = frames.MAX_FRAME
        self._loop = asyncio.get_running_loop()

    async def put(self, data: bytes) -> None:
        """Write bytes as they are."""
        while data:
            size = len(data) if self._most is None else self._dice.randint(1, self._most)
            await self._loop.sock_sendall(self.sock, data[:size])
            data = data[size:]
            if self._most is not None:
                await asyncio.sleep(0)

    async def read(self, size: int = 65536) -> bytes:
        """Read what comes next; b"" at the end."""
        return await self._loop.sock_recv(self.sock, size)

    async def offer(self) -> None:
        """As the one that dials: offer, and read the answer."""
        await self.put(b"CONNECT:5000" + OFFER)
        found = b""
        while len(found) < len(ANSWER):
            data = await self.read(len(ANSWER) - len(found))
            assert data, "it closed the connection instead of answering"
            found += data
        assert found == ANSWER

    async def answer(self) -> bytes:
        """As the one that is dialled: read the offer, and answer; returns what was read."""
        found = b""
        while not found.endswith(OFFER):
            data = await self.read()
            assert data
            found += data
        await self.put(ANSWER)
        return found

    async def shake(self) -> None:
        """The handshake of TLS."""
        self.engine.start()
        await self.put(self.engine.out())
        while not self.engine.up:
            assert await self.pump(), "it closed the connection"

    async def pump(self) -> bool:
        """Read once, and answer what TLS wants answered; returns False at the end."""
        data = await self.read()
        for frame in self._splitter.feed(self.engine.feed(data)):
            found = frames.decode(frame)
            if isinstance(found, frames.Ping):
                await self.say(frames.Pong(found.token))
            elif found is not None:
                self.heard.append(found)
        await self.put(self.engine.out())
        return bool(data)

    async def say(self, *said: Frame) -> None:
        """Say frames."""
        for frame in said:
            self.engine.write(frames.encode(frame))
        await self.put(self.engine.out())

    async def open(self) -> None:
        """All of it, until both sides have read the other's HELLO."""
        await (self.offer() if self.dials else self.answer())
        await self.shake()
        sign = frames.Pong(b"that far")
        await self.say(hello(name="far"), frames.Ping(sign.token))
        while sign not in self.heard:
            assert await self.pump()
        self.heard.remove(sign)

    async def to_end(self) -> None:
        """Read until the other side closes."""
        while await self.pump():
            pass


@contextlib.contextmanager
def far(live: Live, most: int | None = None) -> Iterator[Far]:
    """A far end that dials."""
    with dialled(live) as sock:
        yield Far(sock, dials=True, most=most)


@contextlib.contextmanager
def awaited() -> Iterator[socket.socket]:
    """A socket that listens."""
    with socket.create_server((loopback_host(), 0)) as listener:
        listener.setblocking(False)
        yield listener


async def taken(listener: socket.socket) -> Far:
    """The far end of whoever dials a socket that listens."""
    sock, _ = await asyncio.get_running_loop().sock_accept(listener)
    return Far(sock, dials=False)


def connection(live: Live, link: int) -> Connection:
    return live._connections[link]
