"""Named consumers: positions only go forward, and whoever has lapsed is told so. Nothing of it is an event."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from node.bus import bounds
from node.bus import consumers as cn
from node.bus import events as ev
from node.bus import requests as rq
from node.core import consumers as module
from node.core import effects as e
from node.core import stimuli as s
from node.core.node import Node
from tests.node.core.desk import Desk, events, only, result
from tests.support.simulation import IDENTITY

DAY = 24 * 3600 * 1000


def create(desk: Desk, name: str = "bot", **more: Any) -> list[e.Effect]:
    return desk.ask("consumer_create", cn.ConsumerCreateArgs(name=name, **more))


def acknowledge(desk: Desk, seq: int, name: str = "bot") -> list[e.Effect]:
    return desk.ask("consumer_acknowledge", cn.ConsumerAcknowledgeArgs(name=name, seq=seq))


def drop(desk: Desk, name: str = "bot") -> list[e.Effect]:
    return desk.ask("consumer_drop", cn.ConsumerArgs(name=name))


def happen(desk: Desk, count: int) -> None:
    """So many more events, at least."""
    for _ in range(count):
        desk.send("10.0.0.1:5000", "hi")


def again(desk: Desk) -> None:
    """A core made anew from what is on disk."""
    desk.core = Node(desk.store.load(), IDENTITY)


def test_a_new_one_begins_at_the_head_or_where_it_is_told() -> None:
    desk = Desk()
    happen(desk, 3)
    head = desk.core.head
    made = result(create(desk)).consumer
    assert (made.name, made.position, made.lag, made.lapsed) == ("bot", head, 0, False)
    assert (made.created, made.used) == (desk.now, desk.now)
    early = result(create(desk, "early", since=0)).consumer
    assert (early.position, early.lag) == (0, head)
    assert set(desk.store.consumers) == {"bot", "early"}


@pytest.mark.parametrize(("since", "code"), [(10**6, "cursor_ahead"), (2**70, "cursor_ahead"), (-1, "cursor_too_old")])
def test_it_can_t_begin_where_nothing_is(since: int, code: str) -> None:
    desk = Desk()
    assert result(create(desk, since=since)) == code
    assert desk.store.consumers == {}


def test_it_can_t_begin_before_what_is_kept() -> None:
    desk = Desk()
    happen(desk, 5)
    desk.store.oldest = 4
    assert result(create(desk, since=2)) == "cursor_too_old"
    assert result(create(desk, since=3)).consumer.position == 3


def test_one_that_exists_stays_as_it_is() -> None:
    desk = Desk()
    create(desk, since=0)
    happen(desk, 3)
    acknowledge(desk, 2)
    before = dict(desk.store.consumers)
    desk.now += 5
    for more in ({}, {"since": 3}, {"restart": True}, {"since": 10**9, "restart": True}):
        found = result(create(desk, **more)).consumer
        assert (found.position, found.lag) == (2, desk.core.head - 2)
    assert desk.store.consumers == before


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "Ä", "a/b", "a\n", "\ud800"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    assert result(create(Desk(), name)) == "invalid_args"


@pytest.mark.parametrize("name", ["a", "x" * 64, "Bot_1.2-b"])
def test_a_name_may_have_letters_digits_and_a_few_marks(name: str) -> None:
    assert result(create(Desk(), name)).consumer.name == name


def test_there_are_so_many_and_no_more_until_one_is_dropped() -> None:
    desk = Desk()
    for number in range(bounds.MAX_CONSUMERS):
        result(create(desk, f"bot-{number}")).consumer  # noqa: B018 (it was not refused)
    assert result(create(desk, "more")) == "too_many_consumers"
    assert result(create(desk, "bot-7")).consumer.name == "bot-7"
    assert result(drop(desk, "bot-7")) == rq.Nothing()
    assert result(create(desk, "more")).consumer.name == "more"


def test_a_position_only_goes_forward() -> None:
    desk = Desk()
    create(desk, since=0)
    happen(desk, 5)
    assert result(acknowledge(desk, 4)).consumer.position == 4
    assert only(e.PutConsumer, effects := acknowledge(desk, 3)) == []
    assert result(effects).consumer.position == 4
    assert result(acknowledge(desk, -(2**70))).consumer.position == 4
    head = desk.core.head
    assert result(acknowledge(desk, head + 1)) == "cursor_ahead"
    assert result(acknowledge(desk, 2**70)) == "cursor_ahead"
    assert result(acknowledge(desk, head)).consumer.lag == 0
    again(desk)
    assert desk.store.consumers["bot"].position == head
    assert result(acknowledge(desk, 1)).consumer.position == head


def test_the_position_is_written_before_the_answer() -> None:
    desk = Desk()
    create(desk, since=0)
    kinds = [type(effect) for effect in acknowledge(desk, 1)]
    assert kinds == [e.Fetch, e.PutConsumer, e.Reply]


def test_one_that_is_not_there_is_not_found() -> None:
    desk = Desk()
    assert result(acknowledge(desk, 0)) == "not_found"
    assert result(drop(desk)) == "not_found"
    create(desk)
    drop(desk)
    assert result(acknowledge(desk, 0)) == "not_found"
    assert desk.store.consumers == {}


def test_one_that_is_dropped_while_the_store_is_asked_is_not_found() -> None:
    desk = Desk()
    create(desk, since=0)
    asked = desk.give(s.Commanded(77, "consumer_acknowledge", cn.ConsumerAcknowledgeArgs(name="bot", seq=1), ev.Cause(
        client="c", request="r")))  # fmt: skip
    drop(desk)
    (fetch,) = only(e.Fetch, asked)
    assert result(desk.give(s.OldestRead(fetch.query, 1))) == "not_found"


def test_one_whose_next_event_is_gone_has_lapsed_until_it_is_created_anew() -> None:
    desk = Desk()
    create(desk, since=0)
    happen(desk, 5)
    acknowledge(desk, 2)
    desk.store.oldest = 3
    assert result(acknowledge(desk, 3)).consumer.position == 3, "event 4 is the next one, and kept"
    desk.store.oldest = 5
    (refusal,) = only(e.Refuse, acknowledge(desk, 5))
    assert (refusal.code, refusal.details) == ("consumer_lapsed", {"position": 3, "oldest": 5})
    assert result(create(desk)) == "consumer_lapsed"
    assert result(create(desk, restart=True, since=2)) == "cursor_too_old"
    assert desk.store.consumers["bot"].position == 3
    desk.now += 9
    anew = result(create(desk, restart=True, since=4)).consumer
    assert (anew.position, anew.created, anew.lapsed) == (4, desk.now, False)
    assert result(acknowledge(desk, 5)).consumer.position == 5


def test_all_have_lapsed_when_numbering_starts_anew() -> None:
    desk = Desk()
    create(desk, since=0)
    desk.store.log = "another"
    again(desk)
    assert result(acknowledge(desk, 1)) == "consumer_lapsed"
    assert result(create(desk)) == "consumer_lapsed"
    assert result(create(desk, restart=True)).consumer.position == desk.core.head
    assert desk.store.consumers["bot"].log == "another"


def test_consumers_make_no_events_and_change_no_state() -> None:
    desk = Desk()
    happen(desk, 2)
    before, head = desk.store.state(), desk.core.head
    effects = [*create(desk, since=0), *acknowledge(desk, 1), *create(desk, "b"), *drop(desk)]
    effects += desk.give(s.ConsumerAsked("b"))
    assert events(effects) == []
    assert (desk.store.state(), desk.core.head) == (before, head)


# -- use and age


def test_asking_what_is_next_is_written_down_now_and_then() -> None:
    desk = Desk()
    create(desk)
    desk.now += module.USED_STEP_MS - 1
    assert desk.give(s.ConsumerAsked("bot")) == []
    assert desk.core.consumers_used() == {"bot": desk.now}
    desk.now += 1
    (put,) = desk.give(s.ConsumerAsked("bot"))
    assert isinstance(put, e.PutConsumer) and put.consumer.used == desk.now
    assert desk.give(s.ConsumerAsked("nobody")) == []


def test_one_that_nobody_uses_is_dropped_in_the_end() -> None:
    desk = Desk()
    create(desk, "used")
    create(desk, "unused")
    desk.now += 29 * DAY
    desk.give(s.ConsumerAsked("used"))
    assert desk.core.next_deadline() == desk.now + DAY
    desk.now += DAY - 1
    assert desk.give(s.Ticked()) == []
    desk.now += 1
    assert desk.give(s.Ticked()) == [e.DropConsumer("unused")]
    assert set(desk.store.consumers) == {"used"}
    assert result(acknowledge(desk, 0, "unused")) == "not_found"


def test_one_that_grew_too_old_while_the_node_was_off_is_dropped_at_the_start() -> None:
    desk = Desk()
    create(desk)
    later = Desk(desk.store, started=False)
    later.now = desk.now + 30 * DAY
    assert e.DropConsumer("bot") in later.give(s.Started("10.0.0.99:5000", []))
    assert desk.store.consumers == {}


# -- as front ends see it


def test_what_is_shown_is_measured_by_what_the_log_holds() -> None:
    desk = Desk()
    create(desk, since=0)
    kept = desk.store.consumers["bot"]
    here = module.shown(replace(kept, position=4), kept.log, 10, 5, kept.used + 1)
    assert (here.lag, here.lapsed, here.used) == (6, False, kept.used + 1)
    assert module.shown(replace(kept, position=3), kept.log, 10, 5, 0).lapsed
    elsewhere = module.shown(replace(kept, position=40), "another", 10, 5, 0)
    assert (elsewhere.lag, elsewhere.lapsed, elsewhere.used) == (0, True, kept.used)
