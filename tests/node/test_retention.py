"""Retention: when a step is taken, how far it goes, and that a bug or a failing disk doesn't end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node import retention
from node.bus import nouns
from node.core import stimuli as s
from node.errors import StoreUnavailable
from node.retention import DAY_MS, EVENTS_STEP, Retention

PATIENCE = 60.0


class Opened:
    """Snapshots that are open."""

    def __init__(self) -> None:
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def give_up(self) -> None:
        self.count -= 1


class FakeTurns:
    """Turns, writer and reader in one: counts what is asked of it."""

    def __init__(self) -> None:
        self.head = 0
        self.idle = True
        self.well = nouns.Health()
        self.looks = 0
        self.settings = nouns.Settings(name="anna")
        #: Why the clock is doubted, and what was said of it.
        self.doubted: str | None = None
        self.said: list[str | None] = []
        self.consumers: dict[str, int] = {}
        self.core = SimpleNamespace(
            settings=self.settings,
            expiry=SimpleNamespace(asked=None, next=None, gone=0),
            belief=SimpleNamespace(why=lambda _: self.doubted),
            consumers_used=lambda: self.consumers,
        )
        #: How far the log had come whenever it was written down.
        self.marks: list[int] = []
        self.history = SimpleNamespace(keep=self.marks.append)
        self.asked: list[s.ExpiryDue] = []
        self.trims: list[int] = []
        self.done: list[str] = []
        self.fails = 0
        self.kept_replies = 0
        self.pages = Opened()
        #: After which messages steps begin; the last one finds nothing old.
        self.walk: list[int | None] = [None]

    @property
    def health(self) -> nouns.Health:
        self.looks += 1
        return self.well

    def set(self, **changes: Any) -> None:
        for key, value in changes.items():
            self.settings = cast(nouns.Settings, self.core.settings)
            fields = {name: getattr(self.settings, name) for name in self.settings.__struct_fields__}
            self.core.settings = nouns.Settings(**{**fields, key: value})

    async def write(self, what: Callable[..., Any], *args: Any) -> Any:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("full")
        return what(*args)

    async def read(self, what: Callable[..., Any], *args: Any) -> Any:
        return what(*args)

    def notice(self, about: str, sentence: str | None) -> None:
        self.said.append(sentence)

    def feed(self, stimulus: s.ExpiryDue | s.ClockLooked) -> None:
        if isinstance(stimulus, s.ClockLooked):
            self.done.append("look")
            return
        self.asked.append(stimulus)
        self.core.expiry.next = self.walk[min(len(self.asked), len(self.walk)) - 1]
        self.core.expiry.gone += self.core.expiry.next is not None

    # -- the writer and the reader

    def trim(self, before: int) -> None:
        self.trims.append(before)

    def tidy(self, now: int) -> None:
        self.done.append("tidy")

    def forget_replies(self, before: int) -> None:
        self.done.append("forget_replies")

    def forget_oldest_replies(self, count: int) -> None:
        self.kept_replies -= count

    def replies(self) -> int:
        return self.kept_replies


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVENTS_EVERY", "PAUSE", "BUG_PAUSE"):
        monkeypatch.setattr(retention, name, 0.001)
    monkeypatch.setattr(retention, "PATIENCE", 0.01)


def run(turns: FakeTurns, until: Callable[[], bool], told: list[int] | None = None) -> None:
    """Let it work until something is so."""

    async def work() -> None:
        found = [] if told is None else told
        made = Retention(cast(Any, turns), cast(Any, turns), cast(Any, turns), 1, found.append)
        made.start()
        async with asyncio.timeout(PATIENCE):
            while not until():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        await made.close()

    coroutine: Coroutine[Any, Any, None] = work()
    asyncio.run(coroutine)


def test_events_go_in_steps_until_no_more_than_the_setting_are_left() -> None:
    turns, told = FakeTurns(), []
    turns.set(keep_events=10_000)
    turns.head = 12_500
    run(turns, lambda: len(turns.trims) >= 3, told)
    assert turns.trims == told == [1 + EVENTS_STEP, 1 + 2 * EVENTS_STEP, 1 + 3 * EVENTS_STEP]


def test_a_log_within_its_bound_is_left_alone() -> None:
    turns = FakeTurns()
    turns.set(keep_events=10_000)
    turns.head = 10_000
    run(turns, lambda: "forget_replies" in turns.done)
    assert turns.trims == []


def test_a_load_without_a_quiet_moment_puts_a_step_off_for_a_while_only() -> None:
    turns = FakeTurns()
    turns.idle = False
    turns.head = 2_000_000
    run(turns, lambda: len(turns.trims) >= 2)


def test_a_disk_that_fails_is_left_alone_and_tried_again() -> None:
    turns = FakeTurns()
    turns.fails = 3
    turns.head = 1_000_001
    run(turns, lambda: bool(turns.trims))
    assert turns.trims[0] == 1 + EVENTS_STEP
    ill = FakeTurns()
    ill.well = nouns.Health(store=False, problem="full")
    ill.head = 1_000_001
    run(ill, lambda: ill.looks > 5)
    assert (ill.trims, ill.done) == ([], [])


def test_a_bug_in_one_step_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    turns = FakeTurns()
    turns.head = 1_000_001
    broken = [True]

    def trim(before: int) -> None:
        if broken.pop() if broken else False:
            raise RuntimeError("a bug")
        turns.trims.append(before)

    turns.trim = trim  # type: ignore[method-assign]
    run(turns, lambda: bool(turns.trims))
    assert "a bug in retention" in caplog.text


def test_messages_are_walked_through_until_nothing_is_old_and_what_hangs_on_them_is_tidied_up() -> None:
    turns = FakeTurns()
    turns.walk = [200, 400, None]
    turns.set(keep_days=30)
    run(turns, lambda: "tidy" in turns.done)
    assert [one.after for one in turns.asked[:3]] == [0, 200, 400]
    now = retention.now_ms()
    assert all(abs(now - 30 * DAY_MS - one.before) < 600_000 for one in turns.asked)


def test_for_ever_means_for_ever_and_a_change_counts_at_once() -> None:
    turns = FakeTurns()
    run(turns, lambda: "forget_replies" in turns.done)
    assert turns.asked == []

    def changed() -> bool:
        if turns.done.count("forget_replies") >= 2 and not turns.core.settings.keep_days:
            turns.set(keep_days=1)
        return bool(turns.asked)

    run(turns, changed)
    assert "tidy" not in turns.done, "nothing was old"


def test_replies_beyond_their_number_go_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_REPLIES", 100)
    turns = FakeTurns()
    turns.kept_replies = 2_350
    run(turns, lambda: turns.kept_replies <= 100)
    assert turns.kept_replies == 100


def test_open_snapshots_are_looked_after_also_while_the_disk_fails() -> None:
    turns = FakeTurns()
    turns.well = nouns.Health(store=False, problem="full")
    turns.pages.count = 3
    run(turns, lambda: not turns.pages)
    assert turns.pages.count == 0


def test_nothing_goes_for_its_age_while_the_clock_is_doubted_and_all_goes_on_at_once_when_it_is_not() -> None:
    turns = FakeTurns()
    turns.doubted = "The clock is wrong."
    turns.kept_replies = retention.MAX_REPLIES + 1
    turns.set(keep_days=30)
    run(turns, lambda: turns.kept_replies <= retention.MAX_REPLIES)
    assert turns.asked == []
    assert "forget_replies" not in turns.done
    assert turns.said[-1] == "The clock is wrong."

    turns = FakeTurns()
    turns.doubted = "The clock is wrong."
    turns.set(keep_days=30)

    def trusted() -> bool:
        if "look" in turns.done:
            turns.doubted = None
        return bool(turns.asked)

    run(turns, trusted)
    assert turns.said[-1] is None


@pytest.mark.parametrize(("keep_days", "consumers", "said"), [(0, {}, False), (30, {}, True), (0, {"bot": 1}, True)])
def test_a_person_is_asked_about_the_clock_only_where_something_goes_by_age(
    keep_days: int, consumers: dict[str, int], said: bool
) -> None:
    turns = FakeTurns()
    turns.doubted = "The clock is wrong."
    turns.consumers = consumers
    turns.set(keep_days=keep_days)
    run(turns, lambda: bool(turns.said))
    assert turns.said[-1] == ("The clock is wrong." if said else None)


def test_it_is_written_down_how_far_the_log_has_come() -> None:
    turns = FakeTurns()
    turns.head = 7
    run(turns, lambda: bool(turns.marks))
    assert turns.marks == [7]
