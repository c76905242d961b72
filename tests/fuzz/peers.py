"""Hostile peers over real sockets against a real node: `python -m tests.fuzz --peers --minutes N [--seed S]`.

The invariant: whatever hostile peers do, the node answers `status` within STATUS_S, each text of an honest peer arrives
once and in order, the node's log has no traceback, and its memory stays below MAX_MEMORY.

What each hostile connection does follows from the seed and its number; when they meet, the machine decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable

import msgspec

from node.model import Address
from tests.fuzz.corpus import SEEDS, TOKENS, spoilt
from tests.fuzz.nodes import hostile_node
from tests.support.processes import NodeProcess, eventually, loopback_host

#: Seconds within which `status` is answered: a busy and shared machine adds its own.
STATUS_S = 5.0
#: Bytes of memory that the node may have: a list full of strangers, and what waits for the disk.
MAX_MEMORY = 700_000_000
#: Seconds within which each honest text is on disk.
HONEST_S = 30.0
#: How often the honest peer says something, and how often the node is looked at, in seconds.
HONEST_EVERY, LOOK_EVERY = 0.05, 0.2
#: Hostile connections at once, and the addresses they come from.
CONNECTIONS, SOURCES = 60, 120
#: Seconds that one hostile connection may take.
PATIENCE = 3.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Manner = Callable[[random.Random, Streams], Awaitable[None]]


class Outcome(msgspec.Struct):
    """What a run has come to. `failure` says which part of the invariant was broken."""

    connections: int = 0
    honest: int = 0
    slowest: float = 0.0
    memory: int = 0
    failure: str | None = None


def _message(rng: random.Random) -> bytes:
    """Valid, broken, or several in a row; the port that is claimed may be any."""
    kind = rng.randrange(4)
    data = rng.choice(SEEDS) if kind == 0 else spoilt(rng) if kind < 3 else b"".join(rng.choices(TOKENS, k=3))
    return data.replace(b"6000", b"%d" % rng.choice((5000, 6001, 25, 6379, rng.randrange(70_000))))


async def _whole(rng: random.Random, streams: Streams) -> None:
    """One message, or several, at once; then it closes its side, or waits."""
    for _ in range(rng.randint(1, 3)):
        streams[1].write(_message(rng))
    if rng.random() < 0.7:
        streams[1].write_eof()
    await streams[0].read()


async def _pieces(rng: random.Random, streams: Streams) -> None:
    """A message in pieces with pauses between them."""
    data = _message(rng)[:400]
    while data:
        size = rng.choice((1, 2, 7, 50))
        streams[1].write(data[:size])
        data = data[size:]
        await streams[1].drain()
        await asyncio.sleep(rng.choice((0, 0, 0.01, 0.15)))


async def _half_closed(rng: random.Random, streams: Streams) -> None:
    """It closes its side at any moment, and only reads."""
    streams[1].write(_message(rng)[: rng.randint(0, 40)])
    streams[1].write_eof()
    await streams[0].read()


async def _reset(rng: random.Random, streams: Streams) -> None:
    """It breaks off with a reset."""
    streams[1].write(_message(rng))
    await asyncio.sleep(rng.choice((0, 0.01, 0.2)))
    sock = streams[1].get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    streams[1].transport.abort()


async def _flood(rng: random.Random, streams: Streams) -> None:
    """As much as is taken, of texts of one size."""
    streams[1].write(b"CONNECT:%d" % rng.randrange(1, 65_536))
    await asyncio.sleep(0.1)
    lines = (b"FLOOD: " + b"x" * rng.choice((1, 20, 500)) + b"\n") * 100
    while True:
        streams[1].write(lines)
        await streams[1].drain()


async def _slow_reader(rng: random.Random, streams: Streams) -> None:
    """It says words that are answered, and never reads."""
    streams[0]._transport.pause_reading()  # type: ignore[attr-defined]
    streams[1].write(rng.choice((b"5000\nCONNECT\n", b"CONNECT:5000\n")))
    for _ in range(50):
        streams[1].write(b"10.0.0.9:5000 SLOW hello\n" * 20)
        await streams[1].drain()
        await asyncio.sleep(0.02)


async def _names(rng: random.Random, streams: Streams) -> None:
    """Many ports and names over one connection."""
    for _ in range(rng.randint(1, 20)):
        streams[1].write(b"CONNECT:%d\nN%d: hi\n" % (rng.randrange(70_000), rng.randrange(1000)))
        await streams[1].drain()
        await asyncio.sleep(0.02)


async def _idle(rng: random.Random, streams: Streams) -> None:
    """A link that stays and says nothing."""
    streams[1].write(rng.choice((b"", b"CONNECT:1\n", b"5000\nCONNECT\n")))
    await streams[0].read()


MANNERS: tuple[Manner, ...] = (
    _whole, _whole, _pieces, _half_closed, _reset, _flood, _slow_reader, _names, _idle, hostile_node, hostile_node,
)  # fmt: skip


class PeerFuzz:
    """One run: hostile connections, an honest peer, and somebody who looks at the node."""

    def __init__(self, node: NodeProcess, seed: int) -> None:
        self._node = node
        self._seed = seed
        self._address = Address(node.host, node.port)
        self._host = loopback_host()
        self._number = 0
        self._over = threading.Event()
        self.outcome = Outcome()

    def run(self, seconds: float) -> Outcome:
        """Go on for so long, or until the invariant is broken."""
        hostile = threading.Thread(target=lambda: asyncio.run(self._hostile()))
        honest = threading.Thread(target=self._honest)
        hostile.start()
        honest.start()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end and self.outcome.failure is None:
                self._look()
                self._over.wait(LOOK_EVERY)
        finally:
            self._over.set()
            honest.join()
            hostile.join()
        if self.outcome.failure is None:
            self._check_honest()
        return self.outcome

    def _fail(self, what: str) -> None:
        self.outcome.failure = self.outcome.failure or what

    def _look(self) -> None:
        began = time.monotonic()
        try:
            self._node.client.status()
        except Exception as error:
            self._fail(f"`status` failed: {type(error).__name__}: {error}")
            return
        took = time.monotonic() - began
        self.outcome.slowest = max(self.outcome.slowest, took)
        if took > STATUS_S:
            self._fail(f"`status` took {took:.1f} s")
        assert self._node.process is not None
        status = pathlib.Path(f"/proc/{self._node.process.pid}/status").read_text("ascii", "replace")
        memory = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
        self.outcome.memory = max(self.outcome.memory, memory)
        if memory > MAX_MEMORY:
            self._fail(f"the node has {memory // 1_000_000} MB of memory")
        traceback = next((line for line in self._node.lines if "Traceback" in line or "a bug" in line), None)
        if traceback is not None:
            self._fail("the log has a traceback:\n" + "\n".join(self._node.lines[-40:]))

    # -- the honest one

    def _honest(self) -> None:
        """Says one numbered text after another, each over a connection of its own, as an old client does."""
        try:
            while not self._over.is_set():
                with socket.create_connection(
                    (self._address.host, self._address.port), HONEST_S, source_address=(self._host, 0)
                ) as sock:
                    sock.sendall(f"{self._host}:7001 HONEST honest {self.outcome.honest}".encode())
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(1024):
                        pass
                self.outcome.honest += 1
                self._over.wait(HONEST_EVERY)
        except OSError as error:
            self._fail(f"the honest peer can't say text {self.outcome.honest}: {error}")

    def _heard(self) -> list[str]:
        client, texts = self._node.client, []
        peer = next((one for one in client.peers().peers if one.host == self._host), None)
        if peer is None:
            return []
        before = None
        while True:
            page = client.history(peer.room, before=before, limit=200)
            texts = [one.text for one in page.messages] + texts
            if not page.more_before:
                return texts
            before = page.messages[0].id

    def _check_honest(self) -> None:
        said = [f"honest {number}" for number in range(self.outcome.honest)]
        with contextlib.suppress(AssertionError):
            eventually(lambda: len(self._heard()) >= len(said), within=HONEST_S)
        if (heard := self._heard()) != said:
            self._fail(f"the honest peer said {len(said)} texts, and {len(heard)} were heard: {heard[-5:]}")

    # -- the hostile ones

    async def _hostile(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._misbehave())

    async def _misbehave(self) -> None:
        while not self._over.is_set():
            number, self._number = self._number, self._number + 1
            rng = random.Random(f"{self._seed}/peer {number}")
            source = rng.randrange(SOURCES)
            host = f"127.{200 + source // 60}.66.{source % 60 + 1}"
            with contextlib.suppress(OSError):
                streams = await asyncio.open_connection(
                    self._address.host, self._address.port, local_addr=(host, 0), limit=2**16
                )
                self.outcome.connections += 1
                try:
                    async with asyncio.timeout(rng.choice((0.1, 0.5, PATIENCE))):
                        await rng.choice(MANNERS)(rng, streams)
                except TimeoutError:
                    pass
                finally:
                    streams[1].close()
            await asyncio.sleep(0.01)


def main(seed: int, seconds: float) -> int:
    """Fuzz a node of its own; exit code 1 when the invariant was broken."""
    with tempfile.TemporaryDirectory(prefix="sn-") as folder, NodeProcess(pathlib.Path(folder)) as node:
        node.start()
        found = PeerFuzz(node, seed).run(seconds)
    print(
        f"{found.connections} hostile connections, {found.honest} honest texts, `status` within {found.slowest:.2f} s,"
        f" {found.memory // 1_000_000} MB",
        flush=True,
    )
    if found.failure is not None:
        print(f"seed {seed}: {found.failure}", file=sys.stderr)
    return int(found.failure is not None)
