"""Rate limit for small texts of one source: a token bucket. Pure.

Each text costs a row on the disk, however short it is: 64 KiB of one-character texts would be 65,536 rows. So texts
with fewer than SMALL characters are counted for each source. A source over the limit of RATE a second, after a burst,
isn't read from until it is within the limit again. Nothing is dropped: its bytes wait in the network, where texts
without framing may be joined. Longer texts are bounded by the quota per day (node/core/quotas.py).
"""

from __future__ import annotations

import collections

#: A text with fewer characters than this is small.
SMALL = 16
#: Bytes of an entry's body that make it as long as such a text: `{"text": ...}` takes seven more.
SMALL_BODY = SMALL + 7
#: Size of the bucket, in small texts, and its refill per second.
BURST = 2_000
RATE = 500
#: Most sources counted; beyond, the least recently counted one is forgotten.
MAX_SOURCES = 10_000


class Pace:
    """A bucket of BURST for each source, filled with RATE a second."""

    def __init__(self) -> None:
        #: Each source's tokens, and the time of that count.
        self._left: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()

    def spend(self, source: str, count: int, now: float) -> float:
        """Charge a source for `count` small texts; returns for how many seconds it must not be read from."""
        left, at = self._left.pop(source, (float(BURST), now))
        left = min(BURST, left + (now - at) * RATE) - count
        self._left[source] = left, now
        if len(self._left) > MAX_SOURCES:
            self._left.popitem(last=False)
        return max(0.0, -left / RATE)
