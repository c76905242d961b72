"""What stands on the terminal: where the node is, who comes and goes, and nothing twice."""

from __future__ import annotations

import pathlib
from typing import Any

import msgspec
import pytest

from node.announce import Announcements
from node.bus import events as ev
from node.bus import nouns

PEER = nouns.Peer(id="plain-1", name="ben", host="10.0.0.2", port=5000, room="plain-1", dialect="std")


@pytest.fixture
def say(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level("INFO")
    announcements = Announcements()

    def said(*data: msgspec.Struct) -> list[str]:
        caplog.clear()
        announcements.published(
            [ev.Event(v=1, log="log", at=0, type=type(one).__name__, seq=1, data=one) for one in data]
        )
        return list(caplog.messages)

    return said


def peer(**changes: Any) -> nouns.Peer:
    return msgspec.structs.replace(PEER, **changes)


def test_where_the_node_is_and_where_others_can_reach_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    me = nouns.Self(id="me", code="", name="anna", listen="0.0.0.0:5000", addresses=["10.0.0.1:5000", "10.1.0.1:5000"])
    Announcements().up(me, pathlib.Path("/home/anna"), 42)
    assert caplog.messages == [
        f"anna is up on 0.0.0.0:5000 (home {pathlib.Path('/home/anna')}, pid 42)",
        "others can reach you at 10.0.0.1:5000",
        "others can reach you at 10.1.0.1:5000",
    ]


def test_an_address_that_only_this_machine_reaches_is_told_as_that(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    me = nouns.Self(id="me", code="", name="anna", listen="127.0.0.2:5000", addresses=["127.0.0.2:5000"])
    Announcements().up(me, pathlib.Path("/home/anna"), 42)
    assert caplog.messages[1:] == ["only this machine can reach you, at 127.0.0.2:5000"]


def test_the_name_that_was_taken_is_said_with_what_changes_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    Announcements().named_by_itself("root", None)
    Announcements().named_by_itself("root", pathlib.Path("/tmp/my home"))
    assert caplog.messages == [
        "others see you as root, your user name; change it with: python -m node set name NAME",
        f"others see you as root, your user name; change it with: python -m node set name NAME"
        f" --home '{pathlib.Path('/tmp/my home')}'",
    ]


def test_a_new_peer_is_said_with_its_address_and_what_it_speaks(say: Any) -> None:
    assert say(ev.PeerAdded(peer=PEER)) == ["new peer: ben (10.0.0.2:5000, std)"]
    assert say(ev.PeerAdded(peer=peer(port=None))) == ["new peer: ben (10.0.0.2, std)"]
    assert say(ev.PeerAdded(peer=peer(host="", port=None))) == ["new peer: ben (std)"]


CODE = "k7f2 · 9qda · mx31 · t6ow"


def test_a_node_is_said_to_be_one_and_its_link_to_be_encrypted(say: Any) -> None:
    node = peer(id="a" * 52, kind="node", code=CODE, link="online")
    assert say(ev.PeerAdded(peer=node)) == [f"new peer: ben (10.0.0.2:5000, a Snicher node, code {CODE})"]
    assert say(ev.PeerChanged(peer=node)) == [f"ben (10.0.0.2:5000) is online, encrypted (code {CODE})"]
    checked = msgspec.structs.replace(node, verified=True)
    assert say(ev.PeerChanged(peer=checked)) == [f"ben (10.0.0.2:5000) is online, encrypted (code {CODE}, verified)"]
    assert say(ev.PeerChanged(peer=msgspec.structs.replace(node, link="offline"))) == ["ben (10.0.0.2:5000) is offline"]
    direct = nouns.Room(id="direct:1", kind="direct", name="ben")
    assert say(ev.RoomsMerged(gone="plain-1", room=direct)) == [
        "ben is a Snicher node now: what you say to each other is encrypted from here on"
    ]
    assert say(ev.RoomsMerged(gone="plain-1", room=nouns.Room(id="plain-2", kind="plain", name="ben"))) == []


def test_doubts_are_warnings(say: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert say(
        ev.PeerWarned(peer="plain-1", name="ben", warning="Another key answers at 10.0.0.2:5000."),
        ev.IdentityShared(address="10.0.0.7:5000"),
    ) == [
        "is it really ben? Another key answers at 10.0.0.2:5000.",
        "another machine, met at 10.0.0.7:5000, uses this node's identity; both go on working",
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_how_a_peer_can_be_reached_is_said_once_and_again_when_it_was_forgotten(say: Any) -> None:
    changed = ev.PeerChanged(peer=peer(link="offline", error="Refused."))
    assert say(changed, changed) == ["ben (10.0.0.2:5000) is offline: Refused."]
    assert say(ev.PeerChanged(peer=peer(link="online"))) == ["ben (10.0.0.2:5000) is online"]
    assert say(ev.PeerChanged(peer=peer(link="unknown"))) == []
    assert say(ev.PeerForgotten(peer="plain-1"), ev.PeerChanged(peer=peer(link="online"))) == [
        "ben (10.0.0.2:5000) is online"
    ]


def test_greetings_and_who_is_shut_out_are_said(say: Any) -> None:
    failed = nouns.Greeting(address="10.0.0.9:5000", outcome="failed", detail="Refused.", at=0)
    assert say(
        ev.GreetingChanged(greeting=failed),
        ev.GreetingChanged(greeting=msgspec.structs.replace(failed, outcome="greeted", detail=None)),
        ev.QuotaReached(host="10.0.0.3", bytes=10, until=1),
    ) == [
        "mandatory peer 10.0.0.9:5000: failed: Refused.",
        "mandatory peer 10.0.0.9:5000: greeted",
        "10.0.0.3 has sent as much as one source may in a day; it is shut out for now",
    ]


def test_whether_others_on_this_network_find_the_node_is_said_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    announcements = Announcements()
    for nearby in (
        nouns.Nearby(state="on"),
        nouns.Nearby(state="on", services=[nouns.Sighting(id="a" * 16)]),
        nouns.Nearby(state="no_network", detail="There is no network."),
        nouns.Nearby(state="deaf", detail="A notice says it, too."),
        nouns.Nearby(state="failing", detail="A notice says it."),
        nouns.Nearby(state="off"),
    ):
        event = ev.NearbyChanged(nearby=nearby)
        announcements.told(ev.Event(v=1, log="log", at=0, type="NearbyChanged", data=event))
    announcements.told(ev.Event(v=1, log="log", at=0, type="Typing", data=ev.Typing(room="r", member="m", until=0)))
    assert caplog.messages == [
        "others on this network can find you, and you them",
        "others on this network can't find you: There is no network.",
        "others on this network can't find you (the setting `discovery` is off)",
    ]
