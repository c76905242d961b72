"""Fair queueing between source addresses: whoever has cost less is served first. Pure.

Each source has a virtual time, the sum of what its work has cost (in seconds of the node's time, but any unit does).
The next piece of work is taken from the source with the lowest one, so sources that always have work get equal shares,
however many connections and bytes each of them sends, and one that speaks now and then finds no queue before it. A
source that comes back starts at the present virtual time: nobody saves up time by being silent. (Start-time fair
queueing: Goyal, Vin and Cheng, SIGCOMM 1996.)
"""

from __future__ import annotations

import collections
import heapq
import itertools
from collections.abc import Callable
from typing import Generic, TypeVar

#: What a source may at most be behind for its work of the past, in seconds: then it is served again in any case.
MAX_DEBT = 1.0
#: Sources whose debt is remembered while they have no work; beyond, those without one are forgotten, then all of them.
MAX_IDLE = 4096

Work = TypeVar("Work")


class FairQueue(Generic[Work]):
    """Work of many sources. The work of one source keeps its order.

    `take` gives a piece of work, and `done` must follow with its cost before the same source's next piece can be taken.
    """

    def __init__(self) -> None:
        self._work: dict[str, collections.deque[Work]] = {}
        #: Sources whose turn may come, by virtual time; the number keeps equal ones in order.
        self._turns: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        #: Sources that may not be served at present.
        self._set_aside: list[str] = []
        #: The virtual time of each source that is ahead of the queue's own.
        self._spent: dict[str, float] = {}
        self._now = 0.0

    def __len__(self) -> int:
        """Sources that have work, also those set aside."""
        return len(self._work)

    def put(self, source: str, work: Work) -> None:
        """Add work at the end of the source's own queue."""
        queue = self._work.get(source)
        if queue is None:
            self._work[source] = collections.deque((work,))
            self._in_turn(source)
        else:
            queue.append(work)

    def take(self, blocked: Callable[[str], bool]) -> tuple[str, Work] | None:
        """The next piece of work; None when there is none but of blocked sources, which are set aside until `again`."""
        while self._turns:
            start, _, source = heapq.heappop(self._turns)
            if blocked(source):
                self._set_aside.append(source)
                continue
            if self._spent.get(source, 0.0) > start:
                # It was charged for something else meanwhile.
                self._in_turn(source)
                continue
            self._now = max(self._now, start)
            return source, self._work[source].popleft()
        return None

    def done(self, source: str, cost: float) -> None:
        """The piece that was taken has cost so much."""
        self.charge(source, cost)
        if self._work[source]:
            self._in_turn(source)
        else:
            del self._work[source]

    def charge(self, source: str, cost: float) -> None:
        """Something of this source that didn't stand in the queue has cost so much."""
        spent = max(self._spent.get(source, 0.0), self._now) + cost
        if not self._work:
            # Nobody else had to wait for it.
            self._now = spent
        self._spent[source] = min(spent, self._now + MAX_DEBT)
        if len(self._spent) > MAX_IDLE:
            self._spent = {other: at for other, at in self._spent.items() if at > self._now}
            if len(self._spent) > MAX_IDLE:
                self._spent.clear()

    def again(self) -> bool:
        """Those set aside may be served again; returns whether there is anything to take."""
        for source in self._set_aside:
            self._in_turn(source)
        self._set_aside.clear()
        return bool(self._turns)

    def _in_turn(self, source: str) -> None:
        start = max(self._spent.get(source, 0.0), self._now)
        heapq.heappush(self._turns, (start, next(self._count), source))
