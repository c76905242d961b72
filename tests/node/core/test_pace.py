"""The pace of background work: its steps follow the time that they take, and leave half of the writer to others."""

from __future__ import annotations

import pytest

from node.core import pace
from node.core.pace import Pace


def worked(one: Pace, seconds_a_row: float, steps: int) -> None:
    for _ in range(steps):
        one.took(one.size, one.size * seconds_a_row)


@pytest.mark.parametrize("seconds_a_row", [0.000_01, 0.000_05, 0.000_3])
def test_steps_come_to_take_as_long_as_they_should(seconds_a_row: float) -> None:
    one = Pace()
    worked(one, seconds_a_row, 30)
    assert one.size * seconds_a_row == pytest.approx(pace.GOAL, rel=0.1)


def test_one_step_that_took_far_too_long_makes_the_next_one_half_as_large_and_a_few_make_it_short() -> None:
    one = Pace()
    worked(one, 0.000_01, 30)
    before = one.size
    one.took(one.size, 100 * pace.GOAL)
    assert one.size == before // 2
    for _ in range(4):
        one.took(one.size, 100 * pace.GOAL)
    assert one.size <= before / 30


def test_steps_stay_within_their_bounds() -> None:
    one = Pace()
    worked(one, 0.0, 60)
    assert one.size == pace.MOST
    worked(one, 1.0, 60)
    assert one.size == pace.LEAST
    worked(one, 0.0, 2)
    assert one.size > pace.LEAST, "the least grows again, too"


def test_a_step_that_had_little_to_do_says_nothing_of_a_full_one_unless_it_took_long() -> None:
    one = Pace()
    one.took(1, 0.0)
    assert one.size == pace.FIRST
    one.took(1, pace.GOAL * 2)
    assert one.size == pace.FIRST // 2


def test_others_have_the_writer_as_long_as_the_last_step_had_it_but_never_for_ever() -> None:
    assert pace.rest(0.01, others=False) == 0
    assert pace.rest(0.01, others=True) == 0.01
    assert pace.rest(60.0, others=True) == pace.MAX_REST


def test_a_step_of_more_rows_than_its_size_counts_for_a_step_of_its_size() -> None:
    one, other = Pace(), Pace()
    one.took(pace.FIRST, 0.002)
    other.took(10 * pace.FIRST, 0.02)
    assert one.size == other.size > pace.FIRST


def test_a_step_is_as_large_as_what_came_since_the_last_one_within_a_bound() -> None:
    race = pace.Race()
    assert race.rows(100, head=1_000_000) == 100, "what came before is the past"
    assert race.rows(100, head=1_000_050) == 100
    assert race.rows(200, head=1_000_550) == 500
    assert race.rows(200, head=2_000_000) == 200 * pace.HURRY


def test_expiry_is_behind_while_at_least_as_much_comes_as_goes() -> None:
    race = pace.Race()
    race.rows(100, head=0)
    assert not race.behind(head=0)
    race.gone(100)
    assert not race.behind(head=99)
    assert race.behind(head=100)
    race.rows(100, head=100)
    assert race.behind(head=101), "the step removed nothing"
