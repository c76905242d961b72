"""The bounds on handshakes that others begin."""

from __future__ import annotations

from collections.abc import Callable

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


def full(counts: dict[str, int], clock: Callable[[], float] = lambda: 100.0) -> tuple[Handshakes, list[int]]:
    """Handshakes of these sources, and a list of those that gave way."""
    gone: list[int] = []
    bounds = Handshakes(gone.append, clock)
    number = 0
    for source, count in counts.items():
        for _ in range(count):
            number += 1
            assert bounds.begin(number, source)
    return bounds, gone


def test_all_together_may_have_sixty_four_at_once() -> None:
    bounds, gone = full({f"127.0.0.{number}": 1 for number in range(64)})
    assert not bounds.begin(164, "127.0.1.1")
    assert gone == []
    bounds.over(5)
    bounds.over(5)
    assert bounds.begin(165, "127.0.1.1")
    assert not bounds.begin(166, "127.0.1.1")
    for number in range(170):
        bounds.over(number)
    assert len(bounds) == 0
    assert not bounds._of_source


def test_the_oldest_of_the_source_with_most_gives_way_to_one_that_has_fewer() -> None:
    bounds, gone = full({"127.0.0.2": 1, "127.0.0.3": 7, **{f"127.0.1.{number}": 8 for number in range(7)}})
    assert bounds.begin(100, "127.0.0.9")
    assert gone == [9]
    # Who has nearly as many pushes out nobody.
    assert not bounds.begin(101, "127.0.0.3")
    assert (len(bounds), bounds.refused) == (64, 2)


def test_one_that_stands_still_gives_way_to_a_source_that_has_none() -> None:
    now = 100.0
    bounds, gone = full({f"127.0.0.{number}": 1 for number in range(64)}, lambda: now)
    now += handshakes.STANDS_STILL / 2
    assert not bounds.begin(100, "127.0.1.1")
    now += handshakes.STANDS_STILL
    assert bounds.begin(100, "127.0.1.1")
    assert gone == [1]
    # Each has one now.
    assert not bounds.begin(101, "127.0.0.5")


def test_a_source_begins_so_many_at_once_and_so_many_a_second() -> None:
    now = 100.0
    bounds = Handshakes(clock=lambda: now)

    def begun(tries: int) -> int:
        count = 0
        for number in range(tries):
            if bounds.begin(number, "127.0.0.2"):
                count += 1
                bounds.over(number)
        return count

    assert begun(1_000) == handshakes.BURST
    now += 2.0
    assert begun(1_000) == 2 * handshakes.RATE
    assert bounds.begin(7, "127.0.0.3")
    now += 3600.0
    assert begun(1_000) == handshakes.BURST, "a flood that is over costs nothing later"


def test_all_sources_begin_so_many_a_second_and_one_that_has_rested_gets_in_all_the_same() -> None:
    now = 100.0
    bounds = Handshakes(clock=lambda: now)

    def begun(sources: list[str], tries: int) -> int:
        count = 0
        for number in range(tries):
            if bounds.begin(number, sources[number % len(sources)]):
                count += 1
                bounds.over(number)
        return count

    flood = [f"127.0.1.{number}" for number in range(50)]
    assert begun(flood, 2_000) == handshakes.ALL_BURST
    now += 1.0
    assert begun(flood, 2_000) == handshakes.ALL_RATE
    assert begun(["127.0.0.9"], 3) == 1
    now += handshakes.REST / 2
    begun(flood, 2_000)
    assert begun(["127.0.0.9"], 3) == 0
    now += handshakes.REST
    begun(flood, 2_000)
    assert begun(["127.0.0.9"], 3) == 1


def test_refusals_are_said_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    bounds = Handshakes(clock=lambda: now)
    for number in range(100):
        bounds.begin(number, "127.0.0.2")
    assert len(caplog.records) == 1
    now += handshakes.SAID
    bounds.begin(100, "127.0.0.2")
    assert len(caplog.records) == 2
    assert "127.0.0.2" in caplog.text
