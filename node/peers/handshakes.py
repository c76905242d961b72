"""The bounds on handshakes that others begin: each costs this node two signatures before it knows who is there.

So many are under way at once, in all and with one source, and so many begin a second, because somebody new costs the
disk some writes, too. Beyond that rate of all, only sources may begin one that haven't for a while. When all places are
taken, a source that has few gets one of those who have most, or of one that stands still. So whoever begins handshakes
without end, from however many addresses, keeps nobody else out. Those that this node begins don't count. How long one
may take, the link says (protocol/secure).
"""

from __future__ import annotations

import collections
import logging
import time
from collections.abc import Callable

from node.peers.pace import Pace

log = logging.getLogger("snicher.peers")

#: Most handshakes at once, in all and with one source. Further connections that want one are answered and closed.
MAX_HANDSHAKES, MAX_OF_SOURCE = 64, 8
#: How many a source may begin at once after a pause, and how many a second. Beyond, they are answered and closed, too.
BURST, RATE = 64, 4
#: The same for all sources together; and for how long a source must have begun none to begin one all the same, in
#: seconds.
ALL_BURST, ALL_RATE, REST = 64, 8, 10.0
#: Most sources of which that is remembered; beyond, the one that began its last one first is forgotten.
MAX_SOURCES = 10_000
#: When all places are taken, one whose source has no more than others gives way after this time, in seconds. On a local
#: network a handshake takes some milliseconds.
STANDS_STILL = 0.5
#: Shortest time between two log lines about that, in seconds.
SAID = 60.0


class Handshakes:
    """The handshakes that others began and that aren't over. `break_off` ends one that gives way, by its number."""

    def __init__(
        self, break_off: Callable[[int], None] = lambda number: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._break_off = break_off
        self._clock = clock
        #: The source of each and when it began, by the connection's number, the oldest first.
        self._under_way: dict[int, tuple[str, float]] = {}
        self._of_source: collections.Counter[str] = collections.Counter()
        self._pace, self._all = Pace(BURST, RATE), Pace(ALL_BURST, ALL_RATE)
        #: When each source began its last one, the longest ago first.
        self._last: collections.OrderedDict[str, float] = collections.OrderedDict()
        #: Number of connections that were refused one, or had to give way, since the start.
        self.refused = 0
        self._say_at = 0.0

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, number: int, source: str) -> bool:
        """Whether a connection may begin one; if so, it counts until `over`."""
        now = self._clock()
        if self._of_source[source] >= MAX_OF_SOURCE or not self._make_room(source, now):
            return self._refuse(source, "too many others begin one")
        if not self._in_pace(source, now):
            return self._refuse(source, "too many were begun")
        self._under_way[number] = source, now
        self._of_source[source] += 1
        return True

    def over(self, number: int) -> None:
        """The handshake of a connection is over, if it had begun one: it is complete, or the connection ends."""
        source, _ = self._under_way.pop(number, (None, 0.0))
        if source is not None:
            self._of_source[source] -= 1
            self._forget(source)

    def _in_pace(self, source: str, now: float) -> bool:
        """Whether a source may begin one as to the rates; if so, it is counted."""
        if not self._pace.take(source, now):
            return False
        rested = now - self._last.get(source, -REST) >= REST
        if not self._all.take("", now) and not rested:
            return False
        self._last[source] = now
        self._last.move_to_end(source)
        if len(self._last) > MAX_SOURCES:
            self._last.popitem(last=False)
        return True

    def _make_room(self, source: str, now: float) -> bool:
        """Have one give way for a source if all places are taken; returns whether there is one now."""
        if len(self._under_way) < MAX_HANDSHAKES:
            return True
        most = max(self._of_source.values(), default=0)
        for number, (other, began) in self._under_way.items():
            several = most > self._of_source[source] + 1 and self._of_source[other] == most
            if several or (now - began >= STANDS_STILL and self._of_source[other] > self._of_source[source]):
                self.over(number)
                self.refused += 1
                self._break_off(number)
                return True
        return False

    def _forget(self, source: str) -> None:
        if not self._of_source[source]:
            del self._of_source[source]

    def _refuse(self, source: str, why: str) -> bool:
        self.refused += 1
        self._forget(source)
        now = self._clock()
        if now >= self._say_at:
            self._say_at = now + SAID
            log.warning("%s wants an encrypted link while %s; it is refused", source, why)
        return False
