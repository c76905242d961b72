"""One identity on two machines, and conversations that were deleted: faults that the two-node simulator has found."""

from __future__ import annotations

from node.bus import requests as rq
from node.core import stimuli as s
from node.core.loaded import Row
from node.core.node import Node
from node.core.vectors import Vector
from node.protocol.secure import frames as f
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


def test_who_learns_of_streams_later_than_of_who_holds_them_knows_that_they_arrived() -> None:
    net = Net()
    anna, bob, other = net.add("anna"), net.add("bob"), net.add("other", key="bob")
    for text in ("one", "two"):
        # Two runs, so two streams; the second names the first.
        net.link(bob, anna)
        bob.send(anna, text)
        net.settle()
        net.cut_all()
        bob.begin()
    # The other machine is told by anna what she holds before it has any of it.
    net.link(other, anna)
    net.settle()
    assert other.texts(anna) == ["one", "two"]
    assert other.states(anna) == ["delivered", "delivered"]


def test_what_one_machine_brought_is_acknowledged_to_the_other_too() -> None:
    net = Net()
    anna, bob, other = net.add("anna"), net.add("bob"), net.add("other", key="bob")
    net.link(bob, other)
    net.link(bob, anna)
    net.link(other, anna)
    net.wait(5_000)
    for number in range(8):
        # Who tells whom first is a matter of luck, so there are several.
        bob.send(anna, str(number))
        net.wait(3_137)
    assert bob.states(anna) == other.states(anna) == ["delivered"] * 8


def test_a_run_of_what_is_held_already_shows_that_its_sender_holds_it() -> None:
    net = Net()
    anna, bob, other = net.add("anna"), net.add("bob"), net.add("other", key="bob")
    net.link(other, anna)
    net.settle()
    net.cut_all()
    net.link(bob, anna)
    bob.send(anna, "hello")
    net.settle()
    net.link(bob, other)
    net.settle()
    (run,) = (frame for name, frame in net.delivered if name == "anna" and isinstance(frame, f.Run))
    net.cut_all()
    link, _ = net.link(other, anna)
    net.queue.clear()
    assert other.texts(anna) == ["hello"]
    assert other.states(anna) == ["waiting"]
    other.give(s.Framed(link, [run], 100))
    assert other.states(anna) == ["delivered"]


def test_a_row_claims_of_an_earlier_stream_only_what_its_own_first_header_names() -> None:
    """A home was copied: both machines went on with the stream, and then each in one of its own."""
    vector = Vector()
    old, ours, theirs = (("bob", bytes([n]) * 16) for n in range(3))
    vector.put(old, Row(1, 12, b"h" * 32, 12))
    vector.put(ours, Row(1, 1, b"i" * 32, 20, (old[1], 12)))
    vector.put(theirs, Row(1, 5, b"j" * 32, 30, (old[1], 8)))
    assert vector.claimed(old, {theirs: 5}) == 8
    assert vector.claimed(old, {ours: 1}) == vector.claimed(old, {ours: 1, theirs: 5}) == 12
    assert list(vector.chain(theirs)) == [(old, 8)]


def test_what_another_machine_says_of_a_room_that_was_deleted_here_is_dropped() -> None:
    net = Net()
    anna, bob, other = net.add("anna"), net.add("bob"), net.add("other", key="bob")
    net.link(other, anna)
    net.link(bob, anna)
    net.settle()
    net.link(bob, other)
    net.settle()
    delete(other, anna)
    bob.send(anna, "hello")
    net.wait(5_000)
    assert bob.room(anna) not in other.disk.rooms
    assert bob.states(anna) == ["delivered"]


def test_what_is_said_after_a_deletion_is_pushed_although_the_other_side_lacks_what_was_deleted() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    anna.send(bob, "one")
    net.settle()
    net.cut_all()
    anna.send(bob, "two")
    delete(anna, bob)
    net.link(anna, bob)
    net.settle()
    anna.send(bob, "three")
    net.settle()
    assert bob.texts(anna) == ["one", "three"]
    assert anna.states(bob) == ["delivered"]


def test_what_everybody_has_deleted_is_not_asked_for_again_and_again() -> None:
    net = Net()
    anna, bob, other = net.add("anna"), net.add("bob"), net.add("other", key="bob")
    net.link(bob, anna)
    bob.send(anna, "one")
    net.settle()
    delete(anna, bob)
    delete(bob, anna)
    net.cut_all()
    bob.begin()
    net.link(bob, anna)
    bob.send(anna, "two")
    net.settle()
    net.link(other, anna)
    net.link(other, bob)
    net.wait(10_000)
    assert other.texts(anna) == ["two"]
    before = len(net.delivered)
    net.wait(60_000)
    assert len(net.delivered) == before


def test_what_a_chain_claims_is_asked_for_when_the_chain_is_known() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    net.settle()
    net.cut_all()
    # Of two runs bob gets the second one's entry, and the link is lost before that of the first.
    anna.send(bob, "one")
    anna.begin()
    anna.send(bob, "two")
    net.link(anna, bob)
    for _ in range(10):
        if not bob.texts(anna):
            net._deliver()
    net.cut_all(lose=True)
    assert bob.texts(anna) == ["two"]
    anna.begin()
    anna.send(bob, "three")
    net.link(anna, bob)
    net.wait(5_000)
    assert bob.texts(anna) == ["one", "two", "three"]


def test_of_two_links_that_one_side_dialled_one_stays_although_they_opened_in_another_order_at_the_other() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    for out, inward in ((1, 2), (3, 4)):
        net.links[anna.address, out] = bob.address, inward
        net.links[bob.address, inward] = anna.address, out
    for number in (2, 4):
        net._secured(bob, number, "in", anna)
    for number in (3, 1):
        net._secured(anna, number, "out", bob)
    net.wait(3_000)
    assert len(net.links) == 2
    anna.send(bob, "hello")
    net.settle()
    assert bob.texts(anna) == ["hello"]
