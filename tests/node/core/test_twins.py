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
