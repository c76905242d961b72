"""From the bytes leaving a peer to the event at a front end, at 100 messages a second with three front ends."""

from __future__ import annotations

import itertools
import pathlib
import re
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection

from node.bus.client import Client
from tests.bench import traffic
from tests.bench.processes import NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes

PER_S = 100
SUBSCRIBERS = 3

_WRITTEN = re.compile(r"t=(\d+);")


def delays(line: Connection, home: pathlib.Path, count: int) -> None:
    """A worker: how long each of `count` messages took to come here, in milliseconds."""
    follower = traffic.settled_follower(Client(home))
    line.send("up")
    found = []
    for message in itertools.islice(traffic.received(follower), count):
        written = _WRITTEN.search(message.text)
        if written is not None:
            found.append((time.time_ns() - int(written[1])) / 1e6)
    line.send(found)


def measure(sizes: Sizes) -> list[Row]:
    """p50 and p99 over all subscribers."""
    count = int(PER_S * sizes.latency_s)
    p50: list[float] = []
    p99: list[float] = []
    for _ in range(sizes.repeats):
        with temporary_home() as home, NodeProcess(home) as node, ExitStack() as stack:
            subscribers = [stack.enter_context(Worker(delays, home, count)) for _ in range(SUBSCRIBERS)]
            for subscriber in subscribers:
                subscriber.hear()
            sender = stack.enter_context(Worker(traffic.say_paced, node.host, node.port, PER_S, count))
            sender.hear()
            sender.say("go")
            found = [delay for subscriber in subscribers for delay in subscriber.hear()]
        p50.append(percentile(found, 50))
        p99.append(percentile(found, 99))
    what = f"event to {SUBSCRIBERS} subscribers at {PER_S}/s"
    return [
        Row(what=f"{what}: p50", unit="ms", values=p50, target=Target("<", 5)),
        Row(what=f"{what}: p99", unit="ms", values=p99, target=Target("<", 50)),
    ]
