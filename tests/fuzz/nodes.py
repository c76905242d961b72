"""Hostile nodes over a real connection: they offer, do TLS, prove a key, and say frames that may be anything."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.errors import HandshakeFailed
from node.model import direct_room, peer_id
from node.peers import tls
from node.protocol import entries
from node.protocol.secure import frames as f
from node.protocol.secure import offer
from tests.fuzz.corpus import spoilt
from tests.fuzz.encrypted import NUMBERS, anything, spoil
from tests.support.authors import author_of, position, write_entry

#: So many keys they have: nodes that come again.
KEYS = 12


def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


@functools.cache
def _credentials(number: int) -> tls.Credentials:
    return tls.Credentials(_key(number))


async def hostile_node(rng: random.Random, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """One connection. It ends when the node ends it, or when all is said."""
    number = rng.randrange(1, KEYS + 1)
    harm = rng.choice((0.0, 0.0, 0.2, 1.0))
    reader, writer = streams
    engine = tls.Engine(_credentials(number), server=False)

    async def carry() -> None:
        data = engine.out()
        writer.write(spoil(data, rng) if rng.random() < harm else data)
        await writer.drain()

    with contextlib.suppress(asyncio.IncompleteReadError, HandshakeFailed):
        writer.write(b"CONNECT:%d" % rng.randrange(1, 65_536) + offer.OFFER)
        await reader.readexactly(len(offer.ANSWER))
        engine.start()
        await carry()
        while not engine.up:
            data = await reader.read(65_536)
            if not data:
                return
            engine.feed(data)
            await carry()
        assert engine.peer is not None
        for data in _words(rng, number, peer_id(engine.peer)):
            engine.write(data)
            await carry()
            if rng.random() < 0.3:
                await asyncio.sleep(rng.choice((0, 0.005, 0.05)))
        if rng.random() < 0.5:
            engine.close()
            await carry()
        while data := await reader.read(65_536):
            engine.feed(data)


def _words(rng: random.Random, number: int, node: str) -> list[bytes]:
    """HELLO, and frames: good ones, bad ones, and what is hardly one."""
    key, stream = _key(number), rng.randbytes(16)
    me = author_of(key)
    room = direct_room(me, node)
    hello = f.Hello([2], number.to_bytes(16, "big"), rng.randbytes(16), f"hostile {number}", 5000, 1, [])
    said = [f.encode(hello)]
    last = None
    for at in range(rng.randint(1, 30)):
        row = f.Told(rng.choice((me, node)), stream, 1, rng.choice(NUMBERS[1:10]), rng.randbytes(32))
        entry = write_entry(key, room, stream, last, at + 1, "text", rng.choice((entries.text_body("spam"), b"spam")))
        assert entry.signature is not None
        run = f.Run(room, [entry.header_bytes], [entry.body], entry.signature)
        others = (
            f.Have(room, [row]), f.Want(room, rng.choice((me, node)), stream, 0, True), f.Stop(room, node, stream),
            f.Digest([(room, rng.randbytes(32))]), f.Ping(rng.randbytes(8)),
            f.Read(room, [(node, stream, row.n or 1)]), f.Typing(room, rng.randint(0, 10)),
            # Loopback addresses at which nobody listens: a real node gets this.
            f.Seek([me, node]), f.Where([(rng.choice((me, node)), [f.At("127.7.7.8", rng.choice((0, 9, 5001)), 0)])]),
            f.Presence(rng.choice((0, 1, 9)), spoilt(rng)[:100].decode(errors="replace")),
        )  # fmt: skip
        luck = rng.random()
        frame = rng.choice((hello, f.Bye(9, "x"))) if luck < 0.03 else run if luck < 0.5 else rng.choice(others)
        if frame is run:
            last = position(entry)
        data = f.encode(frame)
        luck = rng.random()
        if luck < 0.05:
            data = spoil(data, rng)
        elif luck < 0.08:
            body = msgspec.msgpack.encode([rng.randrange(12), anything(spoilt(rng), rng), anything(spoilt(rng), rng)])
            data = len(body).to_bytes(4, "big") + body
        said.append(data)
    return said
