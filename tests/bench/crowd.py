"""Two honest peers beside two hundred bad connections from eight addresses, all as fast as they can, and without."""

from __future__ import annotations

import time

from node.model import Address
from tests.bench.processes import NodeProcess, temporary_home
from tests.bench.rows import Row, percentile
from tests.bench.sizes import Sizes
from tests.support.bad_peers import bad_peers
from tests.support.honest import delays
from tests.support.old_clients import AncestorConsole, Std

#: How long the bad ones are at it before anything is measured, in seconds.
SETTLE_S = 2.0
#: Commands that are asked while they are at it.
ASKED = 100


def measure(sizes: Sizes) -> list[Row]:
    """What the honest ones notice, and how long a command takes meanwhile."""
    found: dict[str, list[list[float]]] = {"alone": [], "crowd": [], "asked alone": [], "asked in the crowd": []}
    for _ in range(max(1, sizes.repeats // 2)):
        with temporary_home() as home, NodeProcess(home) as node:
            address = Address(node.host, node.port)
            with Std("127.61.0.1", team="STD") as std, AncestorConsole("127.61.0.2", team="ANC") as ancestor:
                ancestor.connect(node.host, node.port)
                found["alone"].append(delays(home, address, std, ancestor, "alone", sizes.honest))
                found["asked alone"].append(_ask(node))
                with bad_peers(address, sizes.bad):
                    time.sleep(SETTLE_S)
                    found["crowd"].append(delays(home, address, std, ancestor, "crowded", sizes.honest))
                    found["asked in the crowd"].append(_ask(node))
    rows = []
    for what, crowd, alone in (
        (f"honest text beside {sizes.bad} bad connections", "crowd", "alone"),
        ("`send` meanwhile", "asked in the crowd", "asked alone"),
    ):
        for part in (50, 95):
            values = [percentile(one, part) for one in found[crowd]]
            references = [percentile(one, part) for one in found[alone]]
            rows.append(Row(what=f"{what}: p{part}", unit="ms", values=values, beside="without", references=references))
    return rows


def _ask(node: NodeProcess) -> list[float]:
    took = []
    for number in range(ASKED):
        began = time.perf_counter()
        node.client.send("127.61.0.1:9", f"a text of our own {number}")
        took.append((time.perf_counter() - began) * 1000)
    return took
