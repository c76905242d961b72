"""The bounds on handshakes that others begin."""

from __future__ import annotations

import pytest

from node.peers import handshakes
from node.peers.handshakes import Handshakes


def test_one_source_may_have_eight_at_once() -> None:
    bounds = Handshakes()
    assert [bounds.begin(number, "127.0.0.2") for number in range(2, 22, 2)] == [True] * 8 + [False] * 2
    assert bounds.begin(30, "127.0.0.3")
    assert (len(bounds), bounds.refused) == (9, 2)
    bounds.over(2)
    assert bounds.begin(32, "127.0.0.2")
    assert not bounds.begin(34, "127.0.0.2")


def test_all_together_may_have_sixty_four_at_once() -> None:
    bounds = Handshakes()
    assert all(bounds.begin(number, f"127.0.0.{number}") for number in range(64))
    assert not bounds.begin(64, "127.0.1.1")
    bounds.over(5)
    bounds.over(5)
    assert bounds.begin(65, "127.0.1.1")
    assert not bounds.begin(66, "127.0.1.1")
    for number in range(70):
        bounds.over(number)
    assert len(bounds) == 0
    assert not bounds._of_source


def test_refusals_are_said_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    bounds = Handshakes(lambda: now)
    for number in range(100):
        bounds.begin(number, "127.0.0.2")
    assert len(caplog.records) == 1
    now += handshakes.SAID
    bounds.begin(100, "127.0.0.2")
    assert len(caplog.records) == 2
    assert "127.0.0.2" in caplog.text
