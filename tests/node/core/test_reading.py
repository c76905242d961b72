"""Read marks and typing in direct rooms, between cores of nodes."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import stimuli as s
from node.protocol.secure import frames as f
from tests.node.core.nodes import Net, Station


def pair() -> tuple[Net, Station, Station]:
    """Two nodes that are linked."""
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    net.settle()
    return net, anna, bob


def read(reader: Station, author: Station, upto: int | None = None) -> None:
    reader.ask("mark_read", rq.MarkReadArgs(room=reader.room(author), upto=upto))


def typing(station: Station) -> list[ev.Typing]:
    return [event.data for event in station.told if isinstance(event.data, ev.Typing)]


def sent(net: Net, name: str, kind: type[f.Read | f.Typing]) -> int:
    """How many frames of a kind a node got."""
    return sum(who == name and isinstance(frame, kind) for who, frame in net.delivered)


def test_what_is_read_there_shows_as_read_here() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one", "two")
    net.settle()
    assert anna.states(bob) == ["delivered", "delivered"]
    read(bob, anna)
    net.settle()
    assert anna.states(bob) == ["read", "read"]
    assert anna.core._rooms.by_id[anna.room(bob)].last.state == "read"  # type: ignore[union-attr]
    anna.send(bob, "three")
    net.settle()
    assert anna.states(bob) == ["read", "read", "delivered"]


def test_only_what_was_read_shows_as_read() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one", "two", "three")
    net.settle()
    read(bob, anna, bob.history(anna)[1].id)
    net.settle()
    assert anna.states(bob) == ["read", "read", "delivered"]


def test_what_was_read_while_the_author_was_away_is_told_at_the_next_meeting_also_after_restarts() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one")
    net.settle()
    anna.begin()
    net.cut_all()
    net.link(anna, bob)
    anna.send(bob, "two")
    net.settle()
    net.cut_all()
    read(bob, anna)
    bob.begin()
    anna.begin()
    assert anna.states(bob) == ["delivered", "delivered"]
    net.link(anna, bob)
    net.settle()
    assert anna.states(bob) == ["read", "read"]
    anna.begin()
    assert anna.states(bob) == ["read", "read"]
    assert anna.core._replication._receipts._read


def test_a_mark_that_comes_before_the_receipt_counts_once_that_has_come() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one")
    net.settle()
    net.cut_all()
    # Bob has it, but Anna has lost the receipt.
    anna.core._replication._receipts._held.clear()
    anna.core._replication._receipts._read.clear()
    read(bob, anna)
    bob.send(anna, "so that the digests differ")
    net.link(anna, bob)
    net.settle()
    assert anna.core._replication._receipts._read
    assert [event.type for event in anna.events].count("ReadAdvanced") == 1


def test_what_was_told_is_not_told_again_on_the_same_link() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one")
    net.settle()
    read(bob, anna)
    net.settle()
    bob.send(anna, "an answer")
    net.settle()
    read(bob, anna)
    net.settle()
    assert sent(net, "anna", f.Read) == 1


def test_whoever_does_not_share_tells_nobody_and_still_sees_what_others_share() -> None:
    net, anna, bob = pair()
    bob.ask("settings", rq.SettingsArgs(share_reading=False))
    anna.send(bob, "one")
    bob.send(anna, "two")
    net.settle()
    read(bob, anna)
    bob.ask("typing", rq.TypingArgs(room=bob.room(anna)))
    read(anna, bob)
    net.settle()
    assert anna.states(bob) == ["delivered"]
    assert typing(anna) == []
    assert bob.states(anna) == ["read"]
    bob.ask("settings", rq.SettingsArgs(share_reading=True))
    net.settle()
    assert anna.states(bob) == ["read"]


def test_a_setting_outlives_a_restart() -> None:
    net, anna, bob = pair()
    bob.ask("settings", rq.SettingsArgs(share_reading=False))
    bob.begin()
    net.link(anna, bob)
    anna.send(bob, "one")
    net.settle()
    read(bob, anna)
    net.settle()
    assert anna.states(bob) == ["delivered"]


def test_nobody_has_read_more_than_is_on_their_disk() -> None:
    net, anna, bob = pair()
    (message,) = anna.send(bob, "one")
    net.queue.clear()
    assert message.entry is not None
    link = next(number for address, number in net.links if address == anna.address)
    row = (anna.id, bytes.fromhex(message.entry.stream), 1)
    anna.give(s.Framed(link, [f.Read(anna.room(bob), [row])], 1))
    assert anna.states(bob) == ["waiting"]


def test_rows_about_what_others_wrote_or_made_up_streams_mean_nothing() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one")
    net.settle()
    link = next(number for address, number in net.links if address == anna.address)
    events = len(anna.events)
    rows = [(bob.id, b"x" * 16, 5), (anna.id, b"y" * 16, 5)]
    anna.give(s.Framed(link, [f.Read(anna.room(bob), rows)], 1))
    assert len(anna.events) == events


def test_typing_shows_while_it_lasts_and_ends_when_it_stops() -> None:
    net, anna, bob = pair()
    anna.ask("typing", rq.TypingArgs(room=anna.room(bob)))
    net.settle()
    (told,) = typing(bob)
    assert (told.member, told.room, told.until) == (anna.id, bob.room(anna), net.now + 6000)
    anna.ask("typing", rq.TypingArgs(room=anna.room(bob), stopped=True))
    net.settle()
    assert typing(bob)[-1].until == 0
    assert typing(anna) == []


def test_typing_is_said_at_most_every_two_seconds_and_a_stop_only_once() -> None:
    net, anna, bob = pair()
    for _ in range(5):
        anna.ask("typing", rq.TypingArgs(room=anna.room(bob)))
    net.settle()
    assert sent(net, "bob", f.Typing) == 1
    net.wait(2_000)
    anna.ask("typing", rq.TypingArgs(room=anna.room(bob)))
    for _ in range(3):
        anna.ask("typing", rq.TypingArgs(room=anna.room(bob), stopped=True))
    net.settle()
    assert sent(net, "bob", f.Typing) == 3


def test_a_peer_that_floods_with_typing_is_told_of_twice_a_second_at_most() -> None:
    net, anna, bob = pair()
    link = next(number for address, number in net.links if address == bob.address)
    for _ in range(1000):
        bob.give(s.Framed(link, [f.Typing(bob.room(anna), 10)], 1))
    assert len(typing(bob)) == 1
    net.wait(500)
    bob.give(s.Framed(link, [f.Typing(bob.room(anna), 10)], 1))
    assert len(typing(bob)) == 2


@pytest.mark.parametrize("room", ["nowhere", "plain-7"])
def test_typing_in_a_room_that_is_none_is_refused(room: str) -> None:
    _, anna, _ = pair()
    with pytest.raises(AssertionError):
        anna.ask("typing", rq.TypingArgs(room=room))


def test_plain_peers_have_neither() -> None:
    net = Net()
    anna = net.add("anna")
    (message,) = anna.send("10.0.0.77:5000", "hello")
    acts = anna.ask("typing", rq.TypingArgs(room=message.room))
    assert isinstance(acts, rq.Nothing)
    read_ = anna.ask("mark_read", rq.MarkReadArgs(room=message.room))
    assert isinstance(read_, rq.MarkReadResult)
    assert net.queue == []


def test_the_details_of_a_link_are_told() -> None:
    net, anna, bob = pair()
    bob.clock = 0
    (link,) = anna.core.links(bob.id)
    assert (link.direction, link.address, link.version) == ("out", str(bob.address), 2)
    assert (link.instance, link.run) == (bob.instance.hex(), bob.run.hex())
    assert link.since == net.now
    net.cut_all()
    assert anna.core.links(bob.id) == []
