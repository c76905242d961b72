"""What the doctor says on networks that are broken in one way each. They exist in network namespaces only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from node.bus.diagnosis import Check, Diagnosis
from tests.netns.test_finding import DROP, Scene, linked, says, scene, two
from tests.support.processes import NodeProcess, eventually
from tests.support.segments import Machine

#: An examination takes up to 14 s.
WITHIN = 30.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def examined(node: NodeProcess, peer: str | None = None) -> Diagnosis:
    """A new examination, once it is done."""
    node.client.doctor(peer, again=True)

    def done() -> list[Diagnosis]:
        found = node.client.doctor(peer)
        return [] if found.running else [found]

    return eventually(done, "the doctor is done", within=WITHIN)[0]


def check(found: Diagnosis, key: str) -> Check:
    return next(one for one in found.checks if one.key == key)


def friends(stack: ExitStack) -> tuple[Scene, list[Machine], list[NodeProcess]]:
    """Two who see each other, and have dealt with each other."""
    made, machines, nodes = two(stack)
    anna, bob = nodes
    linked(anna, bob)
    says(bob, anna, "hello")
    anna.client.accept(linked(anna, bob).id)
    says(anna, bob, "hello")
    return made, machines, nodes


def test_a_port_that_is_shut_and_multicast_that_is_dropped_are_told_apart(stack: ExitStack) -> None:
    _, machines, (anna, bob) = friends(stack)
    machines[0].rules(DROP.format(what="udp dport 5353"))
    machines[1].rules(DROP.format(what="tcp dport 5000 tcp flags & (syn | ack) == syn"))
    found = examined(anna, bob.client.status().self.id)
    assert check(found, "port").state == "well"
    assert "bob's node connected back to it in" in check(found, "port").said
    assert [(one.address, one.interface, one.said) for one in found.addresses] == [
        ("10.1.0.1:5000", "eth0", "reached by bob")
    ]
    assert check(found, "multicast").state == "fails"
    assert "went out on eth0, none came back" in check(found, "multicast").said
    assert [check(found, key).state for key in ("neighbours", "network", "clock", "node")] == ["well"] * 4
    assert found.paths[0].answer == "linked" and found.paths[-1].path == "by mDNS"
    assert found.verdict == "bob is linked. Multicast doesn't come back: others may not see you."

    # Whatever begins at his port is dropped; the link that stands isn't harmed.
    found = examined(bob)
    assert check(found, "port").said == (
        "anna's node tried 10.1.0.2, port 5000, and got no answer (4.0 s). A firewall on this machine is likely."
    )
    assert check(found, "port").state == "fails"
    # She is deaf, so she doesn't answer his question either.
    assert check(found, "multicast").state == "doubtful"
    assert "not even anna in this network" in check(found, "multicast").said
    assert found.verdict.startswith("Nobody gets through to you.")
    assert [one.said for one in found.addresses] == ["anna got no answer"]


def test_a_machine_that_drops_and_one_that_is_gone_are_told_apart(stack: ExitStack) -> None:
    _, machines, (anna, bob) = friends(stack)
    bob_id = bob.client.status().self.id
    machines[1].rules(DROP.format(what="tcp dport 5000"))
    bob.stop()
    found = examined(anna, bob_id)
    [path] = [one for one in found.paths if one.path == "10.1.0.2:5000"]
    assert (path.answer, path.interface) == ("no answer", "eth0")
    assert path.reason == "The machine is there, and drops it: probably bob's firewall."
    machines[1].drop("10.1.0.2/24")
    found = examined(anna, bob_id)
    [path] = [one for one in found.paths if one.path == "10.1.0.2:5000"]
    assert path.answer in ("no route", "no answer") and found.verdict == "bob doesn't answer at its one address."


def test_a_network_that_keeps_its_machines_apart_is_suspected_and_why(stack: ExitStack) -> None:
    made = scene(stack, isolated=True)
    machines = [made.ground.machine(name) for name in ("anna", "bob")]
    for number, machine in enumerate(machines, 1):
        machine.join("lan", f"10.1.0.{number}/24")
    # The router of such a network answers everybody.
    made.ground.hub("ip", "addr", "add", "10.1.0.254/24", "dev", "lan")
    nodes = [made.node(machine, name) for machine, name in zip(machines, ("anna", "bob"), strict=True)]
    anna, bob = (node.wait_ready() for node in nodes)
    knock = "import socket; s = socket.socket(); s.settimeout(2); s.connect_ex(('10.1.0.254', 9))"
    machines[0].run(sys.executable, "-c", knock)
    anna.client.add(bob.client.invite().link)
    found = examined(anna)
    network = check(found, "network")
    assert network.state == "doubtful", network.said
    assert "bob should be in this network, and no sign of them comes, while 10.1.0.254 in the same network does" in (
        network.said
    )
    assert "client isolation" in network.said
    assert found.verdict == "Nobody is reached. The network or a VPN seems to stand in between."
