"""Retention: small steps in the background keep the event log and the messages within their bounds, and remove
conversations that were deleted or merged.

node.core.keeping decides which step is next, and node.core.pace how large it is and when it comes. Which messages
expire is decided in the core (node.core.expiry), because front ends get events about it. This file takes the steps, and
measures them. Each is one short transaction of the writer, between two commits. Snapshots that no front end goes on
reading are closed here as well.

SQLite uses freed pages again, so the database file stays bounded. It doesn't shrink: incremental vacuum has to be
chosen before the first table, moves pages at each step, and gives back space that will be needed again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar, assert_never

from node import tasks
from node.bus import nouns
from node.core import effects as e
from node.core import keeping as k
from node.core import pace
from node.core import stimuli as s
from node.core.pace import Pace
from node.errors import StoreUnavailable
from node.turns import now_ms

if TYPE_CHECKING:
    from node.store.leaving import Work

log = logging.getLogger("snicher.retention")

#: Pause between two rounds, in seconds. Until the next round the log may be a little too long.
EVENTS_EVERY = 1.0
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
    def commits(self) -> int:
        """Number of commits since the start, without the steps."""

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

    @property
    def work(self) -> Work | None:
        """What the next step of `advance` does; None: nothing is on its way out."""

    @property
    def spent(self) -> tuple[float, float]:
        """How long the last step took, in seconds: until its COMMIT, and with it. Also of a commit that expires."""

    def advance(self, work: Work, limit: int) -> int:
        """Remove or move rows of deleted or merged conversations, about `limit`; returns how many."""

    def trim(self, before: int) -> None:
        """Delete the events before this `seq`."""

    def forget_replies(self, before: int, limit: int) -> int:
        """Delete kept replies from before this time (ms), at most `limit`; returns how many."""

    def forget_oldest_replies(self, count: int) -> None:
        """Delete the `count` oldest kept replies."""

    def tidy(self) -> None:
        """Have what belonged to expired messages only removed by `advance`."""


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
        #: The size of steps of each kind, how long the last one took, and how many commits there were when it ended.
        self._paces: dict[str, Pace] = {}
        self._took = 0.0
        self._commits = 0
        self._race = pace.Race()
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
            leaving=self._writer.work is not None,
        )

    async def _take(self, step: k.Step) -> k.Stimulus | None:
        """Take a step and return its outcome; None: leave the rest for the next round. Raises StoreUnavailable."""
        match step:
            case k.Trim():
                await self._write(self._writer.trim, step.before)
                return k.Trimmed(step.before)
            case k.SayOfClock():
                self._host.notice("clock", step.sentence)
            case k.WriteMark():
                # It waits for the disk, so it runs in a thread of its own: no commit should wait with it.
                await asyncio.to_thread(self._writer.history.keep, step.head)
            case k.LookAtClock():
                self._host.feed(s.ClockLooked())
            case k.ForgetReplies():
                while await self._write(self._writer.forget_replies, step.before, k.REPLIES_STEP) == k.REPLIES_STEP:
                    pass
            case k.CountReplies():
                return k.RepliesCounted(await self._host.read(self._reader.replies))
            case k.ForgetOldestReplies():
                await self._write(self._writer.forget_oldest_replies, step.count)
            case k.Remove():
                await self._remove()
            case k.Expire():
                return await self._expire(step)
            case k.TidyUp():
                log.info("messages older than %d days are gone", step.days)
                await self._write(self._writer.tidy)
            case _:
                assert_never(step)
        return k.Done()

    async def _moment(self, *, hurry: bool = False) -> None:
        """Leave the writer to others for as long as they are due. `hurry`: for one commit."""
        others = not hurry and (not self._host.idle or self._host.commits != self._commits)
        await asyncio.sleep(pace.rest(self._took, others))
        self._commits = self._host.commits

    def _pace(self, kind: str) -> Pace:
        return self._paces.setdefault(kind, Pace(pace.EXPIRY_GOAL if kind == "expire" else pace.GOAL))

    async def _write(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the writer when its turn comes."""
        await self._moment()

        def timed() -> T:
            began = time.perf_counter()
            try:
                return what(*args, **kwargs)
            finally:
                self._took = time.perf_counter() - began

        return await self._host.write(timed)

    async def _remove(self) -> None:
        work = self._writer.work
        if work is not None:
            size = self._pace(work)
            count = await self._write(self._writer.advance, work, size.size)
            size.took(count, self._writer.spent[0])

    async def _expire(self, step: k.Expire) -> k.Expired | None:
        await self._moment(hurry=self._race.behind(self._host.head))
        size = self._pace("expire")
        rows = self._race.rows(size.size, self._host.head)
        self._asked, self._over = step, asyncio.get_running_loop().create_future()
        self._host.feed(s.ExpiryDue(step.before, step.after, rows))
        try:
            async with asyncio.timeout(STEP_PATIENCE):
                expired = await self._over
        except TimeoutError:
            return None
        finally:
            self._asked = None
        if expired.gone:
            working, self._took = self._writer.spent
            size.took(rows, working)
            self._race.gone(rows)
            # The step was a commit, too.
            self._commits += 1
        return expired
