"""A peer is spoken to as it speaks: what is decided when it turns out to speak otherwise, comes, or leaves."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.model import parse_address
from node.protocol.plain.codec import Announced, Goodbye, Hello, Text
from node.protocol.plain.registry import ONE_SHOT
from tests.node.core.desk import BOB, Desk, acts, data, only

AT_BOB = parse_address(BOB)
DIALECTS = sorted(ONE_SHOT)


def portline(desk: Desk) -> None:
    """Bob dials, in a dialect whose connections are for the dialler only."""
    desk.hear_on(2, [Announced(5000)], dialect="portline", two_way=False)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_one_shot_peer_is_answered_as_it_spoke(dialect: str) -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect=dialect)
    assert acts(desk.send(BOB, "hello")) == [e.Dial(1, AT_BOB, "one_shot", dialect)]
    assert only(e.Transmit, desk.give(s.Connected(1))) == [e.Transmit(1, 2, "hello")]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_another_program_on_the_same_port_gets_no_bare_text_over_what_the_one_before_left_open(dialect: str) -> None:
    desk = Desk()
    desk.call(2)
    desk.hear(4, Text("hi", "bob", 5000), dialect=dialect)
    assert acts(desk.send(BOB, "hello")) == [e.Dial(1, AT_BOB, "one_shot", dialect)]
    assert only(e.Transmit, desk.give(s.Connected(1))) == [e.Transmit(1, 2, "hello")]
    desk.outcome(1, 2, "sent")
    desk.give(s.Closed(1, None))
    desk.hear(2, "me again")
    assert only(e.Transmit, desk.send(BOB, "to you")) == [e.Transmit(2, 4, "to you")]


def test_who_never_said_its_port_is_answered_where_it_spoke_whatever_it_said_since() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob"))
    desk.hear(4, Text("hi", "bob"), dialect="json")
    assert only(e.Transmit, desk.send("bob", "hello")) == [e.Transmit(2, 3, "hello")]


def test_a_connection_in_a_dialect_that_the_peer_does_not_speak_carries_not_a_byte() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB))
    desk.give(s.Settled(1, "std"))
    assert only(e.Dial, desk.give(s.Closed(1, None))) == [e.Dial(3, AT_BOB, "one_shot", "std")]
    desk.hear(2, Text("hi", "bob", 5000), dialect="angle1")
    assert acts(desk.give(s.Connected(3))) == [e.HangUp(3)]
    assert acts(desk.give(s.Closed(3, None))) == [e.Dial(5, AT_BOB, "one_shot", "angle1")]
    assert only(e.Transmit, desk.give(s.Connected(5))) == [e.Transmit(5, 0, "connect", control=True)]


def test_a_link_that_opens_in_a_dialect_that_nobody_wants_any_more_is_left() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="snicher"))
    desk.ask("connect", rq.ConnectArgs(address=BOB, dialect="portline"))
    desk.send(BOB, "hello")
    assert acts(desk.give(s.Opened(1))) == [e.HangUp(1)]
    assert acts(desk.give(s.Closed(1, None))) == [e.Dial(3, AT_BOB, "persistent", "portline")]
    assert only(e.Transmit, desk.give(s.Opened(3))) == [e.Transmit(3, 1, "hello")]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_end_of_our_last_connection_does_not_bring_back_who_has_taken_leave(dialect: str) -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect=dialect)
    desk.send(BOB, "hello")
    desk.give(s.Connected(1))
    desk.outcome(1, 2, "sent")
    desk.hear(4, Goodbye("exit", "bob", 5000), dialect=dialect)
    desk.give(s.Closed(4, None))
    desk.give(s.Closed(1, None))
    assert desk.contact().peer.link == "offline"
    desk.send(BOB, "are you back?")
    desk.give(s.Connected(3))
    desk.outcome(3, 4, "sent")
    desk.give(s.Closed(3, None))
    assert desk.contact().peer.link == "reachable"


# -- a name with spaces, which any sentence with a colon may seem to begin with


def maybe(text: str, name: str = "Team One") -> Text:
    return Text(f"{name}: {text}", named=Text(text, name))


def team_one() -> Desk:
    """As its client says it: the port, and then its name twice; then it closes."""
    desk = Desk()
    desk.hear(2, Announced(6004), maybe("hi"), Text("again", "Team One"))
    desk.give(s.Closed(2, "It closed the connection."))
    return desk


def said(desk: Desk, room: str) -> list[str]:
    """The texts of a room, in order."""
    return [one.text for _, one in sorted(desk.store.messages.items()) if (one.room, one.kind) == (room, "text")]


@pytest.mark.parametrize("closed", [True, False])
def test_who_comes_back_under_a_known_name_with_spaces_goes_on_with_the_same_conversation(closed: bool) -> None:
    desk = team_one()
    desk.hear(4, maybe("back"))
    if closed:
        desk.give(s.Closed(4, None))
    desk.hear(6 if closed else 4, Text("and more", "Team One"))
    peer = desk.contact(port=6004).peer
    assert (list(desk.store.rooms), peer.name) == ([peer.room], "Team One")
    assert said(desk, peer.room) == ["Team One: hi", "again", "back", "and more"]


def test_the_good_bye_of_a_known_name_with_spaces_is_one() -> None:
    desk = team_one()
    effects = desk.hear(4, Text("Team One: exit", named=Goodbye("exit", "Team One")))
    assert acts(effects) == [e.HangUp(4)]
    assert said(desk, desk.contact(port=6004).peer.room) == ["Team One: hi", "again"]


def test_who_claims_its_port_first_is_named_from_its_first_text_on_where_its_name_is_known() -> None:
    desk = team_one()
    desk.hear(4, Announced(6005), maybe("another of them"))
    assert (desk.contact(port=6005).peer.name, desk.contact(port=6005).peer.room) == ("Team One", "plain-2")
    assert said(desk, "plain-2") == ["another of them"]


@pytest.mark.parametrize("host", ["10.0.0.1", "10.0.0.2"])
def test_a_sentence_with_a_colon_stays_whole_where_nobody_goes_by_its_beginning(host: str) -> None:
    desk = team_one()
    name = "Team One" if host == "10.0.0.2" else "by the way"
    desk.hear(4, maybe("I am here", name), host=host)
    assert said(desk, "plain-2") == [f"{name}: I am here"]


def test_who_goes_by_another_name_may_begin_a_sentence_with_a_known_one() -> None:
    desk = team_one()
    desk.hear(4, Announced(6005), Text("hello", "bob"), maybe("have you seen them?"))
    assert said(desk, "plain-2") == ["hello", "Team One: have you seen them?"]


# -- connections that are only for who dialled them


def test_a_portline_peer_that_came_is_dialled_to_be_answered() -> None:
    desk = Desk()
    portline(desk)
    assert (desk.contact().peer.dialect, desk.contact().peer.link) == ("portline", "reachable")
    assert acts(desk.send(BOB, "hello")) == [e.Dial(1, AT_BOB, "persistent", "portline")]
    assert only(e.Transmit, desk.give(s.Opened(1))) == [e.Transmit(1, 1, "hello")]


def test_a_portline_peer_is_offline_when_its_connection_ends_and_nothing_is_wrong_when_it_said_so() -> None:
    desk = Desk()
    portline(desk)
    desk.give(s.Closed(2, "It closed the connection."))
    assert (desk.contact().peer.link, desk.contact().peer.error) == ("offline", "It closed the connection.")
    desk = Desk()
    portline(desk)
    assert acts(desk.hear_on(2, [Goodbye("exit", None, 5000)], port=5000, dialect="portline", two_way=False)) == [
        e.HangUp(2)
    ]
    desk.give(s.Closed(2, None))
    assert (desk.contact().peer.link, desk.contact().peer.error) == ("offline", None)


def test_who_is_linked_both_ways_stays_online_when_one_of_the_two_ends() -> None:
    desk = Desk()
    portline(desk)
    desk.send(BOB, "hello")
    desk.give(s.Opened(1))
    desk.give(s.Closed(2, "It closed the connection."))
    assert desk.contact().peer.link == "online"


# -- leaving


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_one_shot_peer_is_told_that_somebody_disconnected(dialect: str) -> None:
    desk = Desk()
    desk.hear(2, Hello("connect", "bob", 5000), dialect=dialect)
    effects = desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    assert acts(effects) == [e.Dial(1, AT_BOB, "one_shot", dialect)]
    assert acts(desk.give(s.Connected(1))) == [e.Transmit(1, 0, "exit", control=True)]
    effects = desk.outcome(1, 0, "sent") + desk.give(s.Closed(1, None))
    assert acts(effects) == []
    assert data(ev.PeerChanged, effects) == []
    assert (desk.contact().peer.link, desk.core.next_tries()) == ("offline", [])


def test_a_good_bye_that_finds_nobody_is_not_tried_again() -> None:
    desk = Desk()
    desk.hear(2, Hello("connect", "bob", 5000), dialect="std")
    desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    effects = desk.give(s.Closed(1, "It refused the connection."))
    assert acts(effects) == []
    assert (desk.contact().peer.link, desk.contact().peer.error, desk.core.next_tries()) == ("offline", None, [])


@pytest.mark.parametrize("left", [True, False])
def test_nobody_is_dialled_for_a_good_bye_who_is_not_there(left: bool) -> None:
    desk = Desk()
    desk.hear(2, Hello("connect", "bob", 5000), dialect="std")
    if left:
        desk.hear(4, Goodbye("exit", "bob", 5000), dialect="std")
    else:
        desk.ask("disconnect", rq.PeerArgs(peer=BOB))
        desk.give(s.Closed(1, None))
    assert acts(desk.ask("disconnect", rq.PeerArgs(peer=BOB))) == []


def test_who_connects_again_meanwhile_says_no_good_bye() -> None:
    desk = Desk()
    desk.hear(2, Hello("connect", "bob", 5000), dialect="std")
    desk.ask("disconnect", rq.PeerArgs(peer=BOB))
    desk.ask("connect", rq.ConnectArgs(address=BOB))
    assert acts(desk.give(s.Connected(1))) == [e.Transmit(1, 0, "connect", control=True)]
