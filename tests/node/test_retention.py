"""Retention: each step is taken in a quiet moment, and neither a bug nor a failing disk ends it.

Which step follows is tested with node.core.keeping.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from node import retention
from node.bus import nouns
from node.core import effects as e
from node.core import keeping as k
from node.core import pace
from node.core import stimuli as s
from node.core.keeping import DAY_MS, EVENTS_STEP
from node.errors import StoreUnavailable
from node.retention import Retention
from node.store.leaving import Work

PATIENCE = 60.0


class Clock:
    """What the core believes of the clock."""

    doubted: str | None = None

    def why(self, now: int) -> str | None:
        return self.doubted


class Core:
    """The core, as far as retention looks at it."""

    def __init__(self) -> None:
        self.settings = nouns.Settings(name="anna")
        self.belief = Clock()

    def consumers_used(self) -> dict[str, int]:
        return {}


class Snapshots:
    count = 0

    def __len__(self) -> int:
        return self.count

    def give_up(self) -> None:
        self.count -= 1


class Store:
    """Writer and reader in one: what was done, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.pages = Snapshots()
        self.history = self
        self.kept_replies = 0
        #: Replies that are too old.
        self.old_replies = 0
        #: Kinds of work that are left, and the size of each step that was taken.
        self.left: list[Work] = []
        self.sizes: list[int] = []
        self.spent = (0.0, 0.0)

    @property
    def work(self) -> Work | None:
        return self.left[0] if self.left else None

    def advance(self, work: Work, limit: int) -> int:
        assert work == self.left.pop(0)
        self.sizes.append(limit)
        self.done.append((work, limit))
        return limit

    def keep(self, head: int) -> None:
        self.done.append(("mark", head))

    def trim(self, before: int) -> None:
        self.done.append(("trim", before))

    def tidy(self) -> None:
        self.done.append(("tidy", 0))

    def forget_replies(self, before: int, limit: int) -> int:
        self.done.append(("forget replies", before))
        count = min(limit, self.old_replies)
        self.old_replies -= count
        return count

    def forget_oldest_replies(self, count: int) -> None:
        self.done.append(("forget oldest", count))
        self.kept_replies -= count

    def replies(self) -> int:
        return self.kept_replies

    def has(self, what: str) -> bool:
        return any(name == what for name, _ in self.done)


class Loop:
    """The loop beside which retention works. Writes fail so often as `fails` says."""

    def __init__(self) -> None:
        self.core = Core()
        self.store = Store()
        self.head = 0
        self.idle = True
        self.ill = False
        self.fails = 0
        self.looks = 0
        self.commits = 0
        self.fed: list[s.ExpiryDue | s.ClockLooked] = []
        self.said: list[tuple[str, str | None]] = []
        #: What a step of expiry comes to: (gone, next), in order; None: the core says nothing.
        self.walk: list[tuple[bool, int | None] | None] = []
        self.retention: Retention

    @property
    def well(self) -> bool:
        self.looks += 1
        return not self.ill

    def feed(self, stimulus: s.ExpiryDue | s.ClockLooked) -> None:
        self.fed.append(stimulus)
        if isinstance(stimulus, s.ExpiryDue):
            came = self.walk.pop(0) if self.walk else (False, None)
            if came is not None:
                report = e.ReportExpiry(stimulus.after, came[1], came[0])
                asyncio.get_running_loop().call_soon(self.retention.reported, report)

    def notice(self, about: str, sentence: str | None) -> None:
        self.said.append((about, sentence))

    async def read(self, what: Callable[..., Any], *args: Any) -> Any:
        return what(*args)

    async def write(self, what: Callable[..., Any], *args: Any) -> Any:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("full")
        return what(*args)

    @property
    def due(self) -> list[s.ExpiryDue]:
        return [one for one in self.fed if isinstance(one, s.ExpiryDue)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVENTS_EVERY", "BUG_PAUSE"):
        monkeypatch.setattr(retention, name, 0.001)


def keep(loop: Loop, **settings: int) -> None:
    loop.core.settings = nouns.Settings(name="anna", **settings)  # type: ignore[arg-type]


def run(loop: Loop, until: Callable[[], bool]) -> None:
    """Let it work until something is so."""

    async def work() -> None:
        loop.retention = Retention(loop, loop.store, loop.store, 1)
        loop.retention.start()
        async with asyncio.timeout(PATIENCE):
            while not until():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        await loop.retention.close()

    asyncio.run(work())


def test_each_step_is_taken_and_what_came_of_it_leads_to_the_next() -> None:
    loop = Loop()
    keep(loop, keep_days=30, keep_events=10_000)
    loop.head, loop.walk = 12_500, [(True, 200), (False, None)]
    loop.store.kept_replies, loop.store.old_replies = k.MAX_REPLIES + 7, k.REPLIES_STEP + 1
    run(loop, lambda: loop.store.has("tidy"))
    now = retention.now_ms()
    steps = [("trim", 1 + number * EVENTS_STEP) for number in (1, 2, 3)] + [("mark", 12_500)]
    assert loop.store.done[:4] == steps
    assert [name for name, _ in loop.store.done[4:]] == [*["forget replies"] * 2, "forget oldest", "tidy"]
    assert loop.store.kept_replies == k.MAX_REPLIES
    assert loop.retention.oldest == 1 + 3 * EVENTS_STEP
    assert [type(one) for one in loop.fed] == [s.ClockLooked, s.ExpiryDue, s.ExpiryDue]
    assert [one.after for one in loop.due] == [0, 200]
    assert all(abs(now - 30 * DAY_MS - one.before) < 600_000 for one in loop.due)


@pytest.mark.parametrize("idle", [True, False])
def test_after_a_step_the_writer_is_for_others_as_long_as_the_step_took_if_there_are_any(
    idle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[tuple[float, bool]] = []

    def rest(seconds: float, others: bool) -> float:
        rested.append((seconds, others))
        return 0.0

    monkeypatch.setattr(retention.pace, "rest", rest)
    loop = Loop()
    loop.idle = idle
    loop.store.left = ["entries", "entries", "replies"]
    taken = loop.store.advance

    def committed_meanwhile(work: Work, limit: int) -> int:
        loop.commits += len(loop.store.left) == 3
        return taken(work, limit)

    monkeypatch.setattr(loop.store, "advance", committed_meanwhile)
    run(loop, lambda: not loop.store.left)
    assert [others for _, others in rested[:3]] == [not idle, True, not idle]
    assert rested[0][0] == 0.0 and all(seconds > 0 for seconds, _ in rested[1:3])


def test_each_kind_of_step_has_a_size_of_its_own_that_follows_the_time_it_takes() -> None:
    loop = Loop()
    loop.store.left = ["entries", "entries", "replies", "entries"]
    run(loop, lambda: not loop.store.left)
    first, second, other, third = loop.store.sizes
    assert first == other == pace.FIRST
    assert first < second < third, "they took no time"


def test_a_step_of_expiry_is_as_large_as_its_commits_were_quick() -> None:
    loop = Loop()
    keep(loop, keep_days=30)
    loop.store.spent = (1.0, 1.0)
    loop.walk = [(True, 200), (False, 400), (False, None)]
    run(loop, lambda: len(loop.due) == 3)
    limits = [one.limit for one in loop.due]
    assert limits[0] == pace.FIRST and limits[1] < limits[0] and limits[2] == limits[1]


def test_expiry_that_is_behind_takes_as_much_as_came_and_rests_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    rested: dict[int, bool] = {}
    loop = Loop()

    def rest(seconds: float, others: bool) -> float:
        rested[len(loop.due)] = others
        return 0.0

    monkeypatch.setattr(retention.pace, "rest", rest)
    loop.idle = False
    keep(loop, keep_days=30)
    loop.walk = [(True, 200), (True, 400), (False, None)]
    fed = loop.feed

    def flooded(stimulus: s.ExpiryDue | s.ClockLooked) -> None:
        loop.head += 300 if len(loop.due) == 0 else 0
        fed(stimulus)

    monkeypatch.setattr(loop, "feed", flooded)
    run(loop, lambda: len(loop.due) == 3)
    assert [one.limit for one in loop.due][:2] == [pace.FIRST, 300]
    # Before the second step, more had come than gone.
    assert [rested[taken] for taken in range(3)] == [True, False, True]


def test_a_disk_that_fails_is_left_alone_and_tried_again() -> None:
    loop = Loop()
    loop.fails, loop.head = 3, 1_000_001
    run(loop, lambda: bool(loop.store.done))
    assert loop.store.done[0] == ("trim", 1 + EVENTS_STEP)
    ill = Loop()
    ill.ill, ill.head = True, 1_000_001
    run(ill, lambda: ill.looks > 5)
    assert (ill.store.done, ill.fed) == ([], [])


def test_a_bug_in_one_step_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop()
    loop.head = 1_000_001
    trim, bugs = loop.store.trim, [True]

    def broken(before: int) -> None:
        if bugs and bugs.pop():
            raise RuntimeError("a bug")
        trim(before)

    monkeypatch.setattr(loop.store, "trim", broken)
    run(loop, lambda: loop.store.has("trim"))
    assert "a bug in retention" in caplog.text


def test_a_core_that_says_nothing_of_a_step_is_asked_again_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "STEP_PATIENCE", 0.01)
    monkeypatch.setattr(k, "LOOK_EVERY", 0.02)
    loop = Loop()
    keep(loop, keep_days=30)
    loop.walk = [(True, 200), None, (False, None)]
    run(loop, lambda: loop.store.has("tidy"))
    assert [one.after for one in loop.due[:3]] == [0, 200, 0]
    assert "a bug" not in caplog.text


def test_a_report_that_came_too_late_or_of_another_step_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    keep(loop, keep_days=30)
    loop.walk = [None]

    def until() -> bool:
        if not loop.due:
            return False
        loop.retention.reported(e.ReportExpiry(7, 300, gone=True))
        loop.retention.reported(e.ReportExpiry(0, 200, gone=False))
        loop.retention.reported(e.ReportExpiry(0, 300, gone=True))
        return len(loop.due) > 1

    run(loop, until)
    assert [one.after for one in loop.due[:2]] == [0, 200]
    loop.retention.reported(e.ReportExpiry(200, None, gone=True))


def test_open_snapshots_are_looked_after_also_while_the_disk_fails() -> None:
    loop = Loop()
    loop.ill, loop.store.pages.count = True, 3
    run(loop, lambda: not loop.store.pages)
    assert loop.store.pages.count == 0


def test_people_are_told_of_a_doubted_clock_and_that_it_is_right_again() -> None:
    loop = Loop()
    keep(loop, keep_days=30)
    loop.core.belief.doubted = "The clock is wrong."

    def trusted() -> bool:
        if loop.said:
            loop.core.belief.doubted = None
        return bool(loop.due)

    run(loop, trusted)
    assert loop.said == [("clock", "The clock is wrong."), ("clock", None)]
