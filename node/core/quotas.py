"""The quota: how much one source (node/model.py) may store here in a day, so that nobody fills the disk. Pure.

A source is charged for the bytes received over its connections, and MESSAGE_COST for each message; for a link of an
unknown node, too. At the quota, its connections are closed and new ones refused until its day is over. Other sources
aren't affected. Messages received before are kept. Counts are in memory, so a restart resets them, but a source that is
shut out stays so.

An unknown node is a source of its own besides, by its PeerId, so that many addresses are of no use to it.
"""

from __future__ import annotations

import collections

from node.bus import events as ev
from node.core import effects as e
from node.core.ledger import Ledger
from node.model import source_of

#: A source's day begins with the first thing it says.
DAY_MS = 24 * 3600 * 1000
#: Default quota, in bytes a day.
DEFAULT_QUOTA = 200_000_000
#: Bytes that a message costs on disk besides its text: its rows, its event, its index entries.
MESSAGE_COST = 300
#: What the node of a source that is shut out is told, where it can hear it.
USED_UP = (
    "As much came from your address as unknown people may store here in a day. Nothing more is taken until that day is"
    " over."
)
#: An encrypted link of an unknown node counts as so many messages: that it comes and goes are events, too.
LINK_SAID = 4
#: Most sources counted, and most sources shut out; beyond, the one whose day began first is forgotten.
MAX_SOURCES = 10_000


class Quotas:
    """The cost of each source in its day. `quota` is in bytes; 0: there is none."""

    def __init__(self, ledger: Ledger, quota: int, shut_out: dict[str, int]) -> None:
        self._ledger = ledger
        self._quota = quota
        #: Sources shut out, each with the end of that (ms).
        self.shut_out = dict(shut_out)
        #: Each source's begin of its day (ms), and its cost since, in bytes.
        self._days: collections.OrderedDict[str, tuple[int, int]] = collections.OrderedDict()

    def start(self) -> None:
        """A new run begins: shut out again the sources that were shut out."""
        now = self._ledger.now
        # Nobody is shut out for longer than a day. A longer time comes from a clock that was ahead.
        self.shut_out = {source: until for source, until in self.shut_out.items() if now < until <= now + DAY_MS}
        for source, until in self.shut_out.items():
            self._ledger.put(e.ShutOut(source, until - now))

    def is_shut_out(self, host: str) -> bool:
        """Whether this address is shut out, so that its messages are ignored."""
        return self._ledger.now < self.shut_out.get(source_of(host), 0) <= self._ledger.now + DAY_MS

    def count(self, host: str, size: int, said: int) -> None:
        """Charge an address's source for `said` messages in `size` bytes; at the quota, shut it out."""
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
