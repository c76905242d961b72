"""Two nodes on a bad network, in network namespaces; `python -m tests.soak --loss 80` loses more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.soak import loss
from tests.support.namespaces import Unavailable, Wire


@pytest.fixture
def wires() -> Iterator[list[Wire]]:
    """Two wires, each between two machines. Skips the test where the machine can't make them."""
    with ExitStack() as stack:
        try:
            made = [stack.enter_context(Wire()) for _ in range(2)]
        except Unavailable as error:
            if error.curable and os.environ.get("CI"):
                pytest.fail(f"Network namespaces must be there where CI is set: {error}.")
            pytest.skip(f"no network namespaces: {error}")
        yield made


def test_with_30_percent_of_packets_lost_all_is_delivered_once_and_in_order(wires: list[Wire]) -> None:
    lost = loss.lose(wires[0], seed=1, percent=30, seconds=16.0)
    assert lost.texts > 100
    assert lost.dropped > 50


def test_after_a_silent_cut_of_a_minute_and_after_a_change_of_address_they_are_linked_again(
    wires: list[Wire],
) -> None:
    # Both wait most of their time, so they go on at once.
    with ThreadPoolExecutor() as pool:
        cut = pool.submit(loss.cut, wires[0], 60.0)
        moved = pool.submit(loss.move, wires[1], "10.99.0.3")
        for reunion in (cut.result(), moved.result()):
            assert reunion.complete <= loss.COMPLETE, reunion
