"""The core as a whole, under random lives: the invariants stand in tests/support/simulation.py."""

from __future__ import annotations

import pytest

from node.core import dialling, queues
from tests.support.simulation import Simulation


@pytest.mark.parametrize("seed", range(60))
def test_a_random_life_breaks_no_promise(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2:
        # Small windows: more waits on disk than in memory nearly all the time.
        monkeypatch.setattr(queues, "WINDOW", 3)
        monkeypatch.setattr(queues, "SWEEP", 2)
    if seed % 3 == 0:
        # Nearly everybody stands in line.
        monkeypatch.setattr(dialling, "MAX_DIALS", 1)
    Simulation(seed).run(400)
