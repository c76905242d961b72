"""Whose turn it is: the node's time is shared out between sources, whatever each of them sends.

Setting a connection up and each piece that it sends is a turn of its source (fairness.py says whose is next). Turns are
short, and after a few of them the loop looks at everything else: commands, timers, whoever comes new. A source that
sends too many small texts (pace.py), or of which enough waits for the disk, has to wait.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Protocol

from node.peers.connection import READ_SIZE, Connection
from node.peers.fairness import FairQueue
from node.peers.pace import Pace
from node.protocol.plain.ancestor import LONG_READ

#: What one turn of a connection should cost at most, in seconds: it follows from how much is read for it.
TURN_GOAL = 0.002
#: The same while more than so many other sources wait: whoever says something now and then waits for a turn or two.
CROWD, CROWD_GOAL = 16, 0.0005
#: Bytes that are read for a turn at least: a text that comes in pieces as long as that is put together again.
MIN_READ = LONG_READ
#: How long turns may take before the loop looks at everything else, in seconds.
STINT = 0.004
#: After such turns of a crowd none of it has one for so long, in seconds. The thread that writes gets the time, and who
#: says something now and then finds nobody before him. It costs a crowd about half of what it could say.
REST = 0.004


class Disk(Protocol):
    """How much waits for the disk."""

    @property
    def owed(self) -> float:
        """What all that was heard so far takes the disk, in seconds: a source pays for that as well."""

    def full_for(self, source: str, light: bool) -> bool:
        """Whether so much waits that a source, light or not, has to wait."""


class Scheduler:
    """The turns of all sources. `go_on` must be called when a source that the disk was full for may be heard again."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._loop = asyncio.get_running_loop()
        self._queue: FairQueue[Callable[[], object]] = FairQueue()
        self._pace = Pace()
        #: Sources that sent too many small texts: they are heard again when their timer fires.
        self.slowed: dict[str, asyncio.TimerHandle] = {}
        self._turning = False
        #: Set while the crowd rests: the end of that.
        self._rest: asyncio.TimerHandle | None = None
        #: What was dealt with in this round of the loop without standing in the queue, in seconds.
        self._spent = 0.0
        #: What the turns of this stint will cost later, in seconds.
        self._owed = 0.0
        #: Nobody has a turn.
        self.paused = False

    def put(self, source: str, work: Callable[[], object], *, small: bool) -> None:
        """Something to do for a source when it has its turn; `small`: it is sure not to take long."""
        self._queue.put(source, work, small)
        self._turn_soon()

    def charge(self, source: str, seconds: float) -> None:
        """What a source's turn sets off costs so much later."""
        self._queue.charge(source, seconds)
        self._owed += seconds

    def came(self, connection: Connection) -> None:
        """Bytes of a connection wait. With nobody before it they are dealt with at once."""
        source, small = connection.source, connection.has_little
        if (
            self._queue
            or self.paused
            or self._spent > STINT
            or self._blocked(source, small and self._queue.has_credit(source))
        ):
            connection.wait()
            self.put(source, functools.partial(self._hear, connection), small=small)
            return
        if not self._spent:
            self._loop.call_soon(self._next_round)
        cost = self._hear(connection)
        self._spent += cost
        self._queue.charge(source, cost)

    def said_small(self, source: str, texts: int) -> None:
        """So many small texts of a source came."""
        wait = self._pace.spend(source, texts, self._loop.time())
        if wait:
            timer = self.slowed.get(source)
            if timer is not None:
                timer.cancel()
            self.slowed[source] = self._loop.call_later(wait, self._speed_up, source)

    def pause(self) -> None:
        """Listen to nobody until `resume`: what others send waits, nearly all of it at their end."""
        self.paused = True

    def resume(self) -> None:
        """Listen on."""
        self.paused = False
        self.go_on()

    def go_on(self) -> None:
        """Sources that had to wait may be heard again."""
        if self._queue.again():
            self._turn_soon()

    # -- inside

    def _hear(self, connection: Connection) -> float:
        """One turn of a connection; returns what it cost. The costlier it was, the less is read for its next one."""
        before, owed = time.thread_time(), self._disk.owed
        connection.read_on()
        cost = time.thread_time() - before
        disk = self._disk.owed - owed
        self._queue.charge(connection.source, disk)
        # While others wait, what it takes the disk holds them up too.
        others = len(self._queue) - 1
        whole = cost + disk if others > 0 else cost
        goal = CROWD_GOAL if others > CROWD else TURN_GOAL
        if whole > goal:
            connection.read_size = max(MIN_READ, connection.read_size // 2)
        elif whole < goal / 4:
            connection.read_size = min(READ_SIZE, connection.read_size * 2)
        return cost

    def _next_round(self) -> None:
        self._spent = 0.0

    def _blocked(self, source: str, light: bool) -> bool:
        return source in self.slowed or self._disk.full_for(source, light)

    def _speed_up(self, source: str) -> None:
        del self.slowed[source]
        self.go_on()

    def _turn_soon(self) -> None:
        if not self._turning and not self.paused:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Let sources have their turns, for one stint."""
        self._turning = False
        self._owed = 0.0
        until = time.perf_counter() + STINT
        while not self.paused:
            taken = self._queue.take(self._blocked, fresh_only=self._rest is not None)
            if taken is None:
                return
            source, work = taken
            # What a source pays for is the time of this process: when the system lets others run, it is not to blame.
            before = time.thread_time()
            try:
                work()
            finally:
                self._queue.done(source, time.thread_time() - before)
            if time.perf_counter() + self._owed > until:
                if len(self._queue) > CROWD and self._rest is None:
                    self._rest = self._loop.call_later(REST, self._rested)
                self._turn_soon()
                return

    def _rested(self) -> None:
        self._rest = None
        self._turn_soon()
