"""The scheduler: shares the node's time between sources, whatever each of them sends.

Setting up a connection is a turn of its source, and so is processing each piece that it sends; fairness.py says whose
turn is next. A little that comes over an encrypted link with somebody known goes before all of them, up to half of the
time: so whoever makes new connections without end, from however many addresses, costs friends little. Turns are short,
and after a few of them the event loop does everything else: commands, timers, new connections. A source has to wait if
it sends too many small texts (pace.py), or if enough of it waits for the disk.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from node.peers import pace
from node.peers.connection import Connection
from node.peers.fairness import FairQueue
from node.protocol.plain.ancestor import LONG_READ

Result = TypeVar("Result")

#: Target cost of a connection's turn, in seconds; the size of its reads is adapted to it.
TURN_GOAL = 0.002
#: The number of waiting sources beyond which the target is smaller, and that target: a quiet source has to wait for a
#: turn or two of others.
CROWD, CROWD_GOAL = 16, 0.0005
#: Smallest read for a turn, in bytes. A text that arrives in pieces of this size is still put together again.
MIN_READ = LONG_READ
#: How long turns may take in a row (a stint) before the event loop does everything else, in seconds.
STINT = 0.004
#: Pause after a stint of a crowd, in seconds. It gives time to the thread that writes, and lets a quiet source go
#: first. It costs the crowd about half of its throughput.
REST = 0.004


class Disk(Protocol):
    """The load on the disk."""

    @property
    def owed(self) -> float:
        """Disk time of everything received so far, in seconds; sources are charged for it, too."""

    def full_for(self, source: str, light: bool) -> bool:
        """Whether so much waits for the disk that this source has to wait. `light`: it says little."""


class Scheduler:
    """The turns of all sources. Call `go_on` when sources that waited for the disk may be read from again."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._loop = asyncio.get_running_loop()
        self._queue: FairQueue[Callable[[], object]] = FairQueue()
        self._pace = pace.Pace(pace.BURST, pace.RATE)
        #: Sources over the rate limit, each with the timer that ends its wait.
        self.slowed: dict[str, asyncio.TimerHandle] = {}
        self._turning = False
        #: While the crowd pauses: the timer that ends the pause.
        self._rest: asyncio.TimerHandle | None = None
        #: Time spent in this round of the loop on work that skipped the queue, in seconds.
        self._spent = 0.0
        #: Later cost of this stint's turns, in seconds.
        self._owed = 0.0
        #: Whether no source gets a turn.
        self.paused = False

    def put(self, source: str, work: Callable[[], object], *, small: bool) -> None:
        """Queue work of a source. `small`: it certainly doesn't take long."""
        self._queue.put(source, work, small)
        self._turn_soon()

    def charge(self, source: str, seconds: float) -> None:
        """Charge a source for later work that its turn causes, in seconds."""
        self._queue.charge(source, seconds)
        self._owed += seconds

    def spend(self, source: str, work: Callable[[], Result]) -> Result:
        """Do work within a turn of a source that brings something for the disk, and charge the source for that."""
        before = self._disk.owed
        try:
            return work()
        finally:
            self._queue.charge(source, self._disk.owed - before)

    def came(self, connection: Connection, *, known: bool = False) -> None:
        """Bytes of a connection wait. If no other source waits, they are processed at once.

        So is a little of an encrypted link with somebody `known`, whoever waits: for a stint of each round of the loop.
        """
        source, small = connection.source, connection.has_little
        first = known and small
        light = small and (first or self._queue.has_credit(source))
        if (self._queue and not first) or self.paused or self._spent > STINT or self._blocked(source, light):
            connection.wait()
            self.put(source, functools.partial(self._hear, connection), small=small)
            return
        if not self._spent:
            self._loop.call_soon(self._next_round)
        cost = self._hear(connection)
        self._spent += cost
        self._queue.charge(source, cost)

    def said_small(self, source: str, texts: int) -> None:
        """Count small texts of a source against its rate limit."""
        wait = self._pace.spend(source, texts, self._loop.time())
        if wait:
            timer = self.slowed.get(source)
            if timer is not None:
                timer.cancel()
            self.slowed[source] = self._loop.call_later(wait, self._speed_up, source)

    def pause(self) -> None:
        """Give nobody a turn until `resume`. Flow control keeps nearly all bytes at the senders."""
        self.paused = True

    def resume(self) -> None:
        """Listen on."""
        self.paused = False
        self.go_on()

    def go_on(self) -> None:
        """Sources that had to wait for the disk may get turns again."""
        if self._queue.again():
            self._turn_soon()

    # -- inside

    def _hear(self, connection: Connection) -> float:
        """Give a connection its turn; returns the cost. The costlier the turn, the smaller the next read."""
        before, owed = time.thread_time(), self._disk.owed
        connection.read_on()
        cost = time.thread_time() - before
        disk = self._disk.owed - owed
        self._queue.charge(connection.source, disk)
        # While other sources wait, the disk time of this one delays them, too.
        others = len(self._queue) - 1
        whole = cost + disk if others > 0 else cost
        goal = CROWD_GOAL if others > CROWD else TURN_GOAL
        if whole > goal:
            connection.read_size = max(MIN_READ, connection.read_size // 2)
        elif whole < goal / 4:
            connection.read_size = min(connection.most, connection.read_size * 2)
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
            # Charge the time of this process only: a source isn't to blame when the system runs other processes.
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
