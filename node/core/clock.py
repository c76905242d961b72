"""The hybrid logical clock, so that all nodes show one order. (Kulkarni et al., "Logical Physical Clocks", 2014)

A value is milliseconds since 1970 times 65,536, plus a counter for what happens within one millisecond.
"""

from __future__ import annotations

COUNTER_BITS = 16
#: Clocks from here on (the year 4199) are wrong, whoever has them: nobody follows them.
FAR = 1 << 62


class Clock:
    """This node's clock. `last` is the highest value given out before."""

    def __init__(self, last: int = 0) -> None:
        self.last = last
        #: What entries are dated by, beyond this machine's clock, in ms: other nodes have shown that it is wrong.
        self.correction = 0
        self._written = 0

    def next(self, now_ms: int) -> int:
        """A value above all before it, for what is told to nobody by its clock."""
        wall = now_ms << COUNTER_BITS
        self.last = wall if wall > self.last else self.last + 1
        return self.last

    def written(self, now_ms: int) -> int:
        """A value for an entry of ours, above that of the entry before it in this run."""
        wall = max(0, now_ms + self.correction) << COUNTER_BITS
        self._written = wall if wall > self._written else self._written + 1
        return self._written


def order_text(clock: int, tie: bytes = b"") -> str:
    """A value as text that sorts like the number: 16 hexadecimal digits, and those of what tells equal ones apart."""
    return f"{clock:016x}{tie.hex()}"


def wall_ms(clock: int) -> int:
    """The milliseconds since 1970 in a value."""
    return clock >> COUNTER_BITS
