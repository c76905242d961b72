"""Whom a node links of those that mDNS tells of, and what made-up services can't do."""

from __future__ import annotations

import itertools

import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import nearby
from node.core import stimuli as s
from node.model import Address
from node.protocol import nearby as said
from tests.node.core.nodes import Net, Station

_names = (f"{number:016x}" for number in itertools.count(1))


def sight(
    by: Station, other: Station, *, name: str | None = None, tag: bytes | None = None, at: Address | None = None
) -> str:
    """One node's service is seen by another one; returns its name."""
    name = name or next(_names)
    tag = tag or said.tag(other.id, said.day_of(by.now))
    by.give(s.Discovering("on"))
    by.give(s.Sighted(name, tag, (at or other.address,)))
    return name


def meet(net: Net, *stations: Station) -> None:
    """All see each other."""
    for one, other in itertools.permutations(stations, 2):
        sight(one, other)
    net.wait(2_000)


def linked(one: Station, other: Station) -> bool:
    return bool(one.core._links.with_peer(other.id))


def nearby_of(station: Station) -> nouns.Nearby:
    told = [event.data.nearby for event in station.told if isinstance(event.data, ev.NearbyChanged)]
    return told[-1]


def test_two_fresh_nodes_that_see_each_other_have_one_link_and_no_request() -> None:
    net = Net(accept="ask")
    anna, bob = net.add("anna"), net.add("bob")
    meet(net, anna, bob)
    assert linked(anna, bob) and linked(bob, anna)
    assert len(anna.dials) + len(bob.dials) == 1, "who has the higher tag waits for the other's dial"
    assert {dial.how for dial in anna.dials + bob.dials} == {"secure"}, "nothing but the offer goes in clear"
    assert (anna.peer(bob).name, anna.peer(bob).standing) == ("bob", "stranger")
    room = anna.core._rooms.by_id[anna.room(bob)]
    assert (room.request, room.last) == (True, None), "a request with nothing in it: nobody is asked anything"
    anna.send(bob, "hello")
    net.wait(100)
    assert bob.texts(anna) == ["hello"]
    assert not anna.core._rooms.by_id[anna.room(bob)].request


def test_front_ends_hear_who_is_there_and_the_log_holds_nothing_of_it() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    before = len(anna.events)
    name = sight(anna, bob)
    net.wait(2_000)
    (service,) = nearby_of(anna).services
    assert service == nouns.Sighting(id=name, peer=bob.id, addresses=[str(bob.address)], since=service.since)
    assert anna.core.nearby() == nearby_of(anna)
    told = len(anna.told)
    logged = {event.type for event in anna.events[before:]}
    for _ in range(50):
        anna.give(s.Vanished(name))
        sight(anna, bob, name=name)
    net.wait(2_000)
    assert len(anna.told) - told <= 3, "a service that flaps is told of now and then"
    assert {event.type for event in anna.events[before:]} == logged
    anna.give(s.Vanished(name))
    net.wait(2_000)
    assert nearby_of(anna).services == [] and linked(anna, bob), "a link outlives the service"


def test_who_is_known_is_recognised_by_its_tag_of_this_day_and_of_those_beside_it() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    meet(net, anna, bob)
    today = said.day_of(net.now)
    for off, known in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        name = next(_names)
        anna.give(s.Sighted(name, said.tag(bob.id, today + off), (Address("10.0.0.77", 5000),)))
        found = {one.id: one.peer for one in anna.core.nearby().services}
        assert found[name] == (bob.id if known else None), off
    net.now += 3 * 24 * 3600_000
    sight(anna, bob, name="ab" * 8)
    assert {one.id: one.peer for one in anna.core.nearby().services}["ab" * 8] == bob.id


def test_a_known_node_at_a_new_address_is_dialled_there_and_the_address_is_its_own_once_its_key_answered() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    sight(anna, bob)
    net.wait(1_000)
    net.unreachable.add(bob.address)
    for number in [link.number for link in anna.core._contacts.by_id[bob.id].links]:
        net.cut(anna, number)
    old, new = bob.address, Address("10.0.0.50", 5000)
    bob.address = new
    net.stations[new] = net.stations.pop(old)
    anna.dials.clear()
    sight(anna, bob, name="cd" * 8, at=new)
    net.wait(1_000)
    assert e.Dial(anna.dials[-1].link, new, "secure", expect=bob.id) in anna.dials
    assert linked(anna, bob)
    assert anna.peer(bob).addresses[0] == str(new)


def test_a_link_to_an_address_that_its_node_has_left_doesn_t_keep_it_from_being_dialled_at_the_new_one() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    name = sight(anna, bob)
    net.wait(1_000)
    assert linked(anna, bob)
    new = Address("10.0.0.50", 5000)
    net.stations[new] = bob
    anna.dials.clear()
    sight(anna, bob, name=name, at=new)
    net.wait(500)
    assert [dial.address for dial in anna.dials] == [new]


def test_somebody_else_s_tag_gets_no_address_no_warning_and_nothing_said() -> None:
    net = Net()
    anna, bob, eve = net.add("anna"), net.add("bob"), net.add("eve")
    sight(anna, bob)
    net.wait(1_000)
    net.unreachable.add(bob.address)
    anna.ask("verify", rq.VerifyArgs(peer=bob.id, code=bob.id))
    for number in [link.number for link in anna.core._contacts.by_id[bob.id].links]:
        net.cut(anna, number)
    before = anna.peer(bob)
    sight(anna, bob, at=eve.address)
    net.wait(120_000)
    assert any(dial.address == eve.address and dial.expect == bob.id for dial in anna.dials)
    after = anna.peer(bob)
    assert (after.addresses, after.verified, after.warning, after.rival) == (before.addresses, True, None, None)
    assert not linked(anna, eve)
    dials = sum(dial.address == eve.address for dial in anna.dials)
    assert dials < 15, "it is tried again more and more seldom"


def test_a_made_up_address_of_a_plain_peer_doesn_t_become_a_node_s() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    meet(net, anna, bob)
    plain = Address("10.0.0.200", 5000)
    net.unreachable.add(plain)
    sight(anna, bob, at=plain)
    net.wait(5_000)
    assert anna.core._contacts.node_of(plain) is None


@pytest.mark.parametrize("port", [25, 6379])
def test_ports_of_other_services_and_this_node_itself_are_never_dialled(port: int) -> None:
    net = Net()
    anna = net.add("anna")
    anna.give(s.Discovering("on"))
    anna.give(s.Sighted(next(_names), b"12345678", (Address("10.0.0.9", port), anna.address)))
    anna.give(s.Sighted(next(_names), said.tag(anna.id, said.day_of(net.now)), (Address("10.0.0.9", 5000),)))
    net.wait(60_000)
    assert anna.dials == []
    assert anna.core.nearby().services == []


def test_with_ask_services_are_listed_and_only_those_that_people_here_deal_with_are_dialled() -> None:
    net = Net(accept="ask")
    anna, bob, carla = net.add("anna"), net.add("bob"), net.add("carla")
    net.link(anna, bob)
    net.settle()
    anna.ask("verify", rq.VerifyArgs(peer=bob.id, code=bob.id))
    for number in [link.number for link in anna.core._contacts.by_id[bob.id].links]:
        net.cut(anna, number)
    anna.ask("settings", rq.SettingsArgs(discovery="ask"))
    for other in (bob, carla):
        sight(anna, other)
    net.wait(2_000)
    assert linked(anna, bob) and not linked(anna, carla)
    assert {one.peer for one in anna.core.nearby().services} == {bob.id, None}
    anna.ask("settings", rq.SettingsArgs(discovery="on"))
    net.wait(2_000)
    assert linked(anna, carla)


def test_whoever_takes_nothing_from_unknown_nodes_doesn_t_dial_them_either() -> None:
    net = Net(accept="nobody")
    anna, bob = net.add("anna"), net.add("bob")
    sight(anna, bob)
    net.wait(60_000)
    assert anna.dials == []


def test_the_setting_is_told_to_mdns_and_off_forgets_who_was_seen() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    sight(anna, bob)
    effects = anna.give(
        s.Commanded(99, "settings", rq.SettingsArgs(discovery="off"), ev.Cause(client="t", request="1"))
    )
    assert e.Discover("off") in effects
    anna.give(s.Discovering("off"))
    assert anna.core.nearby() == nouns.Nearby(state="off")
    assert e.Discover("off") in anna.give(s.StopAsked("x"))
    assert e.Discover("off") in anna.core.recovered(net.now), "a core that was loaded again looks round anew"


def test_what_keeps_this_node_from_looking_round_is_a_notice_until_it_works() -> None:
    net = Net()
    anna = net.add("anna")
    anna.give(s.Discovering("failing", "It can't be done."))
    assert anna.notices["nearby"] == "It can't be done."
    anna.give(s.Discovering("on"))
    assert anna.notices["nearby"] is None


def test_whoever_was_forgotten_blocked_or_left_by_a_person_is_left_alone() -> None:
    for command in ("forget", "block", "disconnect"):
        net = Net()
        anna, bob = net.add("anna"), net.add("bob")
        name = sight(anna, bob)
        net.wait(1_000)
        anna.ask(command, rq.PeerArgs(peer=bob.id))
        net.wait(1_000)
        anna.dials.clear()
        sight(anna, bob, name=name, at=Address("10.0.0.60", 5000))
        net.wait(60_000)
        assert anna.dials == [], command


def test_of_many_nodes_those_are_linked_that_are_dealt_with_the_neighbours_and_some_at_random(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nearby, "LINK_ALL", 6)
    monkeypatch.setattr(nearby, "SLACK", 0)
    monkeypatch.setattr(nearby, "RANDOM", 2)
    monkeypatch.setattr(nearby, "NEIGHBOURS", 1)
    net = Net()
    anna, *others = (net.add(f"n{number}") for number in range(16))
    for other in others[:6]:
        sight(anna, other)
    net.wait(2_000)
    assert all(linked(anna, other) for other in others[:6]), "up to the limit, all"
    anna.send(others[0], "hello")
    for other in others[6:]:
        sight(anna, other)
    net.wait(2_000)
    assert all(other.id in anna.core._contacts.by_id for other in others), "each was linked to learn who it is"
    net.wait(60_000)
    ring = sorted([anna, *others], key=lambda one: nearby._place(one.id))
    at = ring.index(anna)
    wanted = {others[0].id, ring[at - 1].id, ring[(at + 1) % len(ring)].id}
    kept = {other.id for other in others if linked(anna, other)}
    assert wanted <= kept
    assert len(kept) == len(wanted) + 2
    dials = len(anna.dials)
    net.wait(600_000)
    assert len(anna.dials) == dials, "who was learnt and left isn't dialled again"

    assert len(anna.core.nearby().services) == len(others)


def test_ten_thousand_made_up_services_are_bounded_and_an_honest_one_is_still_found() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    anna.give(s.Discovering("on"))
    for number in range(10_000):
        address = Address(f"10.0.{number % 250 + 1}.{number // 250 + 1}", 5000)
        anna.give(s.Sighted(f"{number:016x}", number.to_bytes(8, "big"), (address,)))
    assert len(anna.core.nearby().services) == nearby.MAX_SEEN
    assert len(anna.core._nearby._trials) <= nearby.MAX_TRIALS
    net.wait(10_000)
    sight(anna, bob, name="ef" * 8)
    net.wait(1_000)
    assert linked(anna, bob)
    assert len(anna.core.nearby().services) == nearby.MAX_SEEN
    for number in range(10_000, 11_000):
        address = Address(f"10.1.{number % 250 + 1}.{number // 250 + 1}", 5000)
        anna.give(s.Sighted(f"{number:016x}", number.to_bytes(8, "big"), (address,)))
    assert "ef" * 8 in {one.id for one in anna.core.nearby().services}


def test_a_service_that_is_dialled_in_vain_is_asked_for_now_and_then() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    asked: list[e.Reconfirm] = []
    performed = net.perform
    net.perform = lambda station, act: (  # type: ignore[method-assign]
        asked.append(act) if isinstance(act, e.Reconfirm) else performed(station, act)
    )
    net.unreachable.add(bob.address)
    name = sight(anna, bob)
    net.wait(5_000)
    assert asked == [e.Reconfirm(name)]
    net.wait(300_000)
    assert 5 < len(asked) < 16
