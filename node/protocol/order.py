"""Accept order: one-shot connections of one source address are delivered in the order of their acceptance. Pure.

A sender with one connection for each message opens them in order, but they may end in another order. A connection holds
back those accepted after it until it is complete, turns out to be persistent, or has been silent for too long. A
persistent connection has no place in the order, because its client says everything over it.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Generic, TypeVar

#: Longest time that a silent connection holds others back, in seconds.
HOLD_BACK = 0.4
#: Most connections of one source in the queue. Beyond, the oldest holds nobody back any more.
MAX_WAITING = 1024
#: Most items of one connection that are held back. With more, the connections before it hold nobody back any more.
MAX_HELD = 256

Item = TypeVar("Item")


class _Slot(Generic[Item]):
    __slots__ = ("done", "items", "link", "since")

    def __init__(self, link: int, since: float) -> None:
        self.link = link
        self.since = since
        self.items: list[Item] = []
        self.done = False


class AcceptOrder(Generic[Item]):
    """The queues of all sources. Each method returns the items that may be delivered now, in order."""

    def __init__(self) -> None:
        self._queues: dict[str, collections.deque[_Slot[Item]]] = {}
        self._slots: dict[int, tuple[str, _Slot[Item]]] = {}
        #: The connections that hold others back, the next to expire first.
        self._open: collections.OrderedDict[int, _Slot[Item]] = collections.OrderedDict()

    def accepted(self, source: str, link: int, now: float) -> list[Item]:
        """Give a new connection its place in the queue."""
        queue = self._queues.setdefault(source, collections.deque())
        slot: _Slot[Item] = _Slot(link, now)
        queue.append(slot)
        self._slots[link] = (source, slot)
        self._open[link] = slot
        if len(queue) > MAX_WAITING:
            self._let_by(queue[0])
        return self._flush(source)

    def holds_back(self, source: str) -> bool:
        """Whether connections of this source have places."""
        return source in self._queues

    def said(self, link: int, items: list[Item]) -> list[Item]:
        """Add what a connection said. A connection that has no place (any more) isn't held back."""
        place = self._slots.get(link)
        if place is None:
            return items
        source, slot = place
        slot.items.extend(items)
        if len(slot.items) > MAX_HELD:
            for before in self._queues[source]:
                if before is slot:
                    break
                self._let_by(before)
        return self._flush(source)

    def finished(self, link: int) -> list[Item]:
        """Mark a connection as complete: it holds nobody back any more."""
        place = self._slots.get(link)
        if place is None:
            return []
        self._let_by(place[1])
        return self._flush(place[0])

    def persistent(self, link: int) -> list[Item]:
        """Remove a connection that turned out to be persistent: it holds nobody back, and nobody holds it back."""
        place = self._slots.pop(link, None)
        if place is None:
            return []
        source, slot = place
        self._open.pop(link, None)
        self._queues[source].remove(slot)
        return slot.items + self._flush(source)

    def next_deadline(self) -> float | None:
        """When to call `expire`, in seconds. None: nobody holds others back."""
        return next(iter(self._open.values())).since + HOLD_BACK if self._open else None

    def expire(self, now: float, waits: Callable[[int], bool] = lambda link: False) -> list[Item]:
        """Release what was held back for too long.

        `waits` says whether bytes of a connection still wait to be processed; such a connection isn't silent.
        """
        sources: dict[str, None] = {}
        while self._open:
            link, slot = next(iter(self._open.items()))
            if slot.since + HOLD_BACK > now:
                break
            if waits(link):
                slot.since = now
                self._open.move_to_end(link)
            else:
                self._let_by(slot)
                sources[self._slots[link][0]] = None
        return [item for source in sources for item in self._flush(source)]

    def _let_by(self, slot: _Slot[Item]) -> None:
        """Let the others go ahead: this connection holds nobody back any more."""
        slot.done = True
        self._open.pop(slot.link, None)

    def _flush(self, source: str) -> list[Item]:
        """Release the items of complete connections at the front, and those of the first incomplete one so far."""
        queue = self._queues.get(source)
        released: list[Item] = []
        while queue:
            slot = queue[0]
            released.extend(slot.items)
            slot.items = []
            if not slot.done:
                return released
            queue.popleft()
            self._slots.pop(slot.link, None)
        self._queues.pop(source, None)
        return released
