"""What one source may store here in a day, and the floor of free space."""

from __future__ import annotations

import pytest

from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import stimuli as s
from node.core.identity import Identity
from node.core.node import Node
from node.core.quotas import DAY_MS, MESSAGE_COST
from node.protocol.plain.codec import Text
from tests.node.core.desk import BOB, START, Desk, data, events, only, result
from tests.support.memory_store import MemoryStore

QUOTA = 10_000


class Limited(Desk):
    """A desk whose node gives each source QUOTA bytes a day."""

    def __init__(self, store: MemoryStore | None = None, quota: int = QUOTA) -> None:
        super().__init__(store, started=False)
        self.core = Node(self.store.load(), Identity("me", "me", "0", None, "anna", quota))
        self.now = START

    def say(self, size: int, host: str = "10.0.0.1", count: int = 1) -> list[e.Effect]:
        said = [Text("hello", "bob", 5000) for _ in range(count)]
        return self.hear_on(2, list(said), host=host, dialect="std", two_way=False, size=size)


def start(desk: Desk) -> list[e.Effect]:
    return desk.give(s.Started("10.0.0.99:5000", ["10.0.0.99:5000"]))


def test_a_source_that_meets_its_quota_is_shut_out_until_its_day_is_over() -> None:
    desk = Limited()
    start(desk)
    desk.say(5_000)
    desk.now += 1_000
    effects = desk.say(5_000)
    until = START + DAY_MS
    assert data(ev.QuotaReached, effects) == [
        ev.QuotaReached(host="10.0.0.1", bytes=10_000 + 2 * MESSAGE_COST, until=until)
    ]
    assert only(e.ShutOut, effects) == [e.ShutOut("10.0.0.1", DAY_MS - 1_000)]
    assert "MessageReceived" in events(effects), "what was said up to then is kept"
    assert desk.core.shut_out() == {"10.0.0.1": until}
    again = desk.say(1)
    assert again == [e.HangUp(2)], "once a day, and nothing of it is stored"
    desk.now = until
    assert "MessageReceived" in events(desk.say(5_000))
    assert desk.core.shut_out() == {}


def test_others_don_t_notice() -> None:
    desk = Limited()
    start(desk)
    desk.say(QUOTA)
    assert events(desk.say(5_000, host="10.0.0.2"))[-1] == "MessageReceived"
    assert list(desk.core.shut_out()) == ["10.0.0.1"]


def test_a_day_that_is_over_counts_no_more() -> None:
    desk = Limited()
    start(desk)
    for _ in range(5):
        assert not data(ev.QuotaReached, desk.say(8_000))
        desk.now += DAY_MS


def test_each_message_costs_more_than_its_bytes() -> None:
    desk = Limited()
    start(desk)
    assert data(ev.QuotaReached, desk.say(40, count=QUOTA // MESSAGE_COST + 1))


def test_without_a_quota_nobody_is_shut_out() -> None:
    desk = Limited(quota=0)
    start(desk)
    assert not data(ev.QuotaReached, desk.say(10**12))


def test_whoever_is_shut_out_stays_so_over_a_restart() -> None:
    desk = Limited()
    start(desk)
    desk.say(QUOTA)
    again = Limited(desk.store)
    again.now += 60_000
    assert only(e.ShutOut, start(again)) == [e.ShutOut("10.0.0.1", DAY_MS - 60_000)]
    late = Limited(desk.store)
    late.now += DAY_MS
    assert not only(e.ShutOut, start(late))


def holds(effects: list[e.Effect]) -> list[bool]:
    return [effect.problem is not None for effect in only(e.Hold, effects)]


def test_below_the_floor_sending_is_refused_and_nobody_is_read_until_there_is_room_again() -> None:
    desk = Desk()
    assert holds(desk.give(s.SpaceMeasured(200_000_000, 200_000_000))) == [False]
    effects = desk.give(s.SpaceMeasured(199_999_999, 200_000_000))
    assert holds(effects) == [True]
    assert "200 MB" in (only(e.Hold, effects)[0].problem or "")
    assert result(desk.send(BOB, "hi")) == "store_unavailable"
    assert not desk.store.messages
    assert isinstance(result(desk.ask("settings", rq.SettingsArgs(name="bela"))), rq.SettingsResult)
    assert desk.give(s.SpaceMeasured(205_000_000, 200_000_000)) == [], "just above, it would only flap"
    assert holds(desk.give(s.SpaceMeasured(210_000_000, 200_000_000))) == [False]
    assert isinstance(result(desk.send(BOB, "hi")), rq.SendResult)


@pytest.mark.parametrize("free", [0, 5])
def test_without_a_floor_nothing_is_held(free: int) -> None:
    assert holds(Desk().give(s.SpaceMeasured(free, 0))) == [False]
