"""The life of encrypted links, as PROTOCOL.md's table of outcomes says."""

from __future__ import annotations

from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.protocol.plain.codec import Announced, Text
from node.protocol.secure import frames as f
from tests.node.core.nodes import Net, Station


def test_of_two_links_that_crossed_the_one_that_the_lower_peer_id_dialled_stays_at_both() -> None:
    for first in (0, 1):
        net = Net()
        low, high = sorted((net.add("anna"), net.add("bob")), key=lambda one: one.id)
        dials = [(low, high), (high, low)]
        net.link(*dials[first])
        net.link(*dials[1 - first])
        net.settle()
        for one, other, direction in ((low, high, "out"), (high, low, "in")):
            (link,) = one.core._contacts.by_id[other.id].links
            assert link.direction == direction
        low.send(high, "hello")
        net.settle()
        assert high.texts(low) == ["hello"]


def test_of_two_links_that_one_side_dialled_the_newer_stays() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    newer, _ = net.link(anna, bob)
    net.settle()
    assert [link.number for link in anna.core._contacts.by_id[bob.id].links] == [newer]
    assert len(net.links) == 2


def test_a_node_that_dials_itself_notices_and_does_not_do_so_again() -> None:
    net = Net()
    anna = net.add("anna")
    anna.core._contacts._own, anna.core._contacts._own_port = frozenset(), None
    anna.ask("connect", rq.ConnectArgs(address=str(anna.address)))
    net.wait(120_000)
    assert len(anna.dials) == 1
    assert not net.links
    (plain,) = anna.core._contacts.by_id.values()
    assert plain.peer.error == "That is this node itself."
    assert anna.id not in anna.core._contacts.by_id


def test_a_node_that_was_started_anew_is_linked_again_and_its_old_link_is_given_up() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    _, old = net.link(bob, anna)
    net.settle()
    bob.begin()
    # The old link is dead, but nobody has told anna.
    net.links.pop((bob.address, 1))
    net.link(bob, anna, 3)
    net.settle()
    assert len(anna.core._contacts.by_id[bob.id].links) == 2
    anna.send(bob, "hello")
    net.wait(1500)
    assert [link.number for link in anna.core._contacts.by_id[bob.id].links] != [old]
    assert len(anna.core._contacts.by_id[bob.id].links) == 1
    assert bob.texts(anna) == ["hello"]


def test_a_lost_link_to_a_node_that_is_wanted_is_dialled_again_within_a_second() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    net.settle()
    assert anna.peer(bob).link == "online"
    bob.begin()
    net.cut_all(lose=True)
    net.wait(1000)
    assert anna.peer(bob).link == bob.peer(anna).link == "online"


def test_an_unknown_address_that_turns_out_to_be_a_node_takes_history_and_waiting_messages_along() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.unreachable.add(bob.address)
    first, second = anna.send(str(bob.address), "one", "two")
    plain = first.room
    assert plain.startswith("plain-")
    net.wait(3000)
    net.unreachable.clear()
    net.wait(60_000)
    assert bob.texts(anna) == ["one", "two"]
    assert anna.texts(bob) == ["one", "two"]
    assert [message.id for message in anna.history(bob)] == [first.id, second.id]
    assert anna.states(bob) == ["delivered", "delivered"]
    room = anna.core._rooms.by_id[anna.room(bob)]
    assert room.aliases == [plain]
    assert plain not in anna.core._rooms.by_id
    assert [event.type for event in anna.events].count("MessageChanged") == 2
    # Its old id still finds it.
    assert isinstance(anna.ask("mark_read", rq.MarkReadArgs(room=plain)), rq.MarkReadResult)
    anna.send(plain, "three")
    net.settle()
    assert bob.texts(anna) == ["one", "two", "three"]


def test_what_is_said_while_waiting_messages_become_entries_does_not_overtake_them() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.unreachable.add(bob.address)
    plain = anna.send(str(bob.address), "one", "two")[0].room
    # The disk takes its time to say what waits.
    answers: list[q.Query] = []
    answer = anna.disk.answer
    anna.answer_later = answers
    net.link(bob, anna)
    anna.send(plain, "three")
    anna.answer_later = None
    for query in answers:
        anna.give(answer(query))
    net.settle()
    assert bob.texts(anna) == ["one", "two", "three"]
    assert anna.states(bob) == ["delivered"] * 3


def test_what_was_said_in_clear_stays_in_the_conversation_and_is_no_entry() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    host, port = bob.address.host, bob.address.port
    anna.give(s.LinkUp(2, "in", host, port, "snicher", True))
    anna.give(s.Heard(2, [Announced(port), Text("in clear", name="bob")]))
    anna.give(s.Closed(2, None))
    net.link(bob, anna)
    bob.send(anna, "encrypted")
    net.settle()
    assert [(one.text, one.entry is not None) for one in anna.history(bob)] == [
        ("in clear", False),
        ("encrypted", True),
    ]
    assert anna.peer(bob).name == "bob"


def test_an_unconfirmed_message_is_not_sent_again_as_an_entry() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.unreachable.add(bob.address)
    (message,) = anna.send(str(bob.address), "did it arrive?")
    contact = anna.core._contacts.by_id[message.room]
    anna.core._rooms.state(message.room, message.id, contact.id, "unconfirmed", "It may or may not have arrived.")
    contact.queue.waiting.clear()
    anna.give(s.Ticked())
    net.link(bob, anna)
    net.settle()
    assert bob.texts(anna) == []
    assert anna.states(bob) == ["unconfirmed"]


def test_a_peer_that_answers_late_is_dialled_again_encrypted_from_the_start() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    del net.stations[bob.address]
    net.unreachable.add(bob.address)
    (message,) = anna.send(str(bob.address), "hello")
    # A link on which it was taken for an older client.
    contact = anna.core._contacts.by_id[message.room]
    net.wait(1500)
    dials = len(anna.dials)
    contact.tries.next_at = None
    anna.core._links.dialled(99, contact.id, bob.address, "persistent", "snicher")
    contact.tries.link = 99
    anna.core._dialling._under_way.add(99)
    anna.give(s.AnsweredLate(99, True))
    anna.give(s.Closed(99, "It answered late."))
    assert any(event.type == "ConnectionNoticed" and "readable" in event.data.what for event in anna.told)
    net.stations[bob.address] = bob
    net.unreachable.clear()
    net.wait(5000)
    assert [(dial.how, dial.expect) for dial in anna.dials[dials:]] == [("secure", None)]
    assert bob.texts(anna) == ["hello"]


def test_a_node_with_two_links_or_more_writes_by_the_median_of_the_clocks() -> None:
    net = Net()
    anna, bob, carl = net.add("anna"), net.add("bob"), net.add("carl")
    anna.clock = -3 * 24 * 3600_000
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    assert anna.core._ledger.clock.correction == 0
    assert "differ by 3 days" in (anna.notices["clocks"] or "")
    anna.ask("connect", rq.ConnectArgs(address=str(carl.address)))
    assert anna.core._ledger.clock.correction == 3 * 24 * 3600_000
    assert "slow" in (anna.notices["clocks"] or "")
    anna.send(bob, "on time")
    net.settle()
    assert abs(bob.history(anna)[0].at - net.now) < 1000


def test_a_clock_at_1970_gives_way_to_the_one_clock_there_is() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    anna.clock = -net.now
    net.link(anna, bob)
    anna.send(bob, "what time is it?")
    net.settle()
    (message,) = bob.history(anna)
    assert abs(message.at - net.now) < 1000
    assert bob.core._ledger.clock.correction == 0


def test_a_node_that_is_full_refuses_a_stranger_with_a_reason() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")

    def full(keep: object = None) -> None:
        raise OverflowError("full")

    anna.core._contacts._make_room = full  # type: ignore[method-assign]
    hello = f.Hello([2], bob.instance, bob.run, "bob", 5000, net.now, [])
    effects = anna.give(s.Secured(2, "in", bob.address.host, bob.id, hello, 2))
    assert [effect.code for effect in effects if isinstance(effect, e.HangUp)] == [5]


def node_contact(station: Station, other: Station) -> None:
    assert station.peer(other).kind == "node"
    assert station.peer(other).code


def test_a_node_is_shown_as_one_with_its_code_and_an_encrypted_room() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    node_contact(anna, bob)
    node_contact(bob, anna)
    room = anna.core._rooms.by_id[anna.room(bob)]
    assert (room.kind, room.encrypted, room.members) == ("direct", True, [bob.id])
    assert bob.room(anna) == anna.room(bob)
