"""Decides what retention removes next, and when, from the event log, the replies and the messages. Pure.

Conversations that were deleted or merged are removed or moved here, too, so that all of it shares one pace (pace.py).
Stimuli in, steps out, one at a time: node/retention.py takes a step, reports its outcome, and gets the next step. A
step that failed is left until it is due again. Nothing here needs to survive the process, because each step begins from
what is on disk. While the clock is doubted, nothing is removed for its age.
"""

from __future__ import annotations

import collections
from typing import assert_never

import msgspec

from node.bus import bounds

DAY_MS = 24 * 3600 * 1000
#: Events removed in one step.
EVENTS_STEP = 1_000
#: How often messages and replies are checked, in seconds; also at once when `keep_days` is changed.
LOOK_EVERY = 600.0
#: Most replies kept for idempotency keys. Beyond, the oldest go even if they are younger than a day; a repetition of
#: their commands would take effect again.
MAX_REPLIES = 1_000_000
#: Replies removed in one step.
REPLIES_STEP = 1_000
#: How often the head of the event log is written to the mark beside the database, in seconds, if it has moved. A backup
#: of the same run that misses only events since the last mark isn't recognised when it is restored.
MARK_EVERY = 5.0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a decision, as they are at that moment."""

    #: Monotonic time, in seconds.
    at: float
    #: Milliseconds since 1970.
    now: int
    #: The newest event.
    head: int
    keep_events: int
    keep_days: int
    #: Whether there are consumers, which expire by age.
    consumers: bool
    #: Why the clock is doubted, as a sentence; None: it is believed.
    doubted: str | None
    #: Whether deleted or merged conversations are on their way out.
    leaving: bool = False


# ---- stimuli ---------------------------------------------------------------------------------------------------------


class Looked(msgspec.Struct, frozen=True):
    """A new round begins. Planned steps that weren't taken are forgotten."""


class Done(msgspec.Struct, frozen=True):
    """A step without a result was taken."""


class Trimmed(msgspec.Struct, frozen=True):
    """The event log was trimmed; it begins with this event now."""

    oldest: int


class RepliesCounted(msgspec.Struct, frozen=True):
    """The number of kept replies."""

    count: int


class Expired(msgspec.Struct, frozen=True):
    """A step of the walk over the messages: whether it removed any, and after which message the next step begins."""

    gone: bool
    next: int | None


Stimulus = Looked | Done | Trimmed | RepliesCounted | Expired

# ---- steps -----------------------------------------------------------------------------------------------------------


class Trim(msgspec.Struct, frozen=True):
    """Delete the events before this `seq`."""

    before: int


class SayOfClock(msgspec.Struct, frozen=True):
    """Tell people that the clock is doubted; None: withdraw that notice."""

    sentence: str | None


class WriteMark(msgspec.Struct, frozen=True):
    """Write the head of the event log to the mark beside the database."""

    head: int


class LookAtClock(msgspec.Struct, frozen=True):
    """Let the core check the clock and advance the time that it believes."""


class ForgetReplies(msgspec.Struct, frozen=True):
    """Delete replies from before this time (ms)."""

    before: int


class CountReplies(msgspec.Struct, frozen=True):
    """Count the kept replies."""


class ForgetOldestReplies(msgspec.Struct, frozen=True):
    """Delete the `count` oldest replies."""

    count: int


class Expire(msgspec.Struct, frozen=True):
    """Let the core take an expiry step: messages with ids above `after`, received before this time (ms)."""

    before: int
    after: int


class Remove(msgspec.Struct, frozen=True):
    """Remove or move some rows of conversations that were deleted or merged."""


class TidyUp(msgspec.Struct, frozen=True):
    """Messages older than so many days are gone: delete what belonged to them only."""

    days: int


Step = (
    Trim
    | SayOfClock
    | WriteMark
    | LookAtClock
    | ForgetReplies
    | CountReplies
    | ForgetOldestReplies
    | Remove
    | Expire
    | TidyUp
)


class Keeping:
    """Finds what is too much or too old. `oldest` is the oldest event in the log."""

    def __init__(self, oldest: int) -> None:
        self.oldest = oldest
        #: Planned steps for replies and messages.
        self._plan: collections.deque[Step] = collections.deque()
        #: Whether messages were removed since the last TidyUp.
        self._gone = False
        #: `keep_days` at the last check, and when the next check is due.
        self._days = 0
        self._look_at = 0.0
        self._mark_at = 0.0
        #: Why the clock was doubted at the last check, and the notice last given to people.
        self._doubted: str | None = None
        self._said: str | None = None
        #: The step given last.
        self._last: Step | None = None

    def handle(self, stimulus: Stimulus, seen: Seen) -> Step | None:
        """The next step; None: nothing to do in this round."""
        match stimulus:
            case Looked():
                self._plan.clear()
            case Done():
                pass
            case Trimmed():
                self.oldest = stimulus.oldest
            case RepliesCounted():
                self._shed(stimulus.count - MAX_REPLIES)
            case Expired():
                self._walk(stimulus, seen)
            case _:
                assert_never(stimulus)
        self._last = self._next(seen)
        return self._last

    def _next(self, seen: Seen) -> Step | None:
        if seen.head - self.oldest + 1 > seen.keep_events:
            return Trim(self.oldest + EVENTS_STEP)
        # If nothing expires by age, people needn't be bothered about the clock.
        sentence = seen.doubted if seen.keep_days or seen.consumers else None
        if sentence != self._said:
            self._said = sentence
            return SayOfClock(sentence)
        if seen.at >= self._mark_at:
            self._mark_at = seen.at + MARK_EVERY
            return WriteMark(seen.head)
        # The belief has changed: the clock has come back, was confirmed, or is doubted from now on.
        turned = (seen.doubted is None) != (self._doubted is None)
        self._doubted = seen.doubted
        if turned or seen.keep_days != self._days or seen.at >= self._look_at:
            self._days, self._look_at = seen.keep_days, seen.at + LOOK_EVERY
            self._look(seen)
        # What people deleted goes before what is too old.
        if seen.leaving and not isinstance(self._last, Remove):
            return Remove()
        return self._plan.popleft() if self._plan else Remove() if seen.leaving else None

    def _look(self, seen: Seen) -> None:
        """Plan the steps for replies and messages. Surplus replies go even while the clock is doubted."""
        self._plan = collections.deque([LookAtClock()])
        if seen.doubted is None:
            self._plan.append(ForgetReplies(seen.now - bounds.KEY_LIFETIME_MS))
        self._plan.append(CountReplies())
        if seen.doubted is None and seen.keep_days:
            self._plan.append(Expire(seen.now - seen.keep_days * DAY_MS, 0))

    def _shed(self, over: int) -> None:
        """Plan the removal of surplus replies, oldest first, ahead of all other steps."""
        steps = [ForgetOldestReplies(min(REPLIES_STEP, over - done)) for done in range(0, max(0, over), REPLIES_STEP)]
        self._plan.extendleft(reversed(steps))

    def _walk(self, step: Expired, seen: Seen) -> None:
        """Plan the next step of the walk over the messages, or end it."""
        self._gone = self._gone or step.gone
        if step.next is not None:
            self._plan.appendleft(Expire(seen.now - self._days * DAY_MS, step.next))
        elif self._gone:
            self._gone = False
            self._plan.appendleft(TidyUp(self._days))
