"""How fast nodes on one network find each other, and what that costs when nothing is said.

In network namespaces, so it needs root. `python -m tests.bench.finding 20 50 100 [--idle SECONDS]` takes other numbers
of nodes; each is a process of some 60 MB, and starting a hundred takes two cores a few minutes.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from node.bus import nouns
from node.bus.client import Client
from node.core.nearby import LINK_ALL
from node.errors import BusError
from tests.bench.processes import PATIENCE_S, ROOT, Failed, cpu_s, end, temporary_home
from tests.bench.rows import Row, Target, table
from tests.bench.sizes import Sizes
from tests.support.namespaces import Unavailable
from tests.support.processes import clean_environment
from tests.support.segments import Ground, Machine

#: How often a node is asked what it sees, in seconds: figures of a single pair are exact to this.
LOOK_S = 0.005
#: After all have found each other: the questions of the start are over, and links that aren't needed are left (s).
SETTLE_S = 25.0
#: Counts what mDNS and what links cost, with all headers of IP.
COUNT = """
table inet count {
    chain in {
        type filter hook input priority 0
        udp dport 5353 counter
        meta l4proto tcp counter
    }
    chain out {
        type filter hook output priority 0
        oifname "lo" return
        udp dport 5353 counter
        meta l4proto tcp counter
    }
}
"""


class Traffic(NamedTuple):
    """Packets and bytes of mDNS and of links, both ways together."""

    mdns_packets: int
    mdns_bytes: int
    link_packets: int
    link_bytes: int


class Node:
    """A node on a machine of its own."""

    def __init__(self, folder: pathlib.Path, machine: Machine, name: str) -> None:
        self.home = folder / name
        self.machine = machine
        self.name = name
        command = [*machine.inside, sys.executable, "-m", "node", "run", "--home", str(self.home), "--name", name]
        command += ["--listen", "0.0.0.0:5000", "--log-level", "error"]
        environment = clean_environment({"SNICHER_DISCOVERY": "on"})
        self.began = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        self.client = Client(self.home, name="bench", timeout=PATIENCE_S)

    def close(self) -> None:
        self.client.close()
        end(self.process)

    def asked(self, what: Callable[[Client], nouns.Nearby]) -> nouns.Nearby | None:
        try:
            return what(self.client)
        except BusError:
            return None

    def sees(self) -> int:
        """Nodes that it sees and knows by their keys."""
        found = self.asked(lambda client: client.nearby())
        return 0 if found is None else len({one.peer for one in found.services if one.peer is not None})

    def linked(self) -> int:
        return sum(peer.link == "online" for peer in self.client.peers().peers)

    def traffic(self) -> Traffic:
        told = re.findall(
            r"counter packets (\d+) bytes (\d+)", self.machine.run("nft", "list", "table", "inet", "count")
        )
        numbers = [(int(packets), int(size)) for packets, size in told]
        mdns, links = numbers[0::2], numbers[1::2]
        return Traffic(*(sum(one[part] for one in kind) for kind in (mdns, links) for part in (0, 1)))


def _until(what: Callable[[], bool], words: str, pause: float = LOOK_S, within: float = PATIENCE_S) -> float:
    """Wait; returns the time when it was so."""
    deadline = time.perf_counter() + within
    while not what():
        if time.perf_counter() > deadline:
            raise Failed(f"Not within {within:.0f} s: {words}.")
        time.sleep(pause)
    return time.perf_counter()


class Place:
    """One segment, and machines on it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._ground = stack.enter_context(Ground())
        self._ground.segment("lan")
        self._folder = stack.enter_context(temporary_home())
        self._count = 0

    def machine(self) -> Machine:
        self._count += 1
        machine = self._ground.machine(f"m{self._count}")
        machine.join("lan", f"10.1.{self._count // 250}.{self._count % 250 + 1}/16")
        machine.rules(COUNT)
        return machine

    def node(self, machine: Machine) -> Node:
        node = Node(self._folder, machine, f"n{self._count}-{time.monotonic_ns() % 10**6}")
        self._stack.callback(node.close)
        return node


def first_peer(repeats: int) -> list[Row]:
    """A fresh node comes to a network where one is: how long until somebody can write."""
    ready, linked, said, whole = [], [], [], []
    with ExitStack() as stack:
        place = Place(stack)
        old = place.node(place.machine())
        _until(lambda: old.asked(lambda client: client.nearby()) is not None, "the first node is up")
        for number in range(repeats):
            node = place.node(place.machine())
            up = _until(lambda node=node: node.asked(lambda client: client.nearby()) is not None, "it is up")  # type: ignore[misc]
            at = _until(lambda node=node, number=number: node.linked() > number, "it is linked")  # type: ignore[misc]
            peer = next(one for one in node.client.peers().peers if one.link == "online")
            node.client.send(peer.id, "hello")
            ready.append(up - node.began)
            linked.append(at - up)
            said.append(time.perf_counter() - up)
            whole.append(time.perf_counter() - node.began)
    return [
        Row(what="a fresh node: process to ready", unit="s", values=ready),
        Row(what="ready to linked with all there", unit="s", values=linked),
        Row(what="ready to first message accepted", unit="s", values=said, target=Target("<", 1)),
        Row(what="process to first message accepted", unit="s", values=whole),
    ]


def crowd(count: int, idle_s: float, settle_s: float) -> list[Row]:
    """So many nodes start on one segment: when all know all, and what it costs then and later."""
    with ExitStack() as stack:
        place = Place(stack)
        machines = [place.machine() for _ in range(count)]
        began = time.perf_counter()
        nodes = [place.node(machine) for machine in machines]
        last = max(
            _until(lambda node=node: node.asked(lambda client: client.nearby()) is not None, "all are up", 0.05, 600)  # type: ignore[misc]
            for node in nodes
        )
        found = max(
            _until(lambda node=node: node.sees() >= count - 1, f"all {count} know all", 0.1, 600)  # type: ignore[misc]
            for node in nodes
        )
        wanted = count - 1 if count <= LINK_ALL + 1 else 1
        linked = max(_until(lambda node=node: node.linked() >= wanted, "all are linked", 0.1, 600) for node in nodes)  # type: ignore[misc]
        packets = [sum(node.traffic()[0::2]) for node in nodes]
        cpu = [cpu_s(node.process.pid) for node in nodes]
        time.sleep(settle_s)
        before, cpu_before = [node.traffic() for node in nodes], [cpu_s(node.process.pid) for node in nodes]
        time.sleep(idle_s)
        after, cpu_after = [node.traffic() for node in nodes], [cpu_s(node.process.pid) for node in nodes]
        links = [max(1, node.linked()) for node in nodes]
    minutes = idle_s / 60
    mdns = [(b.mdns_bytes - a.mdns_bytes) / 1000 / minutes for a, b in zip(before, after, strict=True)]
    each = [
        (b.link_bytes - a.link_bytes) / 1000 / minutes / number
        for a, b, number in zip(before, after, links, strict=True)
    ]
    return [
        Row(what=f"{count} nodes: last one ready, after the first process", unit="s", values=[last - began]),
        Row(what=f"{count} nodes: all know all, after the last one is ready", unit="s", values=[max(0, found - last)]),
        Row(what=f"{count} nodes: links up, after the last one is ready", unit="s", values=[max(0, linked - last)]),
        Row(what=f"{count} nodes: packets of a node until then", unit="packets", values=packets),
        Row(what=f"{count} nodes: CPU of a node until then", unit="s", values=cpu),
        Row(what=f"{count} nodes: links of a node", unit="links", values=links),
        Row(what=f"{count} nodes, idle: mDNS of a node", unit="kB/min", values=mdns, target=Target("<", 3)),
        Row(what=f"{count} nodes, idle: a link", unit="kB/min", values=each, target=Target("<", 1)),
        Row(
            what=f"{count} nodes, idle: CPU of a node", unit="% of a core",
            values=[(b - a) / idle_s * 100 for a, b in zip(cpu_before, cpu_after, strict=True)],
        ),
    ]  # fmt: skip


def measure(sizes: Sizes) -> list[Row]:
    """One pair, and all of them at once. Without namespaces, nothing is measured."""
    try:
        rows = first_peer(sizes.repeats)
        for count in sizes.near:
            rows += crowd(count, sizes.near_idle_s, min(SETTLE_S, sizes.near_idle_s))
    except Unavailable as error:
        print(f"finding: not measured: {error}", file=sys.stderr)
        return []
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure with the numbers of nodes that are given."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.finding", description="Nodes that find each other.")
    parser.add_argument("nodes", nargs="*", type=int, metavar="NODES", help="how many on one segment (default: 20)")
    parser.add_argument("--idle", type=float, default=60.0, metavar="SECONDS", help="how long idle traffic is counted")
    given = parser.parse_args(arguments)
    print(table(measure(Sizes(near=tuple(given.nodes) or (20,), near_idle_s=given.idle))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
