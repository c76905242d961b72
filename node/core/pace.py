"""How large a step of background work is, and when the next one comes. Pure: it is told how long steps took.

The writer does one thing at a time, so whatever comes while a step runs waits for it. The rule:

- A step is as large as GOAL seconds allow: its size follows the time that steps of its kind took. What the disk takes
  to commit a step doesn't count there, because it takes nearly as long for a small one.
- While nobody else writes, the next step follows at once.
- While somebody does, the writer is theirs for as long as the last step took. So steps have half of its time at most;
  and as they have half of it, however much others write, they come to their end.
- Expiry must not be outgrown: while at least as much comes as expires, a step has as many rows as have come, up to
  HURRY times its size, and the writer is others' for one commit.
"""

from __future__ import annotations

#: How long a step should take until its COMMIT, in seconds. With two commits, its own and that of who waits for it,
#: this stays far below what people notice.
GOAL = 0.005
#: The same for a step of expiry: it also takes a read and a turn of the core, and a small one takes those as well.
EXPIRY_GOAL = 0.01
#: Rows of a step: the first time, and at least and at most.
FIRST, LEAST, MOST = 100, 10, 20_000
#: So many times its size a step of expiry may have, because as much has come: others wait 40 ms for it.
HURRY = 4
#: A step grows and shrinks by these factors at most: what comes next may take longer, and a machine that was busy with
#: other things for a moment says nothing of it.
GROWTH, SHRINKAGE = 1.5, 0.5
#: Longest pause between two steps, in seconds: after a step that a slow disk held up.
MAX_REST = 0.5


class Pace:
    """The size of steps of one kind."""

    def __init__(self, goal: float = GOAL) -> None:
        self._goal = goal
        #: Rows of the next step.
        self.size = FIRST

    def took(self, rows: int, seconds: float) -> None:
        """A step over so many rows took so long."""
        if rows > self.size:
            seconds *= self.size / rows
        factor = max(SHRINKAGE, self._goal / max(seconds, self._goal / GROWTH))
        # A step that had little to do says nothing about a full one, unless it took long all the same.
        if factor < 1 or rows >= self.size // 2:
            self.size = max(LEAST, min(MOST, int(self.size * factor) + (factor > 1)))


def rest(seconds: float, others: bool) -> float:
    """How long to wait after a step that took so many seconds. `others`: whether anybody else wrote since it began."""
    return min(seconds, MAX_REST) if others else 0.0


class Race:
    """What has come since the last step of expiry, against what that step removed."""

    def __init__(self) -> None:
        self._head: int | None = None
        self._gone = 0

    def behind(self, head: int) -> bool:
        """Whether at least as much has come as has gone. `head`: the number of all events so far."""
        return self._came(head) >= max(1, self._gone)

    def rows(self, size: int, head: int) -> int:
        """Rows of the next step, where it would have `size` otherwise; the step begins now."""
        rows = max(size, min(self._came(head), HURRY * size))
        self._head, self._gone = head, 0
        return rows

    def gone(self, rows: int) -> None:
        """The step has removed so many."""
        self._gone = rows

    def _came(self, head: int) -> int:
        return 0 if self._head is None else head - self._head
