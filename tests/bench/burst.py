"""Loss through PUB: a burst to subscribers that sleep meanwhile. Raw ones lose what is over the high-water marks, for
good; a follower sees the gap and asks the log.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from node.bus import locate
from tests.bench import pipeline, traffic
from tests.bench.processes import NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes

#: What ZeroMQ's sockets have when nobody says otherwise.
DEFAULT_MARK = 1_000
#: Nothing more comes after so long without a message, in seconds: the burst is over when the sleepers wake.
SILENCE_S = 1.5
#: After the last line was written, so long until the bare pipeline has published it, in seconds.
PUBLISHED_S = 1.0


def measure(sizes: Sizes) -> list[Row]:
    """For each burst, what either subscriber lost."""
    rows = []
    for count in sizes.bursts:
        bare = _lost_from_pipeline(count)
        raw, followed = _lost_from_node(count)
        what = f"burst of {count:,} to a sleeper: lost by a"
        rows += [
            Row(what=f"{what} raw SUB", unit="events", values=[raw], beside="default ZeroMQ", references=[bare]),
            Row(what=f"{what} Follower", unit="events", values=[followed], target=Target("=", 0)),
        ]
    return rows


def _sleeper(endpoint: str, topic: bytes, count: int) -> Worker:
    return Worker(traffic.count_raw, endpoint, topic, count, sleeps=True, mark=DEFAULT_MARK, silence_s=SILENCE_S)


def _burst(host: str, port: int, text: bytes, count: int, announce: bytes) -> Worker:
    """A sender that has written all."""
    sender = Worker(traffic.say, host, port, text, count, min(traffic.BLOCK, count), announce)
    sender.hear()
    sender.say("go")
    sender.hear()
    sender.hear()
    return sender


def _lost_from_pipeline(count: int) -> int:
    """At ZeroMQ's default marks."""
    with temporary_home() as folder, Worker(pipeline.serve, folder, DEFAULT_MARK) as served:
        endpoint, port = served.hear()
        with _sleeper(endpoint, pipeline.TOPIC, count) as subscriber:
            subscriber.hear()
            with _burst("127.0.0.1", port, pipeline.LINE, count, b""):
                time.sleep(PUBLISHED_S)
                subscriber.say("wake")
                seen, _ = subscriber.hear()
    return count - int(seen)


def _lost_from_node(count: int) -> tuple[int, int]:
    """By a raw SUB at its default mark, and by a follower."""
    with temporary_home() as home, NodeProcess(home) as node, ExitStack() as stack:
        raw = _sleeper(locate.read_endpoint(home).events, b"MessageReceived", count)
        followed = Worker(traffic.count_followed, home, count, sleeps=True)
        subscribers = [stack.enter_context(raw), stack.enter_context(followed)]
        for subscriber in subscribers:
            subscriber.hear()
        stack.enter_context(_burst(node.host, node.port, traffic.LINE, count, traffic.CONNECT))
        while node.client.stats().received < count:
            time.sleep(0.05)
        for subscriber in subscribers:
            subscriber.say("wake")
        counts = [count - int(subscriber.hear()[0]) for subscriber in subscribers]
    return counts[0], counts[1]
