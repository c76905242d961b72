"""How present people are, and what they say of themselves: told, heard, and taken back."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import presence
from node.core import stimuli as s
from node.protocol.secure import frames as f
from tests.node.core.nodes import Net, Station


def known() -> tuple[Net, Station, Station]:
    net = Net()
    anna, bob = net.add("anna"), net.add("bob")
    net.link(anna, bob)
    anna.send(bob, "hi")
    bob.send(anna, "hi")
    net.settle()
    return net, anna, bob


def seen(station: Station, other: Station) -> tuple[str, str]:
    peer = station.peer(other)
    return peer.presence, peer.status


def told(net: Net, to: Station) -> list[f.Presence]:
    return [frame for name, frame in net.delivered if name == to.name and isinstance(frame, f.Presence)]


def set_own(station: Station, presence: str | None = None, status: str | None = None) -> None:
    station.ask("settings", rq.SettingsArgs(presence=presence, status=status))
    station.net.wait(presence_wait())


def presence_wait() -> int:
    return presence.SHOWN_MS


def test_who_is_linked_is_online_and_who_is_not_is_offline() -> None:
    net, anna, bob = known()
    assert seen(anna, bob) == ("online", "")
    assert told(net, anna) == [], "that somebody is here needs no words"
    net.cut_all()
    assert seen(anna, bob) == ("offline", "")


def test_that_somebody_is_away_and_why_is_told_to_who_is_linked_and_who_comes_later() -> None:
    net, anna, bob = known()
    set_own(bob, "away", "  at \n lunch ")
    assert seen(anna, bob) == ("away", "at lunch")
    net.cut_all()
    assert seen(anna, bob) == ("offline", "")
    net.link(anna, bob)
    net.settle()
    assert seen(anna, bob) == ("away", "at lunch")
    set_own(bob, "online", "")
    assert seen(anna, bob) == ("online", "")


def test_who_is_invisible_takes_back_what_was_told_and_tells_nothing_more() -> None:
    net, anna, bob = known()
    set_own(bob, "away", "at lunch")
    set_own(bob, "invisible")
    assert seen(anna, bob) == ("online", "")
    count = len(told(net, anna))
    set_own(bob, status="in secret")
    net.cut_all()
    net.link(bob, anna)
    net.settle()
    assert len(told(net, anna)) == count
    assert seen(anna, bob) == ("online", "")


def test_strangers_are_told_nothing_and_shown_nothing_until_they_are_known() -> None:
    net = Net("ask")
    anna, eve = net.add("anna"), net.add("eve")
    set_own(anna, "away", "secret")
    eve.ask("connect", rq.ConnectArgs(address=str(anna.address)))
    net.settle()
    eve.send(anna, "let me in")
    net.settle()
    set_own(eve, "away", "buy pills")
    assert told(net, eve) == []
    assert anna.peer(eve).status == ""
    anna.ask("accept", rq.PeerArgs(peer=eve.id))
    net.wait(presence.SHOWN_MS)
    assert seen(anna, eve) == ("away", "buy pills")
    assert seen(eve, anna) == ("away", "secret")


def hear(station: Station, other: Station, frame: f.Frame) -> None:
    (number,) = [one.number for one in station.core._links.with_peer(other.id)]
    station.give(s.Framed(number, [frame], 100))


def test_who_changes_it_all_the_time_fills_no_log_and_the_last_word_counts() -> None:
    net, anna, bob = known()
    before = len(anna.events)
    for number in range(200):
        hear(anna, bob, f.Presence(number % 2, f"status {number}"))
    assert len(anna.events) == before + 1
    net.wait(presence.SHOWN_MS)
    assert seen(anna, bob) == ("away", "status 199")
    assert len(anna.events) == before + 2


@pytest.mark.parametrize("text", ["\u202eevil", "a\nb", "\x1b[2J", "\u2066x"])
def test_a_status_has_nothing_in_it_that_a_name_may_not_have(text: str) -> None:
    _, anna, bob = known()
    hear(anna, bob, f.Presence(7, text))
    presence_, status = seen(anna, bob)
    assert presence_ == "online", "an unknown state is none"
    assert status and all(c.isprintable() for c in status) and "\n" not in status


def test_a_node_was_last_seen_when_its_link_ended_or_fell_silent() -> None:
    net, anna, bob = known()
    net.wait(3600_000)
    net.cut_all()
    assert anna.peer(bob).last_seen == net.now
    net.link(anna, bob)
    net.wait(3600_000)
    (number,) = [one.number for one in anna.core._links.with_peer(bob.id)]
    del net.links[anna.address, number]
    anna.give(s.Closed(number, "Nothing came from it for 45 s.", None, 45_000))
    peer = anna.peer(bob)
    assert (peer.last_seen, peer.presence) == (net.now - 45_000, "offline")
    changed = [event.data for event in anna.events if isinstance(event.data, ev.PeerChanged)]
    assert any(data.peer.last_seen == net.now - 45_000 for data in changed), "front ends are told"


def test_a_restart_does_not_claim_to_have_seen_anybody_meanwhile() -> None:
    net, anna, bob = known()
    before = anna.peer(bob).last_seen
    net.links.clear()
    net.now += 24 * 3600_000
    anna.begin()
    peer = anna.peer(bob)
    assert (peer.presence, peer.last_seen) == ("offline", before)
