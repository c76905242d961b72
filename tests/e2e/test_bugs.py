"""A bug in Snicher costs as little as may be, is never silent, and leaves what is on disk as it was.

The bugs are put in from outside: the product's methods are wrapped before it runs.
"""

from __future__ import annotations

import pytest

from node.bus import bounds
from node.errors import CommandRefused, NodeAway
from tests.support.old_clients import AncestorConsole, Std
from tests.support.processes import NodeProcess, Nodes, eventually, loopback_host

BUGGY = """
import sys
from node import __main__
from node.core import effects as e
from node.core.node import Node
from node.core.rooms import Rooms
from node.peers.network import Network
from node.protocol.link import Link
from tests.support import courteous_node

def broken(owner, method, meets):
    original = getattr(owner, method)
    def wrapped(self, *arguments, **options):
        result = original(self, *arguments, **options)
        if meets(*arguments):
            raise ZeroDivisionError("a bug put in by a test")
        return result
    setattr(owner, method, wrapped)

# Half-way: the message is written down, what should follow isn't.
broken(Rooms, "receive", lambda room, author, name, texts: any("core" in text.text for text in texts))
broken(Rooms, "accept", lambda room, peer, me, texts: any("command" in text for text in texts))
broken(Link, "receive_data", lambda data, now: b"link" in data)
broken(Network, "perform", lambda act: isinstance(act, e.Transmit) and "act" in act.text)
courteous_node.begin()
sys.exit(__main__.main())
"""


@pytest.fixture
def anna(nodes: Nodes) -> NodeProcess:
    return nodes.start("anna", script=["-c", BUGGY])


def wait_for_another_run(anna: NodeProcess, started: int) -> None:
    def again() -> bool:
        endpoint = anna.endpoint
        return endpoint is not None and endpoint.started != started

    eventually(again, "it starts anew")


def started(anna: NodeProcess) -> int:
    endpoint = anna.endpoint
    assert endpoint is not None
    return endpoint.started


def types(anna: NodeProcess) -> list[str]:
    events = anna.client.events(0, bounds.MAX_EVENTS).events
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.type for event in events]


def test_a_decision_that_fails_half_way_leaves_no_trace_and_the_node_starts_anew(anna: NodeProcess) -> None:
    pid, before = anna.pid, started(anna)
    with AncestorConsole(loopback_host(), team="ANC") as ancestor, Std(loopback_host(), team="OLD") as old:
        ancestor.connect(anna.host, anna.port)
        ancestor.send(anna.host, anna.port, "before the bug")
        anna.wait_heard(ancestor.address, ["before the bug"])
        old.send(anna.host, anna.port, "this hits the core")
        wait_for_another_run(anna, before)
        assert anna.endpoint is not None
        assert anna.endpoint.pid == anna.pid == pid
        ancestor.wait_for(lambda c: c.last_read == b"exit")
        old.send(anna.host, anna.port, "and this comes after")
        anna.wait_heard(old.address, ["and this comes after"])
        assert anna.heard(ancestor.address) == ["before the bug"]
        assert types(anna).count("NodeStarted") == 2
        assert "NodeStopped" not in types(anna), "it was no graceful end"
        anna.wait_said("ZeroDivisionError: a bug put in by a test")
        assert ancestor.errors == old.errors == []


def test_the_command_that_meets_a_bug_is_refused_and_did_nothing(anna: NodeProcess) -> None:
    before = started(anna)
    with Std(loopback_host(), team="OLD") as old:
        with pytest.raises(CommandRefused) as refused:
            anna.send(old.address, "a command too many")
        assert refused.value.code == "internal"
        wait_for_another_run(anna, before)
        assert anna.peer(old.address) is None, "not even the peer was added"
        anna.send(old.address, "another one")
        old.wait_for(lambda c: c.texts == ["another one"])


def test_a_bug_in_a_link_costs_that_connection_only(anna: NodeProcess) -> None:
    before = started(anna)
    with AncestorConsole(loopback_host(), team="GOOD") as good, AncestorConsole(loopback_host(), team="BAD") as bad:
        for ancestor in (good, bad):
            ancestor.connect(anna.host, anna.port)
            anna.wait_for_peer(ancestor.address, link="online")
        bad.send(anna.host, anna.port, "this hits the link")
        peer = anna.wait_for_peer(bad.address, link="offline")
        assert peer.error == "It was broken off by a bug in Snicher."
        good.send(anna.host, anna.port, "still here")
        anna.wait_heard(good.address, ["still here"])
        assert anna.wait_for_peer(good.address).link == "online"
        assert started(anna) == before, "the node went on"
        anna.wait_said("a bug in the link with")


def test_an_exception_that_nobody_caught_starts_the_node_anew(anna: NodeProcess) -> None:
    before = started(anna)
    with Std(loopback_host(), team="OLD") as old:
        old.send(anna.host, anna.port, "so that you know me")
        anna.wait_heard(old.address, ["so that you know me"])
        message = anna.send(old.address, "this hits the act of sending")
        wait_for_another_run(anna, before)
        anna.wait_state(message, "sent", "unconfirmed")
        later = anna.send(old.address, "and this one leaves")
        anna.wait_state(later, "sent")
        assert len(old.texts) == len(set(old.texts))


def test_a_bug_that_comes_back_too_often_ends_the_process_with_its_own_exit_code(anna: NodeProcess) -> None:
    with Std(loopback_host(), team="OLD") as old:
        for _ in range(3):
            before = started(anna)
            old.send(anna.host, anna.port, "this hits the core")
            wait_for_another_run(anna, before)
        old.send(anna.host, anna.port, "this hits the core")
        assert anna.wait() == 70
        assert "the bug came back too often" in anna.lines[-1]
        assert anna.endpoint is None
        with pytest.raises(NodeAway):
            anna.client.status()
