"""Peers that misbehave in every way, as fast as they can, in a process of their own: `bad_peers(host, port)`.

They come from other loopback addresses than anybody else in the tests. Seventeen manners, some clumsy, some hostile.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator

from node.model import Address

CONNECTIONS = 200
#: Addresses that the bad connections come from: machines of their own.
SOURCES = 8

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Manner = Callable[[Streams, Address], Awaitable[None]]


def says(data: bytes) -> Manner:
    """Says one thing, and waits for the end."""

    async def manner(streams: Streams, node: Address) -> None:
        streams[1].write(data.replace(b"OURS", str(node).encode()))
        streams[1].write_eof()
        await streams[0].read()

    return manner


async def silent(streams: Streams, node: Address) -> None:
    await streams[0].read()


async def trickle(streams: Streams, node: Address) -> None:
    for byte in b"127.0.0.1:9 SLOW " + b"x" * 500:
        streams[1].write(bytes([byte]))
        await asyncio.sleep(0.05)


async def endless(streams: Streams, node: Address) -> None:
    """A text without an end."""
    while True:
        streams[1].write(b"x" * 65_536)
        await streams[1].drain()
        await asyncio.sleep(0.02)


async def flood(streams: Streams, node: Address) -> None:
    """Many small texts."""
    streams[1].write(b"CONNECT:7000")
    await asyncio.sleep(0.3)
    while True:
        streams[1].write(b"FLOOD: x\n" * 500)
        await streams[1].drain()
        await asyncio.sleep(0.02)


async def reset(streams: Streams, node: Address) -> None:
    streams[1].write(b"127.0.0.1:9 RST half a mess")
    sock = streams[1].get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    streams[1].transport.abort()


async def never_reads(streams: Streams, node: Address) -> None:
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
    "not UTF-8": says(b"127.0.0.1:9 BAD \xff\xfe\xfa"),
    "NUL": says(b"127.0.0.1:9 NUL a\x00b"),
    "port 0": says(b"CONNECT:0"),
    "port 99999": says(b"CONNECT:99999"),
    "our address claimed": says(b"OURS ME it was you"),
    "somebody else's address claimed": says(b"10.1.2.3:9 OTHER it was him"),
}


async def _misbehave(node: Address, number: int) -> None:
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


async def _flood(node: Address, number: int) -> None:
    """A source of its own that says lines as fast as they are taken, and comes back when it is left."""
    host = f"127.64.{number // 250}.{number % 250 + 1}"
    lines = b"".join(b"FLOOD: a line of this flood, as long as what people say, %d\n" % line for line in range(200))
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(node.host, node.port, local_addr=(host, 0))
            try:
                writer.write(b"CONNECT:7000")
                await asyncio.sleep(0.2)
                while not reader.at_eof():
                    writer.write(lines)
                    await writer.drain()
            finally:
                writer.close()
        await asyncio.sleep(0.2)


async def _crowd(node: Address, count: int) -> None:
    await asyncio.gather(*(_misbehave(node, number) for number in range(count)))


async def _floods(node: Address, count: int) -> None:
    await asyncio.gather(*(_flood(node, number) for number in range(count)))


def bad_peers(node: Address, count: int = CONNECTIONS) -> contextlib.AbstractContextManager[None]:
    """So many of them, until the end of the block."""
    return _process(node, count, "crowd")


def flooders(node: Address, count: int) -> contextlib.AbstractContextManager[None]:
    """So many source addresses that flood, each with lines over one connection, until the end of the block."""
    return _process(node, count, "floods")


@contextlib.contextmanager
def _process(node: Address, count: int, what: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", __name__, str(node), str(count), what])
    try:
        yield
        assert process.poll() is None, "the bad peers ended by themselves"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    from node.model import parse_address

    asyncio.run({"crowd": _crowd, "floods": _floods}[sys.argv[3]](parse_address(sys.argv[1]), int(sys.argv[2])))
