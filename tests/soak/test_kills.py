"""The short run of the suite, always of the same seed; `python -m tests.soak --kills` goes on for longer."""

from __future__ import annotations

from tests.soak import kills


def test_both_killed_again_and_again_lose_and_double_nothing() -> None:
    pair, failure = kills.run(1, kills.SHORT)
    assert failure is None, failure
    assert pair.kills >= kills.SHORT.kills
    assert pair.count > 100
