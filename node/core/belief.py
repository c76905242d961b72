"""Whether this machine's clock can be believed. Pure.

What is old goes by the clock, for good: a clock that is a year ahead at one start would take all messages with it. So
the node keeps until when it has believed the clock. A clock further ahead of that than it could well be is doubted, and
nothing goes by it, until it comes back or a person says that it is right. Neither messages that are written under a
doubted clock nor a restart make it believable.
"""

from __future__ import annotations

import datetime

from node.bus import bounds
from node.bus import requests as rq
from node.core import effects as e
from node.core.ledger import Ledger
from node.core.stimuli import Commanded

DAY_MS = 24 * 3600 * 1000
#: How far ahead the clock may be where messages are kept for ever: nothing but unused consumers goes by it, after as
#: long.
KEPT_FOR_EVER_DAYS = bounds.CONSUMER_LIFETIME_MS // DAY_MS
#: What was believed is written down once an hour: small beside a day, which the clock may always be ahead.
STEP_MS = 3600 * 1000


class Belief:
    """Until when the clock was believed (ms); None: nothing was ever kept, so that the first time is believed."""

    def __init__(self, ledger: Ledger, until: int | None) -> None:
        self._ledger = ledger
        self.until = until
        #: How many days messages are kept; 0: for ever.
        self.keep_days = 0

    def doubts(self, now: int) -> bool:
        """Whether nothing may go by this time."""
        days = max(1, self.keep_days or KEPT_FOR_EVER_DAYS)
        return self.until is not None and now > self.until + days * DAY_MS

    def look(self, now: int) -> None:
        """The time as it is: what is believed goes on with it, unless it is doubted."""
        if not self.doubts(now) and (self.until is None or now >= self.until + STEP_MS):
            self._believe(now)

    def trust(self, command: Commanded) -> None:
        """A person says that the clock is right."""
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
