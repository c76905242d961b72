"""What two honest nodes notice of a flood of handshakes at the door of one of them, beside the same nodes without it.

The two are linked. One says something now and then, and it counts when it is *delivered*. With and without the flood
take turns in one run. And a third, whom that node has never met, opens a link to it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack

from tests.bench import flood
from tests.bench.delivered import number_of, pair, receipts_of
from tests.bench.far import FarEnd
from tests.bench.processes import NodeProcess, Worker
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes

TEXT = "x" * 100
#: How often something is said, in seconds.
EVERY_S = 0.03
#: How much later a message may be there beside a flood, for all but one in twenty.
TARGET = Target("<", 1.5)
#: How long the newcomer goes on trying, in seconds, and the pause before it tries again.
TRIED_S, AGAIN_S = 5.0, 0.01


def measure(sizes: Sizes) -> list[Row]:
    """The p95 of messages, and the median of new links, for each kind of flood."""
    rows = []
    for kind in flood.KINDS:
        alone: list[list[float]] = []
        beside: list[list[float]] = []
        opened_alone: list[float] = []
        opened: list[float] = []
        with pair() as (here, peer, there):
            _said(here, peer, sizes.said)
            for _ in range(sizes.repeats):
                alone.append(_said(here, peer, sizes.said))
                opened_alone.append(_opened(there, sizes.newcomers))
                with ExitStack() as stack:
                    worker = stack.enter_context(
                        Worker(flood.flood, there.host, there.port, kind, sizes.flooding, sizes.flooding_each)
                    )
                    worker.hear()
                    time.sleep(sizes.flooded_s)
                    beside.append(_said(here, peer, sizes.said))
                    opened.append(_opened(there, sizes.newcomers))
                    worker.say("enough")
                    worker.hear()
        what = f"beside a flood of handshakes, {kind}"
        rows += [
            Row(
                what=f"message {what}: p95", unit="ms", values=[percentile(one, 95) for one in beside],
                beside="without", references=[percentile(one, 95) for one in alone], ratio_target=TARGET,
            ),
            Row(what=f"new link {what}", unit="ms", values=opened, beside="without", references=opened_alone),
        ]  # fmt: skip
    return rows


def _said(here: NodeProcess, peer: str, count: int) -> list[float]:
    """How long each message takes until front ends know that it is delivered, in ms."""
    found, receipts = [], receipts_of(here.home)
    for _ in range(count):
        began = time.perf_counter()
        place = here.client.send(peer, TEXT).entry
        assert place is not None
        while number_of(receipts.recv_multipart()) < place.n:
            pass
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(EVERY_S)
    receipts.close(0)
    return found


def _opened(there: NodeProcess, count: int) -> float:
    """How long it takes somebody new to open a link, from the first connection on, in ms: the median."""

    async def dial() -> float:
        end, began = FarEnd(), time.perf_counter()
        while True:
            try:
                async with asyncio.timeout(TRIED_S):
                    await end.open(there.host, there.port)
                took = (time.perf_counter() - began) * 1000
                await end.close()
                return took
            except (OSError, AssertionError, TimeoutError):
                if time.perf_counter() - began > TRIED_S:
                    return TRIED_S * 1000
                await asyncio.sleep(AGAIN_S)

    return percentile([asyncio.run(dial()) for _ in range(count)], 50)
