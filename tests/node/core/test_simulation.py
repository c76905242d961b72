"""The core as a whole with its store, under random lives: the invariants stand in tests/support/simulation.py."""

from __future__ import annotations

import pytest

from tests.support.simulation import live


# More: python -m tests.support.simulation --seeds 1000
@pytest.mark.parametrize("seed", range(36))
def test_a_random_life_breaks_no_promise(seed: int) -> None:
    live(seed)
