"""What the composition root decides by itself."""

from __future__ import annotations

from honcho.manager import KILL_WAIT

from node import app


def test_good_byes_end_before_honcho_kills() -> None:
    assert app.FAREWELL + app.LAST_CALL + app.GOODBYE < KILL_WAIT
