"""Fair queueing between sources: whoever has cost less is served first. Pure.

Each source has a virtual time, the sum of what its work has cost (in seconds of the node's time, but any unit does).
The next piece of work is taken from the source with the lowest one, so sources that always have work get equal shares,
however many connections and bytes each of them sends, and one that speaks now and then finds no queue before it. A
source that comes back starts at the present virtual time: nobody saves up time by being silent. (Start-time fair
queueing: Goyal, Vin and Cheng, SIGCOMM 1996.)

With many sources that always have work, their turns are far apart, and an honest one would wait for each step of each
text. So a source that has cost less than its share has a little credit: while that lasts it is "light", and served
before those that are not. It gets the credit anew when its share has caught up with what it has cost, which one that
always has work never sees. Of FRESH_RUN + 1 turns at least one is for the others, so that they never stand still.
(The new flows of fq_codel: RFC 8290, section 4.)
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

#: What a source may cost at once before those that always have work, in seconds: a short text with its connection.
CREDIT = 0.004
#: So many turns of light sources in a row, then one of the others.
FRESH_RUN = 8

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
        #: Light sources whose turn may come, in the order in which they came; how many had theirs in a row.
        self._fresh: collections.deque[str] = collections.deque()
        self._run = 0
        #: What is left of the credit of light sources.
        self._credit: dict[str, float] = {}
        #: Sources that may not be served at present.
        self._set_aside: list[str] = []
        #: The virtual time of each source that is ahead of the queue's own.
        self._spent: dict[str, float] = {}
        self._now = 0.0

    def __len__(self) -> int:
        """Sources that have work, also those set aside."""
        return len(self._work)

    def is_light(self, source: str) -> bool:
        """Whether a source has credit, so that it comes before those that have none."""
        return source in self._credit or self._spent.get(source, 0.0) <= self._now

    def put(self, source: str, work: Work) -> None:
        """Add work at the end of the source's own queue."""
        queue = self._work.get(source)
        if queue is None:
            self._work[source] = collections.deque((work,))
            if self._spent.get(source, 0.0) <= self._now:
                self._credit[source] = CREDIT
            self._in_turn(source)
        else:
            queue.append(work)

    def take(self, blocked: Callable[[str], bool]) -> tuple[str, Work] | None:
        """The next piece of work; None when there is none but of blocked sources, which are set aside until `again`."""
        if self._run < FRESH_RUN or not self._turns:
            taken = self._take_fresh(blocked) or self._take_other(blocked)
        else:
            taken = self._take_other(blocked) or self._take_fresh(blocked)
        return taken

    def _take_fresh(self, blocked: Callable[[str], bool]) -> tuple[str, Work] | None:
        while self._fresh:
            source = self._fresh.popleft()
            if source not in self._credit:
                # It was charged for something else meanwhile.
                self._in_turn(source)
            elif blocked(source):
                self._set_aside.append(source)
            else:
                self._run += 1
                return source, self._work[source].popleft()
        return None

    def _take_other(self, blocked: Callable[[str], bool]) -> tuple[str, Work] | None:
        while self._turns:
            start, _, source = heapq.heappop(self._turns)
            if blocked(source):
                self._set_aside.append(source)
                continue
            if self._spent.get(source, 0.0) > start:
                # It was charged for something else meanwhile.
                self._in_turn(source)
                continue
            self._run = 0
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
        left = self._credit.pop(source, 0.0) - cost
        if left > 0:
            self._credit[source] = left
        if len(self._spent) > MAX_IDLE:
            self._spent = {other: at for other, at in self._spent.items() if at > self._now}
            if len(self._spent) > MAX_IDLE:
                self._spent.clear()
            self._credit = {other: left for other, left in self._credit.items() if other in self._work}

    def again(self) -> bool:
        """Those set aside may be served again; returns whether there is anything to take."""
        aside, self._set_aside = self._set_aside, []
        for source in aside:
            self._in_turn(source)
        return bool(self._turns or self._fresh)

    def _in_turn(self, source: str) -> None:
        if source in self._credit:
            self._fresh.append(source)
            return
        start = max(self._spent.get(source, 0.0), self._now)
        heapq.heappush(self._turns, (start, next(self._count), source))
