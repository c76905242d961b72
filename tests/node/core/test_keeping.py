"""What is kept how long: which step follows from what is seen. Literal numbers, no clock."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from node.bus import bounds
from node.core import keeping as k

NOW = 1_700_000_000_000
SEEN = k.Seen(at=1_000.0, now=NOW, head=0, keep_events=10_000, keep_days=0, consumers=False, doubted=None)
DOUBT = "The clock is wrong."
LOOK = [k.LookAtClock(), k.ForgetReplies(NOW - bounds.KEY_LIFETIME_MS), k.CountReplies()]


class Home:
    """What is on disk, as far as steps change it."""

    def __init__(self, **seen: Any) -> None:
        self.seen = replace(SEEN, **seen)
        self.keeping = k.Keeping(1)
        self.replies = 0
        #: What each step of expiry comes to, in order; then nothing is old.
        self.walk: list[k.Expired] = []

    def took(self, step: k.Step) -> k.Stimulus:
        match step:
            case k.Trim():
                return k.Trimmed(step.before)
            case k.CountReplies():
                return k.RepliesCounted(self.replies)
            case k.Expire():
                return self.walk.pop(0) if self.walk else k.Expired(False, None)
            case _:
                return k.Done()

    def look(self, most: int = 1_000, **seen: Any) -> list[k.Step]:
        """A look to its end, or so many steps of it."""
        self.seen = replace(self.seen, **seen)
        steps: list[k.Step] = []
        step = self.keeping.handle(k.Looked(), self.seen)
        while step is not None and len(steps) < most:
            steps.append(step)
            step = self.keeping.handle(self.took(step), self.seen)
        return steps

    def settled(self, **seen: Any) -> None:
        """After its first look, with a mark written."""
        self.look(**seen)
        assert self.look() == []


def test_the_first_look_writes_a_mark_and_looks_at_everything() -> None:
    assert Home(head=7).look() == [k.WriteMark(7), *LOOK]


def test_nothing_follows_before_something_is_due() -> None:
    home = Home()
    home.settled()
    assert home.look(at=SEEN.at + k.MARK_EVERY - 0.1, head=5) == []


def test_the_mark_is_written_every_few_seconds_and_replies_are_looked_at_every_few_minutes() -> None:
    home = Home()
    home.settled()
    assert home.look(at=SEEN.at + k.MARK_EVERY, head=9) == [k.WriteMark(9)]
    assert home.look(at=SEEN.at + k.LOOK_EVERY) == [k.WriteMark(9), *LOOK]


def test_events_go_in_steps_until_no_more_than_the_setting_are_left() -> None:
    home = Home()
    home.settled()
    assert home.look(head=10_000) == []
    assert home.look(head=12_500) == [k.Trim(1_001), k.Trim(2_001), k.Trim(3_001)]
    assert home.keeping.oldest == 3_001
    assert home.look(keep_events=20_000, head=23_000) == []


def test_a_trim_that_came_to_nothing_comes_again() -> None:
    home = Home(head=10_001)
    assert home.look(most=0) == []
    assert home.keeping.oldest == 1
    assert home.look(most=1) == [k.Trim(1_001)]


def test_replies_beyond_their_number_go_in_steps_before_messages_do() -> None:
    home = Home(keep_days=30)
    home.replies = k.MAX_REPLIES + 2_350
    old = k.Expire(NOW - 30 * k.DAY_MS, 0)
    shed = [k.ForgetOldestReplies(count) for count in (1_000, 1_000, 350)]
    assert home.look() == [k.WriteMark(0), *LOOK, *shed, old]
    home.replies = k.MAX_REPLIES
    assert home.look(at=SEEN.at + k.LOOK_EVERY)[1:] == [*LOOK, old]


def test_messages_are_walked_through_until_nothing_is_old_and_what_hung_on_them_is_tidied_up_once() -> None:
    home = Home()
    home.settled()
    home.walk = [k.Expired(True, 200), k.Expired(False, 400), k.Expired(False, None)]
    before = NOW - 30 * k.DAY_MS
    walk = [k.Expire(before, after) for after in (0, 200, 400)]
    assert home.look(keep_days=30) == [*LOOK, *walk, k.TidyUp(30)]
    assert home.look(at=SEEN.at + k.LOOK_EVERY)[1:] == [*LOOK, k.Expire(before, 0)], "nothing was old"


def test_the_last_step_can_be_the_one_in_which_something_goes() -> None:
    home = Home()
    home.settled()
    home.walk = [k.Expired(True, None)]
    assert home.look(keep_days=1)[-1] == k.TidyUp(1)


def test_a_walk_that_came_to_nothing_begins_anew_at_the_next_look_and_tidies_up_then() -> None:
    home = Home()
    home.settled()
    home.walk = [k.Expired(True, 200), k.Expired(False, None)]
    assert home.look(keep_days=30, most=len(LOOK) + 1)[-1] == k.Expire(NOW - 30 * k.DAY_MS, 0)
    assert home.look() == [], "not before it is due"
    assert home.look(at=SEEN.at + k.LOOK_EVERY)[-2:] == [k.Expire(NOW - 30 * k.DAY_MS, 0), k.TidyUp(30)]


def test_what_was_planned_behind_a_step_that_came_to_nothing_is_left_for_the_next_time() -> None:
    home = Home(keep_days=30)
    assert home.look(most=2) == [k.WriteMark(0), LOOK[0]]
    assert home.look() == []
    assert home.look(at=SEEN.at + k.LOOK_EVERY)[1:4] == LOOK


def test_for_ever_means_for_ever_and_another_number_of_days_counts_at_once_also_in_the_middle_of_a_walk() -> None:
    home = Home()
    home.settled(keep_days=30)
    assert home.look(keep_days=0) == LOOK
    keeping, seen = home.keeping, replace(home.seen, keep_days=30)
    step = keeping.handle(k.Looked(), seen)
    while not isinstance(step, k.Expire):
        assert step is not None
        step = keeping.handle(home.took(step), seen)
    later = replace(seen, keep_days=10)
    assert keeping.handle(k.Expired(False, 200), later) == LOOK[0]
    rest = [keeping.handle(came, later) for came in (k.Done(), k.Done(), k.RepliesCounted(0))]
    assert rest == [*LOOK[1:], k.Expire(NOW - 10 * k.DAY_MS, 0)]


def test_nothing_goes_by_age_while_the_clock_is_doubted_and_what_is_too_many_goes_all_the_same() -> None:
    home = Home(keep_days=30, doubted=DOUBT)
    home.replies = k.MAX_REPLIES + 1
    told = [k.SayOfClock(DOUBT), k.WriteMark(0)]
    assert home.look() == [*told, k.LookAtClock(), k.CountReplies(), k.ForgetOldestReplies(1)]
    assert home.look() == []


def test_all_goes_on_at_once_when_the_clock_is_believed_again() -> None:
    home = Home(keep_days=30)
    home.settled(doubted=DOUBT)
    assert home.look(doubted=None) == [k.SayOfClock(None), *LOOK, k.Expire(NOW - 30 * k.DAY_MS, 0)]


def test_a_walk_ends_when_the_clock_becomes_doubted() -> None:
    home = Home(keep_days=30)
    home.settled()
    home.look(at=SEEN.at + k.LOOK_EVERY, most=len(LOOK) + 2)
    doubted = replace(home.seen, doubted=DOUBT)
    steps = [home.keeping.handle(came, doubted) for came in (k.Expired(True, 200), k.Done(), k.Done())]
    assert steps == [k.SayOfClock(DOUBT), k.LookAtClock(), k.CountReplies()]
    assert home.keeping.handle(k.RepliesCounted(0), doubted) is None


@pytest.mark.parametrize(("keep_days", "consumers", "said"), [(0, False, False), (30, False, True), (0, True, True)])
def test_a_person_is_asked_about_the_clock_only_where_something_goes_by_age_and_once(
    keep_days: int, consumers: bool, said: bool
) -> None:
    home = Home(keep_days=keep_days, consumers=consumers)
    home.settled()
    asked = [step for step in home.look(doubted=DOUBT) if isinstance(step, k.SayOfClock)]
    assert asked == ([k.SayOfClock(DOUBT)] if said else [])
    assert home.look() == []


def test_what_is_on_its_way_out_goes_in_turn_with_what_is_too_old_until_nothing_is_left() -> None:
    home = Home()
    home.settled()
    home.walk = [k.Expired(True, 200), k.Expired(False, None)]
    before = NOW - 30 * k.DAY_MS
    looks = [
        one for step in (*LOOK, k.Expire(before, 0), k.Expire(before, 200), k.TidyUp(30)) for one in (k.Remove(), step)
    ]
    assert home.look(keep_days=30, leaving=True, most=len(looks)) == looks
    assert home.look(leaving=True, most=3) == [k.Remove()] * 3
    assert home.look(leaving=False) == []


def test_events_beyond_their_number_go_before_what_is_on_its_way_out() -> None:
    home = Home(head=11_001)
    assert home.look(leaving=True, most=3)[:3] == [k.Trim(1_001), k.Trim(2_001), k.WriteMark(11_001)]
