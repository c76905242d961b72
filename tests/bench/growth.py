"""What grows with what: figures at 1, 10 and 100 times as many conversations, messages, links, subscribers, consumers.

Each row is a figure beside the same one at the smallest size. What one operation costs should stay (`each`); what a
whole costs may grow as its input does, and no faster (`whole`). A row that says MISSED names what grows faster.
"""

from __future__ import annotations

import pathlib
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Literal

import msgspec
import zmq

from node.bus import locate
from node.bus import requests as rq
from node.bus.client import Client
from tests.bench import database, idle, snapshots
from tests.bench.processes import PATIENCE_S, Failed, NodeProcess, Worker, cpu_s, memory_mb, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sending import nobody
from tests.bench.sizes import Sizes

#: How many times the smallest size the others have.
TIMES = (1, 10, 100)
#: What one operation costs may be so much more at the largest size: noise of a shared machine.
STEADY = 2.0
#: What a whole costs may grow by so much more than its input.
NO_FASTER = 1.2
TEXT = "x" * 100


class Figure(msgspec.Struct, frozen=True):
    """One figure at one size. `each`: the cost of one operation; `whole`: the cost of everything."""

    what: str
    kind: Literal["each", "whole"]
    unit: str
    value: float


Measured = Callable[[Sizes, int], list[Figure]]


def measure(sizes: Sizes) -> list[Row]:
    """All figures at all sizes."""
    rows = []
    looks: dict[str, Measured] = {
        "conversations": _conversations,
        "messages": _messages,
        "links": _links,
        "subscribers": _subscribers,
        "consumers": _consumers,
    }
    for noun, count in sizes.smallest.items():
        first, *others = ((times, looks[noun](sizes, count * times)) for times in TIMES)
        for times, figures in others:
            for figure, least in zip(figures, first[1], strict=True):
                rows.append(
                    Row(
                        what=f"{count * times:,} {noun}: {figure.what}", unit=figure.unit, values=[figure.value],
                        beside=f"{count:,}", references=[least.value],
                        ratio_target=Target("<", STEADY if figure.kind == "each" else times * NO_FASTER),
                    )
                )  # fmt: skip
    return rows


def _ask(sizes: Sizes, what: str, ask: Callable[[], object]) -> Figure:
    """How long a command takes, in the middle."""
    values = []
    for _ in range(sizes.asked):
        start = time.perf_counter()
        ask()
        values.append(1000 * (time.perf_counter() - start))
    return Figure(what, "each", "ms", statistics.median(values))


def _send(sizes: Sizes, node: NodeProcess, room: str) -> Figure:
    return _ask(sizes, "one send", lambda: node.client.send(room, TEXT))


def _settled(node: NodeProcess) -> None:
    """Wait until what the start left behind is done, so that it isn't measured."""
    while node.client.search("nothing").pending:
        time.sleep(0.1)


def _conversations(sizes: Sizes, count: int) -> list[Figure]:
    with temporary_home() as home:
        snapshots.fill(home, count)
        with NodeProcess(home) as node:
            _settled(node)
            return [
                Figure("start-up", "whole", "s", node.start_s),
                Figure("memory", "whole", "MB", memory_mb(node.pid)),
                _send(sizes, node, "plain-1"),
                _ask(sizes, "status", node.client.status),
                _ask(sizes, "100 peers", lambda: node.client.request("peers", rq.PeersArgs(limit=min(100, count)))),
            ]


def _messages(sizes: Sizes, count: int) -> list[Figure]:
    with temporary_home() as home:
        database.fill(home, count)
        room = database.room_id(1)
        with NodeProcess(home) as node:
            _settled(node)
            return [
                Figure("start-up", "each", "s", node.start_s),
                Figure("memory", "each", "MB", memory_mb(node.pid)),
                _send(sizes, node, room),
                _ask(sizes, "the newest page", lambda: node.client.history(room, limit=50)),
                _ask(sizes, "a search for a rare word", lambda: node.client.search(database.RARE)),
            ]


def _links(sizes: Sizes, count: int) -> list[Figure]:
    with temporary_home() as home, NodeProcess(home) as node, ExitStack() as stack:
        room = nobody(node, stack)
        idle.link(node, count, stack)
        time.sleep(min(idle.SETTLE_S, sizes.idle_s))
        before = cpu_s(node.pid)
        time.sleep(min(3.0, sizes.idle_s))
        used = 1000 * (cpu_s(node.pid) - before) / min(3.0, sizes.idle_s)
        return [
            Figure("CPU with nothing to do", "whole", "ms/s", used),
            _send(sizes, node, room),
            _ask(sizes, "status", node.client.status),
        ]


def listen(line: Connection, home: pathlib.Path, count: int) -> None:
    """A worker: so many subscribers, each of which takes every event."""
    endpoint = locate.read_endpoint(home).events
    context = zmq.Context()
    poller = zmq.Poller()
    for _ in range(count):
        socket_ = context.socket(zmq.SUB)
        socket_.subscribe(b"")
        socket_.connect(endpoint)
        poller.register(socket_, zmq.POLLIN)
    line.send("up")
    while not line.poll(0):
        for found, _ in poller.poll(100):
            while found.poll(0):
                found.recv_multipart()


def _subscribers(sizes: Sizes, count: int) -> list[Figure]:
    with temporary_home() as home, NodeProcess(home) as node, ExitStack() as stack:
        room = nobody(node, stack)
        with Worker(listen, home, count) as listening:
            listening.hear()
            deadline = time.monotonic() + PATIENCE_S
            while node.client.stats().subscribed < count:
                if time.monotonic() > deadline:
                    raise Failed("The subscribers didn't come.")
                time.sleep(0.05)
            before = cpu_s(node.pid)
            sent = _send(sizes, node, room)
            used = 1e6 * (cpu_s(node.pid) - before) / sizes.asked
            listening.say("enough")
        return [sent, Figure("the node's CPU for a message", "whole", "µs", used)]


def _consumers(sizes: Sizes, count: int) -> list[Figure]:
    with (
        temporary_home() as home,
        NodeProcess(home) as node,
        ExitStack() as stack,
        Client(home, name="growth") as client,
    ):
        room = nobody(node, stack)
        for number in range(count):
            client.consumer_create(f"consumer-{number}")

        def round_() -> None:
            found = client.consumer_next("consumer-0")
            if found.events:
                client.consumer_acknowledge("consumer-0", found.events[-1].seq or 0)

        return [
            _send(sizes, node, room),
            _ask(sizes, "next and acknowledge", round_),
            _ask(sizes, "status", client.status),
        ]
