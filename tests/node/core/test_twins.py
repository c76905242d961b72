"""One identity on two machines, and conversations that were deleted: faults that the two-node simulator has found."""

from __future__ import annotations

from node.bus import requests as rq
from node.core.node import Node
from tests.node.core.nodes import Net, Station


def delete(station: Station, other: Station) -> None:
    station.ask("delete", rq.PeerArgs(peer=other.id))


def test_after_the_conversation_with_a_node_was_deleted_the_core_can_be_loaded_again() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    anna.send(bob, "hello")
    net.settle()
    delete(anna, bob)
    core = Node(anna.disk.load(), anna.core._identity)
    assert bob.id not in core._contacts.by_id


def test_of_two_links_that_two_machines_of_one_identity_dialled_at_once_one_stays_at_both() -> None:
    for first in (0, 1):
        net = Net()
        one, two = net.add("one", key="bob"), net.add("two", key="bob")
        dials = [(one, two), (two, one)]
        net.link(*dials[first])
        net.link(*dials[1 - first])
        net.settle()
        assert len(net.links) == 2
        for station in (one, two):
            assert len(station.core._links.with_peer(station.id)) == 1
