"""`send` through the bus, to a peer that is away: messages a second, beside bare commits of as many rows.

One REP socket answers one command at a time, and each waits for its commit: more clients make it no faster, lists do.
"""

from __future__ import annotations

import pathlib
import socket
import sqlite3
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection

from node.bus import requests as rq
from node.bus.client import Client
from tests.bench.processes import NodeProcess, Worker, temporary_home
from tests.bench.rows import Row
from tests.bench.sizes import Sizes

LIST = 100
TEXT = "x" * 100


def measure(sizes: Sizes) -> list[Row]:
    """One client and several, singly and in lists."""
    rows = []
    for clients in (1, sizes.clients):
        for length, commands in ((1, sizes.singles), (LIST, sizes.lists)):
            values, references = [], []
            for _ in range(sizes.repeats):
                references.append(bare_commits(length, commands))
                values.append(sends(clients, length, commands))
            what = f"send: {clients} client{'s' * (clients > 1)}, {'singly' if length == 1 else f'lists of {length}'}"
            rows.append(Row(what=what, unit="messages/s", values=values, beside="bare commits", references=references))
    return rows


def say(line: Connection, home: pathlib.Path, room: str, length: int, commands: int) -> None:
    """A worker: sends, and says when it began and ended."""
    with Client(home) as client:
        client.hello()
        line.send("up")
        line.recv()
        outgoing = [rq.Outgoing(to=room, text=TEXT)] * length
        start = time.monotonic()
        for _ in range(commands):
            client.send_all(outgoing)
        line.send((start, time.monotonic()))


def sends(clients: int, length: int, commands: int) -> float:
    """Messages a second over all clients of a fresh node."""
    with temporary_home() as home, NodeProcess(home) as node, ExitStack() as stack:
        # Bound and not listening: a port where nobody answers for sure.
        nobody = stack.enter_context(socket.socket())
        nobody.bind(("127.0.0.1", 0))
        peer = node.client.connect(f"127.0.0.1:{nobody.getsockname()[1]}", dialect="snicher")
        each = max(1, commands // clients)
        workers = [stack.enter_context(Worker(say, home, peer.room, length, each)) for _ in range(clients)]
        for worker in workers:
            worker.hear()
        for worker in workers:
            worker.say("go")
        spans = [worker.hear() for worker in workers]
    return float(each * clients * length / (max(end for _, end in spans) - min(start for start, _ in spans)))


def bare_commits(length: int, commits: int) -> float:
    """Rows a second with `length` rows a transaction, on disk each time: what the disk allows."""
    with temporary_home() as home:
        db = sqlite3.connect(home / "bare.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE line (seq INTEGER PRIMARY KEY, text TEXT)")
        start = time.monotonic()
        for _ in range(commits):
            db.execute("BEGIN")
            db.executemany("INSERT INTO line (text) VALUES (?)", [(TEXT,)] * length)
            db.execute("COMMIT")
        seconds = time.monotonic() - start
        db.close()
    return commits * length / seconds
