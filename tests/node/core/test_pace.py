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
