"""Whoever leaves without a word doesn't count as reachable for ever."""

from __future__ import annotations

import time

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import contacts
from node.core import stimuli as s
from node.core.reachable import MAX_AGED, REACHABLE_MS
from node.protocol.plain.codec import Text
from tests.node.core.desk import BOB, START, Desk, data


def hear(desk: Desk, text: str = "hi") -> None:
    desk.hear(desk.now * 2, Text(text, "bob", 5000), dialect="std")


def links(desk: Desk) -> list[str]:
    return [row.peer.link for row in desk.store.peers.values()]


def ticked_at(desk: Desk, now: int) -> list[ev.PeerChanged]:
    desk.now = now
    return data(ev.PeerChanged, desk.give(s.Ticked()))


def test_a_one_shot_client_ages_once_after_it_was_heard_last() -> None:
    desk = Desk()
    hear(desk)
    desk.now += 60_000
    hear(desk)
    until = START + 60_000 + REACHABLE_MS
    assert desk.core.next_deadline() == until
    assert ticked_at(desk, until - 1) == []
    (changed,) = ticked_at(desk, until)
    assert (changed.peer.link, changed.peer.error) == ("unknown", None)
    assert ticked_at(desk, until + REACHABLE_MS) == [], "logged once"
    assert desk.core.next_deadline() is None
    hear(desk)
    assert links(desk) == ["reachable"]


def test_reaching_it_counts_as_well() -> None:
    desk = Desk()
    hear(desk)
    desk.now += REACHABLE_MS - 1
    desk.send(BOB, "hello")
    link = desk.contact().tries.link
    assert link is not None
    (message,) = desk.store.outbox
    desk.give(s.Connected(link))
    desk.outcome(link, message, "sent")
    desk.give(s.Closed(link, None))
    assert links(desk) == ["reachable"]
    assert desk.core.next_deadline() == desk.now + REACHABLE_MS


def test_one_that_is_heard_while_something_waits_for_it_stays_fresh() -> None:
    desk = Desk()
    hear(desk)
    desk.send(BOB, "waits")
    desk.now += 60_000
    hear(desk)
    assert desk.core._contacts.reachable.next_deadline() == desk.now + REACHABLE_MS


def test_what_was_heard_before_a_restart_still_ages() -> None:
    store = Desk()
    hear(store)
    desk = Desk(store.store)
    assert desk.core.next_deadline() == START + REACHABLE_MS
    assert len(ticked_at(desk, START + REACHABLE_MS)) == 1


def test_a_clock_that_is_set_back_puts_nothing_off() -> None:
    desk = Desk()
    hear(desk)
    desk.now -= 3_600_000
    desk.give(s.Ticked())
    assert desk.core.next_deadline() == desk.now + REACHABLE_MS


@pytest.mark.parametrize("command", ["forget", "delete"])
def test_whoever_is_gone_ages_no_more(command: str) -> None:
    desk = Desk()
    hear(desk)
    desk.ask(command, rq.PeerArgs(peer=BOB))
    assert ticked_at(desk, START + REACHABLE_MS) == []
    assert desk.core.next_deadline() is None


def test_twenty_thousand_age_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    # What the disk takes is of no matter here, and takes long.
    monkeypatch.setattr(desk.store, "commit", lambda records: None)
    for number in range(20_000):
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        desk.hear(2 * number, Text("hi", "x", 5000), host=host, dialect="std")
    assert len(ticked_at(desk, START + REACHABLE_MS)) == MAX_AGED
    begun = time.process_time()
    for _ in range(1_000):
        desk.core.next_deadline()
        desk.core._contacts.seen(desk.contact("10.0.78.31"))
    assert time.process_time() - begun < 1.0, "to be heard costs the same, however many there are"
    assert contacts.MAX_PEERS == 20_000
