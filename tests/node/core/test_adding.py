"""The command `add`: the key of an invite is pinned to its addresses before the first byte leaves."""

from __future__ import annotations

import pytest

from node import invites
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.model import Address, PeerId
from tests.node.core.nodes import CAUSE, Net, Station
from tests.node.core.test_trust import warned


def link(other: Station, *addresses: Address, name: str | None = None) -> str:
    return str(invites.Invite(PeerId(other.id), addresses or (other.address,), name or other.name))


def add(station: Station, text: str) -> rq.AddResult | str:
    """Ask for it; returns the result, or the code of the refusal."""
    station.tokens += 1
    answers = station.give(s.Commanded(station.tokens, "add", rq.AddArgs(link=text), CAUSE))
    (answer,) = [one for one in answers if isinstance(one, e.Reply | e.Refuse)]
    return answer.code if isinstance(answer, e.Refuse) else answer.result


def two() -> tuple[Net, Station, Station]:
    net = Net("ask")
    return net, net.add("anna"), net.add("bob")


def test_whoever_is_added_is_dialled_as_the_key_of_the_link_and_nothing_in_clear() -> None:
    net, anna, bob = two()
    result = add(anna, link(bob))
    assert isinstance(result, rq.AddResult)
    assert (result.peer.id, result.peer.name, result.peer.standing, result.note) == (bob.id, "bob", "known", None)
    net.settle()
    assert [(dial.how, dial.expect) for dial in anna.dials] == [("secure", bob.id)]
    assert anna.peer(bob).link == "online"
    assert not anna.disk.state().rooms[anna.room(bob)].request
    # The other side doesn't know who comes with its invite.
    assert bob.disk.state().rooms[bob.room(anna)].request


def test_another_key_at_the_address_of_an_invite_is_a_rival_and_told_nothing() -> None:
    net, anna, bob = two()
    mallory = net.add("mallory")
    result = add(anna, link(bob, mallory.address))
    assert isinstance(result, rq.AddResult)
    anna.send(bob, "for bob")
    net.wait(10_000)
    assert anna.peer(bob).rival == mallory.id
    assert len(warned(anna)) == 1
    assert mallory.disk.state().peers == {}
    assert anna.states(bob) == ["waiting"]


def test_an_invite_of_somebody_known_brings_addresses_and_accepts() -> None:
    net, anna, bob = two()
    bob.send(str(anna.address), "hello")
    net.wait(1_000)
    assert anna.disk.state().rooms[anna.room(bob)].request
    add(anna, link(bob, Address("10.5.5.5", 5000), bob.address, name="not bob"))
    assert anna.peer(bob).addresses == ["10.5.5.5:5000", str(bob.address)]
    assert not anna.disk.state().rooms[anna.room(bob)].request
    assert anna.peer(bob).name == "bob"


def test_an_address_at_which_another_node_is_known_is_left_out_and_that_is_said() -> None:
    net, anna, bob = two()
    carl = net.add("carl")
    add(anna, link(carl))
    net.settle()
    result = add(anna, link(bob, carl.address, bob.address))
    assert isinstance(result, rq.AddResult)
    assert result.peer.addresses == [str(bob.address)]
    assert str(carl.address) in (result.note or "")
    assert anna.peer(carl).addresses == [str(carl.address)]


def test_the_name_in_an_invite_that_somebody_has_is_said_loudly() -> None:
    _, anna, bob = two()
    add(anna, link(bob))
    mallory = anna.net.add("mallory")
    add(anna, link(mallory, name="BOB"))
    (warning,) = warned(anna)
    assert anna.peer(mallory).code in warning and anna.peer(bob).code in warning


def test_an_invite_without_a_name_shows_the_code() -> None:
    _, anna, bob = two()
    result = add(anna, str(invites.Invite(PeerId(bob.id), (bob.address,))))
    assert isinstance(result, rq.AddResult)
    assert result.peer.name == f"node {result.peer.code.split(' ')[0]}"


def test_no_service_is_dialled_because_an_invite_names_its_port() -> None:
    net, anna, bob = two()
    add(anna, link(bob, Address("10.5.5.5", 25)))
    net.wait(60_000)
    assert anna.dials == []
    assert "another kind of service" in (anna.core.why_waiting(bob.id) or "")


@pytest.mark.parametrize("whose", ["own", "broken", "blocked"])
def test_what_cannot_be_added_is_refused(whose: str) -> None:
    _, anna, bob = two()
    if whose == "own":
        assert add(anna, link(anna)) == "own_address"
    elif whose == "broken":
        assert add(anna, link(bob)[:30]) == "invalid_invite"
    else:
        anna.ask("block", rq.PeerArgs(peer=bob.id))
        assert add(anna, link(bob)) == "blocked"
    assert anna.disk.state().peers == {}
