"""Whom to dial, at which address, and how many at a time."""

from __future__ import annotations

import pytest

from node.bus import requests as rq
from node.core import dialling
from node.core import effects as e
from node.core import stimuli as s
from node.core.retries import LAST_NODE_RETRY_MS, backoff_ms
from node.protocol.plain.codec import Text
from tests.node.core.desk import BOB, Desk, only
from tests.node.core.nodes import Net

HOSTS = [f"10.0.0.{number}:5000" for number in range(1, 6)]


def dialled(effects: list[e.Effect]) -> list[str]:
    return [str(one.address) for one in only(e.Dial, effects)]


def test_no_more_are_dialled_at_a_time_than_the_budget_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "MAX_DIALS", 2)
    desk = Desk()
    outgoing = [rq.Outgoing(to=host, text="hi") for host in HOSTS]
    assert dialled(desk.ask("send", rq.SendArgs(messages=outgoing))) == HOSTS[:2]
    # Each that is done makes room for one, in the order in which they came.
    assert dialled(desk.give(s.Closed(1, "It refused the connection."))) == [HOSTS[2]]
    assert dialled(desk.give(s.Settled(3, "snicher"))) == [HOSTS[3]], "an open link is no dial any more"
    assert dialled(desk.give(s.Closed(3, "It closed the connection."))) == []
    assert dialled(desk.give(s.Closed(5, "It refused the connection."))) == [HOSTS[4]]


def test_who_stands_in_line_and_is_forgotten_is_not_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "MAX_DIALS", 1)
    desk = Desk()
    desk.ask("send", rq.SendArgs(messages=[rq.Outgoing(to=host, text="hi") for host in HOSTS[:4]]))
    desk.ask("forget", rq.PeerArgs(peer=HOSTS[1]))
    desk.ask("delete", rq.PeerArgs(peer=HOSTS[2]))
    assert dialled(desk.give(s.Closed(1, "It refused the connection."))) == [HOSTS[3]]


def test_who_speaks_up_while_it_stands_in_line_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "MAX_DIALS", 1)
    desk = Desk()
    desk.ask("send", rq.SendArgs(messages=[rq.Outgoing(to=host, text="hi") for host in HOSTS[:2]]))
    effects = desk.call(2, host="10.0.0.2")
    assert [one.link for one in only(e.Transmit, effects)] == [2]
    assert dialled(desk.give(s.Closed(1, "It refused the connection."))) == []


def met_at_two_addresses(desk: Desk) -> None:
    """Bob, a one-shot client."""
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    desk.give(s.Closed(2, None))
    desk.core._contacts.change(desk.contact(), addresses=["10.0.0.1:5000", "10.0.0.2:5000"])


def test_where_one_address_does_not_answer_the_next_is_dialled_and_kept() -> None:
    desk = Desk()
    met_at_two_addresses(desk)
    assert dialled(desk.send(BOB, "one")) == ["10.0.0.1:5000"]
    assert dialled(desk.give(s.Closed(1, "It refused the connection."))) == ["10.0.0.2:5000"], "at once"
    assert [one.token for one in only(e.Transmit, desk.give(s.Connected(3)))] == [2]
    desk.outcome(3, 2, "sent")
    desk.give(s.Closed(3, None))
    assert dialled(desk.send(BOB, "two")) == ["10.0.0.2:5000"]


def test_where_no_address_of_a_plain_peer_answers_the_next_round_waits() -> None:
    desk = Desk()
    met_at_two_addresses(desk)
    desk.send(BOB, "one")
    desk.give(s.Closed(1, "It refused the connection."))
    assert dialled(desk.give(s.Closed(3, "It refused the connection."))) == []
    desk.now = desk.core.next_deadline() or 0
    assert dialled(desk.give(s.Ticked())) == ["10.0.0.1:5000"]


def test_who_was_heard_at_an_address_is_dialled_there() -> None:
    desk = Desk()
    met_at_two_addresses(desk)
    desk.call(6, host="10.0.0.2")
    desk.give(s.Closed(6, None))
    assert dialled(desk.send(BOB, "one")) == ["10.0.0.2:5000"]


def test_two_nodes_that_lost_one_peer_do_not_come_back_to_it_at_the_same_moments() -> None:
    waits = [[backoff_ms("bob", attempt, node=True, me=me) for attempt in range(1, 20)] for me in ("anna", "carl")]
    assert waits[0] != waits[1]
    assert waits[0] == [backoff_ms("bob", attempt, node=True, me="anna") for attempt in range(1, 20)]
    for one, two in zip(*waits, strict=True):
        assert min(one, two) >= 200 and max(one, two) <= 1.2 * LAST_NODE_RETRY_MS


def test_while_much_is_said_to_a_node_that_is_away_it_is_dialled_about_once_a_second() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    net.settle()
    net.unreachable.add(bob.address)
    net.cut_all()
    net.wait(60_000)
    dials = len(anna.dials)
    anna.send(bob, "0")
    assert len(anna.dials) == dials + 1, "the first text ends the long backoff at once"
    for number in range(1, 100):
        net.wait(100)
        anna.send(bob, str(number))
    assert dials + 5 <= len(anna.dials) <= dials + 12
    net.unreachable.clear()
    net.wait(1_500)
    assert bob.texts(anna) == [str(number) for number in range(100)]
