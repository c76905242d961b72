"""Two hundred bad connections at once, of every kind, as fast as they can, and two honest peers who notice nothing.

Run with `-s` to see the honest messages' delay without and with the bad peers; no delay is asserted, because a busy
machine would fail for it. `python -m tests.bench crowd` reports it.
"""

from __future__ import annotations

import statistics

import pytest

from node.model import parse_address
from tests.support.bad_peers import CONNECTIONS, bad_peers
from tests.support.honest import delays
from tests.support.old_clients import AncestorConsole, Std
from tests.support.processes import Nodes, eventually, loopback_host

MESSAGES = 40


@pytest.mark.timeout(300)
def test_two_honest_peers_notice_nothing_of_two_hundred_bad_ones(nodes: Nodes) -> None:
    node = nodes.start("anna")
    with Std(loopback_host(), team="HONEST") as old, AncestorConsole(loopback_host(), team="ANC") as ancestor:
        ancestor.connect(node.host, node.port)
        address = parse_address(node.address)
        alone = delays(node.home, address, old, ancestor, "alone", MESSAGES)
        with bad_peers(address):
            eventually(lambda: node.client.stats().links > CONNECTIONS // 4, "the bad peers are there")
            crowded = delays(node.home, address, old, ancestor, "crowded", MESSAGES)
            # And the other way: what we say gets to both.
            for client in (old, ancestor):
                node.send(client.address, f"hello {client.team}")
                client.wait_for(lambda c: any(f"hello {c.team}" in text for text in c.texts))
            status = node.client.status()
            assert status.ready and status.health.store
        assert node.runs and node.pid == status.pid
        for found, when in ((alone, "alone"), (crowded, f"beside {CONNECTIONS} bad connections")):
            ordered = sorted(found)
            print(f"\nhonest delay {when}: p50 {statistics.median(ordered):.1f} ms, p95 {ordered[-5]:.1f} ms", end="")
        peers = node.client.peers().peers
        assert not [peer for peer in peers if peer.host in (node.host, "10.1.2.3")], "nobody speaks for another address"
