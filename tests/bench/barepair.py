"""The bare reference of confirmed messages: two processes and two disks, with nothing of Snicher in between.

One side signs each list, commits it (FULL) and sends it over TLS. The other checks the signature, commits, and answers
with how far it is, once a commit. The first commits that, too. The rows are about as large as the product's.
"""

from __future__ import annotations

import asyncio
import hashlib
import pathlib
import socket
import sqlite3
import ssl
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node.peers.tls import Credentials
from tests.bench.processes import Worker, temporary_home

TEXT = "x" * 100
#: Lists that may be unconfirmed at once.
AHEAD = 8
_HEAD = struct.Struct(">I")
_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a bench").digest())


class Disk:
    """Commits what has gathered while the last commit was under way, in a thread."""

    def __init__(self, home: pathlib.Path) -> None:
        self._db = sqlite3.connect(home / "bare.db", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, room INTEGER, clock INTEGER, author TEXT)")
        self._db.execute("CREATE TABLE body (entry INTEGER PRIMARY KEY, text TEXT)")
        self._db.execute("CREATE TABLE signed (n INTEGER PRIMARY KEY, hash BLOB, header BLOB, signature BLOB)")
        self._db.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER, type TEXT, entry INTEGER)")
        self._db.execute("CREATE TABLE receipt (member INTEGER PRIMARY KEY, n INTEGER)")
        self._thread = ThreadPoolExecutor(1)
        self.count = 0

    async def put(self, lists: list[tuple[list[bytes], bytes]], receipt: int | None) -> int:
        """Commit lists of headers with their signatures, and a receipt; returns how many rows there are."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, lists, receipt)

    def _commit(self, lists: list[tuple[list[bytes], bytes]], receipt: int | None) -> int:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        for headers, signature in lists:
            numbers = range(self.count + 1, self.count + 1 + len(headers))
            db.executemany("INSERT INTO entry VALUES (?, 1, ?, 'author')", [(n, n) for n in numbers])
            db.executemany("INSERT INTO body VALUES (?, ?)", [(n, TEXT) for n in numbers])
            rows = zip(numbers, headers, strict=True)
            db.executemany(
                "INSERT INTO signed VALUES (?, ?, ?, ?)",
                [(n, hashlib.sha256(header).digest(), header, signature) for n, header in rows],
            )
            db.executemany("INSERT INTO event VALUES (?, ?, 'Message', ?)", [(n, n, n) for n in numbers])
            self.count += len(headers)
        if receipt is not None:
            db.execute("INSERT OR REPLACE INTO receipt VALUES (1, ?)", (receipt,))
        db.execute("COMMIT")
        return self.count


def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    made = Credentials(_KEY)
    return made.server, made.client


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    return await reader.readexactly(size)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(_HEAD.pack(len(data)) + data)


def receive(line: Connection) -> None:
    """A worker: takes lists until the connection ends, checks and commits them, and answers how far it is."""
    key: Ed25519PublicKey = _KEY.public_key()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with temporary_home() as home:
            disk, gathered, more = Disk(home), list[tuple[list[bytes], bytes]](), asyncio.Event()

            async def commit() -> None:
                while True:
                    await more.wait()
                    more.clear()
                    lists = gathered.copy()
                    gathered.clear()
                    _write(writer, (await disk.put(lists, None)).to_bytes(8, "big"))

            task = asyncio.create_task(commit())
            try:
                while True:
                    headers, bodies, signature = msgspec.msgpack.decode(await _frame(reader))
                    for header, body in zip(headers, bodies, strict=True):
                        hashlib.sha256(header + body).digest()
                    key.verify(signature, headers[-1])
                    gathered.append((headers, signature))
                    more.set()
            except asyncio.IncompleteReadError:
                task.cancel()
                ended.set()

    ended = asyncio.Event()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=_contexts()[0])
        line.send(server.sockets[0].getsockname()[1])
        await ended.wait()
        server.close()

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def confirmed_per_s(length: int, lists: int) -> float:
    """Confirmed messages a second, in lists of `length`."""
    import uvloop

    with Worker(receive) as worker, temporary_home() as home:
        port = worker.hear()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_send(home, port, length, lists))


async def _send(home: pathlib.Path, port: int, length: int, lists: int) -> float:
    context = _contexts()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, family=socket.AF_INET)
    disk, confirmed, moved = Disk(home), 0, asyncio.Event()

    async def hear() -> None:
        nonlocal confirmed
        while confirmed < length * lists:
            confirmed = int.from_bytes(await _frame(reader), "big")
            moved.set()

    hearing = asyncio.create_task(hear())
    start = time.monotonic()
    for number in range(lists):
        while number * length - confirmed > AHEAD * length:
            moved.clear()
            await moved.wait()
        header = b"h" * 240
        headers = [header + index.to_bytes(4, "big") for index in range(length)]
        signature = _KEY.sign(headers[-1])
        await disk.put([(headers, signature)], confirmed)
        _write(writer, msgspec.msgpack.encode((headers, [TEXT.encode()] * length, signature)))
    await hearing
    await disk.put([], confirmed)
    seconds = time.monotonic() - start
    writer.close()
    return length * lists / seconds
