"""The positions that followers report. (BUS.md section 4)

Law of this file: pure. Reports are kept in memory only, bounded, and forgotten soon unless they are repeated.
"""

from __future__ import annotations

from node.bus import bounds, nouns
from node.bus import requests as rq


class Reports:
    """The last report of each follower: at most MAX_REPORTS, each for REPORT_LIFETIME_MS. Times are milliseconds."""

    def __init__(self) -> None:
        #: (client, follower) -> (event, time), the oldest report first.
        self._last: dict[tuple[str, str], tuple[int, int]] = {}

    def take(self, client: str, report: rq.ReportArgs, now: int) -> None:
        """A follower has dealt with all events up to `report.seq`."""
        key = client, report.follower[: bounds.MAX_ID_CHARS]
        self._last.pop(key, None)
        self._last[key] = max(0, report.seq), now
        if len(self._last) > bounds.MAX_REPORTS:
            del self._last[next(iter(self._last))]

    def subscribers(self, head: int, now: int) -> list[nouns.Subscriber]:
        """The followers that reported lately, by name."""
        for key, (_, at) in list(self._last.items()):
            if now - at >= bounds.REPORT_LIFETIME_MS:
                del self._last[key]
        return [
            nouns.Subscriber(client=client, seq=seq, lag=max(0, head - seq), at=at)
            for (client, _), (seq, at) in sorted(self._last.items())
        ]
