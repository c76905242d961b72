"""How much one source (node/model.py) may store here in a day, so that nobody fills the disk. Pure.

Counted are the bytes that came over its connections, and MESSAGE_COST for each thing said. When the quota is met, its
connections are closed and new ones refused until its day is over; nobody else notices. What was said up to
then is kept. Counts are in memory: a restart begins them anew, but whoever is shut out stays so.
"""

from __future__ import annotations

import collections

from node.bus import events as ev
from node.core import effects as e
from node.core.ledger import Ledger
from node.model import source_of

#: A source's day begins with the first thing it says.
DAY_MS = 24 * 3600 * 1000
#: Bytes a source may cost in a day, unless the configuration says otherwise.
DEFAULT_QUOTA = 200_000_000
#: What a message costs on disk beside its text: its rows, its event, its place in the indexes.
MESSAGE_COST = 300
#: Sources that are counted, and sources that are shut out; beyond, the one whose day began first is forgotten.
MAX_SOURCES = 10_000


class Quotas:
    """What each source has cost in its day. A quota of 0: there is none."""

    def __init__(self, ledger: Ledger, quota: int, shut_out: dict[str, int]) -> None:
        self._ledger = ledger
        self._quota = quota
        #: Until when each source is shut out (ms).
        self.shut_out = dict(shut_out)
        #: When each source's day began, and what it has cost since.
        self._days: collections.OrderedDict[str, tuple[int, int]] = collections.OrderedDict()

    def start(self) -> None:
        """A new run: whoever was shut out stays so."""
        now = self._ledger.now
        # Nobody is shut out for longer than a day: a longer time is left from a clock that was ahead.
        self.shut_out = {source: until for source, until in self.shut_out.items() if now < until <= now + DAY_MS}
        for source, until in self.shut_out.items():
            self._ledger.put(e.ShutOut(source, until - now))

    def is_shut_out(self, host: str) -> bool:
        """Whether nothing that this address says counts any more."""
        return self._ledger.now < self.shut_out.get(source_of(host), 0) <= self._ledger.now + DAY_MS

    def count(self, host: str, size: int, said: int) -> None:
        """So many things said in so many bytes cost an address's source; at the quota it is shut out."""
        if not self._quota:
            return
        source, now = source_of(host), self._ledger.now
        began, cost = self._days.get(source) or (now, 0)
        if not 0 <= now - began < DAY_MS:
            self._days.pop(source, None)
            began, cost = now, 0
        cost += size + MESSAGE_COST * said
        self._days[source] = began, cost
        if len(self._days) > MAX_SOURCES:
            self._days.popitem(last=False)
        if cost >= self._quota:
            self._shut_out(source, cost, began + DAY_MS)

    def _shut_out(self, source: str, cost: int, until: int) -> None:
        now = self._ledger.now
        del self._days[source]
        self.shut_out = {other: at for other, at in self.shut_out.items() if at > now}
        if len(self.shut_out) >= MAX_SOURCES:
            del self.shut_out[min(self.shut_out, key=self.shut_out.__getitem__)]
        self.shut_out[source] = until
        self._ledger.put(e.PutShutOut(dict(self.shut_out)))
        self._ledger.log(ev.QuotaReached(host=source, bytes=cost, until=until))
        self._ledger.put(e.ShutOut(source, until - now))
