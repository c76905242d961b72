"""Which idempotency keys may have been used before. Most are new, and a look at the disk for each would cost more than
its command.

Law of this file: pure. It never denies a key that was used. It may suspect one that wasn't, about one in 200.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable

#: Bits of a filter, a power of two. Three of them stand for a key.
BITS = 1 << 20
#: Keys in one filter. With more, too many new keys would be suspected.
MOST_KEYS = BITS // 16
#: Most filters, 128 KiB each: together they hold more keys than the node remembers (1,000,000). The oldest one goes.
MOST_FILTERS = 16
#: Bits of a number below BITS.
_DIGITS = BITS.bit_length() - 1


class UsedKeys:
    """Bloom filters of keys. As long as it isn't `complete`, it suspects every key."""

    def __init__(self) -> None:
        #: The keys of this run, newest filter last, and those that were on disk when it began.
        self._filters = collections.deque([bytearray(BITS // 8)])
        self._count = 0
        self._earlier = [bytearray(BITS // 8)]
        self._earlier_count = 0
        #: Whether all keys from before this run were added.
        self.complete = False

    def add(self, key: str) -> None:
        """A key is being used."""
        if self._count >= MOST_KEYS:
            self._filters.append(bytearray(BITS // 8))
            self._count = 0
            if len(self._filters) + len(self._earlier) > MOST_FILTERS:
                # Keys of an earlier run are older than all others.
                (self._earlier.pop(0) if self._earlier else self._filters.popleft())
        self._count += 1
        _set(self._filters[-1], key)

    def add_earlier(self, keys: Iterable[str]) -> None:
        """These keys were used before this run."""
        for key in keys:
            if self._earlier_count >= MOST_KEYS:
                self._earlier.append(bytearray(BITS // 8))
                self._earlier_count = 0
            self._earlier_count += 1
            _set(self._earlier[-1], key)

    def may_hold(self, key: str) -> bool:
        """Whether the key may have been used; False is certain."""
        if not self.complete:
            return True
        places = _places(key)
        return any(
            all(one[place >> 3] & (1 << (place & 7)) for place in places) for one in (*self._filters, *self._earlier)
        )


def _places(key: str) -> list[int]:
    """The bits that stand for a key.

    Python's hash of a text differs in each process, so nobody can make keys that fill a filter.
    """
    seed = hash(key)
    return [(seed >> shift) & (BITS - 1) for shift in (0, _DIGITS, 2 * _DIGITS)]


def _set(one: bytearray, key: str) -> None:
    for place in _places(key):
        one[place >> 3] |= 1 << (place & 7)
