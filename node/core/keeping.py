"""What is kept how long: what goes next of the event log, of replies and of messages, and when. Pure.

Stimuli in, steps out, one at a time: whoever takes a step (node/retention.py) says what came of it, and gets the next.
A step that came to nothing is left for the next time that it is due; nothing here is lost with the process, because
each step begins with what is on disk. While the clock is doubted, nothing goes by age.
"""

from __future__ import annotations

import collections
from typing import assert_never

import msgspec

from node.bus import bounds

DAY_MS = 24 * 3600 * 1000
#: Events that go in one step.
EVENTS_STEP = 1_000
#: How often messages and replies are looked at, in seconds; at once when `keep_days` is changed.
LOOK_EVERY = 600.0
#: Replies kept for keys; beyond, the oldest go though they aren't a day old: their commands would take effect again.
MAX_REPLIES = 1_000_000
#: Replies that go in one step.
REPLIES_STEP = 1_000
#: How often it is written down beside the database how far the event log has come, in seconds, when it has moved. A
#: backup from the same run that is put back within that time of the newest event isn't recognised.
MARK_EVERY = 5.0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision goes by, as it is at that moment."""

    #: Seconds of a clock that only goes forward.
    at: float
    #: Milliseconds since 1970.
    now: int
    #: The newest event.
    head: int
    keep_events: int
    keep_days: int
    #: There are consumers: they lapse by age.
    consumers: bool
    #: Why the clock is doubted, as a sentence; None: it is believed.
    doubted: str | None


# ---- stimuli ---------------------------------------------------------------------------------------------------------


class Looked(msgspec.Struct, frozen=True):
    """It is time to look again. What was planned, and came to nothing, is forgotten."""


class Done(msgspec.Struct, frozen=True):
    """A step was taken that tells nothing else."""


class Trimmed(msgspec.Struct, frozen=True):
    """The event log begins with this event now."""

    oldest: int


class RepliesCounted(msgspec.Struct, frozen=True):
    """So many replies are kept."""

    count: int


class Expired(msgspec.Struct, frozen=True):
    """A step of the walk over the messages: something is gone or not, and after which message the next one begins."""

    gone: bool
    next: int | None


Stimulus = Looked | Done | Trimmed | RepliesCounted | Expired

# ---- steps -----------------------------------------------------------------------------------------------------------


class Trim(msgspec.Struct, frozen=True):
    """Forget events before this one."""

    before: int


class SayOfClock(msgspec.Struct, frozen=True):
    """Say to people that the clock is doubted; None: no more."""

    sentence: str | None


class WriteMark(msgspec.Struct, frozen=True):
    """Write down beside the database how far the event log has come."""

    head: int


class LookAtClock(msgspec.Struct, frozen=True):
    """Let the core look at the clock: what it believes goes on with it."""


class ForgetReplies(msgspec.Struct, frozen=True):
    """Forget replies from before this time (ms)."""

    before: int


class CountReplies(msgspec.Struct, frozen=True):
    """Count the replies that are kept."""


class ForgetOldestReplies(msgspec.Struct, frozen=True):
    """Forget so many replies, the oldest first."""

    count: int


class Expire(msgspec.Struct, frozen=True):
    """Let the core take a step: of the messages after `after`, those that came before this time (ms) go."""

    before: int
    after: int


class TidyUp(msgspec.Struct, frozen=True):
    """Messages older than so many days are gone: take away what hung on them."""

    days: int
    now: int


Step = (
    Trim | SayOfClock | WriteMark | LookAtClock | ForgetReplies | CountReplies | ForgetOldestReplies | Expire | TidyUp
)


class Keeping:
    """What is too much or too old, from what is seen. `oldest` is the oldest event that is kept."""

    def __init__(self, oldest: int) -> None:
        self.oldest = oldest
        #: What is left of the look at replies and messages.
        self._plan: collections.deque[Step] = collections.deque()
        #: Something has gone since it was tidied up.
        self._gone = False
        #: For how many days messages were kept at that look, and when the next one is due.
        self._days = 0
        self._look_at = 0.0
        self._mark_at = 0.0
        #: Why the clock was doubted when it was seen last, and what was said of it.
        self._doubted: str | None = None
        self._said: str | None = None

    def handle(self, stimulus: Stimulus, seen: Seen) -> Step | None:
        """The step that follows; None: nothing is to be done before the next look."""
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
        return self._next(seen)

    def _next(self, seen: Seen) -> Step | None:
        if seen.head - self.oldest + 1 > seen.keep_events:
            return Trim(self.oldest + EVENTS_STEP)
        # Where nothing goes by age, a person who was away for long need not be asked about the clock.
        sentence = seen.doubted if seen.keep_days or seen.consumers else None
        if sentence != self._said:
            self._said = sentence
            return SayOfClock(sentence)
        if seen.at >= self._mark_at:
            self._mark_at = seen.at + MARK_EVERY
            return WriteMark(seen.head)
        # The clock has come back, or somebody has said that it is right; or it is doubted from now on.
        turned = (seen.doubted is None) != (self._doubted is None)
        self._doubted = seen.doubted
        if turned or seen.keep_days != self._days or seen.at >= self._look_at:
            self._days, self._look_at = seen.keep_days, seen.at + LOOK_EVERY
            self._look(seen)
        return self._plan.popleft() if self._plan else None

    def _look(self, seen: Seen) -> None:
        """Plan what is done with replies and messages. Those that are too many go also while the clock is doubted."""
        self._plan = collections.deque([LookAtClock()])
        if seen.doubted is None:
            self._plan.append(ForgetReplies(seen.now - bounds.KEY_LIFETIME_MS))
        self._plan.append(CountReplies())
        if seen.doubted is None and seen.keep_days:
            self._plan.append(Expire(seen.now - seen.keep_days * DAY_MS, 0))

    def _shed(self, over: int) -> None:
        """Of the replies that are too many, the oldest go first, and before anything else that is planned."""
        steps = [ForgetOldestReplies(min(REPLIES_STEP, over - done)) for done in range(0, max(0, over), REPLIES_STEP)]
        self._plan.extendleft(reversed(steps))

    def _walk(self, step: Expired, seen: Seen) -> None:
        """The walk over the messages goes on, or is over."""
        self._gone = self._gone or step.gone
        if step.next is not None:
            self._plan.appendleft(Expire(seen.now - self._days * DAY_MS, step.next))
        elif self._gone:
            self._gone = False
            self._plan.appendleft(TidyUp(self._days, seen.now))
