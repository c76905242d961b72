"""Two nodes on a bad network, in network namespaces; `python -m tests.soak --loss 80` loses more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.soak import loss
from tests.support.namespaces import Unavailable, Wire

#: How long the silent cut takes, in seconds: both sides notice it after 45.
CUT = 50.0


@pytest.fixture(scope="module")
def bad() -> Iterator[dict[str, Future[Any]]]:
    """What comes of two nodes on each bad network: all wait most of their time, so they go on at once.

    Skips the tests where the machine can't make networks.
    """
    with ExitStack() as stack:
        try:
            lossy, silent, changed, worse = [stack.enter_context(Wire()) for _ in range(4)]
        except Unavailable as error:
            if error.curable and os.environ.get("CI"):
                pytest.fail(f"Network namespaces must be there where CI is set: {error}.")
            pytest.skip(f"no network namespaces: {error}")
        pool = stack.enter_context(ThreadPoolExecutor())
        yield {
            "lost": pool.submit(loss.lose, lossy, seed=1, percent=30, seconds=16.0),
            "cut": pool.submit(loss.cut, silent, CUT),
            "moved": pool.submit(loss.move, changed, "10.99.0.3"),
            "met": pool.submit(loss.meet, worse, 60, 15.0),
        }


def test_with_30_percent_of_packets_lost_all_is_delivered_once_and_in_order(bad: dict[str, Future[loss.Lost]]) -> None:
    lost = bad["lost"].result()
    assert lost.texts > 100
    assert lost.dropped > 50


def test_after_a_cut_a_change_of_address_and_a_bad_first_meeting_they_are_linked(
    bad: dict[str, Future[loss.Reunion]],
) -> None:
    """A silent cut; another address; and a first meeting while 60 % of packets are lost."""
    for what in ("cut", "moved", "met"):
        reunion = bad[what].result()
        assert reunion.complete <= loss.COMPLETE, reunion
