"""The short fortnight of the suite, always of the same seed; `python -m tests.soak` lives through long ones."""

from __future__ import annotations

from tests.soak import fortnight


def test_two_weeks_of_use_leave_the_log_the_index_and_the_counts_right() -> None:
    lived, failure = fortnight.run(1, fortnight.SHORT)
    assert failure is None, failure
    assert lived.day == fortnight.DAYS
    assert lived.deleted >= fortnight.DAYS * fortnight.SHORT.deletes // 2
