from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.core.clock import Clock, order_text, wall_ms


@given(st.lists(st.integers(0, 2**41), min_size=1))
def test_every_value_is_above_the_one_before_however_the_wall_clock_goes(times: list[int]) -> None:
    clock = Clock()
    values = [clock.next(now) for now in times]
    assert values == sorted(set(values))


def test_a_value_is_the_wall_time_where_that_is_enough() -> None:
    assert [wall_ms(Clock().next(now)) for now in (1, 1_700_000_000_000)] == [1, 1_700_000_000_000]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_the_text_sorts_as_the_number_does(one: int, other: int) -> None:
    assert (order_text(one) < order_text(other)) == (one < other)


def test_what_tells_equal_values_apart_never_changes_the_order_of_others() -> None:
    texts = [order_text(1), order_text(1, b"\x00" * 32), order_text(1, b"\xff" * 32), order_text(2), order_text(16)]
    assert texts == sorted(texts)
