"""The same moments as in tests/dashboard/js/when.test.js, where they are told in a browser."""

from __future__ import annotations

import datetime

import pytest

from dashboard import when

UTC = datetime.UTC
NOW = int(datetime.datetime(2026, 9, 3, 14, 0, 5, tzinfo=UTC).timestamp() * 1000)
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (0, "just now"), (9 * SECOND, "just now"), (-4 * MINUTE, "just now"), (40 * SECOND, "40 s ago"),
        (3 * MINUTE, "3 min ago"), (5 * HOUR, "5 h ago"), (3 * DAY, "3 days ago"), (31 * DAY, "on 3 Aug 2026"),
        (-2 * DAY, "on 5 Sept 2026, 14:00"),
    ],
)  # fmt: skip
def test_what_was(before: int, told: str) -> None:
    assert when.ago(NOW - before, NOW, UTC) == told


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(0, "any moment"), (-5 * SECOND, "any moment"), (40 * SECOND, "in 40 s"), (50 * MINUTE, "in 50 min"),
     (3 * DAY, "on 6 Sept 2026, 14:00")],
)  # fmt: skip
def test_what_comes(ahead: int, told: str) -> None:
    assert when.until(NOW + ahead, NOW, UTC) == told


def test_moments_and_zones() -> None:
    assert when.moment(NOW - HOUR, NOW, UTC) == "13:00"
    assert when.moment(NOW - DAY, NOW, UTC) == "2 Sept 2026, 14:00"
    assert when.full(NOW, UTC) == "Thursday 3 September 2026 at 14:00:05"
    east = datetime.timezone(datetime.timedelta(hours=12))
    assert when.moment(NOW, NOW, east) == "02:00"


@pytest.mark.parametrize("at", [-1, 0, 2**53, 10**30])
def test_no_clock_is_too_wrong_to_be_told(at: int) -> None:
    for tell in (when.ago, when.until, when.moment):
        assert tell(at, NOW, UTC)
    assert when.full(at, UTC)
