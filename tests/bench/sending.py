"""`send` through the bus, to a peer that is away: messages a second, beside bare commits of as many rows.

Commands of several clients share a commit, so several are faster than one. One client waits for each of its commits;
its reference is a bare REP socket that commits a row in line and answers.
"""

from __future__ import annotations

import contextlib
import pathlib
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection

import msgspec
import zmq

from node.bus import requests as rq
from node.bus.client import Client
from tests.bench.processes import NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes

LIST = 100
TEXT = "x" * 100


def measure(sizes: Sizes) -> list[Row]:
    """One client and several, singly and in lists."""
    several = sizes.clients
    found: dict[tuple[int, int], list[float]] = {}
    bare: dict[int, list[float]] = {}
    in_line = []
    for _ in range(sizes.repeats):
        for length, commands in ((1, sizes.singles), (LIST, sizes.lists)):
            bare.setdefault(length, []).append(bare_commits(length, commands))
            for clients in (1, several):
                found.setdefault((clients, length), []).append(sends(clients, length, commands))
        in_line.append(bare_replies(sizes.singles))

    def row(what: str, clients: int, length: int, beside: str, references: list[float], least: float) -> Row:
        return Row(
            what=f"send: {what}", unit="messages/s", values=found[clients, length], beside=beside,
            references=references, ratio_target=Target("≥", least),
        )  # fmt: skip

    return [
        row("1 client, singly", 1, 1, "bare REP", in_line, 0.4),
        row(f"1 client, lists of {LIST}", 1, LIST, "bare commits", bare[LIST], 0.12),
        row(f"{several} clients, singly", several, 1, "bare commits", bare[1], 0.7),
        row(f"{several} clients beside 1, singly", several, 1, "1 client", found[1, 1], 2.5),
        row(f"{several} clients, lists of {LIST}", several, LIST, "bare commits", bare[LIST], 0.15),
    ]


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
        room = nobody(node, stack)
        each = max(1, commands // clients)
        workers = [stack.enter_context(Worker(say, home, room, length, each)) for _ in range(clients)]
        for worker in workers:
            worker.hear()
        for worker in workers:
            worker.say("go")
        spans = [worker.hear() for worker in workers]
    return float(each * clients * length / (max(end for _, end in spans) - min(start for start, _ in spans)))


def nobody(node: NodeProcess, stack: ExitStack) -> str:
    """A conversation with a peer that is away for sure: its port is bound, and nobody listens there."""
    bound = stack.enter_context(socket.socket())
    bound.bind(("127.0.0.1", 0))
    return node.client.connect(f"127.0.0.1:{bound.getsockname()[1]}", dialect="snicher").room


def bare_replies(commands: int) -> float:
    """Messages a second of one REQ socket, with a REP that commits a row in line and answers: what one can have."""
    with temporary_home() as home, Worker(answer, home) as answering:
        endpoint = answering.hear()
        context = zmq.Context()
        with context.socket(zmq.REQ) as asking:
            asking.connect(endpoint)
            body = msgspec.json.encode({"id": "1", "op": "send", "args": {"messages": [{"to": "a", "text": TEXT}]}})
            start = time.monotonic()
            for _ in range(commands):
                asking.send(body)
                asking.recv()
            seconds = time.monotonic() - start
        context.term()
    return commands / seconds


def answer(line: Connection, home: pathlib.Path) -> None:
    """A worker: a bare REP that commits each text."""
    with _table(home) as db, zmq.Context() as context, context.socket(zmq.REP) as answering:
        answering.bind(f"ipc://{home}/bare")
        line.send(f"ipc://{home}/bare")
        while True:
            text = msgspec.json.decode(answering.recv())["args"]["messages"][0]["text"]
            db.execute("BEGIN")
            db.execute("INSERT INTO line (text) VALUES (?)", (text,))
            db.execute("COMMIT")
            answering.send(msgspec.json.encode({"id": "1", "ok": True, "result": {"text": text}}))


@contextlib.contextmanager
def _table(home: pathlib.Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(home / "bare.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE line (seq INTEGER PRIMARY KEY, text TEXT)")
        yield db


def bare_commits(length: int, commits: int) -> float:
    """Rows a second with `length` rows a transaction, on disk each time: what the disk allows."""
    with temporary_home() as home, _table(home) as db:
        start = time.monotonic()
        for _ in range(commits):
            db.execute("BEGIN")
            db.executemany("INSERT INTO line (text) VALUES (?)", [(TEXT,)] * length)
            db.execute("COMMIT")
        seconds = time.monotonic() - start
    return commits * length / seconds
