"""A node whose wall clock is set from outside, so that days pass in seconds.

    CLOCK=FILE python -m tests.soak.clocked_node run --home DIR ...

FILE holds eight bytes: by how many milliseconds the node's clock is ahead of the machine's. The node reads the time of
day in one place, node.turns.now_ms; that place is given the other clock here. It also looks more often than each ten
minutes whether messages have expired, because the ten minutes are those of the machine.
"""

from __future__ import annotations

import mmap
import os
import pathlib
import struct
import sys
import time
import types

from node import __main__, retention, turns
from node.core import keeping

VARIABLE = "CLOCK"
MS = struct.Struct("<q")


class Clock:
    """The file with the clock, as whoever sets it sees it."""

    def __init__(self, path: pathlib.Path) -> None:
        if not path.exists():
            path.write_bytes(MS.pack(0))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), MS.size)

    @property
    def ahead(self) -> int:
        """By how many milliseconds it is ahead of the machine's."""
        return int(MS.unpack(self._bytes[:])[0])

    def move(self, ms: int) -> None:
        """Set it forward, or back."""
        self._bytes[:] = MS.pack(self.ahead + ms)

    def now(self) -> int:
        """What it shows, in milliseconds since 1970."""
        return time.time_ns() // 1_000_000 + self.ahead


def main() -> int:
    """Run a node on the clock."""
    clock = Clock(pathlib.Path(os.environ[VARIABLE]))
    turns.time = types.SimpleNamespace(  # type: ignore[assignment]
        time_ns=lambda: clock.now() * 1_000_000, perf_counter=time.perf_counter
    )
    for module, name, seconds in (
        (retention, "EVENTS_EVERY", 0.05),
        (keeping, "LOOK_EVERY", 0.1),
    ):
        assert hasattr(module, name)
        setattr(module, name, seconds)
    return __main__.main()


if __name__ == "__main__":
    sys.exit(main())
