"""Turns: feed stimuli to the core, commit its records in batches, and only then perform its acts, in order.

One transaction is written at a time, in a thread; decisions made meanwhile gather in the next batch (group commit).
When a commit fails, its batch and the one gathered meanwhile are dropped whole, and all links are closed. As soon as a
write works again, the core is loaded again from disk. So nobody was ever told anything that isn't on disk.

batches.py decides how many records a batch holds and who waits when it is full. condition.py holds the node's health
and notices, threads.py the threads of the database.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import time
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from node import tasks
from node.batches import FROM_LINKS, Batch, Sizes
from node.bus import events as ev
from node.bus import nouns
from node.condition import Concerned, Condition
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.node import Node
from node.errors import CommandRefused, StoreDisplaced, StoreUnavailable
from node.store.reader import Reader
from node.store.writer import Writer
from node.threads import STOPPING, Threads
from node.upkeep import Upkeep

log = logging.getLogger("snicher.store")

#: With more records than this waiting for the disk, nothing is read from peers and commands are refused with `busy`,
#: until half of it is left.
MAX_PENDING = 20_000
#: How often a failed disk is tried again, in seconds.
PROBE_EVERY = 1.0

P = ParamSpec("P")
T = TypeVar("T")


class World(Concerned, Protocol):
    """Performs acts and publishes events once they are on disk."""

    def perform(self, act: e.Act) -> None:
        """Perform an act of the core."""

    def publish(self, events: list[ev.Event]) -> None:
        """Send committed events to front ends."""


class Peers(Protocol):
    """All links to peers together."""

    def pause(self) -> None:
        """Read from nobody."""

    def resume(self) -> None:
        """Read on."""

    def go_on(self) -> None:
        """Space has come: check again which sources `full_for` holds back."""

    def leave_all(self) -> None:
        """Say good-bye to everybody."""


class Turns:
    """The loop around the core."""

    def __init__(
        self, writer: Writer, reader: Reader, make_core: Callable[[], Node], world: World, peers: Peers
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._reader = reader
        self._threads = Threads(writer, reader)
        self._make_core = make_core
        self.core = make_core()
        self._world = world
        self._peers = peers
        self._condition = Condition(world)
        self._batch = Batch()
        self._committing: Batch | None = None
        self._scheduled = False
        self._full = False
        self._sizes = Sizes()
        #: When the commit under way began.
        self._began = 0.0
        #: Disk time of all records that peers have caused since the start, in seconds (an estimate).
        self.owed = 0.0
        self._held: collections.deque[s.Stimulus] = collections.deque()
        #: Each link's LinkUp, until the link's end is on disk. A core that is loaded again gets them again.
        self._links: dict[int, s.LinkUp] = {}
        #: The other side's address of each encrypted link.
        self._hosts: dict[int, str] = {}
        #: The newest event on disk.
        self.head = self.core.head
        self.events = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: int | None = None
        #: The call of this round of the loop that arms the timer.
        self._arming: asyncio.Handle | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._background: set[asyncio.Future[Any]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        #: Background work on the database.
        self.upkeep = Upkeep(self, writer)

    # -- stimuli in

    def feed(self, stimulus: s.Stimulus) -> None:
        """Hand a stimulus to the core. It decides at once; its acts are performed after the commit.

        While the disk fails, stimuli of links are held for the core that is loaded again, and commands are refused.
        """
        if self._threads.closing:
            if isinstance(stimulus, s.Commanded):
                self._world.perform(e.Refuse(stimulus.token, "stopping", STOPPING))
            return
        if not self.health.store:
            if isinstance(stimulus, s.LinkUp):
                self._links[stimulus.link] = stimulus
            elif isinstance(stimulus, FROM_LINKS):
                self._held.append(stimulus)
            elif isinstance(stimulus, s.Commanded):
                problem = self.health.problem or "The disk failed."
                self._world.perform(e.Refuse(stimulus.token, "store_unavailable", problem))
            return
        self._gather(stimulus, self.core.handle(stimulus, now_ms()))

    @property
    def health(self) -> nouns.Health:
        """Whether the disk works, what is wrong, and the notices for people."""
        return self._condition.health

    @property
    def busy(self) -> bool:
        """Whether more than MAX_PENDING records wait for the disk."""
        return self._full

    def full_for(self, source: str, light: bool = False) -> bool:
        """Whether so much waits for the disk that this source has to wait. Ask again when `Peers.go_on` is called.

        A source that says little (`light`) waits only when nobody is read from, or when its part of the batch is large.
        """
        if self._committing is None or not self._sizes.full(self._batch):
            return False
        return self._full or self._sizes.full_for(self._batch, source, light)

    @property
    def idle(self) -> bool:
        """Whether nothing is being committed or waits for a commit: a moment for background work."""
        return self._committing is None and not self._batch.records

    @property
    def well(self) -> bool:
        """Writes work."""
        return self.health.store

    @property
    def commits(self) -> int:
        """Number of transactions with messages or events since the start."""
        return self._writer.commits

    def _gather(self, stimulus: s.Stimulus | None, effects: list[e.Effect]) -> None:
        host = ""
        if type(stimulus) is s.LinkUp:
            self._links[stimulus.link] = stimulus
        elif type(stimulus) is s.Heard:
            host = self._links[stimulus.link].host
        elif type(stimulus) is s.Secured:
            self._hosts[stimulus.link] = stimulus.host
        elif type(stimulus) is s.Framed:
            host = self._hosts.get(stimulus.link, "")
        self.owed += self._batch.add(stimulus, effects, host) * self._sizes.record_takes
        if not effects and self._arming is None:
            # Nothing is let out because of this one, but something may be due later.
            self._arming = self._loop.call_soon(self._arm)
        if len(self._batch) > MAX_PENDING:
            self._full = True
        self._kick()

    def _kick(self) -> None:
        if self._committing is None and not self._scheduled and (self._batch.records or self._batch.acts):
            self._scheduled = True
            self._quiet.clear()
            self._loop.call_soon(self._commit)

    def _commit(self) -> None:
        self._scheduled = False
        if self._threads.closing:
            return
        batch, self._batch = self._batch, Batch()
        if not batch.records:
            self._let_out(batch)
            return
        self._committing = batch
        self._began = time.perf_counter()
        self._threads.write(self._writer.commit, batch.records).add_done_callback(self._committed)

    def _committed(self, done: asyncio.Future[None]) -> None:
        batch, self._committing = self._committing, None
        assert batch is not None
        error = done.exception()
        if error is not None and self._threads.closing:
            self._drop(batch)
            return
        if error is not None:
            if not isinstance(error, StoreUnavailable):
                log.error("a bug in the writer", exc_info=error)
            self._failed(batch, error)
            return
        if len(self._batch) < MAX_PENDING // 2:
            self._full = False
        self._sizes.committed(batch, time.perf_counter() - self._began)
        if self._batch.records:
            # The disk goes on with what was decided meanwhile, while the outcome of this batch is told.
            self._commit()
        self._let_out(batch)
        self._peers.go_on()
        self.upkeep.committed()

    def _let_out(self, batch: Batch) -> None:
        events = [record.event for record in batch.records if type(record) is e.Log]
        if events:
            self.head = events[-1].seq or self.head
            self.events += len(events)
            self._world.publish(events)
        for act in batch.acts:
            self._world.perform(act)
        for link in batch.over:
            self._links.pop(link, None)
            self._hosts.pop(link, None)
        self._arm()
        if self._batch.records or self._batch.acts:
            self._kick()
        elif self._committing is None and not self._scheduled:
            self._quiet.set()

    def _arm(self) -> None:
        if self._arming is not None:
            self._arming.cancel()
            self._arming = None
        at = self.core.next_deadline()
        if at == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = at
        if at is not None:
            self._timer = self._loop.call_later(min(60.0, max(0, at - now_ms()) / 1000), self._tick)

    def _tick(self) -> None:
        self._timer = self._timer_at = None
        if not self.health.store:
            # Nothing is decided now, so the deadline would be due again at once. The recovery arms the timer.
            return
        self.feed(s.Ticked())
        self._arm()

    # -- how the node is

    def hold(self, problem: str | None) -> None:
        """Stop reading from peers because of `problem`, as the core asked; None: read again."""
        if self._condition.hold(problem):
            if problem is None:
                self.read_on()
            else:
                self._peers.pause()

    def notice(self, about: str, sentence: str | None) -> None:
        """Set the notice on a topic: a sentence people should know although nothing is refused. None removes it."""
        self._condition.notice(about, sentence)

    def index(self, problem: str | None) -> None:
        """Set what is wrong with the search index; None: nothing."""
        self._condition.index(problem)

    def read_on(self) -> None:
        """Read from peers, unless the disk fails or `hold` forbids it."""
        if self._condition.reads:
            self._peers.resume()

    # -- when the disk fails

    def _failed(self, batch: Batch, error: BaseException) -> None:
        lost = (batch, self._batch)
        self._batch = Batch()
        problem = str(error)
        if isinstance(error, StoreDisplaced):
            log.error("%s", problem)
        else:
            log.error("writing failed; nothing that was acknowledged is lost: %s", problem)
        self._condition.fails(problem)
        for one in lost:
            # A text whose batch hit a bug in the writer would hit it again: kept, it would block the node for ever.
            again = one is not batch or isinstance(error, StoreUnavailable)
            self._held.extend(x for x in one.stimuli if again or not isinstance(x, s.Heard))
            for act in one.acts:
                if isinstance(act, e.Transmit):
                    # Its link never got it, so it is certainly not sent.
                    self._held.append(s.Transmitted(act.link, act.token, "not_sent", problem, act.part, act.part, ()))
                else:
                    self._refuse(act, "store_unavailable", problem)
        self._condition.tell()
        self._peers.pause()
        self._peers.leave_all()
        self._quiet.set()
        self._recovery = tasks.begin(self._recover(), "store recovery")

    def _refuse(self, act: e.Act, code: str, why: str) -> None:
        """Refuse the command, if any, that waits for an act which will not be performed."""
        if isinstance(act, e.Reply | e.Refuse):
            self._world.perform(e.Refuse(act.token, code, why))
        elif isinstance(act, e.Fetch) and isinstance(act.query, q.CommandQuery):
            self._world.perform(e.Refuse(act.query.token, code, why))

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY)
            try:
                await self.write(self._writer.probe)
                # In the reader's thread, because a connection belongs to one thread at a time.
                core = await self.read(self._make_core)
                break
            except StoreUnavailable:
                continue
            except Exception:
                log.exception("after a failed write, loading from disk failed")
        self.core = core
        self._condition.works()
        self._full = False
        log.info("writing works again")
        held, self._held = self._held, collections.deque()
        for stimulus in (*self._links.values(), *held):
            self.feed(stimulus)
        self._gather(None, self.core.recovered(now_ms()))
        self._arm()
        self.read_on()
        self._condition.tell()

    # -- the store

    async def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the reader in its thread. Raises CommandRefused (`stopping`) from `close` on."""
        return await self._threads.read(what, *args, **kwargs)

    async def write(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the writer in its thread, between two commits. Raises as `read` does."""
        return await self._threads.write(what, *args, **kwargs)

    def fetch(self, query: q.Query) -> None:
        """Read from the store on behalf of the core; the answer comes as a stimulus."""
        task = asyncio.ensure_future(self._fetch(query))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _fetch(self, query: q.Query) -> None:
        core, fetch = self.core, e.Fetch(query)
        try:
            answer = await self.read(self._reader.answer, query)
        except CommandRefused as error:
            self._refuse(fetch, error.code, error.message)
            return
        except Exception:
            log.exception("the store could not answer")
            self._refuse(fetch, "internal", "The store could not be read.")
            if self.core is core and self.health.store:
                if isinstance(query, q.ReadWaiting):
                    self.feed(s.WaitingRead(query, None))
                elif isinstance(query, q.ReadUnsigned):
                    self.feed(s.UnsignedRead(query, None))
            return
        if self.core is core and self.health.store:
            self.feed(answer)
        else:
            self._refuse(fetch, "store_unavailable", self.health.problem or "The disk failed.")

    # -- the end

    async def quiet(self, timeout: float) -> None:  # noqa: ASYNC109 (the end is the end, done or not)
        """Wait until every decision is committed and performed, at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._quiet.wait()
        except TimeoutError:
            log.warning("the disk is too slow to wait for; nothing that was acknowledged is lost")

    async def close(self) -> None:
        """Stop all timers and threads, and close the database. Running transactions are interrupted and rolled back.

        Takes about CLOSE_FOLD seconds at most. Everything asked for from now on is refused with `stopping`.
        """
        self._threads.end()
        for handle in (self._timer, self._arming):
            if handle is not None:
                handle.cancel()
        if self._recovery is not None:
            self._recovery.cancel()
        for task in list(self._background):
            task.cancel()
        await self.upkeep.close()
        await self._threads.interrupt()
        self._drop(Batch())
        await self._threads.close()

    def _drop(self, batch: Batch) -> None:
        """Give up this batch and the one gathered meanwhile: the end came before they were on disk."""
        lost, self._batch = (batch, self._batch), Batch()
        for act in (act for one in lost for act in one.acts):
            self._refuse(act, "stopping", STOPPING)
        self._quiet.set()


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
