"""Retention: the event log and the messages stay within their bounds, by small steps in the background.

Snapshots that nobody goes on with are given up here as well.

A step is one short transaction, taken when nothing is being committed; under a load that leaves no such moment, now and
then all the same. What goes of the messages the core decides (node.core.expiry), because front ends have to know.

Freed pages are used again, so that the database file stays bounded. It is not made smaller: SQLite's incremental vacuum
has to be chosen before the first table, moves pages about at each step, and gives back what will be needed again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from node.bus import bounds
from node.core import stimuli as s
from node.errors import StoreUnavailable
from node.store.reader import Reader
from node.store.writer import Writer
from node.turns import Turns, now_ms

log = logging.getLogger("snicher.retention")

DAY_MS = 24 * 3600 * 1000
#: How often the log is looked at, in seconds: between two looks it may be a little longer than it should.
EVENTS_EVERY = 1.0
#: Events that go in one step.
EVENTS_STEP = 1_000
#: How often messages and replies are looked at, in seconds; at once when `keep_days` is changed.
LOOK_EVERY = 600.0
#: Replies kept for keys; beyond, the oldest go though they aren't a day old: their commands would take effect again.
MAX_REPLIES = 1_000_000
#: Replies that go in one step.
REPLIES_STEP = 1_000
#: A step waits so long for a moment in which nothing is committed, in seconds, and looks for one so often.
PATIENCE = 0.5
PAUSE = 0.05
#: How long the core may take for a step, in seconds; then it is left for the next time.
STEP_PATIENCE = 10.0
#: How often it is written down beside the database how far the event log has come, in seconds, when it has moved. A
#: backup from the same run that is put back within that time of the newest event isn't recognised.
MARK_EVERY = 5.0
#: Pause after a bug, in seconds.
BUG_PAUSE = 60.0


class Retention:
    """Works in a task of its own. `trimmed` is told which event is the oldest one from now on."""

    def __init__(
        self, turns: Turns, writer: Writer, reader: Reader, oldest: int, trimmed: Callable[[int], None]
    ) -> None:
        self._turns = turns
        self._writer = writer
        self._reader = reader
        self._oldest = oldest
        self._trimmed = trimmed
        self._task: asyncio.Task[None] | None = None
        #: For how many days messages were kept when they were looked at last, and when the next look is due.
        self._days = 0
        self._look_at = 0.0
        self._mark_at = 0.0
        #: Why the clock was doubted when it was looked at last.
        self._doubted: str | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="retention")

    async def close(self) -> None:
        """End; a step under way is finished."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                if self._reader.pages:
                    await self._turns.read(self._reader.pages.give_up)
                if self._turns.health.store:
                    await self._look()
            except StoreUnavailable as error:
                log.debug("retention has to wait: %s", error)
            except Exception:
                log.exception("a bug in retention; it goes on in a while")
                await asyncio.sleep(BUG_PAUSE)
            await asyncio.sleep(EVENTS_EVERY)

    async def _look(self) -> None:
        await self._trim()
        core = self._turns.core
        doubted = core.belief.why(now_ms())
        # Where nothing goes by age, a person who was away for long need not be asked about the clock.
        self._turns.notice("clock", doubted if core.settings.keep_days or core.consumers_used() else None)
        if (doubted is None) != (self._doubted is None):
            # The clock has come back, or somebody has said that it is right.
            self._doubted, self._look_at = doubted, 0.0
        now = asyncio.get_running_loop().time()
        if now >= self._mark_at:
            self._mark_at = now + MARK_EVERY
            # In a thread of its own: it waits for the disk, and no commit should wait with it.
            await asyncio.to_thread(self._writer.history.keep, self._turns.head)
        days = self._turns.core.settings.keep_days
        if days != self._days or now >= self._look_at:
            self._days, self._look_at = days, now + LOOK_EVERY
            self._turns.feed(s.ClockLooked())
            await self._drop_replies(aged=doubted is None)
            if days and doubted is None:
                await self._expire(days)

    async def _moment(self) -> None:
        """Wait for a moment in which nothing is committed; not for ever."""
        until = asyncio.get_running_loop().time() + PATIENCE
        await asyncio.sleep(PAUSE)
        while not self._turns.idle and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 (no hurry)
            await asyncio.sleep(PAUSE)

    # -- events

    async def _trim(self) -> None:
        while self._turns.health.store:
            keep = self._turns.core.settings.keep_events
            if self._turns.head - self._oldest + 1 <= keep:
                return
            await self._moment()
            before = self._oldest + EVENTS_STEP
            await self._turns.write(self._writer.trim, before)
            self._oldest = before
            self._trimmed(before)

    # -- replies

    async def _drop_replies(self, *, aged: bool) -> None:
        """Those that are too old, unless the clock is doubted, and those that are too many."""
        await self._moment()
        if aged:
            await self._turns.write(self._writer.forget_replies, now_ms() - bounds.KEY_LIFETIME_MS)
        over = await self._turns.read(self._reader.replies) - MAX_REPLIES
        while over > 0:
            await self._moment()
            await self._turns.write(self._writer.forget_oldest_replies, min(over, REPLIES_STEP))
            over -= REPLIES_STEP

    # -- messages

    async def _expire(self, days: int) -> None:
        core = self._turns.core
        gone, after = core.expiry.gone, 0
        while self._turns.core is core and self._turns.health.store and core.settings.keep_days == days:
            await self._moment()
            self._turns.feed(s.ExpiryDue(now_ms() - days * DAY_MS, after))
            until = asyncio.get_running_loop().time() + STEP_PATIENCE
            while core.expiry.asked is not None:
                if asyncio.get_running_loop().time() > until:
                    return
                await asyncio.sleep(PAUSE)
            if core.expiry.next is None:
                break
            after = core.expiry.next
        if core.expiry.gone != gone:
            log.info("messages older than %d days are gone", days)
            # The last ones that were decided go to disk first.
            await self._moment()
            await self._turns.write(self._writer.tidy, now_ms())
