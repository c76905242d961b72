"""Ports of other services are never dialled because a peer claims them, whatever the dialect and the occasion."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import ports
from node.core import stimuli as s
from node.model import Address, MandatoryPeer
from node.protocol.plain.codec import Announced, Said, Text
from tests.node.core.desk import LISTEN, Desk, data, events, only, result

REDIS = "10.0.0.1:6379"


@pytest.mark.parametrize(
    ("port", "service"),
    [
        (1, True), (22, True), (25, True), (80, True), (443, True), (587, True), (1023, True),
        (2375, True), (2525, True), (3306, True), (3389, True), (5060, True), (5432, True), (5900, True), (6000, False),
        (6379, True), (6667, True), (9200, True), (11211, True), (27017, True),
        (1024, False), (1255, False), (4000, False), (5000, False), (5001, False), (5050, False), (5555, False),
        (5999, False), (6001, False), (6555, False), (7000, False), (8000, False), (9999, False), (12345, False),
        (50000, False), (65535, False),
    ],
)  # fmt: skip
def test_ports_of_services(port: int, service: bool) -> None:
    assert ports.is_service(port) is service


def test_all_that_browsers_block_is_blocked() -> None:
    assert all(ports.is_service(port) for port in ports.FETCH)
    assert min(ports.FETCH | ports.OTHERS) >= ports.FIRST_FREE, "each stands in one place"
    assert not ports.FETCH & ports.OTHERS


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        ("std", [Text("!echo x\r\nMAIL FROM:<a@b>", "m", 6379)]),
        ("angle@", [Text("hi", "m", 6379)]),
        ("angle-ts", [Text("hi", "m", 6379)]),
        ("angle1", [Text("hi", "m", 6379)]),
        ("labelled", [Text("hi", "m", 6379)]),
        ("json", [Text("hi", "m", 6379)]),
        ("portline", [Announced(6379), Text("hi", "m")]),
        ("snicher", [Announced(6379), Text("hi", "m")]),
    ],
)
def test_nobody_is_dialled_where_he_claims_a_service(dialect: str, said: list[Said]) -> None:
    desk = Desk()
    heard = desk.hear_on(2, said, dialect=dialect, two_way=dialect in ("snicher", "portline"))
    assert only(e.Dial, heard) == []
    desk.give(s.Closed(2, None))
    for effects in (
        desk.send("plain-1", "an answer"),
        desk.send("m", "an answer"),
        desk.send(REDIS, "an answer"),
        desk.ask("connect", rq.ConnectArgs(address="plain-1")),
        desk.ask("connect", rq.ConnectArgs(address="m", dialect="std")),
    ):
        assert (result(effects), only(e.Dial, effects)) == ("service_port", [])
    # Nor to say good-bye.
    assert only(e.Dial, desk.ask("disconnect", rq.PeerArgs(peer="plain-1"))) == []
    assert only(e.Dial, desk.give(s.StopAsked("The end."))) == []


def test_a_person_may_dial_it_by_its_address_and_from_then_on_it_is_a_peer_like_any_other() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "m", 6379), dialect="std")
    effects = desk.ask("connect", rq.ConnectArgs(address=REDIS))
    assert [one.address for one in only(e.Dial, effects)] == [Address("10.0.0.1", 6379)]
    assert result(effects).peer.standing == "asked"
    again = Desk(desk.store)
    assert len(only(e.Dial, again.send("plain-1", "hi"))) == 1, "kept across a restart"


def test_an_address_that_nobody_claimed_is_dialled_whatever_its_port() -> None:
    assert len(only(e.Dial, Desk().send(REDIS, "hi"))) == 1
    assert len(only(e.Dial, Desk().ask("connect", rq.ConnectArgs(address=REDIS)))) == 1


def test_who_is_connected_is_answered_on_its_own_connection() -> None:
    desk = Desk()
    desk.call(2, port=6379)
    assert len(only(e.Transmit, desk.send("plain-1", "hi"))) == 1


def test_what_waits_when_the_port_is_claimed_waits_on_and_the_peer_says_why() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "m"))
    desk.send("plain-1", "one")
    desk.outcome(2, 2, "not_sent")
    desk.give(s.Closed(2, None))
    effects = desk.hear(4, Text("me again", "m", 6379), dialect="std")
    assert only(e.Dial, effects) == []
    assert data(ev.PeerChanged, effects)[-1].peer.error == desk.contact(port=6379).not_dialled
    assert desk.states() == ["waiting"]
    assert len(only(e.Dial, desk.ask("connect", rq.ConnectArgs(address=REDIS)))) == 1


def test_an_address_that_somebody_asked_for_says_nothing_of_another_port() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "m"))
    desk.ask("connect", rq.ConnectArgs(address="m"))
    effects = desk.hear(2, Announced(6379))
    assert desk.contact(port=6379).peer.standing == "known"
    desk.give(s.Closed(2, None))
    assert desk.core.next_deadline() is None, "not dialled later either"
    assert only(e.Dial, effects) == []


def test_a_forgotten_peer_has_to_be_asked_for_anew() -> None:
    desk = Desk()
    desk.ask("connect", rq.ConnectArgs(address=REDIS))
    desk.ask("forget", rq.PeerArgs(peer=REDIS))
    desk.give(s.Closed(1, None))
    desk.hear(2, Text("hi", "m", 6379), dialect="std")
    assert result(desk.send("m", "hi")) == "service_port"


def test_a_mandatory_peer_is_asked_for() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "m", 6379), dialect="std")
    start = s.Started(LISTEN, [LISTEN], ["10.0.0.99"], (MandatoryPeer(Address("10.0.0.1", 6379)),), "Hello")
    assert len(only(e.Dial, desk.give(start))) == 1


def test_standing_rises_when_somebody_here_has_to_do_with_a_peer() -> None:
    desk = Desk()
    for number, port in enumerate((5001, 5002, 5003, 5004, 5005)):
        desk.hear(2 * number + 2, Text("hi", f"m{port}", port), dialect="std")
    desk.send("plain-1", "hi")
    desk.ask("rename", rq.RenameArgs(peer="plain-2", name="Mo"))
    desk.ask("connect", rq.ConnectArgs(address="plain-3"))
    desk.ask("connect", rq.ConnectArgs(address="10.0.0.1:5004"))
    stands = {peer.id: peer.standing for peer in desk.store.peers.values() if isinstance(peer, nouns.Peer)}
    stands = stands or {c.id: c.peer.standing for c in desk.core._contacts.by_id.values()}
    assert [stands[f"plain-{n}"] for n in range(1, 6)] == ["known", "known", "known", "asked", "stranger"]
    assert "PeerChanged" not in events(desk.send("plain-1", "again"))[:1]
    desk.ask("merge", rq.MergeArgs(peer="plain-1", into="plain-5"))
    assert desk.contact(port=5005).peer.standing == "known"
