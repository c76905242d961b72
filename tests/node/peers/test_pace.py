"""Small texts are counted per source, and cost time beyond the bound."""

from __future__ import annotations

import pytest

from node.peers import pace
from node.peers.pace import BURST, RATE, Pace


def test_a_burst_is_free_and_what_follows_waits_as_long_as_it_takes() -> None:
    one = Pace(BURST, RATE)
    assert one.spend("a", BURST, 0.0) == 0.0
    assert one.spend("a", RATE, 0.0) == pytest.approx(1.0)
    assert one.spend("a", 0, 0.5) == pytest.approx(0.5)
    assert one.spend("a", 1, 1.0) == pytest.approx(1 / RATE)


def test_who_keeps_to_the_rate_never_waits() -> None:
    one = Pace(BURST, RATE)
    assert not any(one.spend("a", RATE // 10, tenth / 10) for tenth in range(1_000))


def test_a_pause_gives_no_more_than_a_burst() -> None:
    one = Pace(BURST, RATE)
    one.spend("a", BURST, 0.0)
    assert one.spend("a", BURST + 1, 1_000.0) > 0.0


def test_sources_don_t_share() -> None:
    one = Pace(BURST, RATE)
    assert one.spend("a", 10 * BURST, 0.0) > 0.0
    assert one.spend("b", BURST, 0.0) == 0.0


def test_no_more_than_so_many_sources_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MAX_SOURCES", 2)
    one = Pace(BURST, RATE)
    for source in ("a", "b", "c"):
        one.spend(source, BURST, 0.0)
    assert list(one._left) == ["b", "c"]
