"""Retry times: exponential backoff with deterministic jitter, and the next deadline. Pure."""

from __future__ import annotations

import heapq
import itertools
import zlib

from node.core.contact import Contact

#: Backoff between attempts: 1 s, doubled each time, at most a minute. The jitter is up to a fifth more or less, so that
#: many nodes don't dial at the same moment.
FIRST_RETRY_MS = 1_000
LAST_RETRY_MS = 60_000
#: The first attempts at a node come quicker, because it may have been started anew: so many, so far apart (ms).
QUICK_RETRIES, QUICK_RETRY_MS = 4, 250
#: The longest backoff (ms) of a node. With jitter, the dial and both handshakes, everything is on its way within a
#: minute after a network works again, however long it didn't.
LAST_NODE_RETRY_MS = 30_000


def backoff_ms(peer: str, attempt: int, *, node: bool = False, me: str = "") -> int:
    """Backoff (ms) after failed attempt number `attempt` (from 1): 0.8 to 1.2 of the doubled time.

    The jitter follows from a hash of who dials whom: many nodes that lost one peer at the same moment don't come back
    to it at the same moment, and the same stimuli still give the same effects.
    """
    last = LAST_RETRY_MS
    if node:
        attempt -= QUICK_RETRIES
        last = LAST_NODE_RETRY_MS
    base = QUICK_RETRY_MS if attempt < 1 else min(last, FIRST_RETRY_MS << min(attempt - 1, 20))
    jitter = zlib.crc32(f"{me}/{peer}/{attempt}".encode()) % 401 - 200
    return base + base * jitter // 1000


class Retries:
    """Retry times of all contacts. `tries.next_at` of each is authoritative; the heap only finds the soonest."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Contact]] = []
        self._count = itertools.count()

    def put(self, contact: Contact, at: int) -> None:
        """Schedule the next retry of a contact at this time (ms), in place of an earlier schedule."""
        contact.tries.next_at = at
        heapq.heappush(self._heap, (at, next(self._count), contact))

    def next_deadline(self) -> int | None:
        """The time (ms) of the soonest retry. None: none is scheduled."""
        heap = self._heap
        while heap and heap[0][2].tries.next_at != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now: int) -> list[Contact]:
        """Take the contacts whose time has come, soonest first, off the schedule."""
        found = []
        while (at := self.next_deadline()) is not None and at <= now:
            contact = heapq.heappop(self._heap)[2]
            contact.tries.next_at = None
            found.append(contact)
        return found

    def shift(self, by: int) -> None:
        """The wall clock was set by `by` ms: shift all times, so that the remaining waits stay the same."""
        left = [contact for at, _, contact in sorted(self._heap) if contact.tries.next_at == at]
        self._heap.clear()
        for contact in dict.fromkeys(left):
            assert contact.tries.next_at is not None
            self.put(contact, contact.tries.next_at + by)
