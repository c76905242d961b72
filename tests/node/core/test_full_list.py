"""A list full of strangers: newcomers get in, the owner is never told to wait, and nothing is lost without a word."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import contacts
from node.core import effects as e
from node.core import stimuli as s
from node.core.contacts import LOOK_MS, STRANGER_MS
from node.protocol.plain.codec import Announced, Text
from tests.node.core.desk import START, Desk, data, events, only, result
from tests.node.core.nodes import Net, Station


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MAX_PEERS", 10)
    monkeypatch.setattr(contacts, "NEWCOMERS", 2)
    monkeypatch.setattr(contacts, "MAX_PER_SOURCE", 4)
    monkeypatch.setattr(contacts, "MAX_SHELVED", 5)


def crowd(desk: Desk, sources: int, each: int, first: int = 0, text: str = "spam") -> None:
    """So many sources, with so many strangers each."""
    for source in range(sources):
        for number in range(each):
            said = Text(text, f"x{number}", 5000 + number) if text else Announced(5000 + number)
            desk.now += 1
            desk.hear(2, said, host=f"10.9.{first}.{source}", dialect="std")


def listed(desk: Desk) -> list[str]:
    return sorted(c.peer.host for c in desk.core._contacts.by_id.values() if not c.gone)


def measured(desk: Desk) -> list[e.Effect]:
    return desk.give(s.SpaceMeasured(10**12, 1))


@pytest.mark.usefixtures("small")
def test_newcomers_and_the_owner_get_in_while_the_list_is_full_of_strangers() -> None:
    desk = Desk()
    desk.send("10.0.0.1:5000", "asked")
    desk.hear(2, Text("hi", "met", 5000), host="10.0.0.2", dialect="std")
    desk.send("met", "answered")
    desk.hear(2, Text("hi", "alone", 5000), host="10.0.0.3", dialect="std")
    crowd(desk, 5, 4)
    assert len(listed(desk)) == 10
    assert {"10.0.0.1", "10.0.0.2", "10.0.0.3"} <= set(listed(desk)), "known ones, and a stranger who is alone"
    new = desk.hear(2, Text("new here", "new", 5000), host="10.0.0.4", dialect="std")
    assert "PeerForgotten" in events(new)
    assert [one.message.text for one in data(ev.MessageReceived, new)] == ["new here"]
    for number in range(5, 13):
        assert isinstance(result(desk.send(f"10.0.0.{number}:5000", "hi")), rq.SendResult)
    assert len(listed(desk)) == 12, "so many are known, and there is room for two newcomers"
    assert result(desk.send("10.0.0.99:5001", "one too many")) == "busy", "all are known now"
    assert result(desk.send("new", "one too many")) == "busy", "neither can one more become known"


def known_only(count: int = 10) -> Desk:
    """A list that is full of peers whom people here know."""
    desk = Desk()
    for number in range(count):
        assert isinstance(result(desk.send(f"10.0.0.{number}:5000", "hi")), rq.SendResult)
    return desk


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("dialect", ["std", "snicher"])
def test_a_newcomer_is_served_though_the_list_is_full_of_known_peers(dialect: str) -> None:
    desk = known_only()
    for number in range(4):
        said = [Announced(5000), Text("hello", None, None)] if dialect == "snicher" else [Text("hello", "new", 5000)]
        effects = desk.hear(2 + 2 * number, *said, host=f"10.1.0.{number}", dialect=dialect)
        assert [one.message.text for one in data(ev.MessageReceived, effects)] == ["hello"]
        assert not data(ev.ConnectionNoticed, effects)
        assert 2 + 2 * number not in [one.link for one in only(e.HangUp, effects)]
    # Newcomers make room for newcomers, and for nobody else's sake.
    assert listed(desk) == [*(f"10.0.0.{number}" for number in range(10)), "10.1.0.2", "10.1.0.3"]
    assert len(Desk(desk.store).core._contacts.by_id) == 14, "and what the first ones said stays"


def full(anna: Station, count: int) -> None:
    """Let her know so many old clients."""
    for number in range(count):
        anna.ask("send", rq.SendArgs(messages=[rq.Outgoing(to=f"10.7.0.{number}:5000", text="hi")]))


@pytest.mark.usefixtures("small")
def test_a_new_node_is_linked_though_the_list_is_full_of_known_peers() -> None:
    net = Net()
    anna, *others = (net.add(name) for name in ("anna", "ben", "cara", "dan"))
    full(anna, 10)
    for other in others:
        other.ask("connect", rq.ConnectArgs(address=str(anna.address)))
        net.settle()
        assert anna.peer(other).link == "online"
    assert anna.core._contacts._listed == 12, "and the first one had to go for the last one"


@pytest.mark.usefixtures("small")
def test_whoever_is_dialled_and_turns_out_to_be_a_node_has_the_place_of_the_address() -> None:
    net = Net()
    anna, ben = net.add("anna"), net.add("ben")
    full(anna, 9)
    anna.ask("connect", rq.ConnectArgs(address=str(ben.address)))
    net.settle()
    assert anna.peer(ben).link == "online"
    assert anna.peer(ben).standing == "asked"
    assert anna.core._contacts._listed == 10


@pytest.mark.usefixtures("small")
def test_who_is_known_already_is_written_to_though_the_list_is_full() -> None:
    desk = known_only()
    for number in range(10):
        assert isinstance(result(desk.send(f"10.0.0.{number}:5000", "again")), rq.SendResult)
    assert result(desk.ask("connect", rq.ConnectArgs(address="10.0.1.99:5000"))) == "busy"
    desk.hear(2, Text("hi", "new", 5000), host="10.1.0.1", dialect="std")
    assert result(desk.ask("connect", rq.ConnectArgs(address="10.1.0.1:5000"))) == "busy"


@pytest.mark.usefixtures("small")
def test_what_strangers_said_stays_when_they_leave_the_list_and_they_come_back_with_it() -> None:
    desk = Desk()
    crowd(desk, 2, 4)
    first = desk.contact("10.9.0.0")
    crowd(desk, 1, 3, first=1)
    assert first.gone
    assert desk.store.rooms[first.peer.room].unread == 1
    desk.hear(2, Text("back", "x0", 5000), host="10.9.0.0", dialect="std")
    assert not first.gone
    assert desk.store.rooms[first.peer.room].unread == 2
    assert len(listed(desk)) == 10


@pytest.mark.usefixtures("small")
def test_of_strangers_who_never_said_a_text_nothing_is_kept() -> None:
    desk = Desk()
    crowd(desk, 20, 4, text="")
    assert len(listed(desk)) == len(desk.store.rooms) == len(desk.core._contacts.by_id) == 10


@pytest.mark.usefixtures("small")
def test_conversations_with_strangers_off_the_list_are_bounded_and_read_ones_of_the_heaviest_source_go_first() -> None:
    desk = Desk()
    crowd(desk, 3, 4)
    crowd(desk, 1, 3, first=1)
    assert len(desk.store.rooms) == 15
    read = next(c for c in desk.core._contacts.by_id.values() if c.gone and c.peer.port == 5001)
    desk.ask("mark_read", rq.MarkReadArgs(room=read.peer.room))
    effects = desk.hear(2, Text("one more", "new", 5000), host="10.0.0.7", dialect="std")
    assert len(desk.store.rooms) == 15
    assert data(ev.RoomDeleted, effects) == [ev.RoomDeleted(room=read.peer.room)]
    assert data(ev.ConnectionNoticed, effects)[0].address == read.peer.host, "and it is said"


@pytest.mark.usefixtures("small")
def test_a_stranger_who_is_connected_is_hung_up_when_no_other_can_go() -> None:
    desk = Desk()
    for link in range(2, 22, 2):
        desk.call(link, host=f"10.9.0.{link}")
    effects = desk.send("10.0.0.1:5000", "hi")
    assert [one.link for one in only(e.HangUp, effects)] == [2]
    assert isinstance(result(effects), rq.SendResult)


@pytest.mark.usefixtures("small")
def test_who_is_written_to_does_not_leave_the_list_for_others_of_the_same_send() -> None:
    desk = Desk()
    crowd(desk, 3, 4)
    here = sorted(c.id for c in desk.core._contacts.by_id.values() if not c.gone)
    outgoing = [
        *(rq.Outgoing(to=f"10.0.1.{n}:5000", text="hi") for n in range(5)),
        *(rq.Outgoing(to=one, text="hi") for one in here[:5]),
    ]
    assert len(result(desk.ask("send", rq.SendArgs(messages=outgoing))).messages) == 10
    known = [c for c in desk.core._contacts.by_id.values() if not c.gone and c.peer.standing != "stranger"]
    assert len(known) == 10
    assert len(listed(desk)) == 12


def test_a_stranger_who_isn_t_heard_for_a_month_leaves_the_list_and_a_known_one_doesn_t() -> None:
    desk = Desk()
    for host in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        desk.hear(2, Text("hi", host, 5000), host=host, dialect="std")
    desk.send("10.0.0.2", "hi")
    desk.now = START + STRANGER_MS
    # A clock that is a month ahead of the last time it was believed is doubted, and nobody leaves for it.
    desk.ask("trust_clock", rq.Nothing())
    desk.hear(2, Text("still here", "10.0.0.3", 5000), host="10.0.0.3", dialect="std")
    assert "PeerForgotten" not in events(measured(desk))
    desk.now += LOOK_MS
    assert data(ev.PeerForgotten, measured(desk)) == [ev.PeerForgotten(peer="plain-1")]
    assert listed(desk) == ["10.0.0.2", "10.0.0.3"]
    assert desk.store.rooms["plain-1"].unread == 1
    again = Desk(desk.store)
    assert again.core._contacts.by_id["plain-1"].gone


def test_whom_a_person_forgot_is_no_stranger_whose_conversation_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MAX_SHELVED", 0)
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    assert "RoomDeleted" not in events(desk.ask("forget", rq.PeerArgs(peer="bob")))
    assert list(Desk(desk.store).store.rooms) == ["plain-1"]


def test_all_addresses_of_an_ipv6_network_are_one_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MAX_PER_SOURCE", 2)
    desk = Desk()
    for number in range(1, 4):
        effects = desk.hear(2, Text("hi", "x", 5000), host=f"2001:db8::{number}", dialect="std")
    assert data(ev.ConnectionNoticed, effects)[0].what == "Refused: 2 peers are known at 2001:db8::/64; forget some."
    assert events(desk.hear(2, Text("hi", "x", 5000), host="2001:db8:0:1::1", dialect="std"))
    assert sorted(c.peer.host for c in desk.core._contacts.by_id.values()) == [
        "2001:db8:0:1::1", "2001:db8::1", "2001:db8::2",
    ]  # fmt: skip
