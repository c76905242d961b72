"""Pages of a long conversation while messages stream into it, and with nothing coming in as the reference."""

from __future__ import annotations

import time
from contextlib import ExitStack

from tests.bench import traffic
from tests.bench.processes import NodeProcess, Worker, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes

#: Incoming messages in one write; the pace is kept by writes.
PER_WRITE = 50
#: Messages of a page, as the dashboard asks for.
PAGE = 50


def measure(sizes: Sizes) -> list[Row]:
    """The newest page and one in the middle: p50 and p99."""
    found: dict[tuple[str, bool], list[float]] = {}
    with temporary_home() as home, NodeProcess(home) as node, ExitStack() as stack:
        room = _fill(node, sizes.conversation)
        # It ends when told so; the count is out of reach.
        incoming = stack.enter_context(
            Worker(traffic.say_paced, node.host, node.port, sizes.incoming_per_s, 10**9, PER_WRITE)
        )
        incoming.hear()
        # Quiet means that the search index has caught up, too.
        while node.client.search("nothing").pending:
            time.sleep(0.1)
        for loaded in (False, True):
            before, began = node.client.stats().received, time.perf_counter()
            if loaded:
                incoming.say("go")
                time.sleep(min(1.0, sizes.latency_s))
            for number in range(sizes.pages):
                # Not always the same page: what was read a moment ago is warm for nobody else.
                middle = sizes.conversation // 4 + (number * 7919) % (sizes.conversation // 2)
                for what, around in (("newest", None), ("middle", middle)):
                    start = time.perf_counter()
                    page = node.client.history(room, around=around, limit=PAGE)
                    found.setdefault((what, loaded), []).append(1000 * (time.perf_counter() - start))
                    assert len(page.messages) == PAGE
        rate = (node.client.stats().received - before) / (time.perf_counter() - began)
        incoming.say("enough")
        incoming.hear()
    rows = [
        Row(
            what="page: what really came in",
            unit="messages/s",
            values=[rate],
            beside="asked for",
            references=[sizes.incoming_per_s],
        )
    ]
    for what in ("newest", "middle"):
        for percent, target in ((50, None), (99, Target("<", 5))):
            rows.append(
                Row(
                    what=f"page: {what} of {sizes.conversation:,}, {sizes.incoming_per_s:,}/s coming in: p{percent}",
                    unit="ms",
                    values=[percentile(found[what, True], percent)],
                    target=target,
                    beside="quiet node",
                    references=[percentile(found[what, False], percent)],
                )
            )
    return rows


def _fill(node: NodeProcess, count: int) -> str:
    """Have one peer say that much, until all is on disk; returns its conversation."""
    with Worker(traffic.say, node.host, node.port, traffic.LINE, count, min(traffic.BLOCK, count)) as sender:
        sender.hear()
        sender.say("go")
        sender.hear()
        while node.client.stats().messages < count:
            time.sleep(0.05)
    return node.client.peers().peers[0].room
