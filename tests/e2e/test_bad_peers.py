"""Two hundred bad connections at once, of every kind, and two honest peers who notice nothing.

Run with `-s` to see the honest messages' delay without and with the bad peers; no delay is asserted, because a busy
machine would fail for it. The bad ones send less than the disk takes: beyond that, all wait for the disk alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import statistics
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

from node.bus import messages as m
from node.bus.client import Client, Cursor
from tests.support.old_clients import AncestorConsole, Std
from tests.support.processes import NodeProcess, Nodes, eventually, loopback_host

CONNECTIONS = 200
#: Addresses that the bad connections come from: machines of their own.
SOURCES = 8
MESSAGES = 40

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Manner = Callable[[Streams, NodeProcess], Awaitable[None]]


def says(data: bytes) -> Manner:
    """Says one thing, and waits for the end."""

    async def manner(streams: Streams, node: NodeProcess) -> None:
        streams[1].write(data.replace(b"OURS", node.address.encode()))
        streams[1].write_eof()
        await streams[0].read()

    return manner


async def silent(streams: Streams, node: NodeProcess) -> None:
    await streams[0].read()


async def trickle(streams: Streams, node: NodeProcess) -> None:
    for byte in b"127.0.0.1:5000 SLOW " + b"x" * 500:
        streams[1].write(bytes([byte]))
        await asyncio.sleep(0.05)


async def endless(streams: Streams, node: NodeProcess) -> None:
    """A text without an end."""
    while True:
        streams[1].write(b"x" * 65_536)
        await streams[1].drain()
        await asyncio.sleep(0.5)


async def flood(streams: Streams, node: NodeProcess) -> None:
    """Many small texts."""
    streams[1].write(b"CONNECT:7000")
    await asyncio.sleep(0.3)
    while True:
        streams[1].write(b"FLOOD: x\n" * 100)
        await streams[1].drain()
        await asyncio.sleep(0.5)


async def reset(streams: Streams, node: NodeProcess) -> None:
    streams[1].write(b"127.0.0.1:5000 RST half a mess")
    sock = streams[1].get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    streams[1].transport.abort()


async def never_reads(streams: Streams, node: NodeProcess) -> None:
    streams[1].write(b"CONNECT:7001")
    streams[1].transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(30)


MANNERS: dict[str, Manner] = {
    "silence": silent,
    "a byte now and then": trickle,
    "no end": endless,
    "flood": flood,
    "reset": reset,
    "a reader that stops": never_reads,
    "nothing": says(b""),
    "blank": says(b" \n \n"),
    "TLS": says(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)),
    "HTTP": says(b"GET / HTTP/1.1\r\nHost: OURS\r\n\r\n"),
    "garbage": says(random.Random(1).randbytes(3000)),
    "not UTF-8": says(b"127.0.0.1:5000 BAD \xff\xfe\xfa"),
    "NUL": says(b"127.0.0.1:5000 NUL a\x00b"),
    "port 0": says(b"CONNECT:0"),
    "port 99999": says(b"CONNECT:99999"),
    "our address claimed": says(b"OURS ME it was you"),
    "somebody else's address claimed": says(b"10.1.2.3:5000 OTHER it was him"),
}


async def _misbehave(node: NodeProcess, number: int) -> None:
    manner = list(MANNERS.values())[number % len(MANNERS)]
    source = f"127.63.0.{number % SOURCES + 1}"
    while True:
        with contextlib.suppress(OSError):
            streams = await asyncio.open_connection(node.host, node.port, local_addr=(source, 0))
            try:
                async with asyncio.timeout(5):
                    await manner(streams, node)
            except TimeoutError:
                pass
            finally:
                streams[1].close()
        await asyncio.sleep(0.2)


@contextlib.contextmanager
def bad_peers(node: NodeProcess) -> Iterator[None]:
    """Two hundred of them, from other addresses than the honest ones, in a thread of their own."""
    stop = threading.Event()

    async def crowd() -> None:
        tasks = [asyncio.create_task(_misbehave(node, number)) for number in range(CONNECTIONS)]
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(crowd()))
    thread.start()
    try:
        eventually(lambda: node.client.stats().links > CONNECTIONS // 4, "the bad peers are there")
        yield
    finally:
        stop.set()
        thread.join(20)


def honest_delays(node: NodeProcess, old: Std, ancestor: AncestorConsole, word: str) -> list[float]:
    """How long honest messages take from being said to standing in the log, in ms; both come in order, and whole."""
    status = node.client.status()
    said: dict[str, float] = {}
    heard: dict[str, float] = {}

    def follow() -> None:
        with Client(node.home, name="honest") as client:
            follower = client.follow(Cursor(status.log, status.head))
            deadline = time.monotonic() + 60
            while len(heard) < 2 * MESSAGES and time.monotonic() < deadline:
                item = follower.next(0.5)
                data = item.data if isinstance(item, m.Event) else None
                if isinstance(data, m.MessageReceived) and data.message.text.startswith(word):
                    heard[f"{data.message.name} {data.message.text}"] = time.monotonic()

    watcher = threading.Thread(target=follow)
    watcher.start()
    for number in range(MESSAGES):
        for client in (old, ancestor):
            said[f"{client.team} {word} {number}"] = time.monotonic()
            client.send(node.host, node.port, f"{word} {number}")
        time.sleep(0.03)
    watcher.join(70)
    for team in ("HONEST", "ANC"):
        assert [text for text in heard if text.startswith(team)] == [f"{team} {word} {n}" for n in range(MESSAGES)]
    return [(heard[text] - said[text]) * 1000 for text in said]


def test_two_honest_peers_notice_nothing_of_two_hundred_bad_ones(nodes: Nodes) -> None:
    node = nodes.start("anna")
    with Std(loopback_host(), team="HONEST") as old, AncestorConsole(loopback_host(), team="ANC") as ancestor:
        ancestor.connect(node.host, node.port)
        alone = honest_delays(node, old, ancestor, "alone")
        with bad_peers(node):
            crowded = honest_delays(node, old, ancestor, "crowded")
            # And the other way: what we say gets to both.
            for client in (old, ancestor):
                node.send(client.address, f"hello {client.team}")
                client.wait_for(lambda c: any(f"hello {c.team}" in text for text in c.texts), timeout=30)
            status = node.client.status()
            assert status.ready and status.health.store
        assert node.runs and node.pid == status.pid
        for delays, when in ((alone, "alone"), (crowded, f"beside {CONNECTIONS} bad connections")):
            ordered = sorted(delays)
            print(f"\nhonest delay {when}: p50 {statistics.median(ordered):.1f} ms, p95 {ordered[-5]:.1f} ms", end="")
        peers = node.client.peers().peers
        assert not [peer for peer in peers if peer.host in (node.host, "10.1.2.3")], "nobody speaks for another address"
