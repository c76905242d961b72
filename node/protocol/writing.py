"""Our texts on their way out over one persistent connection: one write, a gap, and one outcome for each text.

Law of this file: as link.py's, whose half this is: no sockets, no clock. The link says when it may write, and what for
the bytes go; what comes in, it hears itself.
"""

from __future__ import annotations

import collections
from typing import Literal

import msgspec

from node.errors import LocalFault
from node.protocol.plain.codec import Mark, Payloads

#: Between two writes to the ancestor, in seconds: it reads without framing.
WRITE_GAP = 0.02
#: An answer that a dialect waits for after each write, any bytes, is waited for so long, in seconds.
ANSWER_WAIT = 5.0
#: Texts that may wait in one link to be written; the node keeps the rest in its outbox.
MAX_QUEUED = 64

Outcome = Literal["sent", "not_sent", "unknown"]


class Transmitted(msgspec.Struct, frozen=True):
    """What became of text `token`. `part` of `parts` (from 1) are done, for dialects with one part a connection."""

    token: int
    outcome: Outcome
    reason: str | None = None
    part: int = 1
    parts: int = 1
    marks: tuple[Mark, ...] = ()


class _Writing(msgspec.Struct):
    """A text on its way out."""

    token: int
    parts: collections.deque[bytes]
    marks: tuple[Mark, ...]
    begun: bool = False


class LineWriter:
    """The queue of one link. For each text that `put` takes, exactly one Transmitted comes out of the other methods."""

    def __init__(self) -> None:
        #: When `write` has something to do, in seconds; None: not before something else happens.
        self.due: float | None = None
        #: What was written isn't read: nothing more is written before `resume`.
        self.held = False
        self._queue: collections.deque[_Writing] = collections.deque()
        #: Written as a whole; its outcome is known after the gap.
        self._confirming: _Writing | None = None
        #: Nothing may be written before this time.
        self._gap_until = 0.0

    @property
    def full(self) -> bool:
        """Whether no further text may wait."""
        return len(self._queue) >= MAX_QUEUED

    def put(self, token: int, payloads: Payloads, now: float) -> None:
        """Queue a text. Raises LocalFault, and takes nothing, when MAX_QUEUED of them wait."""
        if self.full:
            raise LocalFault("More texts than a link may hold.")
        self._queue.append(_Writing(token, collections.deque(payloads.parts), payloads.marks))
        if self.due is None and not self.held:
            self.due = now

    def hold(self) -> None:
        """What was written isn't read: write no more until `resume`."""
        self.held = True
        self.due = None

    def resume(self, now: float) -> None:
        """What was written has left; the gap still holds."""
        self.held = False
        self.due = max(now, self._gap_until) if self._queue or self._confirming is not None else None

    def answered(self, now: float) -> None:
        """The answer that was waited for is there: the next text needn't wait any longer."""
        self._gap_until = now
        if self.due is not None:
            self.due = now

    def write(self, now: float, gap: float) -> tuple[bytes, Transmitted | None]:
        """One write, then a gap: what must leave now, and which text counts as sent.

        A text does when its gap has passed and the connection still stands.
        """
        if self.due is None or self.due > now:
            return b"", None
        done = self.confirm()
        if not self._queue:
            self.due = None
            return b"", done
        first = self._queue[0]
        first.begun = True
        data = first.parts.popleft()
        if not first.parts:
            self._confirming = self._queue.popleft()
        self.due = self._gap_until = now + gap
        return data, done

    def confirm(self) -> Transmitted | None:
        """The text that is written counts as sent, because the connection still stands; None: there is no such text."""
        done, self._confirming = self._confirming, None
        return None if done is None else Transmitted(done.token, "sent", marks=done.marks)

    def give_back(self, reason: str | None) -> list[Transmitted]:
        """The link is over or left; `reason` is None when that is in order. What became of all texts it still had."""
        told = []
        if self._confirming is not None:
            outcome: Outcome = "sent" if reason is None else "unknown"
            told.append(Transmitted(self._confirming.token, outcome, reason, marks=self._confirming.marks))
            self._confirming = None
        for writing in self._queue:
            told.append(Transmitted(writing.token, "unknown" if writing.begun else "not_sent", reason))
        self._queue.clear()
        self.due = None
        return told
