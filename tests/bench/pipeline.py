"""The bare pipeline: what this machine can do with no chat in it. The fixed reference of the benchmark.

Lines come in over TCP; a process splits and decodes each, commits it to SQLite (WAL, synchronous=FULL, group commit in
a thread, one row and one index entry a line), encodes it as JSON and publishes it on ZeroMQ PUB. Queues are bounded:
reading pauses while more than PENDING lines wait for the disk. Nothing is lost, because the high-water marks are off.
What a connection said last counts as a line, so one-shot senders have their reference too.

Don't make it faster or slower: ratios of different days are comparable only as long as it stays what it is.
"""

from __future__ import annotations

import asyncio
import pathlib
import sqlite3
import time
from multiprocessing.connection import Connection
from typing import cast

import msgspec
import uvloop
import zmq

#: Lines that may wait for the disk; beyond, reading pauses.
PENDING = 5_000
#: A line of 100 bytes.
LINE = b"127.0.0.1:5000 anna " + b"x" * 79 + b"\n"
#: The topic of a line that is on disk.
TOPIC = b"message"
#: Subscribers find out by these that they are connected; one comes each BEAT_S.
BEAT = b"start"
BEAT_S = 0.05


class Event(msgspec.Struct):
    """What subscribers get for a line."""

    seq: int
    type: str
    sender: str
    name: str
    text: str
    at: float


class Pipeline:
    """Lines in, commits, events out."""

    def __init__(self, database: pathlib.Path, publisher: zmq.Socket[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._publisher = publisher
        self._db = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE line (seq INTEGER PRIMARY KEY, sender TEXT, name TEXT, text TEXT, at REAL)")
        self._db.execute("CREATE INDEX line_by_sender ON line (sender, seq)")
        self._encode = msgspec.json.Encoder().encode
        self._pending: list[Event] = []
        self._seq = 0
        self._committing = False
        self.transports: set[asyncio.Transport] = set()

    def take(self, lines: list[bytes]) -> None:
        """Lines that one read brought."""
        at = time.time()
        for line in lines:
            sender, name, text = line.decode().split(" ", 2)
            self._seq += 1
            self._pending.append(Event(self._seq, "MessageReceived", sender, name, text, at))
        if len(self._pending) > PENDING:
            for transport in self.transports:
                transport.pause_reading()
        if self._pending and not self._committing:
            self._flush()

    def _flush(self) -> None:
        batch, self._pending, self._committing = self._pending, [], True
        for transport in self.transports:
            transport.resume_reading()
        self._loop.run_in_executor(None, self._commit, batch).add_done_callback(
            lambda done: self._publish(done.result())
        )

    def _commit(self, batch: list[Event]) -> list[Event]:
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO line VALUES (?,?,?,?,?)", [(e.seq, e.sender, e.name, e.text, e.at) for e in batch]
        )
        self._db.execute("COMMIT")
        return batch

    def _publish(self, batch: list[Event]) -> None:
        for event in batch:
            self._publisher.send_multipart((TOPIC, self._encode(event)))
        self._committing = False
        if self._pending:
            self._flush()


class _Lines(asyncio.Protocol):
    """One connection, split into lines."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._tail = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._pipeline.transports.add(self._transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._tail = (self._tail + data).split(b"\n")
        self._pipeline.take(lines)

    def eof_received(self) -> None:
        if self._tail:
            self._pipeline.take([self._tail])

    def connection_lost(self, error: Exception | None) -> None:
        self._pipeline.transports.discard(self._transport)


def serve(line: Connection, folder: pathlib.Path, high_water_mark: int = 0) -> None:
    """A worker: says (events endpoint, port), and serves until it is ended. The mark 0 means none."""
    uvloop.run(_serve(line, folder, high_water_mark))


async def _serve(line: Connection, folder: pathlib.Path, high_water_mark: int) -> None:
    publisher: zmq.Socket[bytes] = zmq.Context().socket(zmq.PUB)
    publisher.setsockopt(zmq.SNDHWM, high_water_mark)
    publisher.bind(f"ipc://{folder}/events")
    pipeline = Pipeline(folder / "limit.db", publisher)
    server = await asyncio.get_running_loop().create_server(lambda: _Lines(pipeline), "127.0.0.1", 0, backlog=1024)
    line.send((f"ipc://{folder}/events", server.sockets[0].getsockname()[1]))
    while True:
        publisher.send_multipart((BEAT, b""))
        await asyncio.sleep(BEAT_S)
