"""Which addresses nodes tell each other, and what is taken of them."""

from __future__ import annotations

import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.core import exchange
from node.core import stimuli as s
from node.model import Address
from node.protocol.secure import frames as f
from tests.node.core.nodes import Net, Station


def said(net: Net, to: Station, kind: type) -> list[f.Frame]:
    return [frame for name, frame in net.delivered if name == to.name and isinstance(frame, kind)]


def hear(station: Station, other: Station, frame: f.Frame) -> None:
    """What another node says over the link with it."""
    (number,) = [one.number for one in station.core._links.with_peer(other.id)]
    station.give(s.Framed(number, [frame], 100))
    station.net.settle()


def addresses(station: Station, other: Station) -> list[str]:
    return [one.address for one in station.core.paths(other.id)]


def three(accept: str = "everybody") -> tuple[Net, Station, Station, Station]:
    """Three who know each other; Bob has links with both others. All share a room."""
    net = Net(accept)
    anna, bob, carl = (net.add(name) for name in ("anna", "bob", "carl"))
    everybody = (anna, bob, carl)
    for one, two in ((anna, bob), (carl, bob), (anna, carl)):
        one.ask("connect", rq.ConnectArgs(address=str(two.address)))
        net.settle()
        one.send(two, "hi")
        net.settle()
        two.ask("send", rq.SendArgs(messages=[rq.Outgoing(to=one.id, text="hi")]))
        net.settle()
    for one in everybody:
        others = sorted(other.id for other in everybody if other is not one)
        one.core._rooms.by_id["team"] = nouns.Room(id="team", kind="open", name="team", members=others)
    return net, anna, bob, carl


def lose(net: Net, one: Station, two: Station) -> None:
    """Both lose the link between them, and one of them isn't to dial."""
    for link in one.core._links.with_peer(two.id):
        net.cut(one, link.number)


def test_each_tells_its_own_addresses_when_a_link_opens_and_when_they_change() -> None:
    net, anna, bob, _ = three()
    bob.give(s.NetworkChanged(["10.0.0.2:5000", "[2001:db8::2]:5000", "127.0.0.1:5000"], ["10.0.0.2"]))
    net.settle()
    assert addresses(anna, bob) == ["10.0.0.2:5000", "[2001:db8::2]:5000"]
    bob.give(s.NetworkChanged(["10.0.0.2:5000", "[2001:db8::3]:5000"], ["10.0.0.2"]))
    net.settle()
    assert addresses(anna, bob) == ["10.0.0.2:5000", "[2001:db8::3]:5000"], "what was told before is out of date"
    assert anna.core.paths(bob.id)[1].how == "exchange"
    count = len(said(net, anna, f.Where))
    bob.give(s.NetworkChanged(["10.0.0.2:5000", "[2001:db8::3]:5000"], ["10.0.0.2"], woke=True))
    net.settle()
    assert len(said(net, anna, f.Where)) == count, "nothing new is told"


def test_who_lost_somebody_asks_those_in_a_room_with_both_and_finds_them() -> None:
    net, anna, bob, carl = three()
    lose(net, anna, carl)
    net.unreachable.add(anna.address)  # So that only anna can find carl.
    net.move(carl, "10.0.0.33")
    carl.give(s.NetworkChanged(["10.0.0.33:5000"], ["10.0.0.33"]))
    anna.send(carl, "where are you?")
    net.wait(3_000)
    net.unreachable.clear()
    net.wait(70_000)
    assert f.Seek([carl.id]) in said(net, bob, f.Seek)
    assert carl.texts(anna)[-1] == "where are you?"


def test_an_answer_names_those_of_rooms_shared_with_the_asker_and_nobody_else() -> None:
    net, anna, bob, carl = three()
    dora = net.add("dora")
    dora.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    net.settle()
    dora.send(bob, "hi")
    bob.send(dora, "hi")
    net.settle()
    nobody = "a" * 52
    before = len(said(net, anna, f.Where))
    hear(bob, anna, f.Seek([carl.id, dora.id, anna.id, bob.id, nobody]))
    (answer,) = said(net, anna, f.Where)[before:]
    assert isinstance(answer, f.Where)
    assert [(peer, [one.host for one in found]) for peer, found in answer.rows] == [(carl.id, [carl.address.host])]
    # Dora shares no room with Anna, and Anna gets no answer at all about her; nor does Dora about the others.
    before = len(said(net, dora, f.Where))
    hear(bob, dora, f.Seek([anna.id, carl.id]))
    assert len(said(net, dora, f.Where)) == before


@pytest.mark.parametrize("field", ["request", "hidden"])
def test_rooms_that_people_have_not_let_in_or_have_hidden_count_for_nothing(field: str) -> None:
    net, anna, bob, carl = three()
    room = bob.core._rooms.by_id["team"]
    bob.core._rooms.by_id["team"] = nouns.Room(
        id="team", kind="open", name="team", members=room.members, **{field: True}
    )
    before = len(said(net, anna, f.Where))
    hear(bob, anna, f.Seek([carl.id]))
    assert len(said(net, anna, f.Where)) == before


def test_only_what_was_good_lately_is_told_and_taken() -> None:
    net, anna, bob, carl = three()
    contacts = bob.core._contacts
    contacts.places.learn(contacts.by_id[carl.id], [Address("10.9.9.9", 5000)], "typed")
    hear(bob, anna, f.Seek([carl.id]))
    answer = said(net, anna, f.Where)[-1]
    assert isinstance(answer, f.Where)
    assert [one.host for one in answer.rows[0][1]] == [carl.address.host], "that one was never good"
    net.now += exchange.FRESH_MS
    before = len(said(net, anna, f.Where))
    hear(bob, anna, f.Seek([carl.id]))
    assert len(said(net, anna, f.Where)) == before
    anna.core._exchange._sought[carl.id] = net.now
    hear(anna, bob, f.Where([(carl.id, [f.At("10.7.7.7", 5000, exchange.FRESH_MS // 1000)])]))
    assert "10.7.7.7:5000" not in addresses(anna, carl)
    hear(anna, bob, f.Where([(carl.id, [f.At("10.7.7.7", 5000, 60)])]))
    assert "10.7.7.7:5000" in addresses(anna, carl)


def test_nobody_tells_unasked_where_somebody_else_is() -> None:
    _, anna, bob, carl = three()
    hear(anna, bob, f.Where([(carl.id, [f.At("10.7.7.7", 5000, 0)])]))
    assert addresses(anna, carl) == [str(carl.address)]


def test_what_is_told_is_bounded_and_must_be_plausible_and_is_nobody_elses_address() -> None:
    _, anna, bob, carl = three()
    rows = [
        *(f.At(host, 5000, 0) for host in ("127.0.0.1", "224.0.0.1", "fe80::1", "x.lan", "%", str(anna.address.host))),
        f.At("10.7.7.7", 0, 0), f.At("10.7.7.7", 22, 0), f.At(carl.address.host, 5000, 0),
    ]  # fmt: skip
    for start in (0, 5):
        hear(anna, bob, f.Where([(bob.id, rows[start : start + 5])]))
    assert addresses(anna, bob) == [str(bob.address)]
    hear(anna, bob, f.Where([(bob.id, [f.At(f"10.7.7.{n}", 5000, 0) for n in range(8)])]))
    assert len(addresses(anna, bob)) == 1 + exchange.MOST
    assert not any(act.address.host.startswith("10.7.") for act in anna.dials), "it is linked already"


def test_who_says_too_much_is_not_heard() -> None:
    net, anna, bob, _ = three()
    anna.give(s.Ticked())
    for number in range(exchange.BURST + 5):
        hear(anna, bob, f.Where([(bob.id, [f.At(f"10.7.{number}.7", 5000, 0)])]))
    (told,) = [one for one in addresses(anna, bob) if one.startswith("10.7.")]
    assert int(told.split(".")[2]) < exchange.BURST, "the newest that was heard"
    net.wait(exchange.REFILL_MS)
    hear(anna, bob, f.Where([(bob.id, [f.At("10.8.8.8", 5000, 0)])]))
    assert "10.8.8.8:5000" in addresses(anna, bob)


def test_strangers_are_told_nothing_and_nothing_of_theirs_is_taken_until_they_are_accepted() -> None:
    net = Net("ask")
    anna, eve = net.add("anna"), net.add("eve")
    eve.ask("connect", rq.ConnectArgs(address=str(anna.address)))
    net.settle()
    eve.send(anna, "let me in")
    net.settle()
    assert said(net, eve, f.Where) == []
    hear(anna, eve, f.Where([(eve.id, [f.At("10.7.7.7", 5000, 0)])]))
    assert addresses(anna, eve) == [str(eve.address)]
    anna.ask("accept", rq.PeerArgs(peer=eve.id))
    net.settle()
    assert len(said(net, eve, f.Where)) == 1
