"""Blocked: nothing of them is taken, stored or asked for, whoever brings it, and their past is hidden."""

from __future__ import annotations

import pytest

from node.bus import nouns, reducer
from node.bus import requests as rq
from node.core import blocking
from node.core import effects as e
from node.core import stimuli as s
from node.model import Address, MandatoryPeer
from node.protocol.plain.codec import Announced, Text
from node.protocol.secure import frames as f
from tests.node.core.desk import BOB, Desk, only, result
from tests.node.core.nodes import CAUSE, Net, Station


def ask(station: Station, op: str, args: object) -> e.Reply | e.Refuse:
    station.tokens += 1
    (answer,) = [
        one for one in station.give(s.Commanded(station.tokens, op, args, CAUSE)) if isinstance(one, e.Reply | e.Refuse)
    ]
    return answer


def code(answer: e.Reply | e.Refuse) -> str | None:
    return answer.code if isinstance(answer, e.Refuse) else None


def talking() -> tuple[Net, Station, Station]:
    net = Net("ask")
    anna, mallory = net.add("anna"), net.add("mallory")
    anna.ask("connect", rq.ConnectArgs(address=str(mallory.address)))
    net.settle()
    mallory.send(anna, "before")
    net.settle()
    return net, anna, mallory


def test_a_blocked_node_is_shut_out_without_being_told_and_nothing_of_it_is_stored() -> None:
    net, anna, mallory = talking()
    anna.ask("block", rq.PeerArgs(peer="mallory"))
    net.settle()
    state = anna.disk.state()
    assert state.peers == {}
    assert state.rooms[anna.room(mallory)].hidden
    assert state.blocked[mallory.id].name == "mallory"
    head, changes = anna.disk.head, anna.disk.db.total_changes
    mallory.send(anna, "let me in")
    net.wait(3600_000)
    assert (anna.disk.head, anna.disk.db.total_changes) == (head, changes), "it costs no write to the disk"
    byes = [act for act in anna.net.delivered if isinstance(act[1], f.Door | f.Have) and act[0] == "mallory"]
    assert mallory.states(anna) == ["delivered", "waiting"]
    assert len(mallory.dials) < 70, "it tries once a minute"
    assert mallory.peer(anna).refusal is None
    assert "blocked" not in (mallory.core.why_waiting(anna.id) or "")
    assert all("let me in" not in text for text in anna.texts(mallory)), byes
    anna.begin()
    net.wait(60_000)
    assert anna.disk.state().peers == {}


def test_nothing_goes_to_whoever_is_blocked() -> None:
    _, anna, mallory = talking()
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    outgoing = rq.SendArgs(messages=[rq.Outgoing(to=mallory.id, text="hi")])
    for op, args in (
        ("send", outgoing),
        ("connect", rq.ConnectArgs(address=str(mallory.address))),
        ("connect", rq.ConnectArgs(address=mallory.id)),
        ("connect", rq.ConnectArgs(address="MALLORY")),
        ("accept", rq.PeerArgs(peer=mallory.id)),
    ):
        assert code(ask(anna, op, args)) == "blocked", op
    assert anna.disk.state().peers == {}


def test_an_address_where_somebody_blocked_turns_out_to_be_is_left_and_says_so() -> None:
    net, anna, mallory = talking()
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    del net.stations[mallory.address]
    mallory.address = Address("10.7.7.7", 5000)
    net.stations[mallory.address] = mallory
    anna.send("10.7.7.7:5000", "who is there?")
    net.wait(60_000)
    (peer,) = anna.disk.state().peers.values()
    assert (peer.kind, peer.error, peer.wanted) == ("plain", "Somebody whom you have blocked answers there.", False)
    assert len([dial for dial in anna.dials if dial.address == mallory.address]) == 1


def test_what_was_said_shows_again_once_it_is_unblocked_and_what_waited_comes() -> None:
    net, anna, mallory = talking()
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    mallory.send(anna, "meanwhile")
    net.wait(60_000)
    hits = anna.disk.reader.search(rq.SearchArgs(query="before")).hits
    anna.disk.writer.index(100)
    assert hits == anna.disk.reader.search(rq.SearchArgs(query="before")).hits == []
    assert code(ask(anna, "unblock", rq.PeerArgs(peer="mallory"))) is None
    assert code(ask(anna, "unblock", rq.PeerArgs(peer="mallory"))) == "not_blocked"
    assert not anna.disk.state().rooms[anna.room(mallory)].hidden
    assert [one.text for one in anna.disk.reader.search(rq.SearchArgs(query="before")).hits] == ["before"]
    mallory.ask("connect", rq.ConnectArgs(address=str(anna.address)))
    net.wait(60_000)
    assert anna.texts(mallory) == ["before", "meanwhile"]
    assert anna.peer(mallory).link == "online"


def test_a_request_that_was_blocked_is_a_request_again() -> None:
    net = Net("ask")
    anna, mallory = net.add("anna"), net.add("mallory")
    mallory.send(str(anna.address), "buy this")
    net.wait(1_000)
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    anna.ask("unblock", rq.PeerArgs(peer=mallory.id))
    assert anna.disk.state().rooms[anna.room(mallory)].request
    assert anna.peer(mallory).standing == "stranger"


def test_the_block_outlives_the_conversation() -> None:
    net, anna, mallory = talking()
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    anna.ask("delete", rq.PeerArgs(peer=mallory.id))
    anna.begin()
    mallory.send(anna, "hello?")
    net.wait(60_000)
    state = anna.disk.state()
    assert (state.rooms, state.peers, list(state.blocked)) == ({}, {}, [mallory.id])
    anna.ask("unblock", rq.PeerArgs(peer=mallory.id))
    net.wait(60_000)
    assert anna.texts(mallory) == ["hello?"]


def test_what_a_blocked_node_said_is_not_taken_from_another_machine_of_ours_either() -> None:
    net = Net("ask")
    anna, other, mallory = net.add("anna"), net.add("anna2", key="anna"), net.add("mallory")
    for one in (anna, other):
        one.ask("connect", rq.ConnectArgs(address=str(mallory.address)))
        net.settle()
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    net.link(other, anna)
    net.settle()
    mallory.send(other.id, "to both of you")
    net.wait(10_000)
    assert other.texts(mallory) == ["to both of you"]
    assert anna.texts(mallory) == []
    anna.ask("unblock", rq.PeerArgs(peer=mallory.id))
    net.wait(10_000)
    assert anna.texts(mallory) == ["to both of you"]


def test_a_node_that_nobody_knows_can_be_blocked_by_its_id() -> None:
    net = Net("ask")
    anna, mallory = net.add("anna"), net.add("mallory")
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    mallory.send(str(anna.address), "hello")
    net.wait(60_000)
    assert anna.disk.state().peers == anna.disk.state().rooms == {}


def test_the_events_of_blocking_on_a_snapshot_give_a_fresh_one() -> None:
    net, anna, mallory = talking()
    before, seq = anna.disk.state(), anna.disk.head
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    net.wait(1_000)
    anna.ask("block", rq.PeerArgs(peer="10.9.9.9"))
    anna.ask("unblock", rq.PeerArgs(peer=mallory.id))
    net.wait(1_000)
    for event in anna.disk.events_after(seq):
        reducer.apply(before, event)
    assert before == anna.disk.state()
    assert list(before.blocked) == ["10.9.9.9"]


def test_so_many_are_blocked_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "MAX_BLOCKED", 2)
    desk = Desk()
    for host in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        assert isinstance(result(desk.ask("block", rq.PeerArgs(peer=host))), rq.BlockedResult)
    assert result(desk.ask("block", rq.PeerArgs(peer="10.0.0.3"))) == "too_many_blocked"


@pytest.mark.parametrize("whom", ["plain-1", BOB, "10.0.0.1"])
def test_plain_peers_are_blocked_by_their_address_whatever_port_they_claim(whom: str) -> None:
    desk = Desk()
    desk.call(2)
    desk.send(BOB, "hello")
    desk.ask("block", rq.PeerArgs(peer=whom))
    assert desk.store.state().rooms["plain-1"].hidden
    assert desk.store.state().blocked["10.0.0.1"].id == "10.0.0.1"
    effects = desk.hear(4, Announced(6000), "another port")
    assert len(only(e.HangUp, effects)) == 1
    assert desk.hear(6, "from elsewhere", host="10.0.0.2") != []
    said = [one.text for one in desk.store.messages.values() if one.direction == "in"]
    assert said == ["from elsewhere"]
    assert result(desk.send(BOB, "hi")) == "blocked"
    desk.ask("unblock", rq.PeerArgs(peer="10.0.0.1"))
    assert not desk.store.state().rooms["plain-1"].hidden
    assert desk.store.state().peers["plain-1"].standing == "known"
    assert isinstance(desk.store.state().rooms["plain-1"], nouns.Room)


# -- what somebody blocked tries


def blocked_plain() -> tuple[Net, Station, str]:
    """Anna has talked with a plain client at 10.0.0.2:5000, and has blocked it."""
    net = Net("ask")
    anna = net.add("anna")
    anna.give(s.LinkUp(2, "in", "10.0.0.2", None, "std", False))
    anna.give(s.Heard(2, [Text("insults", name="mallory", port=5000)], 10))
    (peer,) = anna.disk.state().peers
    anna.ask("rename", rq.RenameArgs(peer=peer, name="Mal"))
    anna.ask("block", rq.PeerArgs(peer=peer))
    return net, anna, peer


def test_a_node_takes_over_neither_past_nor_standing_of_a_blocked_plain_client_at_its_address() -> None:
    net, anna, plain = blocked_plain()
    mallory = net.add("mallory")
    assert mallory.address == Address("10.0.0.2", 5000)
    mallory.send(str(anna.address), "it is me again")
    net.wait(2_000)
    state = anna.disk.state()
    assert state.rooms[plain].hidden
    assert (state.peers[mallory.id].standing, state.rooms[anna.room(mallory)].request) == ("stranger", True)
    assert anna.texts(mallory) == ["it is me again"]


def test_a_blocked_key_that_answers_at_a_friend_s_address_can_t_be_trusted_there() -> None:
    net, anna, mallory = talking()
    bob = net.add("bob")
    anna.ask("connect", rq.ConnectArgs(address=str(bob.address)))
    net.settle()
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    net.cut_all()
    net.stations[bob.address] = mallory
    anna.send(bob, "are you there?")
    net.wait(5_000)
    assert anna.peer(bob).rival == mallory.id
    assert code(ask(anna, "trust", rq.TrustArgs(peer=bob.id))) == "blocked"
    assert mallory.id not in anna.disk.state().peers


def test_a_blocked_node_comes_in_by_no_invite_of_it_at_another_address() -> None:
    _, anna, mallory = talking()
    anna.ask("block", rq.PeerArgs(peer=mallory.id))
    assert code(ask(anna, "add", rq.AddArgs(link=f"snicher://{mallory.id}@10.8.8.8:5000?name=friend"))) == "blocked"
    assert anna.disk.state().peers == {}


def test_a_block_holds_when_the_node_ends_before_it_could_close_the_links() -> None:
    net, anna, mallory = talking()
    effects = anna.core.handle(s.Commanded(99, "block", rq.PeerArgs(peer=mallory.id), CAUSE), anna.now)
    anna.disk.commit([one for one in effects if isinstance(one, e.Record)])
    # What was decided is on disk, and nothing of it was done.
    anna.begin()
    net.cut_all()
    mallory.send(anna, "still here")
    net.wait(120_000)
    assert anna.texts(mallory) == ["before"]
    assert mallory.states(anna) == ["delivered", "waiting"]


def test_nobody_blocks_oneself() -> None:
    net = Net("ask")
    anna = net.add("anna")
    assert code(ask(anna, "block", rq.PeerArgs(peer=anna.id))) == "own_address"


def test_a_blocked_mandatory_peer_is_not_greeted_at_the_start() -> None:
    _, anna, plain = blocked_plain()
    dials = len(anna.dials)
    start = s.Started(
        str(anna.address), [str(anna.address)], mandatory=[MandatoryPeer(Address("10.0.0.2", 5000))], greeting="hi"
    )
    anna.give(start)
    assert len(anna.dials) == dials
    assert [one.outcome for one in anna.core.greetings()] == ["skipped"]
    assert plain not in anna.disk.state().peers
