"""What a node costs that has nothing to do: memory and CPU, alone and with many links that say nothing."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack

from tests.bench.processes import PATIENCE_S, Failed, NodeProcess, cpu_percent, memory_mb, temporary_home
from tests.bench.rows import Row, Target
from tests.bench.sizes import Sizes

#: After start-up or new links: what follows from them is over, in seconds.
SETTLE_S = 2.0
#: Machines that links come from.
MACHINES = 8
#: Files that this process needs beside its links.
SPARE_FILES = 200


def measure(sizes: Sizes) -> list[Row]:
    """A fresh node, then the same with links."""
    settle = min(SETTLE_S, sizes.idle_s)
    with temporary_home() as home, NodeProcess(home) as node, ExitStack() as stack:
        time.sleep(settle)
        memory = memory_mb(node.pid)
        cpu = cpu_percent(node.pid, sizes.idle_s)
        link(node, sizes.links, stack)
        time.sleep(settle)
        linked_memory = memory_mb(node.pid)
        linked_cpu = cpu_percent(node.pid, sizes.idle_s)
    per_thousand = (linked_memory - memory) * 1000 / sizes.links
    return [
        Row(what="idle node: memory", unit="MB", values=[memory], target=Target("<", 60)),
        Row(what="idle node: CPU", unit="% of a core", values=[cpu], target=Target("<", 1)),
        Row(what="idle links: memory per 1,000", unit="MB", values=[per_thousand], target=Target("<", 100)),
        Row(what=f"idle node with {sizes.links:,} links: CPU", unit="% of a core", values=[linked_cpu]),
    ]


def link(node: NodeProcess, count: int, stack: ExitStack) -> None:
    """Open so many links that say nothing but CONNECT, and wait until each is a peer of its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    before = node.client.stats().peers
    for number in range(count):
        # Of a few machines: one alone may not fill the list of peers.
        source = (f"127.61.1.{number % MACHINES + 1}", 0)
        opened = stack.enter_context(socket.create_connection((node.host, node.port), source_address=source))
        # Each is a peer of its own, as the ancestor comes.
        opened.sendall(b"CONNECT:%d\n" % (10_000 + number))
    deadline = time.monotonic() + PATIENCE_S
    while (found := node.client.stats()).links < count or found.peers < before + count:
        if time.monotonic() > deadline:
            raise Failed("The links didn't become peers.")
        time.sleep(0.05)
