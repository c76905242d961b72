"""Two nodes under random lives: what must hold stands in tests/support/two_nodes/promises.py and rest.py."""

from __future__ import annotations

import pytest

from tests.support.two_nodes.world import live

#: Lives of one test, so that they are spread over the workers.
CHUNK = 25


# More: python -m tests.support.two_nodes --seeds 20000 --first 1000
@pytest.mark.parametrize("first", range(0, 1000, CHUNK))
def test_random_lives_of_two_nodes_break_no_promise(first: int) -> None:
    for seed in range(first, first + CHUNK):
        live(seed)
