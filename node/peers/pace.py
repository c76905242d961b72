"""Rate limits of one source: a token bucket for each. Pure.

One is for small texts. Each text costs a row on the disk, however short it is: 64 KiB of one-character texts would be
65,536 rows. So texts with fewer than SMALL characters are counted for each source. A source over the limit of RATE a
second, after a burst, isn't read from until it is within the limit again. Nothing is dropped: its bytes wait in the
network, where texts without framing may be joined. Longer texts are bounded by the quota per day (node/core/quotas.py).
The other one is for handshakes (handshakes.py).
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
    """A bucket of `burst` for each source, filled with `rate` a second."""

    def __init__(self, burst: int, rate: int) -> None:
        self._burst = burst
        self._rate = rate
        #: Each source's tokens, and the time of that count.
        self._left: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()

    def spend(self, source: str, count: int, now: float) -> float:
        """Charge a source for `count` pieces; returns for how many seconds nothing more of it must be taken."""
        left = self._there(source, now) - count
        self._put(source, left, now)
        return max(0.0, -left / self._rate)

    def take(self, source: str, now: float) -> bool:
        """Charge a source for one piece, if its bucket holds one; returns whether it did."""
        left = self._there(source, now)
        self._put(source, left - 1 if left >= 1 else left, now)
        return left >= 1

    def _there(self, source: str, now: float) -> float:
        left, at = self._left.pop(source, (float(self._burst), now))
        return min(self._burst, left + (now - at) * self._rate)

    def _put(self, source: str, left: float, now: float) -> None:
        self._left[source] = left, now
        if len(self._left) > MAX_SOURCES:
            self._left.popitem(last=False)
