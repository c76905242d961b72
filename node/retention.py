"""Retention: small steps in the background keep the event log and the messages within their bounds.

node.core.keeping decides which step is next. Which messages expire is decided in the core (node.core.expiry), because
front ends get events about it. This file takes the steps. Each is one short transaction, taken while nothing is being
committed. Under a load that leaves no such moment, a step is taken anyway after a while. Snapshots that no front end
goes on reading are closed here as well.

SQLite uses freed pages again, so the database file stays bounded. It doesn't shrink: incremental vacuum has to be
chosen before the first table, moves pages at each step, and gives back space that will be needed again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar, assert_never

from node import tasks
from node.bus import nouns
from node.core import effects as e
from node.core import keeping as k
from node.core import stimuli as s
from node.errors import StoreUnavailable
from node.turns import now_ms

log = logging.getLogger("snicher.retention")

#: Pause between two rounds, in seconds. Until the next round the log may be a little too long.
EVENTS_EVERY = 1.0
#: How long a step waits for a moment in which nothing is being committed, and how often it checks, in seconds.
PATIENCE = 0.5
PAUSE = 0.05
#: How long the core may take for a step, in seconds; then the step is left for the next round.
STEP_PATIENCE = 10.0
#: Pause after a bug, in seconds.
BUG_PAUSE = 60.0

P = ParamSpec("P")
T = TypeVar("T")


class Belief(Protocol):
    """The core's belief about the clock."""

    def why(self, now: int) -> str | None:
        """A sentence that says why the clock is doubted; None: it is believed."""


class Core(Protocol):
    """The parts of the core that retention reads."""

    @property
    def settings(self) -> nouns.Settings:
        """The settings in force, with the bounds of log and messages."""

    @property
    def belief(self) -> Belief:
        """Whether the clock is believed: only then anything expires by age."""

    def consumers_used(self) -> dict[str, int]:
        """When each named consumer was used last, in ms; consumers lapse by age."""


class Host(Protocol):
    """What retention needs of the loop that it works beside."""

    @property
    def idle(self) -> bool:
        """Whether nothing is being committed or waits for a commit."""

    @property
    def well(self) -> bool:
        """Writes work."""

    @property
    def head(self) -> int:
        """The newest event on disk."""

    @property
    def core(self) -> Core:
        """The core as it is now: after the disk failed, it is another one."""

    def feed(self, stimulus: s.ExpiryDue | s.ClockLooked) -> None:
        """Let the core decide."""

    def notice(self, about: str, sentence: str | None) -> None:
        """Set the notice on a topic, for people; None removes it."""

    async def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the reader in its thread."""

    async def write(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the writer in its thread, between two commits."""


class Marks(Protocol):
    """The mark in the file beside the database, by which a restored backup is noticed (node/store/history.py)."""

    def keep(self, head: int) -> None:
        """Write down the newest event's `seq`. May wait for the disk."""


class Writing(Protocol):
    """The writes of the steps, each one short transaction."""

    @property
    def history(self) -> Marks:
        """The file beside the database."""

    def trim(self, before: int) -> None:
        """Delete the events before this `seq`."""

    def forget_replies(self, before: int) -> None:
        """Delete kept replies from before this time (ms)."""

    def forget_oldest_replies(self, count: int) -> None:
        """Delete the `count` oldest kept replies."""

    def tidy(self, now: int) -> None:
        """Delete what belonged to expired messages only."""


class Snapshots(Protocol):
    """Snapshots that are open; each keeps the write-ahead log from being folded back."""

    def __len__(self) -> int:
        """Number of open snapshots."""

    def give_up(self) -> None:
        """Close snapshots whose reader didn't go on in time."""


class Reading(Protocol):
    """The reads of the steps."""

    @property
    def pages(self) -> Snapshots:
        """Snapshots that are open."""

    def replies(self) -> int:
        """Number of kept replies."""


class Retention:
    """Works in a task of its own."""

    def __init__(self, host: Host, writer: Writing, reader: Reading, oldest: int) -> None:
        self._host = host
        self._writer = writer
        self._reader = reader
        self._keeping = k.Keeping(oldest)
        self._task: asyncio.Task[None] | None = None
        #: The expiry step that the core is working on, and the future that resolves when it reports.
        self._asked: k.Expire | None = None
        self._over: asyncio.Future[k.Expired]

    @property
    def oldest(self) -> int:
        """The oldest event that is kept."""
        return self._keeping.oldest

    def start(self) -> None:
        """Begin."""
        self._task = tasks.begin(self._run(), "retention")

    async def close(self) -> None:
        """End; a step under way is finished."""
        await tasks.end(self._task)

    def reported(self, report: e.ReportExpiry) -> None:
        """The core has taken an expiry step. A report that comes after STEP_PATIENCE is ignored."""
        if self._asked is not None and self._asked.after == report.after and not self._over.done():
            self._over.set_result(k.Expired(report.gone, report.next))

    async def _run(self) -> None:
        while True:
            try:
                if self._reader.pages:
                    await self._host.read(self._reader.pages.give_up)
                await self._look()
            except StoreUnavailable as error:
                log.debug("retention has to wait: %s", error)
            except Exception:
                log.exception("a bug in retention; it tries again in a while")
                await asyncio.sleep(BUG_PAUSE)
            await asyncio.sleep(EVENTS_EVERY)

    async def _look(self) -> None:
        came: k.Stimulus | None = k.Looked()
        while came is not None and self._host.well:
            step = self._keeping.handle(came, self._seen())
            came = None if step is None else await self._take(step)

    def _seen(self) -> k.Seen:
        core, now = self._host.core, now_ms()
        return k.Seen(
            at=asyncio.get_running_loop().time(),
            now=now,
            head=self._host.head,
            keep_events=core.settings.keep_events,
            keep_days=core.settings.keep_days,
            consumers=bool(core.consumers_used()),
            doubted=core.belief.why(now),
        )

    async def _take(self, step: k.Step) -> k.Stimulus | None:
        """Take a step and return its outcome; None: leave the rest for the next round. Raises StoreUnavailable."""
        match step:
            case k.Trim():
                await self._moment()
                await self._host.write(self._writer.trim, step.before)
                return k.Trimmed(step.before)
            case k.SayOfClock():
                self._host.notice("clock", step.sentence)
            case k.WriteMark():
                # It waits for the disk, so it runs in a thread of its own: no commit should wait with it.
                await asyncio.to_thread(self._writer.history.keep, step.head)
            case k.LookAtClock():
                self._host.feed(s.ClockLooked())
            case k.ForgetReplies():
                await self._moment()
                await self._host.write(self._writer.forget_replies, step.before)
            case k.CountReplies():
                return k.RepliesCounted(await self._host.read(self._reader.replies))
            case k.ForgetOldestReplies():
                await self._moment()
                await self._host.write(self._writer.forget_oldest_replies, step.count)
            case k.Expire():
                await self._moment()
                return await self._expire(step)
            case k.TidyUp():
                log.info("messages older than %d days are gone", step.days)
                await self._moment()
                await self._host.write(self._writer.tidy, step.now)
            case _:
                assert_never(step)
        return k.Done()

    async def _moment(self) -> None:
        """Wait until nothing is being committed, at most PATIENCE."""
        until = asyncio.get_running_loop().time() + PATIENCE
        await asyncio.sleep(PAUSE)
        while not self._host.idle and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 (no hurry)
            await asyncio.sleep(PAUSE)

    async def _expire(self, step: k.Expire) -> k.Expired | None:
        self._asked, self._over = step, asyncio.get_running_loop().create_future()
        self._host.feed(s.ExpiryDue(step.before, step.after))
        try:
            async with asyncio.timeout(STEP_PATIENCE):
                return await self._over
        except TimeoutError:
            return None
        finally:
            self._asked = None
