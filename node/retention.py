"""Retention: the event log and the messages stay within their bounds, by small steps in the background.

What goes when is decided in node.core.keeping, and of the messages in the core (node.core.expiry), because front ends
have to know. Here the steps are taken: each is one short transaction, taken when nothing is being committed; under a
load that leaves no such moment, now and then all the same. Snapshots that nobody goes on with are given up here as
well.

Freed pages are used again, so that the database file stays bounded. It is not made smaller: SQLite's incremental vacuum
has to be chosen before the first table, moves pages about at each step, and gives back what will be needed again.
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

#: How often it is looked, in seconds: between two looks the log may be a little longer than it should.
EVENTS_EVERY = 1.0
#: A step waits so long for a moment in which nothing is committed, in seconds, and looks for one so often.
PATIENCE = 0.5
PAUSE = 0.05
#: How long the core may take for a step, in seconds; then it is left for the next time.
STEP_PATIENCE = 10.0
#: Pause after a bug, in seconds.
BUG_PAUSE = 60.0

P = ParamSpec("P")
T = TypeVar("T")


class Belief(Protocol):
    """What is believed of the clock."""

    def why(self, now: int) -> str | None:
        """Why the clock is doubted, as a sentence; None: it is believed."""


class Core(Protocol):
    """What retention looks at in the core."""

    @property
    def settings(self) -> nouns.Settings:
        """How much is kept, and how long."""

    @property
    def belief(self) -> Belief:
        """Whether anything may go by age."""

    def consumers_used(self) -> dict[str, int]:
        """Consumers that lapse by age."""


class Host(Protocol):
    """What retention needs of the loop that it works beside."""

    @property
    def idle(self) -> bool:
        """Nothing is being committed, or waits for it."""

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
        """Tell people; None: it is no more so."""

    async def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the reader in its thread."""

    async def write(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the writer in its thread, between two commits."""


class Marks(Protocol):
    """What stands beside the database."""

    def keep(self, head: int) -> None:
        """Write down how far the event log has come. May wait for the disk."""


class Writing(Protocol):
    """What a step does on disk; each in one short transaction."""

    @property
    def history(self) -> Marks:
        """What stands beside the database."""

    def trim(self, before: int) -> None:
        """Forget events before this one."""

    def forget_replies(self, before: int) -> None:
        """Forget replies from before this time (ms)."""

    def forget_oldest_replies(self, count: int) -> None:
        """Forget so many replies, the oldest first."""

    def tidy(self, now: int) -> None:
        """Take away what hung on messages that are gone."""


class Snapshots(Protocol):
    """Snapshots that are open; each keeps the write-ahead log from being folded back."""

    def __len__(self) -> int:
        """How many there are."""

    def give_up(self) -> None:
        """Close those that nobody goes on with."""


class Reading(Protocol):
    """What a step has to know from disk."""

    @property
    def pages(self) -> Snapshots:
        """Snapshots that are open."""

    def replies(self) -> int:
        """How many replies are kept."""


class Retention:
    """Works in a task of its own."""

    def __init__(self, host: Host, writer: Writing, reader: Reading, oldest: int) -> None:
        self._host = host
        self._writer = writer
        self._reader = reader
        self._keeping = k.Keeping(oldest)
        self._task: asyncio.Task[None] | None = None
        #: The step that the core was asked for, and its end.
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
        """The core has taken a step. One that nobody waits for any more came too late."""
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
                log.exception("a bug in retention; it goes on in a while")
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
        """Take a step; returns what came of it, None when that is left for the next time. Raises StoreUnavailable."""
        match step:
            case k.Trim():
                await self._moment()
                await self._host.write(self._writer.trim, step.before)
                return k.Trimmed(step.before)
            case k.SayOfClock():
                self._host.notice("clock", step.sentence)
            case k.WriteMark():
                # In a thread of its own: it waits for the disk, and no commit should wait with it.
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
        """Wait for a moment in which nothing is committed; not for ever."""
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
