"""Fair queueing between sources: the source that has cost least is served first. Pure.

Each source has a virtual time, the sum of its work's cost (in seconds of the node's time, but any unit does). The next
piece of work comes from the source with the lowest virtual time. So busy sources get equal shares, however many
connections and bytes each of them sends, and a quiet source finds no queue before it. A source that comes back starts
at the present virtual time, less a little credit, so nobody saves up more time by being silent. (Start-time fair
queueing: Goyal, Vin and Cheng, SIGCOMM 1996.)

With many busy sources, the turns of each are far apart, and a quiet one would wait that long for each step of each
text. So work goes to the front of the queue if it is small and its source has credit, that is, has cost less than its
share lately. A busy source never has credit. Of FRESH_RUN + 1 turns at least one is for the other sources, so that
they make progress. (The new flows of fq_codel have a queue of their own as well: RFC 8290, section 4.)
"""

from __future__ import annotations

import collections
import heapq
import itertools
from collections.abc import Callable
from typing import Generic, TypeVar

#: Largest debt of a source for its past work, in seconds; with more debt it would wait too long.
MAX_DEBT = 1.0
#: Most idle sources whose virtual time is kept. Beyond, those without debt are forgotten, and then all of them.
MAX_IDLE = 4096

#: Largest credit of a source, in seconds: enough for some short texts with their connections.
CREDIT = 0.004
#: Turns of small work in a row before one turn of other work.
FRESH_RUN = 8

Work = TypeVar("Work")


class FairQueue(Generic[Work]):
    """Work of many sources. The work of one source keeps its order.

    `take` returns a piece of work. `done` must follow with its cost before the next piece of that source can be taken.
    """

    def __init__(self) -> None:
        #: Each source's pieces of work, with whether each is small.
        self._work: dict[str, collections.deque[tuple[Work, bool]]] = {}
        #: Heap of sources to serve, by virtual time; the number breaks ties in order of arrival.
        self._turns: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        #: Sources with credit and small work, in order of arrival; and the number of such turns in a row.
        self._fresh: collections.deque[str] = collections.deque()
        self._run = 0
        #: Blocked sources, set aside until `again`.
        self._set_aside: list[str] = []
        #: The virtual time of each source, unless it is far behind the queue's own.
        self._spent: dict[str, float] = {}
        self._now = 0.0

    def __len__(self) -> int:
        """Number of sources that have work, with those set aside."""
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
        """The next source and its piece of work; None when only blocked sources have any.

        `blocked` is called with a source and whether its work is at the front; if it returns True, the source is set
        aside until `again`. `fresh_only`: take only work at the front.
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
        """The piece that was taken has cost `cost`."""
        self.charge(source, cost)
        if self._work[source]:
            self._in_turn(source)
        else:
            del self._work[source]

    def charge(self, source: str, cost: float) -> None:
        """Add a cost to the source's virtual time; also for work that wasn't in the queue."""
        least = self._now - CREDIT
        spent = max(self._spent.get(source, least), least) + cost
        if not self._work:
            # The queue is empty: nobody had to wait, so the queue's time moves along and no debt is left.
            self._now = max(self._now, spent)
        self._spent[source] = min(spent, self._now + MAX_DEBT)
        if len(self._spent) > MAX_IDLE:
            self._spent = {other: at for other, at in self._spent.items() if at > self._now}
            if len(self._spent) > MAX_IDLE:
                self._spent.clear()

    def again(self) -> bool:
        """Put the blocked sources back; returns whether there is any work to take."""
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
