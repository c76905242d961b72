"""When to try again: back-off with deterministic jitter, and the next time that anything is due. Pure."""

from __future__ import annotations

import heapq
import itertools
import zlib

from node.core.contact import Contact

#: Back-off between attempts: 1 s, doubled each time, at most a minute; up to a fifth more or less, so that many nodes
#: don't dial at the same moment.
FIRST_RETRY_MS = 1_000
LAST_RETRY_MS = 60_000


def backoff_ms(peer: str, attempt: int) -> int:
    """How long to wait after failed attempt number `attempt` (from 1). Between 0.8 and 1.2 of the doubled time."""
    base = min(LAST_RETRY_MS, FIRST_RETRY_MS << min(attempt - 1, 20))
    jitter = zlib.crc32(f"{peer}/{attempt}".encode()) % 401 - 200
    return base + base * jitter // 1000


class Retries:
    """The times at which contacts are due. `tries.next_at` of a contact holds; the heap only finds the soonest."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Contact]] = []
        self._count = itertools.count()

    def put(self, contact: Contact, at: int) -> None:
        """The contact is due at this time, and at no other."""
        contact.tries.next_at = at
        heapq.heappush(self._heap, (at, next(self._count), contact))

    def next_deadline(self) -> int | None:
        """When the first one is due."""
        heap = self._heap
        while heap and heap[0][2].tries.next_at != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now: int) -> list[Contact]:
        """All whose time has come, soonest first; none of them is due any more."""
        found = []
        while (at := self.next_deadline()) is not None and at <= now:
            contact = heapq.heappop(self._heap)[2]
            contact.tries.next_at = None
            found.append(contact)
        return found

    def shift(self, by: int) -> None:
        """The wall clock was set: what is left to wait stays the same."""
        left = [contact for at, _, contact in sorted(self._heap) if contact.tries.next_at == at]
        self._heap.clear()
        for contact in dict.fromkeys(left):
            assert contact.tries.next_at is not None
            self.put(contact, contact.tries.next_at + by)
