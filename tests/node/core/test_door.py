"""The door: which plain peers are taken, and what the others are told. (Of nodes: test_requests.py.)"""

from __future__ import annotations

from node.bus import events as ev
from node.bus import requests as rq
from node.core import door
from node.core import effects as e
from node.protocol.plain.codec import Announced, Hello, Text
from tests.node.core.desk import BOB, Desk, data, only


def desk(accept_plain: str) -> Desk:
    """Carl (10.0.0.3:5000) is known, others aren't; then the setting becomes this."""
    found = Desk()
    found.call(2, host="10.0.0.3")
    found.send("10.0.0.3:5000", "hello")
    found.ask("settings", rq.SettingsArgs(accept_plain=accept_plain))
    return found


def said(found: Desk) -> list[str]:
    return [message.text for message in found.store.messages.values() if message.direction == "in"]


def test_by_default_everybody_is_taken() -> None:
    found = Desk()
    found.hear(4, "hello")
    assert said(found) == ["hello"]


def test_of_an_unknown_plain_peer_nothing_is_kept_and_it_is_told_so_once_an_hour() -> None:
    found = desk("known")
    peers = set(found.store.peers)
    effects = found.hear(4, Announced(5000), "hello", "are you there?")
    (line,) = only(e.Transmit, effects)
    assert (line.link, line.token) == (4, 0)
    assert "takes no messages from people they don't know" in line.text
    assert len(data(ev.ConnectionNoticed, effects)) == 1
    assert only(e.Transmit, found.hear(4, "hello?")) == []
    found.now += door.TELL_MS
    assert len(only(e.Transmit, found.hear(4, "hello?"))) == 1
    assert set(found.store.peers) == peers
    assert said(found) == []


def test_a_known_plain_peer_is_taken_whatever_way_it_says_who_it_is() -> None:
    found = desk("known")
    found.hear(2, "on the link that it has", host="10.0.0.3")
    found.hear(6, Announced(5000), "on a new one", host="10.0.0.3")
    found.hear(8, Text("in one line", "carl", 5000), host="10.0.0.3", dialect="std")
    found.hear(10, Text("by its name", "carl"), host="10.0.0.3", dialect="std")
    assert said(found) == ["on the link that it has", "on a new one", "in one line", "by its name"]
    found.hear(12, Text("another port", "dora", 6000), host="10.0.0.3", dialect="std")
    assert "another port" not in said(found)


def test_whoever_is_asked_for_may_answer() -> None:
    found = desk("known")
    found.ask("connect", rq.ConnectArgs(address=BOB))
    found.hear(4, Announced(5000), "here I am")
    assert said(found) == ["here I am"]


def test_nobody_means_nobody_and_a_one_shot_client_that_reads_nothing_is_told_nothing() -> None:
    found = desk("nobody")
    assert only(e.Transmit, found.hear(2, "known, but plain", host="10.0.0.3")) != []
    effects = found.hear(4, Text("hello", "bob", 5000), Hello("HELLO", "bob", 5000), dialect="std")
    assert only(e.Transmit, effects) == []
    assert len(data(ev.ConnectionNoticed, effects)) == 1
    assert said(found) == []


def test_who_is_told_is_remembered_up_to_a_bound() -> None:
    found = desk("nobody")
    for number in range(door.MAX_TOLD + 5):
        found.hear(2 * number + 100, "hello", host=f"10.{number // 250}.{number % 250}.9")
    assert len(found.core._door._told) == door.MAX_TOLD


def test_plain_strangers_stay_linked_when_unknown_nodes_are_taken_no_more() -> None:
    found = Desk()
    found.call(2)
    assert found.store.state().peers["plain-1"].standing == "stranger"
    effects = found.ask("settings", rq.SettingsArgs(accept_nodes="nobody"))
    assert only(e.HangUp, effects) == []
