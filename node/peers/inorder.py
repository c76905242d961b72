"""Feeds what accepted connections say, in the order of their acceptance (protocol/order.py has the rules)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from node.core import stimuli as s
from node.peers.connection import LATE
from node.protocol.order import AcceptOrder

#: How often in a row texts held back by the accept order wait once more because the loop was busy at their deadline.
MAX_LATE = 10


class InOrder:
    """The accept order, with the loop's clock and one timer.

    `feed` takes what may be told now. `paused` says whether nothing is read at present, and `waits` whether received
    bytes of a connection wait to be processed.
    """

    def __init__(
        self, feed: Callable[[s.Stimulus], None], paused: Callable[[], bool], waits: Callable[[int], bool]
    ) -> None:
        self._feed = feed
        self._paused = paused
        self._waits = waits
        self._loop = asyncio.get_running_loop()
        self._order: AcceptOrder[s.Stimulus] = AcceptOrder()
        self._timer: asyncio.TimerHandle | None = None

    def accepted(self, host: str, number: int) -> None:
        """A connection was accepted: it gets its place."""
        self._release(self._order.accepted(host, number, self._loop.time()))

    def holds_back(self, host: str) -> bool:
        """Whether connections from this address have places."""
        return self._order.holds_back(host)

    def persistent(self, number: int) -> None:
        """A connection turned out to be persistent: it holds nobody back, and nobody holds it back."""
        self._release(self._order.persistent(number))

    def said(self, number: int, stimuli: Iterable[s.Stimulus]) -> None:
        """Something was said over a connection."""
        self._release(self._order.said(number, list(stimuli)))

    def finished(self, number: int) -> None:
        """A connection says nothing more."""
        self._release(self._order.finished(number))

    # -- inside

    def _release(self, stimuli: list[s.Stimulus]) -> None:
        for stimulus in stimuli:
            self._feed(stimulus)
        at = self._order.next_deadline()
        if at is not None and self._timer is None:
            self._timer = self._loop.call_at(at, self._expire, at, 0)

    def _expire(self, at: float, times_late: int) -> None:
        now = self._loop.time()
        paused = self._paused()
        if paused or (times_late < MAX_LATE and now > at + LATE):
            # Reading was paused or the loop was busy, so the text that the others wait for may already be in its
            # socket: read first.
            times_late = 0 if paused else times_late + 1
            self._timer = self._loop.call_at(now + LATE, self._expire, now + LATE, times_late)
            return
        self._timer = None
        self._release(self._order.expire(now, self._waits))
