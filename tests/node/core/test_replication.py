"""Entries between cores of nodes: each message once, in order, and *delivered* only when it is on the other disk."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.model import Position
from node.protocol import entries
from node.protocol.secure import frames as f
from tests.node.core.nodes import Net, Station, key_of
from tests.support.authors import write_entry


def pair() -> tuple[Net, Station, Station]:
    """Two nodes that know each other and are linked."""
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    net.settle()
    return net, anna, bob


def runs(net: Net, name: str) -> list[f.Run]:
    """The RUNs that a node got."""
    return [frame for who, frame in net.delivered if who == name and isinstance(frame, f.Run)]


def test_a_message_is_waiting_until_the_other_node_has_it_on_its_disk() -> None:
    net, anna, bob = pair()
    (message,) = anna.send(bob, "hello")
    assert message.state == "waiting"
    assert message.entry is not None
    assert anna.states(bob) == ["waiting"]
    net.settle()
    assert bob.texts(anna) == ["hello"]
    assert anna.states(bob) == ["delivered"]


def test_a_list_is_one_run_with_one_signature_and_one_receipt() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one", "two", "three")
    net.settle()
    (run,) = runs(net, "bob")
    assert len(run.headers) == 3
    assert sum(event.type == "ReceiptAdvanced" for event in anna.events) == 1
    assert bob.texts(anna) == ["one", "two", "three"]
    assert anna.states(bob) == ["delivered"] * 3


def test_both_see_one_order() -> None:
    net, anna, bob = pair()
    for number in range(5):
        anna.send(bob, f"a{number}")
        if number % 2:
            net.settle()
        bob.send(anna, f"b{number}")
    net.settle()
    assert anna.texts(bob) == bob.texts(anna)
    assert len(anna.texts(bob)) == 10


def test_an_answer_stands_below_its_question_whatever_the_clocks_say() -> None:
    net, anna, bob = pair()
    anna.clock = 3_600_000
    anna.send(bob, "question")
    net.settle()
    bob.send(anna, "answer")
    net.settle()
    assert anna.texts(bob) == bob.texts(anna) == ["question", "answer"]


def test_what_was_written_while_the_other_was_away_comes_when_they_meet() -> None:
    net, anna, bob = pair()
    net.cut_all()
    anna.send(bob, "one")
    bob.send(anna, "two")
    anna.send(bob, "three")
    assert anna.states(bob) == ["waiting", "waiting"]
    net.link(bob, anna)
    net.settle()
    assert sorted(anna.texts(bob)) == ["one", "three", "two"]
    assert anna.texts(bob) == bob.texts(anna)
    assert anna.states(bob) == ["delivered", "delivered"]


def test_after_a_restart_whoever_lacks_something_is_dialled_although_nobody_asked_for_a_connection() -> None:
    net, anna, bob = pair()
    net.cut_all()
    anna.send(bob, "before the restart")
    anna.dials.clear()
    net.unreachable.add(bob.address)
    anna.begin()
    assert [dial.address for dial in anna.dials] == [bob.address]
    net.unreachable.clear()
    net.wait(5_000)
    assert bob.texts(anna) == ["before the restart"]
    net.cut_all()
    anna.dials.clear()
    anna.begin()
    assert anna.dials == []


def test_runs_of_the_node_are_streams_and_states_follow_across_them() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one")
    net.settle()
    net.cut_all()
    for text in ("two", "three", "four"):
        anna.begin()
        anna.send(bob, text)
    assert anna.states(bob) == ["delivered", "waiting", "waiting", "waiting"]
    bob.begin()
    net.link(anna, bob)
    net.settle()
    assert bob.texts(anna) == ["one", "two", "three", "four"]
    assert anna.states(bob) == ["delivered"] * 4
    streams = {message.entry.stream for message in anna.history(bob) if message.entry is not None}
    assert len(streams) == 4


def test_after_a_meeting_without_news_only_digests_are_exchanged() -> None:
    net, anna, bob = pair()
    for _ in range(3):
        anna.begin()
        bob.begin()
        net.link(anna, bob)
        anna.send(bob, "hello")
        bob.send(anna, "hello")
        net.settle()
        net.cut_all()
    net.delivered.clear()
    anna.begin()
    bob.begin()
    net.link(anna, bob)
    net.settle()
    # Besides, each tells where it can be reached.
    assert sorted(type(frame).__name__ for _, frame in net.delivered) == ["Digest", "Digest", "Where", "Where"]


@pytest.mark.parametrize("lost_after", range(16))
def test_a_link_lost_after_any_frame_loses_and_doubles_nothing(lost_after: int) -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    net.settle()
    anna.send(bob, "a1", "a2")
    bob.send(anna, "b1")
    net.cut_all(lose=True)
    net.delivered.clear()
    net.link(bob, anna)
    anna.send(bob, "a3")
    for _ in range(lost_after):
        if net.queue:
            address, number, frame = net.queue.pop(0)
            net.stations[address].give(s.Framed(number, [frame], 100))
        if lost_after % 3 == 0:
            bob.send(anna, "b")
    net.cut_all(lose=True)
    anna.begin()
    net.link(anna, bob)
    net.settle()
    assert anna.texts(bob) == bob.texts(anna)
    assert [text for text in bob.texts(anna) if text.startswith("a")] == ["a1", "a2", "a3"]
    assert set(anna.states(bob)) == set(bob.states(anna)) == {"delivered"}


def test_a_long_absence_is_caught_up_from_disk_with_few_frames_under_way() -> None:
    net, anna, bob = pair()
    net.cut_all()
    for number in range(30):
        anna.send(bob, *(f"{number}.{index} " + "x" * 200 for index in range(60)))
    net.link(anna, bob)
    most = 0
    while net.queue:
        most = max(most, sum(isinstance(frame, f.Run) for _, _, frame in net.queue))
        net._deliver()
    assert most <= 4
    assert anna.core._replication.owes(anna.room(bob)) is False
    assert bob.disk.reader.counts()[0] == 1800
    assert all(len(f.encode(run)) < 132_000 for run in runs(net, "bob"))


def test_new_entries_are_pushed_only_as_far_as_the_other_side_keeps_up() -> None:
    net, anna, bob = pair()
    for _ in range(60):
        anna.send(bob, "x" * 60_000)
    pushed = sum(isinstance(frame, f.Run) for _, _, frame in net.queue)
    assert pushed < 25
    net.settle()
    assert bob.disk.reader.counts()[0] == 60
    assert anna.core._replication.owes(anna.room(bob)) is False


def test_a_long_text_is_whole() -> None:
    net, anna, bob = pair()
    text = "é" * (32 * 1024)
    anna.send(bob, text)
    net.settle()
    assert bob.texts(anna) == [text]


def test_a_deleted_conversation_does_not_come_back_and_goes_on() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one", "two")
    net.settle()
    bob.send(anna, "three")
    net.settle()
    bob.ask("delete", rq.PeerArgs(peer=anna.id))
    net.wait(5000)
    net.cut_all()
    net.link(anna, bob)
    net.settle()
    assert bob.texts(anna) == []
    anna.send(bob, "four")
    net.settle()
    bob.send(anna, "five")
    net.settle()
    assert bob.texts(anna) == ["four", "five"]
    assert anna.texts(bob) == ["one", "two", "three", "four", "five"]
    bob.begin()
    net.link(anna, bob)
    net.settle()
    assert bob.texts(anna) == ["four", "five"]
    assert anna.states(bob) == ["delivered"] * 3


def test_what_a_sender_deleted_before_it_was_delivered_leaves_no_hole_that_is_waited_for() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one")
    net.settle()
    net.cut_all()
    anna.send(bob, "two")
    anna.ask("delete", rq.PeerArgs(peer=bob.id))
    net.link(anna, bob)
    net.settle()
    anna.send(bob, "three")
    net.settle()
    assert bob.texts(anna) == ["one", "three"]
    assert anna.states(bob) == ["delivered"]


def test_two_machines_with_one_identity_both_get_what_is_said_and_what_the_other_said() -> None:
    net = Net()
    anna, desk, phone = net.add("anna"), net.add("desk", key="bob"), net.add("phone", key="bob")
    net.link(anna, desk)
    net.link(anna, phone)
    net.wait(1500)
    assert len(anna.core._contacts.by_id[desk.id].links) == 2
    anna.send(desk, "hello")
    net.settle()
    assert desk.texts(anna) == phone.texts(anna) == ["hello"]
    assert anna.states(desk) == ["delivered"]
    desk.send(anna, "from the desk")
    net.wait(5000)
    assert anna.texts(desk) == phone.texts(anna) == ["hello", "from the desk"]
    assert [message.direction for message in phone.history(anna)] == ["in", "out"]
    assert phone.states(anna) == ["delivered"]
    anna.send(desk, "twice?")
    net.settle()
    assert desk.texts(anna) == phone.texts(anna) == ["hello", "from the desk", "twice?"]


def test_two_machines_of_ours_share_what_both_know_of_a_person() -> None:
    net = Net()
    anna, desk, phone = net.add("anna"), net.add("desk", key="bob"), net.add("phone", key="bob")
    net.link(anna, desk)
    net.link(anna, phone)
    net.wait(1500)
    net.cut_all()
    net.link(anna, desk)
    anna.send(desk, "only the desk is there")
    net.settle()
    net.cut_all()
    net.link(phone, desk)
    net.settle()
    assert phone.texts(anna) == ["only the desk is there"]
    for machine in (desk, phone):
        assert [event.type for event in machine.events].count("IdentityShared") == 1


# -- what is wrong


def forged(
    bob: Station, anna: Station, key: str = "eve", room: str | None = None, author: Station | None = None
) -> f.Run:
    entry = write_entry(key_of(key), room or anna.room(bob), b"S" * 16, None, 1, "text", entries.text_body("forged"))
    assert entry.signature is not None
    return f.Run(anna.room(bob), [entry.header_bytes], [entry.body], entry.signature)


def link_of(net: Net, station: Station) -> int:
    return next(number for address, number in net.links if address == station.address)


def test_entries_of_somebody_who_is_no_member_are_refused() -> None:
    net, anna, bob = pair()
    bob.give(s.Framed(link_of(net, bob), [forged(bob, anna)], 100))
    assert bob.texts(anna) == []
    assert any(event.type == "ConnectionNoticed" for event in bob.told)


def test_entries_of_another_room_are_refused_although_their_author_is_a_member() -> None:
    net, anna, bob = pair()
    bob.give(s.Framed(link_of(net, bob), [forged(bob, anna, "anna", room="direct:elsewhere")], 100))
    assert bob.texts(anna) == []


@pytest.mark.parametrize("part", ["headers", "bodies", "signature"])
def test_a_changed_run_is_refused_and_not_acknowledged(part: str) -> None:
    net, anna, bob = pair()
    anna.send(bob, "hello")
    ((address, number, run),) = [one for one in net.queue if isinstance(one[2], f.Run)]
    assert isinstance(run, f.Run)
    net.queue.clear()
    body = run.bodies[0]
    assert body is not None
    changed = {
        "headers": f.Run(run.room, [run.headers[0][:-1] + b"x"], run.bodies, run.signature),
        "bodies": f.Run(run.room, run.headers, [body[:-1] + b"x"], run.signature),
        "signature": f.Run(run.room, run.headers, run.bodies, b"x" * 64),
    }[part]
    net.stations[address].give(s.Framed(number, [changed], 100))
    net.settle()
    assert bob.texts(anna) == []
    assert anna.states(bob) == ["waiting"]
    net.cut_all()
    net.link(anna, bob)
    net.settle()
    assert bob.texts(anna) == ["hello"]


def test_a_receipt_for_more_than_was_written_is_ignored() -> None:
    net, anna, bob = pair()
    (message,) = anna.send(bob, "hello")
    net.queue.clear()
    assert message.entry is not None
    row = f.Told(anna.id, bytes.fromhex(message.entry.stream), 1, 2, b"x" * 32)
    anna.give(s.Framed(link_of(net, anna), [f.Have(anna.room(bob), [row])], 100))
    assert anna.states(bob) == ["waiting"]


def test_frames_about_rooms_of_others_are_dropped() -> None:
    net, anna, _ = pair()
    carl = net.add("carl")
    net.link(anna, carl)
    anna.send(carl, "secret")
    net.settle()
    room = anna.room(carl)
    stream = anna.history(carl)[0].entry
    assert stream is not None
    said = len(net.queue)
    for frame in (
        f.Want(room, anna.id, bytes.fromhex(stream.stream), 0, True),
        f.Have(room, []),
        f.Digest([(room, b"x" * 32)]),
        f.Stop(room, anna.id, bytes.fromhex(stream.stream)),
    ):
        anna.give(s.Framed(link_of(net, anna), [frame], 100))
    assert len(net.queue) == said


def test_a_run_behind_a_gap_is_asked_for_from_where_it_is_missing() -> None:
    net, anna, bob = pair()
    anna.send(bob, "one")
    net.settle()
    anna.send(bob, "two")
    net.queue.clear()
    anna.send(bob, "three")
    net.settle()
    assert bob.texts(anna) == ["one", "two", "three"]
    assert anna.states(bob) == ["delivered"] * 3


def test_a_crash_between_records_and_acts_loses_nothing() -> None:
    net, anna, bob = pair()
    anna.send(bob, "committed, never sent")
    net.cut_all(lose=True)
    anna.begin()
    net.link(anna, bob)
    net.settle()
    assert bob.texts(anna) == ["committed, never sent"]
    bob.begin()
    net.link(anna, bob)
    net.settle()
    assert bob.texts(anna) == ["committed, never sent"]


def test_an_entry_of_a_kind_from_the_future_is_kept_passed_on_and_shown_as_such() -> None:
    net, anna, bob = pair()
    entry = write_entry(key_of("anna"), anna.room(bob), b"S" * 16, None, 1, "poll", b"\x81\xa1q\x01")
    assert entry.signature is not None
    bob.give(
        s.Framed(link_of(net, bob), [f.Run(anna.room(bob), [entry.header_bytes], [entry.body], entry.signature)], 1)
    )
    (message,) = bob.history(anna)
    assert (message.kind, message.text) == ("unknown", "")
    run, upto = bob.disk.reader.run_after(anna.room(bob), anna.id, b"S" * 16, 0)
    assert run is not None
    assert (run.bodies, upto) == ([entry.body], 1)
    assert (
        entries.check_run(anna.room(bob), run.headers, run.bodies, run.signature, None, -1)[-1].hash
        == Position(1, entry.hash).hash
    )
    assert [event.type for event in bob.events][-1] == "MessageReceived"
    assert isinstance(bob.events[-1].data, ev.MessageReceived)
    assert not any(isinstance(effect, e.HangUp) for effect in bob.give(s.Ticked()))
