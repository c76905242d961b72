"""The bound on frames that strangers have begun and not finished: each may hold a megabyte of memory for as long as it
likes, and counts for no quota before it is complete.
"""

from __future__ import annotations

#: Most bytes of unfinished frames of all strangers together. Beyond, the link with the largest one ends.
MAX_UNFINISHED = 64 * 1024 * 1024
#: Smaller beginnings aren't counted: what any connection may hold.
SMALL = 16 * 1024


class Unfinished:
    """The unfinished frames of strangers' links, by the connection's number."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._total = 0

    def note(self, number: int, size: int) -> int | None:
        """A connection holds so many bytes of a frame now. Returns the number of one that has to end; None: none."""
        self._total -= self._sizes.pop(number, 0)
        if size <= SMALL:
            return None
        self._sizes[number] = size
        self._total += size
        if self._total <= MAX_UNFINISHED:
            return None
        return max(self._sizes, key=self._sizes.__getitem__)
