"""A node's address changes under a live link, on a real network without mDNS: the link moves, and nothing is lost."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from node.bus import nouns
from tests.netns.test_finding import linked, says, scene
from tests.support.processes import NodeProcess, eventually

OFF = {"SNICHER_DISCOVERY": "off"}


def conversation(node: NodeProcess, other: NodeProcess) -> list[nouns.Message]:
    peer = next(one for one in node.client.peers().peers if one.name == other.name)
    return [one for one in node.client.history(peer.room, limit=200).messages if one.kind == "text"]


@pytest.mark.parametrize("mover", [0, 1], ids=["who has dialled", "who was dialled"])
def test_a_link_moves_with_a_node_and_what_is_said_meanwhile_arrives_once(mover: int) -> None:
    with ExitStack() as stack:
        made = scene(stack)
        machines = [made.ground.machine(name) for name in ("anna", "bob")]
        for number, machine in enumerate(machines, 1):
            machine.join("lan", f"10.1.0.{number}/24")
        nodes = [made.node(one, name, **OFF) for one, name in zip(machines, ("anna", "bob"), strict=True)]
        anna, bob = (node.wait_ready() for node in nodes)
        anna.client.connect("10.1.0.2:5000")
        linked(anna, bob)
        linked(bob, anna)
        says(anna, bob, "before")
        says(bob, anna, "before, too")
        machines[mover].drop(f"10.1.0.{mover + 1}/24")
        machines[mover].add("10.1.0.77/24")
        moved = time.monotonic()
        for node, other in ((anna, bob), (bob, anna)):
            peer = next(one for one in node.client.peers().peers if one.name == other.name)
            for number in range(5):
                node.client.send(peer.id, f"{node.name} {number}")
        wanted = sorted(
            ["before", "before, too", *(f"{name} {number}" for name in ("anna", "bob") for number in range(5))]
        )
        for node, other in ((anna, bob), (bob, anna)):
            eventually(
                lambda node=node, other=other: sorted(one.text for one in conversation(node, other)) == wanted,
                "everything is there once",
                within=30,
            )
        print(f"all of it was there {time.monotonic() - moved:.1f} s after the address had changed")
        other = nodes[1 - mover]
        peer = linked(other, nodes[mover])
        assert peer.addresses[0] == "10.1.0.77:5000"
        eventually(lambda: len(other.client.links(peer.id)) == 1, "the old link is given up")
        eventually(
            lambda: {one.state for one in conversation(anna, bob) if one.direction == "out"} <= {"delivered", "read"},
            "all is delivered",
        )
