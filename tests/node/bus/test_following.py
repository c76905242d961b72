"""Following without a socket or a clock: what is asked, when, and what is given out, with literal numbers."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.bus import bounds, encoding, nouns
from node.bus import consumers as cn
from node.bus import events as ev
from node.bus import following as module
from node.bus import requests as rq
from node.bus.following import Away, Back, Consuming, Cursor, Following, Lapsed, Resync
from node.errors import CommandRefused

ME = nouns.Self(id="me", code="aaaa", name="anna", listen="l")
SILENCE = module.MISSED_HEARTBEATS * bounds.HEARTBEAT_MS / 1000


def event(seq: int | None, log: str = "log", type_: str = "Counted", data: Any = None) -> ev.Event:
    return ev.Event(v=1, log=log, at=0, type=type_, seq=seq, data=data or {})


def heartbeat(head: int, log: str = "log") -> ev.Event:
    return event(None, log, "Heartbeat", ev.Heartbeat(log=log, head=head, oldest=1))


def snapshot(seq: int, log: str = "log") -> rq.SnapshotResult:
    state = nouns.State(self=ME, settings=msgspec.convert({"name": "anna"}, nouns.Settings))
    return rq.SnapshotResult(log=log, seq=seq, state=state, live=nouns.Live())


def page(*seqs: int, head: int, log: str = "log") -> rq.EventsResult:
    events = [event(seq, log) for seq in seqs]
    return rq.EventsResult(log=log, head=head, oldest=1, events=events, more=bool(seqs) and seqs[-1] < head)


def asked(following: Following, now: float = 0.0) -> tuple[str, Any] | None:
    """What is asked: the op and its arguments."""
    steps = following.question(now)
    if steps is None:
        return None
    request = next(steps)
    return request.op, msgspec.to_builtins(request.args or {})


def publish(following: Following, *events: ev.Event, now: float = 0.0) -> None:
    for one in events:
        following.received(encoding.encode(one), now, 1000 + now)


def taken(following: Following) -> list[object]:
    """All that is given out: numbers of durable events, types of the rest."""
    found: list[object] = []
    while (item := following.take()) is not None:
        found.append(item.seq if isinstance(item, ev.Event) and item.seq is not None else type(item))
    return found


def synced(seq: int = 0) -> Following:
    following = Following(Cursor("log", seq))
    following.answered(page(head=seq), 0.0, 1000.0)
    assert asked(following) is None
    return following


def test_without_a_cursor_a_snapshot_is_asked_for_and_with_one_the_events_after_it() -> None:
    following = Following()
    assert asked(following) == ("snapshot", {"limit": rq.SnapshotArgs().limit, "page": None})
    following.answered(snapshot(5), 0.0, 1000.0)
    assert (taken(following), following.cursor) == ([Resync], Cursor("log", 5))
    assert asked(following) is None
    following = Following(Cursor("log", 5))
    assert asked(following) == ("events", {"since": 5, "limit": bounds.MAX_EVENTS, "log": "log"})
    following.answered(page(6, 7, head=9), 0.0, 1000.0)
    assert asked(following) == ("events", {"since": 7, "limit": bounds.MAX_EVENTS, "log": "log"})
    following.answered(page(8, 9, head=9), 0.0, 1000.0)
    assert asked(following) is None
    assert taken(following) == [6, 7, 8, 9]


def test_asking_may_be_given_up_and_is_asked_again() -> None:
    following = Following(Cursor("", 3))
    assert asked(following) == asked(following) == ("events", {"since": 3, "limit": bounds.MAX_EVENTS, "log": None})


def test_one_that_has_just_subscribed_asks_once_it_hears_something_or_has_waited_for_it() -> None:
    following = Following()
    following.subscribed(10.0)
    assert (asked(following, 10.0), following.wake_at()) == (None, 10.0 + module.WELCOME_S)
    following.received(b"no event", 10.1, 1000.0)
    assert asked(following, 10.1) is None
    publish(following, heartbeat(5), now=10.2)
    assert asked(following, 10.3) is not None
    # Another subscription, at a node that says nothing.
    following.subscribed(20.0)
    assert asked(following, 20.0 + module.WELCOME_S - 0.01) is None
    assert asked(following, 20.0 + module.WELCOME_S) is not None
    # What a consumer misses, the log has.
    consuming = Consuming("bot")
    consuming.subscribed(10.0)
    assert asked(consuming, 10.0) is not None


def test_a_gap_and_a_heartbeat_that_is_ahead_are_asked_for() -> None:
    following = synced()
    publish(following, event(1), event(2), event(4), event(5))
    assert taken(following) == [1, 2]
    assert asked(following) == ("events", {"since": 2, "limit": bounds.MAX_EVENTS, "log": "log"})
    following.answered(page(3, 4, 5, head=5), 0.0, 1000.0)
    publish(following, event(4), event(5), heartbeat(5))
    assert (taken(following), asked(following)) == ([3, 4, 5], None)
    publish(following, heartbeat(7))
    assert asked(following) == ("events", {"since": 5, "limit": bounds.MAX_EVENTS, "log": "log"})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_each_event_comes_once_and_in_order_whatever_is_lost(seed: int) -> None:
    """Published events get lost, or come after a page that held them; pages are cut anywhere; asking fails."""
    dice = random.Random(seed)
    following = Following(Cursor("log", 0))
    given_out: list[object] = []
    head, now = 0, 0.0
    while head < 200 or given_out[-1:] != [head]:
        now += dice.random() * 0.2
        steps = following.question(now)
        if steps is not None:
            request = next(steps)
            assert isinstance(request.args, rq.EventsArgs)
            since = request.args.since
            if dice.random() < 0.2:
                following.failed("lost", now)
            else:
                last = min(head, since + dice.randint(1, 20))
                following.answered(page(*range(since + 1, last + 1), head=head), now, now)
        if head < 200 and dice.random() < 0.7:
            head += 1
            if dice.random() < 0.7:
                publish(following, event(head), now=now)
        if dice.random() < 0.3:
            publish(following, heartbeat(head), now=now)
        given_out += [item for item in taken(following) if item not in (Away, Back)]
    assert given_out == list(range(1, 201))


@pytest.mark.parametrize("code", ["log_changed", "cursor_too_old", "cursor_ahead"])
def test_a_cursor_that_does_not_fit_begins_anew(code: str) -> None:
    following = Following(Cursor("log", 9))
    following.refused(CommandRefused(code, "no"), 0.0)
    assert asked(following) == ("snapshot", {"limit": rq.SnapshotArgs().limit, "page": None})
    assert (taken(following), following.cursor) == ([], Cursor("log", 9))
    following.answered(snapshot(2, "other"), 0.0, 1000.0)
    assert (taken(following), following.cursor) == ([Resync], Cursor("other", 2))


@pytest.mark.parametrize("head", [2, 4])
def test_a_heartbeat_with_another_head_is_asked_about_whichever_way_it_differs(head: int) -> None:
    following = synced(3)
    publish(following, heartbeat(3))
    assert asked(following) is None
    publish(following, heartbeat(head))
    assert asked(following) == ("events", {"since": 3, "limit": bounds.MAX_EVENTS, "log": "log"})


def test_another_log_is_asked_about() -> None:
    following = synced(3)
    publish(following, event(4, "other"))
    assert asked(following) == ("events", {"since": 3, "limit": bounds.MAX_EVENTS, "log": "log"})
    assert taken(following) == []


def test_silence_is_one_away_then_back_and_it_is_tried_less_and_less_often() -> None:
    following = synced()
    assert following.wake_at() == SILENCE
    following.nothing_came(SILENCE - 0.01)
    assert taken(following) == []
    following.nothing_came(SILENCE)
    assert (taken(following), following.wake_at()) == ([], SILENCE + module.DOUBT_S)
    following.nothing_came(SILENCE + module.DOUBT_S - 0.01)
    assert taken(following) == []
    now, pauses = SILENCE + module.DOUBT_S, []
    following.nothing_came(now)
    for _ in range(12):
        pauses.append(round(following.wake_at() - now, 6))
        assert asked(following, following.wake_at() - 0.001) is None
        now = following.wake_at()
        assert asked(following, now) is not None
        following.failed("still away", now)
    assert pauses[0] == pytest.approx(module.RECONNECT_S[0])
    assert pauses == sorted(pauses) and pauses[-1] == pytest.approx(module.RECONNECT_S[1])
    away = following.take()
    assert isinstance(away, Away) and (away.reason, away.since) == ("No heartbeat.", 1000.0)
    assert taken(following) == []
    following.answered(page(1, head=1), now, 2000.0)
    assert taken(following) == [Back, 1]
    following.failed("away again", now)
    assert following.wake_at() - now == pytest.approx(module.RECONNECT_S[0]), "it was there meanwhile"


def test_suspended_follower_waits_one_heartbeat_before_away() -> None:
    following = synced()
    following.nothing_came(500.0)
    publish(following, heartbeat(0), now=500.1)
    assert following.wake_at() == 500.1 + SILENCE
    following.nothing_came(500.1 + SILENCE)
    assert taken(following) == []


def test_one_that_publishes_is_asked_soon_but_not_for_each_event() -> None:
    following = Following(Cursor("log", 0))
    for _ in range(12):
        following.failed("refuses", 100.0)
    publish(following, event(1), event(2), now=100.5)
    assert following.wake_at() == pytest.approx(100.5 + module.RECONNECT_S[0])
    assert asked(following, 100.5) is None


def test_the_cursor_is_what_was_given_out_and_not_what_came_in() -> None:
    following = synced()
    publish(following, event(1), event(2), event(3))
    assert following.ready and following.cursor == Cursor("log", 0)
    following.take()
    assert following.cursor == Cursor("log", 1)


def test_reports_are_due_when_it_is_in_step_and_now_and_then() -> None:
    following = Following(Cursor("log", 0))
    assert following.report(0.0) is None
    following.answered(page(1, 2, head=2), 0.0, 0.0)
    following.take()
    assert following.report(0.0) == 1, "what was given out"
    assert following.report(bounds.REPORT_MS / 1000 - 0.01) is None
    following.take()
    assert following.report(bounds.REPORT_MS / 1000) == 2


# -- for a consumer


def next_page(position: int, *seqs: int, head: int, log: str = "log") -> cn.ConsumerNextResult:
    consumer = nouns.Consumer(name="bot", position=position, lag=head - position, created=1, used=1)
    events = [event(seq, log) for seq in seqs]
    more = bool(seqs) and seqs[-1] < head
    return cn.ConsumerNextResult(log=log, consumer=consumer, head=head, events=events, more=more)


def consuming(position: int = 0) -> Consuming:
    following = Consuming("bot")
    following.answered(next_page(position, head=position), 0.0, 1000.0)
    assert asked(following) is None
    return following


def test_a_consumer_is_created_and_then_asked_for() -> None:
    following = Consuming("bot", since=4, restart=True)
    steps = following.question(0.0)
    assert steps is not None
    first = next(steps)
    assert (first.op, msgspec.to_builtins(first.args)) == (
        "consumer_create",
        {"name": "bot", "since": 4, "restart": False},
    )
    second = steps.send(cn.ConsumerResult(consumer=next_page(4, head=4).consumer))
    assert second.op == "consumer_next"
    with pytest.raises(StopIteration) as done:
        steps.send(next_page(4, 5, 6, head=6))
    following.answered(done.value.value, 0.0, 1000.0)
    assert (taken(following), asked(following)) == ([5, 6], None)


def test_it_goes_on_in_the_log_without_waiting_for_acknowledgements() -> None:
    following = Consuming("bot")
    following.answered(next_page(0, 1, 2, head=5), 0.0, 1000.0)
    assert asked(following) == ("events", {"since": 2, "limit": bounds.MAX_EVENTS, "log": "log"})
    following.answered(page(3, 4, 5, head=5), 0.0, 1000.0)
    publish(following, event(6))
    assert taken(following) == [1, 2, 3, 4, 5, 6]


def test_ephemeral_events_are_not_for_it() -> None:
    following = consuming()
    publish(following, event(None, type_="Progress"), event(1), event(None, type_="Progress"))
    assert taken(following) == [1]


def test_when_the_log_no_longer_fits_its_position_is_asked_for_anew_and_a_refusal_is_raised() -> None:
    following = consuming(3)
    publish(following, heartbeat(9))
    following.refused(CommandRefused("cursor_too_old", "no"), 0.0)
    assert asked(following) == ("consumer_next", {"name": "bot", "limit": bounds.MAX_EVENTS})
    with pytest.raises(CommandRefused) as lapsed:
        following.refused(CommandRefused("consumer_lapsed", "lapsed"), 0.0)
    assert lapsed.value.code == "consumer_lapsed"
    # Somebody else may have gone on with it meanwhile.
    following.answered(next_page(8, 9, head=9), 0.0, 1000.0)
    assert taken(following) == [9]


def test_one_that_may_restart_says_what_is_lost_and_goes_on_after_a_lapse() -> None:
    lapsed = CommandRefused("consumer_lapsed", "lapsed")
    following = Consuming("bot", since=0, restart=True)
    following.answered(next_page(0, 1, 2, head=2), 0.0, 1000.0)
    assert following.begins_anew(lapsed), "as it heard when it acknowledged something"
    assert not following.begins_anew(lapsed), "and only once before it has begun"
    steps = following.question(0.0)
    assert steps is not None
    create = next(steps)
    assert (create.op, msgspec.to_builtins(create.args)) == (
        "consumer_create",
        {"name": "bot", "since": None, "restart": True},
    )
    following.answered(next_page(9, 10, head=10, log="new"), 0.0, 1000.0)
    assert taken(following) == [Lapsed, 10], "nothing from before is given out any more"
    assert not following.is_of_this_log(event(2)) and following.is_of_this_log(event(10, "new"))
    following.refused(CommandRefused("cursor_too_old", "no"), 0.0)
    following.refused(lapsed, 0.0)
    assert asked(following) == ("consumer_create", {"name": "bot", "since": None, "restart": True})


def test_one_that_has_lapsed_already_when_it_starts_begins_after_since() -> None:
    following = Consuming("bot", since=4, restart=True)
    following.refused(CommandRefused("consumer_lapsed", "lapsed"), 0.0)
    assert asked(following) == ("consumer_create", {"name": "bot", "since": 4, "restart": True})
    with pytest.raises(CommandRefused, match="too old"):
        following.refused(CommandRefused("cursor_too_old", "too old"), 0.0)


@pytest.mark.parametrize("code", ["not_found", "too_many_consumers", "invalid_args", "unknown_op", "cursor_ahead"])
def test_what_asking_again_does_not_help_is_raised(code: str) -> None:
    with pytest.raises(CommandRefused):
        Consuming("bot").refused(CommandRefused(code, "no"), 0.0)


def test_what_may_work_later_is_an_absence() -> None:
    following = Consuming("bot")
    following.refused(CommandRefused("store_unavailable", "full", retryable=True), 0.0)
    assert taken(following) == [Away]
    assert asked(following, following.wake_at()) is not None


def test_an_idle_one_says_now_and_then_that_it_is_in_use_and_loses_nothing_by_it() -> None:
    following = consuming(3)
    publish(following, event(4), heartbeat(4), now=module.IN_USE_S - 1)
    assert asked(following, module.IN_USE_S - 1) is None
    publish(following, heartbeat(4), now=module.IN_USE_S)
    assert asked(following, module.IN_USE_S) == ("consumer_next", {"name": "bot", "limit": 1})
    following.answered(next_page(3, 4, head=4), module.IN_USE_S, 0.0)
    assert asked(following, module.IN_USE_S) is None
    publish(following, event(5), now=module.IN_USE_S)
    assert taken(following) == [4, 5]


def test_it_reports_nothing_because_the_node_knows() -> None:
    assert consuming(3).report(0.0) is None
