"""A clock that has jumped ahead is doubted until it comes back or a person says that it is right."""

from __future__ import annotations

import msgspec
import pytest

from node.bus import consumers as cn
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.belief import DAY_MS, STEP_MS, Belief
from node.core.identity import Identity
from node.core.ledger import Ledger
from node.core.node import Node
from node.core.quotas import DAY_MS as SHUT_OUT_MS
from node.core.stimuli import Commanded
from node.protocol.plain.codec import Text
from tests.node.core.desk import CAUSE, LISTEN, START, Desk, events, result
from tests.support.memory_store import MemoryStore

YEAR_MS = 365 * DAY_MS
IDENTITY = Identity("me", "me", "0", None, "anna")


def belief(until: int | None, keep_days: int = 30) -> Belief:
    one = Belief(Ledger("log", 0, 0, 0), until)
    one.keep_days = keep_days
    return one


@pytest.mark.parametrize(
    ("keep_days", "ahead", "doubted"),
    [
        (30, 30 * DAY_MS, False),
        (30, 30 * DAY_MS + 1, True),
        (1, DAY_MS, False),
        (1, DAY_MS + 1, True),
        (0, 30 * DAY_MS, False),
        (0, 30 * DAY_MS + 1, True),
        (30, -YEAR_MS, False),
    ],
)
def test_how_far_ahead_a_clock_may_be(keep_days: int, ahead: int, doubted: bool) -> None:
    assert belief(START, keep_days).doubts(START + ahead) is doubted


def test_what_is_believed_goes_on_hour_by_hour_and_never_under_a_doubted_clock() -> None:
    one = belief(START)
    one.look(START + STEP_MS - 1)
    assert one._ledger.take() == []
    one.look(START + STEP_MS)
    assert one._ledger.take() == [e.PutBelieved(START + STEP_MS)]
    one.look(START + YEAR_MS)
    one.look(START + YEAR_MS + DAY_MS)
    assert one._ledger.take() == []
    assert one.doubts(START + YEAR_MS + 2 * DAY_MS)
    one.look(START)
    assert one.until == START + STEP_MS, "a clock that went back takes nothing from what was believed"


def test_a_doubted_clock_says_both_days_and_what_to_do() -> None:
    said = belief(1_700_000_000_000).why(1_700_000_000_000 + YEAR_MS)
    assert said is not None
    assert "2024-11-13" in said and "2023-11-14" in said and "trust-clock" in said
    assert belief(START).why(START) is None


def node(store: MemoryStore, believed: int, **more: dict[str, int]) -> Node:
    return Node(msgspec.structs.replace(store.load(), believed=believed, **more), IDENTITY)


def test_nothing_expires_after_a_start_with_the_clock_a_year_ahead_until_a_person_says_it_is_right() -> None:
    desk = Desk()
    desk.give(s.Commanded(1, "settings", rq.SettingsArgs(keep_days=30), CAUSE))
    desk.hear_on(2, [Text("hello", "bob", 5000)], dialect="std", two_way=False, size=5)
    core = node(desk.store, START)
    now = START + YEAR_MS
    core.handle(s.Started(LISTEN, [LISTEN]), now)
    # What comes under the wrong clock doesn't make it believable.
    core.handle(s.LinkUp(2, "in", "10.0.0.1", None, "std", False), now)
    core.handle(s.Heard(2, [Text("again", "bob", 5000)], 5), now)
    assert core.handle(s.ClockLooked(), now) == []
    assert core.handle(s.ExpiryDue(now - 30 * DAY_MS, 7, 100), now) == [e.ReportExpiry(7, None, gone=False)]
    assert core.expiry.asked is None
    effects = core.handle(s.Commanded(2, "trust_clock", rq.Nothing(), CAUSE), now)
    assert effects[0] == e.PutBelieved(now)
    assert isinstance(effects[1], e.Reply)
    assert core.belief.why(now) is None
    (fetch,) = core.handle(s.ExpiryDue(now - 30 * DAY_MS, 0, 100), now)
    assert isinstance(fetch, e.Fetch)


def test_no_consumer_is_dropped_and_no_deadline_stands_for_it_while_the_clock_is_doubted() -> None:
    desk = Desk()
    result(desk.ask("consumer_create", cn.ConsumerCreateArgs(name="bot")))
    core = node(desk.store, START)
    core.handle(s.Started(LISTEN, [LISTEN]), START + YEAR_MS)
    core.handle(s.Ticked(), START + YEAR_MS)
    assert core.consumers_used() == {"bot": START}
    assert core.next_deadline() is None


def test_no_stranger_leaves_the_list_while_the_clock_is_doubted() -> None:
    desk = Desk()
    desk.hear(2, Text("hi", "bob", 5000), dialect="std")
    core = node(desk.store, START)
    later = START + YEAR_MS
    core.handle(s.Started(LISTEN, [LISTEN]), later)
    measured = s.SpaceMeasured(10**12, 10**6)
    assert "PeerForgotten" not in events(core.handle(measured, later))
    core.handle(s.Commanded(1, "trust_clock", rq.Nothing(), CAUSE), later)
    assert "PeerForgotten" in events(core.handle(measured, later))


def test_nobody_is_shut_out_for_longer_than_a_day_by_a_clock_that_was_ahead() -> None:
    core = node(MemoryStore(), START, shut_out={"10.0.0.1": START + YEAR_MS, "10.0.0.2": START + SHUT_OUT_MS})
    effects = core.handle(s.Started(LISTEN, [LISTEN]), START)
    assert [one for one in effects if isinstance(one, e.ShutOut)] == [e.ShutOut("10.0.0.2", SHUT_OUT_MS)]
    assert core.shut_out() == {"10.0.0.2": START + SHUT_OUT_MS}


def test_trusting_is_a_command_with_a_key_like_any_other() -> None:
    one = belief(START)
    one._ledger.now = START + YEAR_MS
    key = q.Key("k", b"")
    one.trust(Commanded(3, "trust_clock", rq.Nothing(), CAUSE, key))
    assert not one.doubts(START + YEAR_MS)
    assert any(isinstance(effect, e.SaveReply) and effect.key == key for effect in one._ledger.take())
