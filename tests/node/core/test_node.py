from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.core import connections, contacts
from node.core import effects as e
from node.core import stimuli as s
from node.core.node import Node
from node.protocol.plain.codec import Announced, Goodbye, Hello, Text
from tests.node.core.desk import BOB, CAUSE, LISTEN, Desk, acts, data, events, only, result, transmits

# -- the run


def test_the_start_is_the_first_event_and_links_of_before_are_down_next() -> None:
    desk = Desk()
    desk.call(2)
    again = Desk(desk.store)
    assert events(again.begun) == ["NodeStarted", "PeerChanged"]
    assert again.contact().peer.link == "offline"


def test_the_name_of_the_start_options_holds_and_is_kept() -> None:
    desk = Desk(name="berta")
    assert (desk.core.name, desk.store.settings) == ("berta", nouns.Settings(name="berta"))
    assert Desk(desk.store).core.name == "berta"


def test_other_addresses_of_the_machine_are_told_once_and_are_kept() -> None:
    desk = Desk()
    moved = s.NetworkChanged(["10.9.9.9:5000"], ["10.9.9.9", "127.0.0.1"])
    effects = desk.give(moved)
    (told,) = data(ev.AddressesChanged, effects)
    assert told.self.addresses == ["10.9.9.9:5000"] and told.self.listen == LISTEN
    assert desk.store.load().settings is not None and desk.core.me == told.self
    assert events(desk.give(moved)) == []
    assert events(desk.give(s.NetworkChanged(["10.9.9.9:5000"], ["10.9.9.9"], woke=True))) == []


def test_a_core_made_anew_in_the_middle_of_a_run_keeps_the_name_that_was_set_meanwhile() -> None:
    desk = Desk(name="berta")
    desk.ask("settings", rq.SettingsArgs(name="carla"))
    again = Desk(desk.store, name="berta", started=False)
    again.core.resume(LISTEN, [LISTEN], again.now)
    assert (again.core.name, again.core.me.listen) == ("carla", LISTEN)


def test_a_stop_leaves_everybody_refuses_commands_and_dials_no_more() -> None:
    desk = Desk()
    desk.call(2)
    desk.send(BOB, "hi")
    desk.send("10.0.0.2:5000", "hi")
    assert acts(desk.give(s.StopAsked("x"))) == [e.HangUp(2), e.HangUp(1), e.Exit()]
    assert result(desk.send(BOB, "hi")) == "stopping"
    assert acts(desk.outcome(2, 1, "not_sent")) == []
    assert acts(desk.give(s.Closed(2, None))) == acts(desk.give(s.Closed(1, "We left."))) == []
    assert desk.core.next_deadline() is None
    assert events(desk.give(s.Stopped("x"))) == ["NodeStopped"]
    assert (desk.contact().peer.link, desk.states()) == ("offline", ["waiting", "waiting"])


def test_a_stop_is_told_to_the_one_shot_clients_who_are_there_and_to_no_more_than_a_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MAX_FAREWELLS", 2)
    desk = Desk()
    for link, port in ((2, 5000), (4, 5001), (6, 5002)):
        desk.hear(link, Text("hi", f"bob {port}", port), dialect="std")
    desk.hear(8, Text("hi", "nowhere"), dialect="std")
    desk.hear(10, Text("hi", "eve", 5003), Goodbye("exit", "eve", 5003), dialect="std")
    dials = [act for act in acts(desk.give(s.StopAsked("x"))) if isinstance(act, e.Dial)]
    assert [(dial.address.port, dial.how, dial.dialect) for dial in dials] == [
        (5001, "one_shot", "std"),
        (5002, "one_shot", "std"),
    ]
    first, second = dials[0].link, dials[1].link
    assert acts(desk.give(s.Connected(first))) == [e.Transmit(first, 0, "exit", control=True)]
    assert acts(desk.outcome(first, 0, "sent")) == acts(desk.give(s.Closed(first, None))) == []
    assert acts(desk.give(s.Closed(second, "Connection refused."))) == [], "nobody is tried again"
    assert desk.core.next_deadline() is None or not desk.core.next_tries()


def test_after_a_failed_disk_what_no_link_answers_for_is_unconfirmed() -> None:
    desk = Desk()
    desk.call(2)
    desk.send(BOB, "one", "two")
    again = Desk(desk.store, started=False)
    again.outcome(2, 1, "sent")
    effects = again.core.recovered(again.now)
    assert [(one.id, one.state) for one in data(ev.MessageStateChanged, effects)] == [(2, "unconfirmed")]
    assert data(ev.NodeStarted, effects) == []


def test_an_old_outcome_does_not_settle_a_new_attempt() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    again = Desk(desk.store, started=False)
    again.core.recovered(again.now)
    again.call(8)
    again.core.recovered(again.now)
    (fetch,) = [e.Fetch(query) for query in [again.contact().queue.fetching] if query is not None]
    again.give(again.store.answer(fetch.query))
    assert again.states() == ["sending"]
    assert again.outcome(2, 1, "not_sent") == []
    assert again.states() == ["sending"]


def test_a_core_made_anew_forgets_a_link_that_it_only_heard_of() -> None:
    desk = Desk()
    desk.hear_on(7, [Text("hi")], port=5000)
    assert desk.open_links() == [7]
    desk.give(s.Closed(7, "It broke off."))
    assert (desk.open_links(), desk.contact().peer.link) == ([], "offline")


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python this runs."""
    count = 0

    def trace(_frame: types.FrameType, event: str, _arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def test_the_next_deadline_costs_nothing_with_many_contacts() -> None:
    def steps(contacts: int) -> int:
        desk = Desk()
        for n in range(contacts):
            desk.send(f"10.1.{n // 250}.{n % 250}:5000", "hi")
            desk.give(s.Closed(1 + 2 * n, "Refused."))
        assert len(desk.core.next_tries()) == contacts
        return lines_run(desk.core.next_deadline)

    assert 0 < steps(1_000) == steps(10)


# -- what peers say


def test_a_one_shot_text_makes_a_peer_with_its_conversation() -> None:
    desk = Desk()
    effects = desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    assert events(effects) == ["PeerAdded", "RoomAdded", "PeerChanged", "MessageReceived"]
    peer = desk.contact().peer
    assert (peer.name, peer.dialect, peer.dialect_from, peer.link) == ("bob", "std", "seen", "reachable")
    assert (peer.last_seen, acts(effects)) == (desk.now, [])


def test_many_texts_in_one_read_are_received_in_order_with_one_row_of_the_room() -> None:
    desk = Desk()
    effects = desk.hear(2, *(f"text {n}" for n in range(100)))
    assert [one.message.text for one in data(ev.MessageReceived, effects)] == [f"text {n}" for n in range(100)]
    assert len([one for one in only(e.PutRoom, effects) if one.room.last is not None]) == 1


def test_a_text_before_the_claim_is_merged_into_the_peer_known_at_that_port() -> None:
    desk = Desk()
    desk.hear(2, Text("first", "bob", 5000), dialect="std")
    desk.hear(4, Text("early", "eve"))
    desk.send("eve", "to eve")
    assert "RoomsMerged" in events(desk.call(4))
    assert list(desk.store.rooms) == ["plain-1"]
    assert (desk.store.rooms["plain-1"].unread, desk.open_links()) == (2, [4])
    assert [one.state for one in data(ev.MessageStateChanged, desk.outcome(4, 3, "sent"))] == ["sent"]
    assert [one.state for one in data(ev.MessageStateChanged, desk.send(BOB, "more"))] == ["sending"]


def test_a_text_before_the_claim_is_merged_also_when_the_name_comes_after_the_port() -> None:
    desk = Desk()
    desk.hear(2, Text("early", "bob"))
    desk.send("bob", "to bob")
    desk.give(s.Transmitted(2, 2, "not_sent", "It broke off.", 1, 1, ()))
    desk.give(s.Closed(2, "It broke off."))
    desk.call(4)
    assert len(desk.store.rooms) == 2, "who it is, only its name tells"
    effects = desk.hear(4, Text("late", "bob"))
    assert "RoomsMerged" in events(effects)
    (room,) = desk.store.rooms
    assert {one.room for one in desk.store.messages.values()} == {room}
    assert (desk.contact().peer.name, [token for _, token in transmits(effects)]) == ("bob", [2])


def test_who_has_a_name_or_is_connected_is_not_merged_for_a_name() -> None:
    desk = Desk()
    desk.hear(2, Text("early", "bob"))
    desk.call(4)
    desk.hear(4, Text("late", "bob"))
    assert len(desk.store.rooms) == 2, "the other bob is still connected"
    desk = Desk()
    desk.hear(2, Text("early", "bob"))
    desk.give(s.Closed(2, None))
    desk.call(4)
    desk.hear(4, Text("hi", "eve"))
    desk.hear(4, Text("now I am called so", "bob"))
    assert len(desk.store.rooms) == 2, "another name is no other's past"


def test_the_peer_that_went_over_to_another_one_stays_gone_after_a_restart() -> None:
    desk = Desk()
    desk.hear(2, Text("first", "bob", 5000), dialect="std")
    desk.hear(4, Text("early", "eve"))
    desk.call(4)
    again = Desk(desk.store)
    assert "MessageReceived" in events(again.hear(6, Text("hi", "eve")))
    assert result(again.send("plain-2", "hi")) == "not_found"


def test_the_same_port_claimed_twice_changes_nothing() -> None:
    desk = Desk()
    desk.call(2)
    assert events(desk.call(2)) == []


def test_a_link_that_claims_another_port_goes_over_to_that_peer() -> None:
    desk = Desk()
    desk.call(2)
    effects = desk.call(2, port=5001)
    assert (desk.open_links(), desk.open_links(port=5001)) == ([], [2])
    assert [one.peer.link for one in data(ev.PeerChanged, effects)] == ["offline", "online"]
    desk.give(s.Closed(2, None))
    assert desk.contact(port=5001).peer.link == "offline"


def test_a_link_that_leaves_its_peer_leaves_no_message_behind() -> None:
    desk = Desk()
    desk.call(2)
    desk.send(BOB, "hi")
    desk.call(2, port=5001)
    desk.outcome(2, 1, "not_sent")
    assert desk.contact().tries.link is not None or desk.core.next_deadline() is not None


def test_what_we_dialled_is_who_it_is_whatever_port_it_names() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.give(s.Opened(1))
    desk.hear(1, Announced(6000), "hi")
    assert len(desk.store.peers) == 1


def test_a_name_is_taken_up_when_it_is_said_and_texts_before_keep_the_old_one() -> None:
    desk = Desk()
    effects = desk.hear(2, Announced(5000), "one", Text("two", "bob"), Text("three", "bob"))
    assert [one.message.name for one in data(ev.MessageReceived, effects)] == [BOB, "bob", "bob"]
    assert desk.store.rooms["plain-1"].name == "bob"


def test_a_name_is_shown_cut_and_without_what_cannot_be_printed() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "\x1b]0;" + "x" * 500, 5000), dialect="std")
    assert desk.contact().peer.name == "]0;" + "x" * (bounds.MAX_NAME_CHARS - 3)
    head = desk.store.head
    desk.hear(4, Text("hi", "\x1b]0;" + "x" * 500, 5000), dialect="std")
    assert desk.store.head == head + 1


@pytest.mark.parametrize("said", [Announced(None), Text("  "), Text("")])
def test_what_says_nothing_leaves_no_trace(said: Announced | Text) -> None:
    assert Desk().hear(2, said) == []


def test_a_stranger_beyond_the_bound_is_refused_and_what_others_said_with_it_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contacts, "MAX_PER_SOURCE", 1)
    desk = Desk()
    effects = desk.hear(2, Text("kept", "bob", 5000), Text("lost", "eve", 5001), dialect="std")
    assert [one.message.text for one in data(ev.MessageReceived, effects)] == ["kept"]
    assert [one.address for one in data(ev.ConnectionNoticed, effects)] == ["10.0.0.1"]
    assert acts(effects) == [e.HangUp(2)]


def test_hello_and_good_bye_are_quiet_notices() -> None:
    desk = Desk()
    effects = desk.hear(2, Hello("connect", "bob", 5000), dialect="std")
    effects += desk.hear(4, Goodbye("exit", "bob", 5000), dialect="std")
    assert [one.message.kind for one in data(ev.MessageReceived, effects)] == ["notice", "notice"]
    assert desk.store.rooms["plain-1"].unread == 0
    assert desk.contact().peer.link == "offline"


def test_a_hello_is_not_answered_so_two_nodes_make_no_loop() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="std"))
    desk.give(s.Connected(1))
    desk.outcome(1, 0, "sent")
    desk.give(s.Closed(1, None))
    for link in (2, 4, 6):
        assert acts(desk.hear(link, Hello("connect", "bob", 5000), dialect="std")) == []


def test_a_link_that_is_dropped_after_texts_leaves_what_was_said_before_a_good_bye() -> None:
    desk = Desk()
    effects = desk.hear(2, Announced(5000), "last words", Goodbye("exit"))
    assert [one.message.kind for one in data(ev.MessageReceived, effects)] == ["text", "notice"]
    assert acts(effects) == [e.HangUp(2)]


# -- dialects


def test_an_unknown_address_that_turns_away_is_a_one_shot_client_by_guess() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    desk.give(s.Settled(1, "std"))
    effects = desk.give(s.Closed(1, None))
    assert [one.how for one in only(e.Dial, effects)] == ["one_shot"]
    assert (desk.contact().peer.dialect, desk.contact().peer.dialect_from) == ("std", "guess")
    assert desk.core.next_tries() == []


def test_a_guess_yields_to_what_the_peer_says_and_the_link_that_rests_on_it_goes() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    desk.give(s.Settled(1, "snicher"))
    effects = desk.hear(2, Text("hello", "bob", 5000), dialect="std")
    assert acts(effects) == [e.HangUp(1)]
    assert (desk.contact().peer.dialect, desk.contact().peer.dialect_from) == ("std", "seen")
    # What was on that link comes back, and goes out in the right way.
    assert [one.how for one in only(e.Dial, desk.outcome(1, 1, "not_sent"))] == ["one_shot"]
    assert acts(desk.give(s.Closed(1, None))) == []


def test_a_guess_that_comes_after_the_peer_has_spoken_is_dropped() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    desk.hear(2, Text("hello", "bob", 5000), dialect="std")
    assert acts(desk.give(s.Settled(1, "snicher"))) == [e.HangUp(1)]
    assert [one.how for one in only(e.Dial, desk.give(s.Closed(1, None)))] == ["one_shot"]


def test_a_chosen_dialect_wins_over_what_is_seen() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="std"))
    desk.call(2)
    assert (desk.contact().peer.dialect, desk.contact().peer.dialect_from) == ("std", "chosen")
    desk.give(s.Connected(1))
    desk.outcome(1, 0, "sent")
    desk.give(s.Closed(1, None))
    assert [one.how for one in only(e.Dial, desk.send(BOB, "hi"))] == ["one_shot"]


@pytest.mark.parametrize("dialect", ["std", "angle@", "angle-ts", "angle1", "labelled", "json"])
def test_a_one_shot_client_is_answered_in_its_own_way(dialect: str) -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect=dialect)
    assert [(one.how, one.dialect) for one in only(e.Dial, desk.send(BOB, "hi"))] == [("one_shot", dialect)]


@pytest.mark.parametrize("dialect", ["snicher", "portline"])
def test_a_peer_with_a_connection_of_its_own_way_is_called_in_it(dialect: str) -> None:
    desk = Desk()
    effects = desk.ask("connect", rq.ConnectArgs(address=BOB, dialect=dialect))
    assert [(one.how, one.dialect) for one in only(e.Dial, effects)] == [("persistent", dialect)]


def test_a_peer_that_opens_a_link_itself_is_answered_on_it() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    desk.call(4)
    assert [one.link for one in only(e.Transmit, desk.send(BOB, "hi"))] == [4]
    assert desk.contact().peer.dialect == "snicher"


def test_the_same_stimuli_give_the_same_effects() -> None:
    def life() -> list[list[e.Effect]]:
        desk = Desk()
        return [
            desk.begun, desk.send(BOB, "hi"), desk.give(s.Closed(1, "Refused.")), desk.call(2),
            desk.give(s.Commanded(7, "mark_read", rq.MarkReadArgs(room="plain-1"), CAUSE)),
        ]  # fmt: skip

    assert life() == life()


def test_a_number_of_a_link_is_never_given_out_twice() -> None:
    desk = Desk()
    desk.send(BOB, "hi")
    again = Node(desk.store.load(), desk.core._identity, last_link=desk.core.last_link)
    again.recovered(desk.now)
    query = again._contacts.by_id["plain-1"].queue.fetching
    assert query is not None
    effects = again.handle(desk.store.answer(query), desk.now)
    assert [one.link for one in only(e.Dial, effects)] == [3]
