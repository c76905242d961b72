"""Somebody on the way changes, drops or adds a byte of TLS: the link works or ends, and nothing goes in clear.

It may work all the same, because TLS 1.3 has fields that are there for old middleboxes and mean nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

import pytest

from node.core import effects as e
from node.core import stimuli as s
from node.model import Address
from node.protocol.secure.offer import ANSWER, OFFER
from tests.node.peers.far import BEN, framed, numbered, two
from tests.node.peers.live import LOOPS, eventually, run
from tests.support.processes import loopback_host

Change = Callable[[bytes, int], bytes]
CHANGES: dict[str, Change] = {
    "changed": lambda data, at: data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :],
    "dropped": lambda data, at: data[:at] + data[at + 1 :],
    "added": lambda data, at: data[:at] + b"\x17" + data[at:],
}


@contextlib.asynccontextmanager
async def tampering(
    target: Address, forward: bool, at: int, change: Callable[[bytes, int], bytes]
) -> AsyncIterator[Address]:
    """An address that leads to another, for one connection. Byte `at` behind the clear part is changed one way."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clear: bytes, mine: bool) -> None:
        seen, behind = b"", 0
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not seen.endswith(clear):
                    seen += data
                    writer.write(data)
                    continue
                here = at - behind
                behind += len(data)
                writer.write(change(data, here) if mine and 0 <= here < len(data) else data)
            writer.write_eof()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(target.host, target.port)
        try:
            await asyncio.gather(
                pump(reader, far_writer, OFFER, forward), pump(far_reader, writer, ANSWER, not forward)
            )
        finally:
            writer.close()
            far_writer.close()

    async with await asyncio.start_server(serve, loopback_host(), 0) as server:
        yield Address(*server.sockets[0].getsockname())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", CHANGES)
def test_a_byte_tampered_with_ends_the_link_or_means_nothing(
    kind: str, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.protocol.secure.link.HANDSHAKE", 0.3)
    monkeypatch.setattr("node.protocol.secure.link.SILENCE", 0.2)
    monkeypatch.setattr("node.protocol.secure.link.DEAD", 0.2)
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)

    async def test() -> None:
        ended = 0
        for number in range(15):
            forward, at = dice.random() < 0.5, dice.randrange(1_400) if number else 0
            async with two() as (anna, ben), tampering(ben.listen_address, forward, at, CHANGES[kind]) as address:
                anna.perform(e.Dial(1, address, "unsure", expect=BEN))
                await eventually(lambda: anna.all(s.Closed) or (anna.all(s.Secured) and ben.all(s.Secured)))
                anna.perform(e.Say(1, numbered(1)))
                for one in ben.all(s.Secured):
                    ben.perform(e.Say(one.link, numbered(2)))
                await eventually(lambda: anna.all(s.Closed) or (framed(anna) and framed(ben)))
                ended += bool(anna.all(s.Closed))
                for live in (anna, ben):
                    assert {type(one) for one in live.fed} <= {s.Secured, s.Framed, s.Closed}
                    assert framed(live) in ([], [numbered(2 if live is anna else 1)])
                assert len(anna.all(s.Closed)) <= 1
                assert all(one.reason for one in anna.all(s.Closed))
        assert ended > 0

    run(test, loop)
