"""How soon what a newcomer says is on disk and at a subscriber, beside the same at a short list of peers.

A newcomer is an old client of an address that was never heard: the connection, a new peer with a conversation, and on a
full list somebody who leaves it. The time shouldn't grow with the list.
"""

from __future__ import annotations

import socket
import time

from node.bus import nouns
from tests.bench.processes import Failed, NodeProcess, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes
from tests.bench.snapshots import fill
from tests.bench.traffic import received, settled_follower

STANDINGS: tuple[nouns.Standing, ...] = ("stranger", "known")


def measure(sizes: Sizes) -> list[Row]:
    """The median time at each length, of lists of strangers and of known peers."""
    rows = []
    for standing in STANDINGS:
        shortest: list[float] = []
        for length in sizes.listed:
            times = _times(length, standing, sizes.arriving)
            rows.append(
                Row(
                    what=f"a newcomer, {length:,} peers ({standing}): p50",
                    unit="ms",
                    values=[percentile(times, 50)],
                    beside=f"{sizes.listed[0]:,} peers" if shortest else "",
                    references=shortest,
                    ratio_target=Target("<", 2) if shortest else None,
                )
            )
            shortest = shortest or [percentile(times, 50)]
    return rows


def _times(length: int, standing: nouns.Standing, count: int) -> list[float]:
    """How long each of so many newcomers takes, one after the other, in milliseconds."""
    times = []
    with temporary_home() as home:
        fill(home, length, standing=standing)
        with NodeProcess(home) as node:
            messages = received(settled_follower(node.client))
            for number in range(count):
                source = (f"127.61.{number // 250 + 2}.{number % 250 + 1}", 0)
                start = time.perf_counter()
                with socket.create_connection((node.host, node.port), source_address=source) as sock:
                    sock.sendall(b"127.0.0.1:7000 anna newcomer %d" % number)
                    sock.shutdown(socket.SHUT_WR)
                    message = next(messages, None)
                if message is None or message.text != f"newcomer {number}":
                    raise Failed(f"Newcomer {number} of a list of {length} wasn't heard.")
                times.append(1000 * (time.perf_counter() - start))
    return times
