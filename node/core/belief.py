"""Whether this machine's clock can be believed. Pure.

Expiry deletes by the clock, for good: a clock that is a year ahead at one start would delete all messages. So the node
stores the last time that it believed. A clock that is implausibly far ahead of that is doubted, and nothing expires by
it, until it comes back or a person confirms it. Neither new messages under a doubted clock nor a restart make it
believed.
"""

from __future__ import annotations

import datetime

from node.bus import bounds
from node.bus import requests as rq
from node.core import effects as e
from node.core.ledger import Ledger
from node.core.stimuli import Commanded

DAY_MS = 24 * 3600 * 1000
#: How far ahead the clock may be, in ms, if messages are kept for ever: then only unused consumers expire by it, after
#: the same time.
KEPT_FOR_EVER_DAYS = bounds.CONSUMER_LIFETIME_MS // DAY_MS
#: How often the believed time is stored, in ms: an hour is small against the day that a clock may always be ahead.
STEP_MS = 3600 * 1000


class Belief:
    """The last believed time (`until`, in ms). None: nothing was ever stored, so the first time is believed."""

    def __init__(self, ledger: Ledger, until: int | None) -> None:
        self._ledger = ledger
        self.until = until
        #: Number of days that messages are kept; 0: for ever.
        self.keep_days = 0

    def doubts(self, now: int) -> bool:
        """Whether this time is doubted, so that nothing may expire by it."""
        days = max(1, self.keep_days or KEPT_FOR_EVER_DAYS)
        return self.until is not None and now > self.until + days * DAY_MS

    def look(self, now: int) -> None:
        """Advance the believed time to `now`, unless it is doubted."""
        if not self.doubts(now) and (self.until is None or now >= self.until + STEP_MS):
            self._believe(now)

    def trust(self, command: Commanded) -> None:
        """A person confirms the clock."""
        self._believe(self._ledger.now)
        self._ledger.reply(command.token, rq.Nothing(), command.key)

    def _believe(self, now: int) -> None:
        self.until = now
        self._ledger.put(e.PutBelieved(now))

    def why(self, now: int) -> str | None:
        """What is wrong with the clock and what to do, as a sentence; None while it is believed."""
        if not self.doubts(now) or self.until is None:
            return None
        return (
            f"This machine's clock says {_day(now)}, but was last believed on {_day(self.until)}. Until that is clear, "
            "no message is deleted for its age. If the clock is wrong, set it right. If it is right, say so: "
            "python -m node trust-clock"
        )


def _day(at: int) -> str:
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=at)).strftime("%Y-%m-%d")
