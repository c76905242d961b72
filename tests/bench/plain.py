"""Plain messages a second: TCP -> committed -> subscriber, beside the bare pipeline in the same way.

Of one connection a message, also what a message costs: its rate depends on how much of the processor the senders leave.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from node.bus import locate
from tests.bench import pipeline, traffic
from tests.bench.processes import Failed, NodeProcess, Worker, cpu_s, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes

#: One-shot senders at once.
SENDERS = 4

Sender = Callable[[str, int], Worker]


class Run(msgspec.Struct, frozen=True):
    """What one run came to: messages a second, and microseconds of processor time of each, in all threads."""

    rate: float
    cpu_us: float


def measure(sizes: Sizes) -> list[Row]:
    """Lines, the ancestor's manners, and one connection a message."""
    goal = {"target": Target("≥", 40_000), "ratio_target": Target("≥", 0.3)}

    def lines(text: bytes, announce: bytes) -> Sender:
        return lambda host, port: Worker(
            traffic.say, host, port, text, sizes.lines, min(traffic.BLOCK, sizes.lines), announce
        )

    def texts(host: str, port: int) -> Worker:
        return Worker(traffic.say, host, port, traffic.TEXT, sizes.texts, 1)

    def bare_texts(host: str, port: int) -> Worker:
        return Worker(traffic.say, host, port, pipeline.LINE, sizes.texts, 1, b"")

    def one_shots(host: str, port: int) -> Worker:
        return Worker(traffic.say_one_shot, host, port, SENDERS, sizes.connections)

    one_shot_goal = {"ratio_target": Target("≥", 0.5)}
    rows: dict[str, tuple[list[float], list[float]]] = {}
    costs: tuple[list[float], list[float]] = ([], [])
    for _ in range(sizes.repeats):
        bare = through_pipeline(lines(pipeline.LINE, b""), sizes.lines)
        for what, raw in (("lines, raw SUB", True), ("lines, Follower", False)):
            product = through_node(lines(traffic.LINE, traffic.CONNECT), sizes.lines, raw=raw)
            _add(rows, f"plain: {what}", product, bare)
        bare = through_pipeline(bare_texts, sizes.texts)
        _add(rows, "plain: ancestor's texts, Follower", through_node(texts, sizes.texts), bare)
        bare = through_pipeline(one_shots, sizes.connections)
        product = through_node(one_shots, sizes.connections)
        _add(rows, f"plain: std, {SENDERS} senders, Follower", product, bare)
        costs[0].append(product.cpu_us)
        costs[1].append(bare.cpu_us)
    cost = Row(
        what="plain: std, CPU a message", unit="us", values=costs[0], beside="bare pipeline", references=costs[1]
    )
    return [
        Row(
            what=what,
            unit="messages/s",
            values=values,
            beside="bare pipeline",
            references=references,
            **(goal if "lines" in what else one_shot_goal if "std" in what else {}),
        )
        for what, (values, references) in rows.items()
    ] + [cost]


def _add(rows: dict[str, tuple[list[float], list[float]]], what: str, product: Run, bare: Run) -> None:
    values, references = rows.setdefault(what, ([], []))
    values.append(product.rate)
    references.append(bare.rate)


def through_pipeline(sender: Sender, count: int) -> Run:
    """Messages through the bare pipeline."""
    with temporary_home() as folder, Worker(pipeline.serve, folder) as served:
        endpoint, port = served.hear()
        with Worker(traffic.count_raw, endpoint, pipeline.TOPIC, count) as subscriber:
            return _run(subscriber, sender, ("127.0.0.1", port), count, served.pid)


def through_node(sender: Sender, count: int, *, raw: bool = False) -> Run:
    """Messages through a fresh node."""
    with temporary_home() as home, NodeProcess(home) as node:
        if raw:
            subscriber = Worker(traffic.count_raw, locate.read_endpoint(home).events, b"MessageReceived", count)
        else:
            subscriber = Worker(traffic.count_followed, home, count)
        with subscriber:
            return _run(subscriber, sender, (node.host, node.port), count, node.pid)


def _run(subscriber: Worker, sender: Sender, to: tuple[str, int], count: int, pid: int) -> Run:
    subscriber.hear()
    with sender(*to) as sending:
        sending.hear()
        before = cpu_s(pid)
        sending.say("go")
        start = sending.hear()
        seen, end = subscriber.hear()
        used = cpu_s(pid) - before
    if seen != count:
        raise Failed(f"{seen} of {count} messages came.")
    return Run(count / (end - start), 1e6 * used / count)
