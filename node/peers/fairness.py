"""Fair queueing between sources: whoever has cost less is served first. Pure.

Each source has a virtual time, the sum of what its work has cost (in seconds of the node's time, but any unit does).
The next piece of work is taken from the source with the lowest one, so sources that always have work get equal shares,
however many connections and bytes each of them sends, and one that speaks now and then finds no queue before it. A
source that comes back starts at the present virtual time, less a little credit: nobody saves up more time by being
silent. (Start-time fair
queueing: Goyal, Vin and Cheng, SIGCOMM 1996.)

With many sources that always have work, their turns are far apart, and an honest one would wait for each step of each
text. So two things together put work in front: it is small, and its source has cost less than its share lately, so that
it has credit. One that always has work never has any. Of FRESH_RUN + 1 turns at least one is for the others, so that
they never stand still. (The new flows of fq_codel have a queue of their own as well: RFC 8290, section 4.)
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

#: The most that a source may be ahead of its share, in seconds: some short texts with their connections.
CREDIT = 0.004
#: So many turns of small work in a row, then one of the others.
FRESH_RUN = 8

Work = TypeVar("Work")


class FairQueue(Generic[Work]):
    """Work of many sources. The work of one source keeps its order.

    `take` gives a piece of work, and `done` must follow with its cost before the same source's next piece can be taken.
    """

    def __init__(self) -> None:
        #: Each piece, and whether it is small.
        self._work: dict[str, collections.deque[tuple[Work, bool]]] = {}
        #: Sources whose turn may come, by virtual time; the number keeps equal ones in order.
        self._turns: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        #: Sources with credit and small work, in the order in which it came; how many had their turn in a row.
        self._fresh: collections.deque[str] = collections.deque()
        self._run = 0
        #: Sources that may not be served at present.
        self._set_aside: list[str] = []
        #: The virtual time of each source, where it isn't far behind the queue's own.
        self._spent: dict[str, float] = {}
        self._now = 0.0

    def __len__(self) -> int:
        """Sources that have work, also those set aside."""
        return len(self._work)

    def has_credit(self, source: str) -> bool:
        """Whether a source has cost less than its share lately."""
        return source not in self._spent or self._spent[source] < self._now

    def put(self, source: str, work: Work, small: bool = False) -> None:
        """Add work at the end of the source's own queue."""
        queue = self._work.get(source)
        if queue is None:
            self._work[source] = collections.deque(((work, small),))
            self._in_turn(source)
        else:
            queue.append((work, small))

    def take(self, blocked: Callable[[str, bool], bool], *, fresh_only: bool = False) -> tuple[str, Work] | None:
        """The next piece of work; None when there is none but of blocked sources, which are set aside until `again`.

        `blocked` is told of a source, and whether its work comes first. `fresh_only`: of work that doesn't come first
        there is none either, for now.
        """
        if fresh_only:
            return self._take_fresh(blocked)
        if self._run < FRESH_RUN or not self._turns:
            return self._take_fresh(blocked) or self._take_other(blocked)
        return self._take_other(blocked) or self._take_fresh(blocked)

    def _take_fresh(self, blocked: Callable[[str, bool], bool]) -> tuple[str, Work] | None:
        while self._fresh:
            source = self._fresh.popleft()
            if not self.has_credit(source):
                # It was charged for something else meanwhile.
                self._in_turn(source)
            elif blocked(source, True):
                self._set_aside.append(source)
            else:
                self._run += 1
                return source, self._work[source].popleft()[0]
        return None

    def _take_other(self, blocked: Callable[[str, bool], bool]) -> tuple[str, Work] | None:
        while self._turns:
            start, _, source = heapq.heappop(self._turns)
            if blocked(source, False):
                self._set_aside.append(source)
                continue
            if self._spent.get(source, 0.0) > start:
                # It was charged for something else meanwhile.
                self._in_turn(source)
                continue
            self._run = 0
            self._now = max(self._now, start)
            return source, self._work[source].popleft()[0]
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
        least = self._now - CREDIT
        spent = max(self._spent.get(source, least), least) + cost
        if not self._work:
            # Nobody else had to wait for it.
            self._now = max(self._now, spent)
        self._spent[source] = min(spent, self._now + MAX_DEBT)
        if len(self._spent) > MAX_IDLE:
            self._spent = {other: at for other, at in self._spent.items() if at > self._now}
            if len(self._spent) > MAX_IDLE:
                self._spent.clear()

    def again(self) -> bool:
        """Those set aside may be served again; returns whether there is anything to take."""
        aside, self._set_aside = self._set_aside, []
        for source in aside:
            self._in_turn(source)
        return bool(self._turns or self._fresh)

    def _in_turn(self, source: str) -> None:
        if self._work[source][0][1] and self.has_credit(source):
            self._fresh.append(source)
            return
        start = max(self._spent.get(source, 0.0), self._now)
        heapq.heappush(self._turns, (start, next(self._count), source))
