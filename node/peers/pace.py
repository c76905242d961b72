"""How fast one source may send small texts. Pure.

A text costs a row on the disk, however short it is: 64 KiB in one-character texts would be 65,536 rows. So texts with
fewer than SMALL characters are counted per source address; a source that sends more of them than RATE a second, after a
burst, isn't read from until it is within the bound again. Nothing is dropped: what it sends waits in the network, and a
sender without framing has its next texts joined there. Longer texts cost their own bytes to send, and are bounded by
the quota per day (node/core/quotas.py).
"""

from __future__ import annotations

import collections

#: Characters: a text with fewer is small.
SMALL = 16
#: Small texts that a source may send at once; and each second after that.
BURST = 2_000
RATE = 500
#: Sources that are counted; the one that was counted longest ago is forgotten.
MAX_SOURCES = 10_000


class Pace:
    """A bucket of BURST for each source, filled with RATE a second."""

    def __init__(self) -> None:
        #: How many small texts a source has still free, as of when.
        self._left: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()

    def spend(self, source: str, count: int, now: float) -> float:
        """A source sent so many small texts; returns for how many seconds it isn't to be read from."""
        left, at = self._left.pop(source, (float(BURST), now))
        left = min(BURST, left + (now - at) * RATE) - count
        self._left[source] = left, now
        if len(self._left) > MAX_SOURCES:
            self._left.popitem(last=False)
        return max(0.0, -left / RATE)
