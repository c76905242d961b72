"""Floods of handshakes, from many addresses of loopback: what hostile sources can do at a node's door. By hand.

A flooder stands for other machines, so it takes only the processor time that nobody else here wants (`nice`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import ssl
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Literal, get_args

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.model import direct_room, peer_id
from node.peers.tls import PUBLIC_CA, Credentials, Engine, certificate
from node.protocol import entries
from node.protocol.secure import frames as f
from node.protocol.secure.offer import ANSWER, OFFER
from tests.support.authors import author_of, write_entry

#: Connects and says nothing; offers and says half of a ClientHello; the whole handshake with another key each time, and
#: then nothing; the same, and then what unknown people may say: entries, and DOOR again and again.
Kind = Literal["silent", "half", "keys", "strangers"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Keys that a flooder has: making one takes longer than using it.
KEYS = 400
#: How long a silent connection is kept before the next one, in seconds; and the pause after one that failed at once.
KEPT_S, PAUSE_S = 1.0, 0.002
#: Most attempts a second of a whole flood. More would measure the flooder, which shares this machine with the nodes.
PER_S = 500
DOORS = 40


class Key:
    """An identity with what a handshake needs of it."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.id = author_of(self.key)
        self.client = self.server = trust


def keys(count: int) -> Iterator[Key]:
    """New identities. As Credentials makes one, without a password: that costs more than all the rest."""
    authority = certificate(PUBLIC_CA.public_key(), "snicher", ca=True).public_bytes(serialization.Encoding.DER)
    model = Credentials(Ed25519PrivateKey.generate()).client
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(count):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version, context.check_hostname = model.minimum_version, False
            context.verify_flags = model.verify_flags
            context.set_alpn_protocols(["snicher/2"])
            context.load_verify_locations(cadata=authority)
            one = Key(context)
            secret = one.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            leaf = certificate(one.key.public_key(), "peer", ca=False).public_bytes(serialization.Encoding.PEM)
            file.seek(0)
            file.truncate()
            file.write(secret + leaf)
            file.flush()
            context.load_cert_chain(file.name)
            yield one


class Flooder:
    """One source's part of a flood of a kind against a node."""

    def __init__(self, host: str, port: int, kind: Kind, pool: Iterator[Key]) -> None:
        self._to = (host, port)
        self._kind = kind
        self._pool = pool
        self._next = time.monotonic()
        #: Attempts that came as far as they wanted to, and all of them.
        self.done = self.tried = 0

    async def go_on(self, source: str) -> None:
        """Attack from this address until cancelled."""
        while True:
            await self._turn()
            self.tried += 1
            try:
                reader, writer = await asyncio.open_connection(*self._to, local_addr=(source, 0))
            except OSError:
                await asyncio.sleep(PAUSE_S)
                continue
            try:
                await getattr(self, f"_{self._kind}")(reader, writer)
                self.done += 1
            except (OSError, EOFError, ssl.SSLError):
                await asyncio.sleep(PAUSE_S)
            finally:
                writer.close()

    async def _turn(self) -> None:
        """Wait until the next attempt may begin."""
        now = time.monotonic()
        self._next = max(self._next, now) + 1 / PER_S
        await asyncio.sleep(self._next - now)

    async def _silent(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEPT_S):
                await reader.read()

    async def _offer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Engine:
        writer.write(b"CONNECT:5000" + OFFER)
        await reader.readexactly(len(ANSWER))
        engine = Engine(next(self._pool), server=False)  # type: ignore[arg-type]
        engine.start()
        return engine

    async def _half(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = (await self._offer(reader, writer)).out()
        writer.write(first[: len(first) // 2])
        await reader.read()

    async def _shaken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Engine, Key]:
        writer.write(b"CONNECT:5000" + OFFER)
        await reader.readexactly(len(ANSWER))
        key = next(self._pool)
        engine = Engine(key, server=False)  # type: ignore[arg-type]
        engine.start()
        while not engine.up:
            writer.write(engine.out())
            data = await reader.read(65536)
            if not data:
                raise EOFError
            engine.feed(data)
        now = int(time.time() * 1000)
        engine.write(f.encode(f.Hello([2], os.urandom(16), os.urandom(16), f"flood {key.id[:8]}", 5000, now, [])))
        writer.write(engine.out())
        await reader.read(65536)
        return engine, key

    async def _keys(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._shaken(reader, writer)

    async def _strangers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine, key = await self._shaken(reader, writer)
        assert engine.peer is not None
        room = direct_room(key.id, peer_id(engine.peer))
        entry = write_entry(key.key, room, os.urandom(16), None, 5, "text", entries.text_body("buy this"))
        assert entry.signature is not None
        engine.write(f.encode(f.Digest([(room, bytes(32))])))
        engine.write(f.encode(f.Run(room, [entry.header_bytes], [entry.body], entry.signature)))
        engine.write(b"".join(f.encode(f.Door(room, number % 2)) for number in range(DOORS)))
        writer.write(engine.out())
        await writer.drain()
        # Whatever it answers, until it has read all that.
        await reader.read(65536)


def flood(line: Connection, host: str, port: int, kind: Kind, sources: int, each: int) -> None:
    """A worker: floods from `sources` addresses with `each` connections. At any word it says what it has done."""
    os.nice(19)
    pool = itertools.cycle(list(keys(KEYS if kind in ("keys", "strangers") else 1)))

    async def main() -> None:
        flooder = Flooder(host, port, kind, pool)
        tasks = [
            asyncio.create_task(flooder.go_on(f"127.62.{number // 250}.{number % 250 + 1}"))
            for number in range(sources)
            for _ in range(each)
        ]
        line.send("up")
        await asyncio.get_running_loop().run_in_executor(None, line.recv)
        line.send((flooder.tried, flooder.done))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
