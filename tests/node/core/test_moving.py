"""Nodes with several addresses, and nodes whose addresses change: the best path is used, and no message is lost."""

from __future__ import annotations

import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.core import racing
from node.core import stimuli as s
from node.model import Address
from tests.node.core.nodes import CAUSE, Net, Station, key_of
from tests.support.authors import author_of


def met(key: str = "anna") -> tuple[Net, Station, Station]:
    """Anna has connected to Bob; both know each other. Her PeerId is the higher one with her own key."""
    net = Net()
    anna, bob = net.add("anna", key=key), net.add("bob")
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    net.settle()
    anna.send(bob, "hello")
    bob.send(anna, "hello you")
    net.settle()
    return net, anna, bob


def dialled(station: Station) -> list[str]:
    return [str(act.address) for act in station.dials]


def learn(station: Station, other: Station, *hosts: str, how: nouns.How = "typed") -> None:
    contacts = station.core._contacts
    contacts.places.learn(contacts.by_id[other.id], [Address(host, 5000) for host in hosts], how)


def links(station: Station) -> int:
    return len([one for one in station.net.links if one[0] == station.address])


def test_an_address_that_never_answers_costs_a_quarter_of_a_second() -> None:
    net, anna, bob = met()
    net.cut_all()
    net.wait(60_000)
    net.silent.add(Address("10.9.9.9", 5000))
    anna.ask("disconnect", rq.PeerArgs(peer=bob.id))
    net.wait(1_000)
    anna.dials.clear()
    learn(anna, bob, "10.9.9.9")
    anna.send(bob, "where are you?")
    net.settle()
    assert dialled(anna) == ["10.9.9.9:5000"], "what somebody gave last is tried first"
    net.wait(racing.STAGGER_MS - 1)
    assert len(anna.dials) == 1
    net.wait(1)
    assert dialled(anna) == ["10.9.9.9:5000", str(bob.address)]
    assert bob.texts(anna)[-1] == "where are you?"
    assert anna.dialling == {}, "the other try was hung up"
    assert (links(anna), links(bob)) == (1, 1)
    assert all(act.expect == bob.id for act in anna.dials)
    # From now on the one that was good is the first.
    net.cut_all()
    anna.dials.clear()
    anna.send(bob, "again")
    net.wait(0)
    assert dialled(anna) == [str(bob.address)]


def test_when_no_address_works_all_of_them_were_tried_and_the_reason_says_so() -> None:
    net, anna, bob = met()
    net.unreachable |= {bob.address, Address("10.9.9.8", 5000)}
    learn(anna, bob, "10.9.9.8", "10.9.9.9")
    net.silent.add(Address("10.9.9.9", 5000))
    net.cut_all()
    net.wait(2_000)
    assert set(dialled(anna)[1:4]) == {"10.9.9.8:5000", "10.9.9.9:5000", str(bob.address)}
    anna.give(s.Closed(next(iter(anna.dialling)), "It didn't answer in time."))
    error = anna.peer(bob).error
    assert error is not None and error.startswith("None of its 3 addresses works."), error
    faults = {one.address: one.error for one in anna.core.paths(bob.id)}
    assert faults["10.9.9.9:5000"] == "It didn't answer in time." and faults["10.9.9.8:5000"] == "Nobody answers."


def test_of_many_addresses_only_some_are_tried_at_a_time() -> None:
    net, anna, bob = met()
    net.unreachable.add(bob.address)
    far = [f"10.9.9.{number}" for number in range(7)]
    net.silent |= {Address(host, 5000) for host in far}
    learn(anna, bob, *far)
    net.cut_all()
    net.wait(3_000)
    assert len(anna.dialling) == racing.MAX_AT_ONCE


#: Keys of Anna, one of which is higher and one lower than Bob's: which of two links stays depends on that.
KEYS = ["anna", "ida"]


def test_the_keys_of_these_tests_stand_on_both_sides_of_bobs() -> None:
    ids = {key: author_of(key_of(key)) for key in KEYS}
    assert {id_ < author_of(key_of("bob")) for id_ in ids.values()} == {True, False}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("who", ["anna", "bob"])
def test_a_link_moves_with_whoever_gets_another_address_and_nothing_is_lost(who: str, key: str) -> None:
    """Whoever of the two had dialled, and whatever the other side knows of it."""
    net, anna, bob = met(key)
    net.wait(60_000)
    mover, other = (anna, bob) if who == "anna" else (bob, anna)
    mover.send(other, "before")
    net.settle()
    net.move(mover, "10.0.0.77")
    mover.send(other, "said while nothing arrives")
    other.send(mover, "said to nobody")
    net.wait(4_000)
    for one, two in ((mover, other), (other, mover)):
        assert sorted(one.texts(two)) == sorted(
            ["hello", "hello you", "before", "said while nothing arrives", "said to nobody"]
        )
        assert set(one.states(two)) == {"delivered"}
    assert other.peer(mover).addresses[0] == "10.0.0.77:5000"
    assert (links(anna), links(bob)) == (1, 1)
    assert other.peer(mover).presence == mover.peer(other).presence == "online"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("who", ["anna", "bob"])
def test_a_link_moves_also_while_nobody_says_anything(who: str, key: str) -> None:
    net, anna, bob = met(key)
    net.wait(60_000)
    mover, other = (anna, bob) if who == "anna" else (bob, anna)
    net.move(mover, "10.0.0.77")
    net.wait(4_000)
    assert (links(anna), links(bob)) == (1, 1)
    assert not net.dead & set(net.links)
    assert other.peer(mover).addresses[0] == "10.0.0.77:5000"


def test_of_two_links_that_both_work_one_stays_although_the_first_stood_for_long() -> None:
    for first in (0, 1):
        net, anna, bob = met()
        net.cut_all()
        net.wait(2_000)
        net.cut_all()
        anna.ask("disconnect", rq.PeerArgs(peer=bob.id))
        dials = [(anna, bob), (bob, anna)]
        net.link(*dials[first])
        net.wait(60_000)
        net.link(*dials[1 - first])
        net.wait(2_000)
        assert (links(anna), links(bob)) == (1, 1)


def test_when_the_network_changes_whom_somebody_wants_is_dialled_at_once() -> None:
    net, anna, bob = met()
    net.unreachable.add(bob.address)
    net.cut_all()
    net.wait(300_000)
    net.unreachable.clear()
    anna.dials.clear()
    anna.give(s.NetworkChanged([str(anna.address)], [anna.address.host]))
    net.settle()
    assert dialled(anna) == [str(bob.address)]
    assert links(anna) == 1


def test_who_is_heard_of_is_dialled_at_once_where_it_is_said_to_be() -> None:
    net, anna, bob = met()
    net.move(bob, "10.0.0.78")
    net.unreachable.add(Address("10.0.0.1", 5000))  # Bob can't reach anna.
    net.wait(300_000)
    net.unreachable.clear()
    anna.dials.clear()
    assert anna.peer(bob).link == "online", "nothing has told her yet that he is gone"
    anna.core._secure.heard_of(anna.core._contacts.by_id[bob.id], [bob.address], "mdns")
    anna.give(s.Ticked())
    net.wait(2_500)
    assert dialled(anna) == ["10.0.0.2:5000", str(bob.address)]
    assert (links(anna), links(bob)) == (1, 1)


def test_an_address_from_hearsay_where_another_key_answers_is_forgotten_and_nothing_else_happens() -> None:
    net, anna, bob = met()
    eve = net.add("eve")
    learn(anna, bob, eve.address.host, how="exchange")
    net.unreachable.add(bob.address)
    net.cut_all()
    net.wait(5_000)
    assert str(eve.address) in dialled(anna)
    peer = anna.peer(bob)
    assert (peer.warning, peer.rival) == (None, None)
    assert str(eve.address) not in peer.addresses
    # What nobody vouches for is no one's: eve is met there without a warning.
    learn(anna, bob, eve.address.host, how="exchange")
    anna.ask("connect", rq.ConnectArgs(address=str(eve.address)))
    net.settle()
    assert anna.peer(eve).link == "online" and anna.peer(eve).warning is None and anna.peer(bob).warning is None


def test_paths_survive_a_restart() -> None:
    net, anna, bob = met()
    learn(anna, bob, "10.9.9.9", how="exchange")
    anna.give(s.Ticked())
    before = anna.core.paths(bob.id)
    assert [(one.how, one.good is not None) for one in before] == [("typed", True), ("exchange", False)]
    anna.core._contacts.change(anna.core._contacts.by_id[bob.id], error="x")
    anna.give(s.Ticked())
    net.cut_all()
    anna.begin()
    assert [(one.address, one.how, one.learnt, one.good) for one in anna.core.paths(bob.id)] == [
        (one.address, one.how, one.learnt, one.good) for one in before
    ]


# -- host names


def test_a_host_name_is_kept_and_all_its_addresses_are_tried_as_they_are_at_that_time() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.names["bob.lan"] = ["10.9.9.9", bob.address.host]
    net.silent.add(Address("10.9.9.9", 5000))
    # As the command comes from outside: the name's first address stands in its place.
    anna.tokens += 1
    args = rq.ConnectArgs(address="10.9.9.9:5000")
    anna.give(s.Commanded(anna.tokens, "connect", args, CAUSE, hostname="bob.lan:5000"))
    assert anna.look_ups == ["bob.lan:5000"]
    anna.give(s.Closed(next(iter(anna.dialling)), "It didn't answer in time."))
    net.wait(1)
    assert anna.peer(bob).hostnames == ["bob.lan:5000"] and links(anna) == 1
    assert anna.peer(bob).warning is None
    # Bob moves, and his name with him.
    net.names["bob.lan"] = ["10.0.0.99"]
    net.unreachable.add(anna.address)
    net.move(bob, "10.0.0.99")
    anna.send(bob, "found you")
    net.cut_all()
    net.wait(60_000)
    assert bob.texts(anna) == ["found you"]
    # A restart doesn't forget the name.
    anna.begin()
    assert anna.peer(bob).hostnames == ["bob.lan:5000"]


def test_static_peers_are_linked_whatever_happens_and_host_names_among_them_are_looked_up_again_and_again() -> None:
    net = Net()
    anna, bob, carl = net.add("anna"), net.add("bob"), net.add("carl")
    net.unreachable |= {bob.address, carl.address}
    anna.ask("settings", rq.SettingsArgs(static_peers=[str(bob.address), "carl.lan:5000"]))
    net.wait(3600_000)
    assert anna.look_ups.count("carl.lan:5000") > 30, "it isn't given up"
    assert len(anna.dials) > 30
    assert max(two.link - one.link for one, two in zip(anna.dials, anna.dials[1:], strict=False)) <= 4
    net.unreachable.clear()
    net.names["carl.lan"] = [carl.address.host]
    net.wait(90_000)
    assert {anna.peer(bob).link, anna.peer(carl).link} == {"online"}
    # Also when the other side ends it in order, and after a restart.
    net.cut_all()
    net.wait(10_000)
    assert {anna.peer(bob).link, anna.peer(carl).link} == {"online"}
    net.cut_all()
    anna.begin()
    net.wait(10_000)
    assert {anna.peer(bob).link, anna.peer(carl).link} == {"online"}
    anna.ask("settings", rq.SettingsArgs(static_peers=[]))
    net.cut_all()
    anna.dials.clear()
    net.wait(60_000)
    assert anna.dials == []


def test_a_new_key_that_is_trusted_after_a_restart_does_not_get_the_address_where_the_old_one_is_linked() -> None:
    net, anna, bob = met()
    net.cut_all()
    eve = net.add("eve")
    # Bob has moved; eve answered at his old address, and anna has been started anew since.
    learn(anna, bob, "10.9.9.9")
    contacts = anna.core._contacts
    contacts.warn(contacts.by_id[bob.id], "Another key answers.", rival=eve.id)
    anna.give(s.Ticked())
    anna.begin()
    net.wait(1_000)
    assert links(anna) == 1 and anna.peer(bob).addresses[0] == str(bob.address)
    result = anna.ask("trust", rq.TrustArgs(peer=bob.id))
    assert isinstance(result, rq.PeerResult)
    assert (result.peer.id, result.peer.addresses) == (eve.id, ["10.9.9.9:5000"])
    assert anna.peer(bob).addresses == [str(bob.address)]
