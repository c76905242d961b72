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
    """Three wires, each between two machines. Skips the test where the machine can't make them."""
    with ExitStack() as stack:
        try:
            made = [stack.enter_context(Wire()) for _ in range(3)]
        except Unavailable as error:
            if error.curable and os.environ.get("CI"):
                pytest.fail(f"Network namespaces must be there where CI is set: {error}.")
            pytest.skip(f"no network namespaces: {error}")
        yield made


def test_with_30_percent_of_packets_lost_all_is_delivered_once_and_in_order(wires: list[Wire]) -> None:
    lost = loss.lose(wires[0], seed=1, percent=30, seconds=16.0)
    assert lost.texts > 100
    assert lost.dropped > 50


def test_after_a_cut_a_change_of_address_and_a_bad_first_meeting_they_are_linked(wires: list[Wire]) -> None:
    """A silent cut of a minute; another address; and a first meeting while 60 % of packets are lost."""
    # All wait most of their time, so they go on at once.
    with ThreadPoolExecutor() as pool:
        cut = pool.submit(loss.cut, wires[0], 60.0)
        moved = pool.submit(loss.move, wires[1], "10.99.0.3")
        met = pool.submit(loss.meet, wires[2], 60, 15.0)
        for reunion in (cut.result(), moved.result(), met.result()):
            assert reunion.complete <= loss.COMPLETE, reunion
