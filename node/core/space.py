"""The free space on the disk: below the floor, sending and reading from peers stop. Pure."""

from __future__ import annotations

from node.core import effects as e
from node.core import stimuli as s
from node.core.ledger import Ledger

#: Hysteresis, in bytes above the floor (at most a twentieth of it): the node must not flap.
MORE_SPACE = 10_000_000


class Space:
    """Whether there is enough of it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        #: None: it wasn't measured yet.
        self._enough: bool | None = None
        self._problem: str | None = None

    def measured(self, space: s.SpaceMeasured) -> str | None:
        """Take a measurement, which comes regularly. Returns why nothing can be sent; None: there is room."""
        above = min(space.floor // 20, MORE_SPACE) if self._enough is False else 0
        enough = space.free >= space.floor + above
        if enough != self._enough:
            self._enough = enough
            self._problem = None
            if not enough:
                self._problem = (
                    f"Less than {_megabytes(space.floor)} MB are free on the disk. Nothing is sent or read from peers"
                    " before there is more room."
                )
            self._ledger.put(e.Hold(self._problem))
        return self._problem


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.3g}"
