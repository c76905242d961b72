"""Two honest peers beside two hundred bad connections from eight addresses, all as fast as they can, and without.

And beside three hundred addresses that flood: there, one that says something now and then should hardly notice.
"""

from __future__ import annotations

import time

from node.model import Address
from tests.bench.processes import NodeProcess, temporary_home
from tests.bench.rows import Row, Target, percentile
from tests.bench.sizes import Sizes
from tests.support.bad_peers import bad_peers, flooders
from tests.support.honest import delays
from tests.support.old_clients import AncestorConsole, Std

#: How long the bad ones are at it before anything is measured, in seconds.
SETTLE_S = 2.0
#: How often each of the honest ones says something beside those that flood, in seconds: as people do, or faster.
NOW_AND_THEN = 0.5
#: How much later a text may be there beside those that flood, for all but one in twenty.
TARGET = Target("<", 2.0)
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
    return rows + _flooded(sizes)


def _flooded(sizes: Sizes) -> list[Row]:
    found: dict[str, list[list[float]]] = {"alone": [], "flooded": []}
    for _ in range(max(1, sizes.repeats // 2)):
        with temporary_home() as home, NodeProcess(home) as node:
            address = Address(node.host, node.port)
            with Std("127.61.0.1", team="STD") as std, AncestorConsole("127.61.0.2", team="ANC") as ancestor:
                ancestor.connect(node.host, node.port)

                def said(word: str) -> list[float]:
                    return delays(home, address, std, ancestor, word, sizes.sparse, NOW_AND_THEN)  # noqa: B023

                found["alone"].append(said("alone"))
                with flooders(address, sizes.flooders):
                    time.sleep(SETTLE_S)
                    found["flooded"].append(said("flooded"))
    return [
        Row(
            what=f"honest text beside {sizes.flooders} flooding sources: p{part}",
            unit="ms",
            values=[percentile(one, part) for one in found["flooded"]],
            beside="without",
            references=[percentile(one, part) for one in found["alone"]],
            ratio_target=TARGET if part == 95 else None,
        )
        for part in (50, 95)
    ]


def _ask(node: NodeProcess) -> list[float]:
    took = []
    for number in range(ASKED):
        began = time.perf_counter()
        node.client.send("127.61.0.1:9", f"a text of our own {number}")
        took.append((time.perf_counter() - began) * 1000)
    return took
