"""Nodes find each other on real networks, which exist in network namespaces only.

All nodes of a test start at once, because most of its time goes into that.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from node.bus import nouns
from node.core.nearby import MAX_SEEN
from tests.support.namespaces import Unavailable
from tests.support.processes import ROOT, NodeProcess, eventually
from tests.support.segments import Ground, Machine

ON = {"SNICHER_DISCOVERY": "on"}
#: Drops what comes in.
DROP = """
add table inet t
flush table inet t
table inet t {{
    chain c {{
        type filter hook input priority 0; policy accept;
        {what} drop
    }}
}}
"""
NOTHING = "add table inet t\nflush table inet t\n"


class Scene:
    """Machines, the networks between them, and a node on each machine."""

    def __init__(self, stack: ExitStack, ground: Ground) -> None:
        self.ground = ground
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sn-")))
        self._stack = stack

    def node(self, machine: Machine, name: str, listen: str = "0.0.0.0:5000", **more: str) -> NodeProcess:
        node = NodeProcess(self.folder / name, name, listen, environment=ON | more, inside=machine.inside)
        self._stack.callback(node.close)
        return node.launch()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def scene(stack: ExitStack, **options: bool) -> Scene:
    try:
        ground = stack.enter_context(Ground(**options))
        ground.segment("lan")
    except Unavailable as error:
        if os.environ.get("CI"):
            pytest.fail(f"Network namespaces must be there where CI is set: {error}.")
        pytest.skip(f"no network namespaces: {error}")
    return Scene(stack, ground)


def two(stack: ExitStack, *, listen: str = "0.0.0.0:5000", addresses: str = "10.1.0.{}/24", **options: bool) -> tuple[
    Scene, list[Machine], list[NodeProcess]
]:  # fmt: skip
    """Two machines on one segment, with a node on each."""
    made = scene(stack, **options)
    machines = [made.ground.machine(name) for name in ("anna", "bob")]
    for number, machine in enumerate(machines, 1):
        machine.join("lan", *([addresses.format(number)] if addresses else []))
    nodes = [made.node(machine, name, listen) for machine, name in zip(machines, ("anna", "bob"), strict=True)]
    return made, machines, [node.wait_ready() for node in nodes]


def known(node: NodeProcess, other: NodeProcess) -> nouns.Peer | None:
    return next((peer for peer in node.client.peers().peers if peer.own_name is None and peer.name == other.name), None)


def linked(node: NodeProcess, other: NodeProcess, within: float = 10.0) -> nouns.Peer:
    """The other node as soon as there is an encrypted link with it."""

    def look() -> list[nouns.Peer]:
        peer = known(node, other)
        return [peer] if peer is not None and peer.link == "online" else []

    return eventually(look, f"{node.name} is linked with {other.name}", within=within)[0]


def says(node: NodeProcess, other: NodeProcess, text: str, within: float = 10.0) -> None:
    """A message goes over, and is on the other's disk."""
    peer = known(node, other)
    assert peer is not None
    message = node.client.send(peer.id, text)

    def state() -> bool:
        found = node.client.history(message.room, around=message.id, limit=1).messages
        return any(one.id == message.id and one.state in ("delivered", "read") for one in found)

    eventually(state, f"{text!r} is delivered", within=within)


def test_two_fresh_nodes_on_one_segment_write_to_each_other_with_nothing_typed(stack: ExitStack) -> None:
    made = scene(stack)
    machines = [made.ground.machine(name) for name in ("anna", "bob")]
    for number, machine in enumerate(machines, 1):
        machine.join("lan", f"10.1.0.{number}/24")
    anna = made.node(machines[0], "anna").wait_ready()
    bob = made.node(machines[1], "bob")
    bob.wait_said("is up on")
    began = time.monotonic()
    bob.wait_ready()
    peer = linked(bob, anna)
    says(bob, anna, "hello")
    # A second on a machine that has nothing else to do; tests/bench measures it.
    assert time.monotonic() - began < 5
    assert (peer.kind, peer.standing, len(peer.code.split(" · "))) == ("node", "stranger", 4)
    room = anna.client.snapshot().state.rooms[linked(anna, bob).room]
    assert room.request and room.last is not None and room.last.text == "hello"
    (service,) = eventually(lambda: bob.client.nearby().services, "bob sees anna, too")
    assert (service.peer, service.addresses) == (peer.id, ["10.1.0.1:5000"])
    command = [sys.executable, "-m", "node", "peers", "--home", str(bob.home)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Your node looks for others on this network, and is found by them. 1 is seen." in printed
    assert f"  anna, code {peer.code}, at 10.1.0.1:5000 (linked)" in printed
    bob.wait_said("others on this network can find you, and you them")
    anna.stop()
    eventually(lambda: not bob.client.nearby().services, "the good-bye was heard")
    anna.start()
    eventually(lambda: bob.client.nearby().services, "anna is back")
    anna.kill()
    eventually(lambda: not bob.client.nearby().services, "whoever crashed says no good-bye, and is missed all the same")
    assert not any("Traceback" in line for line in bob.lines)


def test_a_node_on_two_segments_sees_both_and_those_of_one_don_t_see_the_other(stack: ExitStack) -> None:
    made = scene(stack)
    made.ground.segment("lab")
    left, both, right = (made.ground.machine(name) for name in ("anna", "bob", "carla"))
    left.join("lan", "10.1.0.1/24")
    both.join("lan", "10.1.0.2/24")
    both.join("lab", "10.2.0.2/24")
    right.join("lab", "10.2.0.3/24")
    nodes = [made.node(one, name) for one, name in ((left, "anna"), (both, "bob"), (right, "carla"))]
    anna, bob, carla = (node.wait_ready() for node in nodes)
    assert linked(anna, bob).addresses == ["10.1.0.2:5000"]
    assert linked(carla, bob).addresses == ["10.2.0.2:5000"]
    linked(bob, anna)
    linked(bob, carla)
    says(bob, anna, "to the left")
    says(bob, carla, "to the right")
    assert known(anna, carla) is None and known(carla, anna) is None
    eventually(lambda: len(bob.client.nearby().services) == 2, "bob sees both")


def test_with_multicast_blocked_it_says_so_an_address_still_helps_and_it_comes_back_by_itself(
    stack: ExitStack,
) -> None:
    made = scene(stack)
    machines = [made.ground.machine(name) for name in ("anna", "bob")]
    for number, machine in enumerate(machines, 1):
        machine.join("lan", f"10.1.0.{number}/24")
        machine.rules(DROP.format(what="meta l4proto udp"))
    nodes = [made.node(machine, name) for machine, name in zip(machines, ("anna", "bob"), strict=True)]
    anna, bob = (node.wait_ready() for node in nodes)
    detail = eventually(lambda: anna.client.nearby().detail, "it says so", within=15)
    assert anna.client.nearby().state == "deaf" and "5353" in detail
    assert anna.client.status().health.notices == [detail]
    assert known(anna, bob) is None
    anna.client.connect("10.1.0.2:5000")
    linked(anna, bob)
    says(anna, bob, "hello")


def test_seen_but_out_of_reach_is_listed_and_linked_once_the_way_is_free(stack: ExitStack) -> None:
    _, machines, (anna, bob) = two(stack)
    # Not asserted before: what was linked in the first moment.
    for machine in machines:
        machine.rules(DROP.format(what="tcp dport 5000"))
    anna.stop()
    anna.start()
    (service,) = eventually(lambda: anna.client.nearby().services, "seen")
    assert service.addresses == ["10.1.0.2:5000"]
    assert known(anna, bob) is None or known(anna, bob).link != "online"  # type: ignore[union-attr]
    for machine in machines:
        machine.rules(NOTHING)
    linked(anna, bob, within=20)


def test_an_address_that_changes_under_a_live_link_is_followed_without_a_restart(stack: ExitStack) -> None:
    _, machines, (anna, bob) = two(stack)
    linked(anna, bob)
    linked(bob, anna)
    says(anna, bob, "before")
    machines[1].drop("10.1.0.2/24")
    machines[1].add("10.1.0.77/24")
    eventually(lambda: bob.client.status().self.addresses == ["10.1.0.77:5000"], "bob knows its new address", within=15)
    eventually(
        lambda: any("10.1.0.77:5000" in one.addresses for one in anna.client.nearby().services),
        "anna sees it there", within=15,
    )  # fmt: skip
    says(anna, bob, "after", within=60)
    says(bob, anna, "after, too", within=60)
    assert "10.1.0.77:5000" in linked(anna, bob).addresses


def test_two_nodes_behind_one_address_stay_two_and_find_each_other_there(stack: ExitStack) -> None:
    made = scene(stack)
    made.ground.segment("office")
    router, away = made.ground.machine("router"), made.ground.machine("carla")
    router.join("lan", "10.1.0.1/24")
    router.join("office", "10.2.0.1/24")
    away.join("office", "10.2.0.9/24")
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    router.rules(
        'table ip n {\n chain c {\n type nat hook postrouting priority 100\n oifname "eth1" masquerade\n }\n}\n'
    )
    homes = [made.ground.machine(name) for name in ("anna", "bob")]
    for number, machine in enumerate(homes, 2):
        machine.join("lan", f"10.1.0.{number}/24")
        machine.run("ip", "route", "add", "default", "via", "10.1.0.1")
    nodes = [made.node(one, name) for one, name in ((homes[0], "anna"), (homes[1], "bob"), (away, "carla"))]
    anna, bob, carla = (node.wait_ready() for node in nodes)
    linked(anna, bob)
    for node in (anna, bob):
        node.client.connect("10.2.0.9:5000")
        linked(node, carla)
    for node in (anna, bob):
        linked(carla, node)
        says(carla, node, f"to {node.name}")
        says(node, carla, f"from {node.name}")
    assert carla.client.nearby().services == []


def test_on_a_network_of_ipv6_alone_nodes_find_each_other_even_with_link_local_addresses_only(
    stack: ExitStack,
) -> None:
    _, _, (anna, bob) = two(stack, listen="[::]:5000", addresses="")
    peer = linked(anna, bob)
    linked(bob, anna)
    assert all(address.startswith("[fe80::") and "%eth0]" in address for address in peer.addresses)
    says(anna, bob, "hello")
    says(bob, anna, "hello you")


def test_a_network_that_isolates_its_clients_shows_nobody_and_the_node_says_it_is_alone(stack: ExitStack) -> None:
    _, _, (anna, bob) = two(stack, isolated=True)
    anna.client.connect("10.1.0.2:5000")
    error = eventually(lambda: [one.error for one in anna.client.peers().peers if one.error], "why", within=15)[0]
    assert "No route" in error or "No answer" in error
    assert anna.client.nearby() == nouns.Nearby(state="on")
    assert bob.client.nearby().services == []


def test_whatever_somebody_says_by_mdns_the_node_goes_on_and_the_honest_find_each_other(stack: ExitStack) -> None:
    made = scene(stack)
    machines = [made.ground.machine(name) for name in ("anna", "bob", "eve")]
    for number, machine in enumerate(machines, 1):
        machine.join("lan", f"10.1.0.{number}/24")
    anna = made.node(machines[0], "anna").wait_ready()
    command = [*machines[2].inside, sys.executable, "-m", "tests.support.hostile_mdns", "10.1.0.3", "2000", "1"]
    eve = subprocess.Popen(command, cwd=ROOT)
    stack.callback(eve.wait)
    bob = made.node(machines[1], "bob").wait_ready()
    linked(anna, bob, within=20)
    assert eve.wait(60) == 0
    says(anna, bob, "hello")
    services = anna.client.nearby().services
    assert 0 < len(services) <= MAX_SEEN
    assert all(re.fullmatch(r"10\.1\.0\.\d+:(5000|65535)", where) for one in services for where in one.addresses)
    for node in (anna, bob):
        assert not [line for line in node.lines if "a bug:" in line or "Traceback" in line or "starting anew" in line]
