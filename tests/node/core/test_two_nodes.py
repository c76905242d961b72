"""Two nodes under random lives: what must hold stands in tests/support/two_nodes/promises.py and rest.py.

faults.py beside them has a table of faults, and the life that catches each.
"""

from __future__ import annotations

import pytest

from tests.support.two_nodes.faults import FAULTS, caught
from tests.support.two_nodes.world import live

#: Lives in all; the rarest fault shows in one of a hundred.
LIVES = 400
#: Lives of one test, so that they are spread over the workers.
CHUNK = 25
#: Within so many lives each fault is caught.
CAUGHT_WITHIN = 300
#: The life that is tried first for a fault that few lives catch; else the first one.
FIRST = {"dedup forgotten": 95, "clear text to a node": 80}


# More: python -m tests.support.two_nodes --seeds 20000 --first 400
@pytest.mark.parametrize("first", range(0, LIVES, CHUNK))
def test_random_lives_of_two_nodes_break_no_promise(first: int) -> None:
    for seed in range(first, first + CHUNK):
        live(seed)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught(fault: str) -> None:
    assert caught(FAULTS[fault], CAUGHT_WITHIN, FIRST.get(fault, 0)) is not None
