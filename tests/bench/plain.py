"""Plain messages a second: TCP -> committed -> subscriber, beside the bare pipeline in the same way."""

from __future__ import annotations

from collections.abc import Callable

from node.bus import locate
from tests.bench import pipeline, traffic
from tests.bench.processes import Failed, NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes

#: One-shot senders at once.
SENDERS = 4

Sender = Callable[[str, int], Worker]


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

    rows: dict[str, tuple[list[float], list[float]]] = {}
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
    return [
        Row(
            what=what,
            unit="messages/s",
            values=values,
            beside="bare pipeline",
            references=references,
            **(goal if "lines" in what else {}),
        )
        for what, (values, references) in rows.items()
    ]


def _add(rows: dict[str, tuple[list[float], list[float]]], what: str, product: float, bare: float) -> None:
    values, references = rows.setdefault(what, ([], []))
    values.append(product)
    references.append(bare)


def through_pipeline(sender: Sender, count: int) -> float:
    """Messages a second through the bare pipeline."""
    with temporary_home() as folder, Worker(pipeline.serve, folder) as served:
        endpoint, port = served.hear()
        with Worker(traffic.count_raw, endpoint, pipeline.TOPIC, count) as subscriber:
            return _rate(subscriber, sender, "127.0.0.1", port, count)


def through_node(sender: Sender, count: int, *, raw: bool = False) -> float:
    """Messages a second through a fresh node."""
    with temporary_home() as home, NodeProcess(home) as node:
        if raw:
            subscriber = Worker(traffic.count_raw, locate.read_endpoint(home).events, b"MessageReceived", count)
        else:
            subscriber = Worker(traffic.count_followed, home, count)
        with subscriber:
            return _rate(subscriber, sender, node.host, node.port, count)


def _rate(subscriber: Worker, sender: Sender, host: str, port: int, count: int) -> float:
    subscriber.hear()
    with sender(host, port) as sending:
        sending.hear()
        sending.say("go")
        start = sending.hear()
        seen, end = subscriber.hear()
    if seen != count:
        raise Failed(f"{seen} of {count} messages came.")
    return float(count / (end - start))
