"""Pins: nothing meant for one key goes to another, and clear text never goes to a node's address."""

from __future__ import annotations

import pytest

from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.core.contacts import STRANGER_MS
from node.core.trust import RIVAL_MS
from node.model import Address
from node.protocol.plain.codec import Announced, Text
from tests.node.core.nodes import CAUSE, Net, Station


def met() -> tuple[Net, Station, Station]:
    """Anna has dialled Bob once."""
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    net.settle()
    return net, anna, bob


def replaced(net: Net, old: Station, name: str = "mallory") -> Station:
    """Another node answers at the address of `old` from now on."""
    net.cut_all()
    other = net.add(name)
    del net.stations[other.address]
    other.address = old.address
    net.stations[old.address] = other
    return other


def warned(station: Station) -> list[str]:
    return [event.data.warning for event in station.events if event.type == "PeerWarned"]


def test_another_key_at_a_known_address_is_said_loudly_and_gets_nothing() -> None:
    net, anna, bob = met()
    mallory = replaced(net, bob)
    anna.send(bob, "for bob")
    net.wait(10_000)
    peer = anna.peer(bob)
    assert peer.rival == mallory.id
    assert len(warned(anna)) == 1
    assert str(bob.address) in warned(anna)[0]
    assert mallory.core._rooms.by_id == {}
    assert anna.states(bob) == ["waiting"]
    assert all(dial.how == "secure" and dial.expect == bob.id for dial in anna.dials[1:])


def test_whoever_is_trusted_gets_the_address_and_nothing_that_was_meant_for_the_old_key() -> None:
    net, anna, bob = met()
    mallory = replaced(net, bob)
    anna.send(bob, "for bob")
    net.wait(3_000)
    result = anna.ask("trust", rq.TrustArgs(peer=bob.id))
    assert isinstance(result, rq.PeerResult)
    assert result.peer.id == mallory.id
    net.wait(3_000)
    assert anna.peer(mallory).link == "online"
    assert anna.peer(mallory).addresses == [str(bob.address)]
    assert anna.peer(bob).addresses == []
    assert anna.peer(bob).warning is anna.peer(bob).rival is None
    assert mallory.texts(anna) == []
    assert anna.states(bob) == ["waiting"]


def test_a_stranger_who_claims_a_known_address_is_said_loudly_and_does_not_get_it() -> None:
    net, anna, bob = met()
    net.cut_all()
    mallory = net.add("mallory")
    mallory.address = bob.address
    net.link(mallory, anna)
    assert len(warned(anna)) == 1
    assert anna.peer(bob).rival == mallory.id
    assert anna.peer(mallory).addresses == []
    assert anna.peer(bob).addresses == [str(bob.address)]


def test_two_nodes_of_one_name_are_two_contacts_and_the_second_is_said_loudly() -> None:
    net, anna, bob = met()
    other = net.add("other")
    other.name = "Bob"
    net.link(other, anna)
    assert anna.peer(other).id != anna.peer(bob).id
    (warning,) = warned(anna)
    assert anna.peer(bob).code in warning
    assert anna.peer(other).code in warning
    anna.ask("trust", rq.TrustArgs(peer=other.id))
    assert anna.peer(other).warning is None
    net.cut_all()
    net.link(other, anna)
    assert len(warned(anna)) == 1
    anna.send(bob, "to one")
    anna.tokens += 1
    args = rq.SendArgs(messages=[rq.Outgoing(to="bob", text="to whom?")])
    effects = anna.give(s.Commanded(anna.tokens, "send", args, anna.events[-1].cause or CAUSE))
    (refusal,) = [effect for effect in effects if isinstance(effect, e.Refuse)]
    assert refusal.code == "ambiguous"
    assert {one["code"] for one in refusal.details["candidates"]} == {anna.peer(bob).code, anna.peer(other).code}


def in_clear(anna: Station, bob: Station, text: str = "I am bob, honestly") -> str:
    """Somebody speaks in clear from Bob's address; returns the id of the contact that it goes to."""
    host, port = bob.address.host, bob.address.port
    anna.give(s.LinkUp(100, "in", host, port, "snicher", True))
    anna.give(s.Heard(100, [Announced(port), Text(text, name="bob")]))
    return next(id_ for id_ in anna.core._contacts.by_id if id_.startswith("plain-"))


def test_clear_text_from_a_nodes_address_stands_apart_is_said_loudly_and_gets_no_answer() -> None:
    net, anna, bob = met()
    plain = in_clear(anna, bob)
    assert len(warned(anna)) == 1
    assert anna.texts(bob) == []
    for to in (plain,):
        anna.tokens += 1
        args = rq.SendArgs(messages=[rq.Outgoing(to=to, text="hello")])
        effects = anna.give(s.Commanded(anna.tokens, "send", args, CAUSE))
        assert [effect.code for effect in effects if isinstance(effect, e.Refuse)] == ["clear_text_refused"]
    # HOST:PORT means the node.
    (message,) = anna.send(str(bob.address), "encrypted")
    assert message.room == anna.room(bob)
    net.cut_all()
    net.link(bob, anna)
    net.settle()
    assert plain in anna.core._contacts.by_id


@pytest.mark.parametrize("whom", ["plain", "node"])
def test_only_a_person_lets_clear_text_go_to_a_nodes_address(whom: str) -> None:
    _, anna, bob = met()
    plain = in_clear(anna, bob)
    anna.ask("trust", rq.TrustArgs(peer=plain if whom == "plain" else bob.id, plain=True))
    assert anna.peer(bob).addresses == []
    contact = anna.core._contacts.by_id[plain]
    assert contact.peer.warning is None
    anna.tokens += 1
    args = rq.SendArgs(messages=[rq.Outgoing(to=plain, text="hello")])
    effects = anna.give(s.Commanded(anna.tokens, "send", args, CAUSE))
    assert any(isinstance(effect, e.Transmit) and effect.text == "hello" for effect in effects)


def test_forgetting_a_node_lets_clear_text_go_to_its_address() -> None:
    _, anna, bob = met()
    plain = in_clear(anna, bob)
    anna.ask("forget", rq.PeerArgs(peer=bob.id))
    assert not anna.core._contacts.by_id[plain].node_here


def test_clear_text_is_never_taken_for_a_nodes_words_because_of_the_name() -> None:
    _, anna, bob = met()
    anna.give(s.LinkUp(100, "in", bob.address.host, None, "snicher", True))
    anna.give(s.Heard(100, [Text("I am bob", name="bob")]))
    assert anna.texts(bob) == []


@pytest.mark.parametrize("plain", [False, True])
def test_there_is_nothing_to_trust_where_nothing_is_in_doubt(plain: bool) -> None:
    _, anna, bob = met()
    if plain:
        anna.ask("trust", rq.TrustArgs(peer=bob.id, plain=True))
    anna.tokens += 1
    effects = anna.give(s.Commanded(anna.tokens, "trust", rq.TrustArgs(peer=bob.id, plain=plain), CAUSE))
    assert [effect.code for effect in effects if isinstance(effect, e.Refuse)] == ["nothing_to_trust"]


def test_warnings_and_rivals_outlive_a_restart() -> None:
    net, anna, bob = met()
    mallory = replaced(net, bob)
    anna.send(bob, "for bob")
    net.wait(3_000)
    anna.begin()
    assert anna.peer(bob).rival == mallory.id
    anna.ask("trust", rq.TrustArgs(peer=bob.id))
    assert anna.peer(mallory).addresses == [str(bob.address)]


def test_somebody_who_answers_with_a_new_key_each_time_is_told_of_once_an_hour() -> None:
    net, anna, bob = met()
    net.cut_all()
    for number in range(3):
        other = Station(net, f"mallory{number}", bob.address.host)
        net.stations[bob.address] = other
        net.wait(70_000)
    assert len(warned(anna)) == 1
    net.wait(3_600_000)
    assert len(warned(anna)) == 2


def test_a_decision_about_a_key_that_was_shown_is_not_taken_for_another_one_that_answered_since() -> None:
    net, anna, bob = met()
    shown = replaced(net, bob)
    anna.send(bob, "for bob")
    net.wait(3_000)
    assert anna.peer(bob).rival == shown.id
    other = replaced(net, shown, "oscar")
    net.wait(RIVAL_MS + 120_000)
    assert anna.peer(bob).rival == other.id
    anna.tokens += 1
    args = rq.TrustArgs(peer=bob.id, rival=shown.id)
    (refusal,) = [one for one in anna.give(s.Commanded(anna.tokens, "trust", args, CAUSE)) if isinstance(one, e.Refuse)]
    assert refusal.code == "invalid_args"
    assert anna.peer(bob).rival == other.id
    result = anna.ask("trust", rq.TrustArgs(peer=bob.id, rival=other.id))
    assert isinstance(result, rq.PeerResult)
    assert result.peer.id == other.id


def test_a_node_that_was_taken_off_the_list_for_its_age_is_not_talked_to_in_clear_when_its_address_is_named() -> None:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(bob, anna)
    bob.send(anna, "hello")
    net.settle()
    net.cut_all()
    net.unreachable.add(bob.address)
    net.now += STRANGER_MS + 3600_000
    anna.give(s.Ticked())
    anna.core._contacts.age_strangers()
    anna.give(s.Ticked())
    assert anna.core._contacts.by_id[bob.id].gone
    anna.dials.clear()
    anna.send(str(bob.address), "for bob")
    assert [(dial.how, dial.expect) for dial in anna.dials] == [("secure", bob.id)]
    assert anna.states(bob) == ["waiting"]
    assert not anna.core._contacts.by_id[bob.id].gone


# -- verified


def verify(station: Station, other: Station, code: str) -> str | None:
    """Ask for it; returns the code of the refusal, if it was refused."""
    station.tokens += 1
    args = rq.VerifyArgs(peer=other.id, code=code)
    answers = station.give(s.Commanded(station.tokens, "verify", args, CAUSE))
    (answer,) = [one for one in answers if isinstance(one, e.Reply | e.Refuse)]
    return answer.code if isinstance(answer, e.Refuse) else None


@pytest.mark.parametrize("spelling", ["code", "typed", "id"])
def test_a_code_that_was_compared_verifies_its_peer_and_another_one_does_not(spelling: str) -> None:
    net, anna, bob = met()
    code = anna.peer(bob).code
    assert verify(anna, bob, net.add("carl").id) == "code_differs"
    assert verify(anna, bob, "") == "code_differs"
    assert anna.peer(bob).verified is False
    shown = {"code": code, "typed": code.replace(" · ", "-").upper(), "id": bob.id}[spelling]
    assert verify(anna, bob, shown) is None
    assert anna.peer(bob).verified is True
    assert bob.peer(anna).verified is False


def test_verified_survives_restarts_other_names_and_other_addresses() -> None:
    net, anna, bob = met()
    verify(anna, bob, bob.id)
    anna.ask("rename", rq.RenameArgs(peer=bob.id, name="Robert"))
    net.cut_all()
    bob.address, bob.name = Address("10.9.9.9", 6000), "bobby"
    anna.begin()
    net.stations[bob.address] = bob
    net.link(bob, anna)
    peer = anna.peer(bob)
    assert peer.verified and peer.warning is None
    assert str(bob.address) in peer.addresses
    assert peer.own_name == "bobby"
    assert anna.disk.state().peers[bob.id].verified


def test_unverify_takes_it_back() -> None:
    _, anna, bob = met()
    verify(anna, bob, bob.id)
    anna.ask("unverify", rq.PeerArgs(peer=bob.id))
    assert anna.peer(bob).verified is False


def test_another_key_at_the_address_takes_verified_away_and_says_so() -> None:
    net, anna, bob = met()
    verify(anna, bob, bob.id)
    replaced(net, bob)
    anna.send(bob, "for bob")
    net.wait(3_000)
    assert anna.peer(bob).verified is False
    (warning,) = warned(anna)
    assert "no longer holds" in warning
    assert verify(anna, bob, anna.peer(bob).rival or "") == "code_differs"
    assert verify(anna, bob, bob.id) is None
    assert (anna.peer(bob).verified, anna.peer(bob).warning, anna.peer(bob).rival) == (True, None, None)


def test_the_key_that_replaces_a_verified_one_is_not_verified() -> None:
    net, anna, bob = met()
    verify(anna, bob, bob.id)
    mallory = replaced(net, bob)
    anna.send(bob, "for bob")
    net.wait(3_000)
    anna.ask("trust", rq.TrustArgs(peer=bob.id))
    assert anna.peer(mallory).verified is anna.peer(bob).verified is False


def test_who_takes_the_name_of_somebody_verified_is_warned_of_and_takes_nothing_away() -> None:
    net, anna, bob = met()
    verify(anna, bob, bob.id)
    other = net.add("other")
    other.name = "BOB"
    net.link(other, anna)
    (warning,) = warned(anna)
    assert "The other one is verified, and this one isn't." in warning
    assert anna.peer(other).warning == warning
    assert (anna.peer(bob).verified, anna.peer(bob).warning) == (True, None)


def test_who_takes_a_name_that_looks_like_a_verified_one_is_warned_of() -> None:
    net, anna, bob = met()
    verify(anna, bob, bob.id)
    other = net.add("other")
    other.name = "b\u043eb"
    net.link(other, anna)
    (warning,) = warned(anna)
    assert "looks like bob" in warning
    assert anna.peer(bob).code in warning
    assert "The other one is verified, and this one isn't." in warning
    assert anna.peer(bob).warning is None


def test_a_plain_client_has_no_key_to_verify() -> None:
    _, anna, bob = met()
    plain = in_clear(anna, bob)
    anna.tokens += 1
    args = rq.VerifyArgs(peer=plain, code="")
    answers = anna.give(s.Commanded(anna.tokens, "verify", args, CAUSE))
    assert [one.code for one in answers if isinstance(one, e.Refuse)] == ["not_a_node"]


def test_verified_stays_when_somebody_else_gets_an_address_that_its_owner_has_left() -> None:
    net, anna, bob = met()
    verify(anna, bob, bob.id)
    old, new = bob.address, Address("10.0.0.77", 5000)
    net.cut_all()
    del net.stations[old]
    bob.address = new
    net.stations[new] = bob
    net.link(bob, anna)
    newcomer = net.add("newcomer")
    del net.stations[newcomer.address]
    newcomer.address = old
    net.stations[old] = newcomer
    net.link(newcomer, anna)
    net.cut_all()
    net.link(newcomer, anna)
    assert anna.peer(bob).verified


def test_verified_stays_while_its_key_is_on_a_link_whoever_claims_its_address() -> None:
    net, anna, bob = met()
    verify(anna, bob, bob.id)
    mallory = net.add("mallory")
    mallory.address = bob.address
    net.link(mallory, anna)
    assert anna.peer(bob).verified
    assert anna.peer(bob).rival == mallory.id


def test_nobody_is_warned_about_strangers_who_claim_each_other_s_addresses() -> None:
    net = Net("ask")
    anna = net.add("anna")
    crowd = [net.add(f"m{number}") for number in range(20)]
    for one in crowd:
        one.address = crowd[0].address
        net.link(one, anna)
    assert warned(anna) == []


def test_verified_survives_a_merge_with_the_plain_past() -> None:
    _, anna, bob = met()
    verify(anna, bob, bob.id)
    anna.give(s.LinkUp(2, "in", "10.0.0.2", None, "std", False))
    anna.give(s.Heard(2, [Text("from long ago", name="bob", port=4000)], 10))
    (plain,) = [one for one in anna.disk.state().peers if one.startswith("plain-")]
    anna.ask("merge", rq.MergeArgs(peer=plain, into=bob.id))
    assert anna.peer(bob).verified
