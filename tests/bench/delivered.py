"""Messages between two nodes until they are *delivered*: a second, and how long each takes, beside a bare pair.

A message counts when the sender's front ends are told that it is on the other node's disk (ReceiptAdvanced).
"""

from __future__ import annotations

import contextlib
import pathlib
import time
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection

import zmq

from node.bus import bounds, locate
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.client import Client
from tests.bench import barepair, traffic
from tests.bench.processes import PATIENCE_S, Failed, NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes

TEXT = "x" * 100
LIST = bounds.MAX_SEND
#: Confirmed messages a second of a prototype of this very protocol, with bare commits, on a machine like this one. (The
#: bare pair here does less: it neither chains headers nor reads them.)
PROTOTYPE_PER_S = 31_700
PER_S = 100
FRONT_ENDS = 3
#: Lists that may wait for their commit or their receipt.
SENDERS = 2
HEARTBEAT, RECEIPT = ev.topic_of("Heartbeat"), ev.topic_of("ReceiptAdvanced")


def measure(sizes: Sizes) -> list[Row]:
    """Confirmed messages a second in lists and singly; latency to delivered."""
    lists, references, singles = [], [], []
    for _ in range(sizes.repeats):
        references.append(barepair.confirmed_per_s(LIST, sizes.confirmed_lists))
        lists.append(confirmed_per_s(LIST, sizes.confirmed_lists, SENDERS))
        singles.append(confirmed_per_s(1, sizes.confirmed_singles, sizes.clients))
    p50, p99 = [], []
    for _ in range(sizes.repeats):
        found = delays(int(PER_S * sizes.latency_s))
        p50.append(percentile(found, 50))
        p99.append(percentile(found, 99))
    what = f"send to delivered at {PER_S}/s with {FRONT_ENDS} front ends"
    return [
        Row(
            what=f"delivered: lists of {LIST}", unit="messages/s", values=lists, beside="bare pair",
            references=references, target=Target("≥", PROTOTYPE_PER_S / 2),
        ),
        Row(what="delivered: singly", unit="messages/s", values=singles, target=Target("≥", 1_500)),
        Row(what=f"{what}: p50", unit="ms", values=p50, target=Target("<", 4)),
        Row(what=f"{what}: p99", unit="ms", values=p99, target=Target("<", 20)),
    ]  # fmt: skip


@contextlib.contextmanager
def pair() -> Iterator[tuple[NodeProcess, str, NodeProcess]]:
    """Two linked nodes: the one that sends, the other's id, and the other."""
    with ExitStack() as stack:
        here, there = (stack.enter_context(NodeProcess(stack.enter_context(temporary_home()))) for _ in range(2))
        here.client.connect(f"{there.host}:{there.port}")
        deadline = time.monotonic() + PATIENCE_S
        while not all(_is_linked(node) for node in (here, there)):
            if time.monotonic() > deadline:
                raise Failed("The two nodes don't meet.")
            time.sleep(0.01)
        # Somebody there knows the sender: strangers may say less.
        (stranger,) = there.client.peers().peers
        there.client.rename(stranger.id, "a friend")
        yield here, there.client.status().self.id, there


def _is_linked(node: NodeProcess) -> bool:
    return any(peer.kind == "node" and peer.link == "online" for peer in node.client.peers().peers)


def say(line: Connection, home: pathlib.Path, peer: str, length: int, commands: int) -> None:
    """A worker: sends, when it is told to."""
    with Client(home) as client:
        client.hello()
        line.send("up")
        line.recv()
        outgoing = [rq.Outgoing(to=peer, text=TEXT)] * length
        for _ in range(commands):
            client.send_all(outgoing)
        line.send("done")


def confirmed_per_s(length: int, commands: int, senders: int) -> float:
    """Messages a second, from the first command to the receipt that covers the last message."""
    each = max(1, commands // senders)
    with pair() as (here, peer, _), ExitStack() as stack:
        receipts = stack.enter_context(receipts_of(here.home))
        workers = [stack.enter_context(Worker(say, here.home, peer, length, each)) for _ in range(senders)]
        for worker in workers:
            worker.hear()
        start = time.monotonic()
        for worker in workers:
            worker.say("go")
        while number_of(receipts.recv_multipart()) < each * senders * length:
            pass
        return each * senders * length / (time.monotonic() - start)


def receipts_of(home: pathlib.Path) -> zmq.Socket[bytes]:
    """A subscriber to receipts alone: a front end that reads everything would take a core from the nodes."""
    sub: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    sub.setsockopt(zmq.RCVTIMEO, int(PATIENCE_S * 1000))
    sub.connect(locate.read_endpoint(home).events)
    sub.subscribe(HEARTBEAT)
    sub.recv_multipart()
    sub.subscribe(RECEIPT)
    sub.unsubscribe(HEARTBEAT)
    return sub


def number_of(frames: list[bytes]) -> int:
    data = ev.decode_event(frames[1]).data
    return data.n if isinstance(data, ev.ReceiptAdvanced) else 0


def watch(line: Connection, home: pathlib.Path, count: int) -> None:
    """A worker: when each of `count` messages was delivered, by its number (ns of the wall clock)."""
    follower = traffic.settled_follower(Client(home))
    line.send("up")
    times: list[int] = []
    for item in follower:
        if isinstance(item, ev.Event) and isinstance(item.data, ev.ReceiptAdvanced):
            now = time.time_ns()
            times += [now] * (item.data.n - len(times))
            if len(times) >= count:
                break
    line.send(times)


def delays(count: int) -> list[float]:
    """How long each message took from before the command until a front end was told, in milliseconds."""
    with pair() as (here, peer, _), ExitStack() as stack:
        watchers = [stack.enter_context(Worker(watch, here.home, count)) for _ in range(FRONT_ENDS)]
        for watcher in watchers:
            watcher.hear()
        sent = []
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began + number / PER_S - time.monotonic()))
            sent.append(time.time_ns())
            here.client.send(peer, TEXT)
        times = [watcher.hear() for watcher in watchers]
    return [(there - at) / 1e6 for one in times for at, there in zip(sent, one, strict=True)]
