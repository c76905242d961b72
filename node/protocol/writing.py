"""The write queue of one persistent connection: a gap after each write, and one outcome for each text.

This is a part of link.py with the same law: no sockets, no clock. The link decides when to write, sends the bytes, and
handles incoming ones itself.
"""

from __future__ import annotations

import collections
from typing import Literal

import msgspec

from node.errors import LocalFault
from node.protocol.plain.codec import Mark, Payloads

#: Gap between two writes to the ancestor, in seconds, because it reads without framing.
WRITE_GAP = 0.02
#: How long to wait for an answer (any bytes) after each write, in seconds, in a dialect that has such answers.
ANSWER_WAIT = 5.0
#: Most texts in the write queue of one link; the node keeps the rest in its outbox.
MAX_QUEUED = 64

Outcome = Literal["sent", "not_sent", "unknown"]


class Transmitted(msgspec.Struct, frozen=True):
    """The outcome of text `token`. In one-shot dialects, it is that of part `part` (from 1) of `parts`."""

    token: int
    outcome: Outcome
    reason: str | None = None
    part: int = 1
    parts: int = 1
    marks: tuple[Mark, ...] = ()


class _Writing(msgspec.Struct):
    """A text in the queue. `parts` are those that haven't been written; `begun` says whether some have."""

    token: int
    parts: collections.deque[bytes]
    marks: tuple[Mark, ...]
    begun: bool = False


class LineWriter:
    """The write queue of one link. For each text that `put` takes, another method returns exactly one Transmitted."""

    def __init__(self) -> None:
        #: When to call `write`, in seconds. None: nothing is due until another method is called.
        self.due: float | None = None
        #: The write buffer is full because the peer doesn't read: nothing is written until `resume`.
        self.held = False
        self._queue: collections.deque[_Writing] = collections.deque()
        #: The text that was written as a whole; its outcome is known after the gap.
        self._confirming: _Writing | None = None
        #: Nothing may be written before this time, in seconds.
        self._gap_until = 0.0

    @property
    def full(self) -> bool:
        """Whether the queue takes no further text."""
        return len(self._queue) >= MAX_QUEUED

    def put(self, token: int, payloads: Payloads, now: float) -> None:
        """Queue a text. If MAX_QUEUED texts wait, raises LocalFault and takes nothing."""
        if self.full:
            raise LocalFault("More texts than a link may hold.")
        self._queue.append(_Writing(token, collections.deque(payloads.parts), payloads.marks))
        if self.due is None and not self.held:
            self.due = now

    def hold(self) -> None:
        """The write buffer is full: write nothing until `resume`."""
        self.held = True
        self.due = None

    def resume(self, now: float) -> None:
        """The write buffer has drained: write again, but not before the gap has passed."""
        self.held = False
        self.due = max(now, self._gap_until) if self._queue or self._confirming is not None else None

    def answered(self, now: float) -> None:
        """The answer to the last write has come: the next text may be written now."""
        self._gap_until = now
        if self.due is not None:
            self.due = now

    def write(self, now: float, gap: float) -> tuple[bytes, Transmitted | None]:
        """Return the bytes to write now, and the outcome of the text that now counts as sent.

        A text counts as sent if the connection still stands after the gap (`gap`, in seconds) behind its last write.
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
        """Count the written text as sent, because the connection still stands. None: there is no such text."""
        done, self._confirming = self._confirming, None
        return None if done is None else Transmitted(done.token, "sent", marks=done.marks)

    def give_back(self, reason: str | None) -> list[Transmitted]:
        """Empty the queue when the link ends or is left, and return the outcome of each text.

        `reason` is None if the link ended in order.
        """
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

    def take_back(self, waiting: str, readable: str) -> list[Transmitted]:
        """Empty the queue when the peer turned out to take nothing in clear: no text was sent.

        `waiting` is the reason of a text of which nothing was written, `readable` of one that was written in clear.
        """
        confirming = [] if self._confirming is None else [Transmitted(self._confirming.token, "not_sent", readable)]
        told = [Transmitted(one.token, "not_sent", readable if one.begun else waiting) for one in self._queue]
        self._confirming = self.due = None
        self._queue.clear()
        return confirming + told
