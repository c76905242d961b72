"""The virtual clock, and what is due when. Everything that is random comes from one seed."""

from __future__ import annotations

import collections
import heapq
import random
import re
from collections.abc import Callable
from typing import Any

#: When all lives begin: after the release, so that a clock far before it is one that was never set.
START = 1_800_000_000_000
#: Most things that happen in one millisecond.
MAX_AT_ONCE = 3_000


class Agenda:
    """What is due, in order. `now` is the true time in ms."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.now = START
        self.steps: collections.deque[tuple[int, str, object]] = collections.deque(maxlen=200)
        #: What ids are called in them.
        self.names: dict[str, str] = {}
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self._at_once = 0

    @property
    def seconds(self) -> float:
        """The clock of links: steady, in seconds."""
        return self.now / 1000

    def after(self, ms: float, what: Callable[..., None], *args: Any) -> None:
        """Do something so many ms from now."""
        self._count += 1
        heapq.heappush(self._heap, (self.now + max(0, round(ms)), self._count, what, args))

    def run(self, until: int) -> None:
        """Let time pass, with everything that is due in it."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            at, _, what, args = heapq.heappop(heap)
            self._at_once = self._at_once + 1 if at <= self.now else 0
            assert self._at_once < MAX_AT_ONCE, "it goes on for ever without a millisecond passing"
            self.now = max(self.now, at)
            what(*args)
        self.now = max(self.now, until)

    def note(self, who: str, what: object) -> None:
        """Remember a step, to be shown when a promise is broken."""
        self.steps.append((self.now, who, what))

    def told(self) -> str:
        """The last steps, as lines; what is long in them is cut."""
        return "\n".join(f"{(at - START) / 1000:9.3f} {who}: {self._short(str(what))}" for at, who, what in self.steps)

    def _short(self, what: str) -> str:
        for id_, name in self.names.items():
            what = what.replace(id_, name)
        what = re.sub(r"b(['\"])(.{12}).*?(?<!\\)\1", r"\2..", what)
        return what if len(what) < 500 else what[:500] + " .."
