"""Turns: stimuli into the core, its records to disk in batches, and only then its acts let out, in order.

One transaction is written at a time, in a thread; what is decided meanwhile gathers in the next batch (group commit).
When a commit fails, that batch and the one gathered meanwhile are dropped whole, all links are left, and the core is
loaded again as soon as a write works: nothing was told to anybody that isn't on disk.

The next batch is no longer than the disk takes in a moment: when it is full, sources with more than their share in it
have to wait (`full_for`), so that whoever speaks now and then, and every command, is on disk a moment later, however
many others flood.
"""

from __future__ import annotations

import asyncio
import collections
import functools
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec.structs import replace

from node.bus import events as ev
from node.bus import nouns
from node.core import effects as e
from node.core import stimuli as s
from node.core.node import Node
from node.errors import CommandRefused, StoreDisplaced, StoreUnavailable
from node.model import source_of
from node.store.reader import Reader
from node.store.writer import Writer
from node.upkeep import Upkeep

log = logging.getLogger("snicher.store")

#: Records that may wait for the disk before nobody is heard and commands get `busy`; half of it lets go.
MAX_PENDING = 20_000
#: What a commit should take, in seconds: an (almost) empty one's time and so much more; with one source, with several.
ALONE_GOAL, SHARED_GOAL = 0.05, 0.01
#: Records in a batch before sources with more than their share have to wait: it follows from how long commits take.
MIN_BATCH, MAX_BATCH = 128, 10_000
#: With more sources than this in the last so many commits, shorter batches and commits: who says something now and then
#: waits for the commit under way and his own, and should hardly notice the crowd.
CROWD, LATELY = 16, 64
CROWD_GOAL, MIN_CROWD_BATCH = 0.001, 32
#: Bytes from a peer that count as one more record: long texts take room in memory and on disk, short ones steps.
BYTES_A_RECORD = 512
#: Records of a source in a batch that never count as more than its share.
MIN_SHARE = 16
#: What a record takes the disk before any was written, in seconds.
RECORD_TAKES = 0.00002
#: A commit of at most so many records shows what the disk takes for an empty one.
EMPTY = 16
#: How often a failed disk is tried again, in seconds.
PROBE_EVERY = 1.0
#: How long folding the WAL back may take at the end, in seconds. Beyond, it stays, and the next start reads it.
CLOSE_FOLD = 2.0
#: How often what runs at the end is interrupted, in seconds: an interruption that comes between two statements is lost.
INTERRUPT_EVERY = 0.02
STOPPING = "The node is going down; nothing was done."

_AGAIN = (s.Heard, s.Transmitted, s.Closed)
_ACTS = frozenset((e.Dial, e.Transmit, e.HangUp, e.ShutOut, e.Hold, e.Tell, e.Reply, e.Refuse, e.Fetch, e.Exit))


class _Batch:
    __slots__ = ("acts", "bulk", "expires", "over", "records", "sources", "stimuli")

    def __init__(self) -> None:
        self.records: list[e.Record] = []
        #: What long texts count for beside them.
        self.bulk = 0
        #: How much of both is due to each source.
        self.sources: dict[str, int] = {}
        self.acts: list[e.Act] = []
        #: What came from peers: told to the new core if this batch is lost.
        self.stimuli: list[s.Stimulus] = []
        #: Links that are over.
        self.over: list[int] = []
        #: Messages expire with it: what it takes tells nothing about others.
        self.expires = False

    def __len__(self) -> int:
        """What it costs the disk, in records."""
        return len(self.records) + self.bulk


class Turns:
    """The loop around the core.

    `act` performs one act; `publish` gets the events of a committed batch; `pause` and `resume` stop and start reading
    from peers; `go_on` is called when sources that were `full_for` may be heard again; `health` is told when the disk
    fails or works again.
    """

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        make_core: Callable[[], Node],
        act: Callable[[e.Act], None],
        publish: Callable[[list[ev.Event]], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
        go_on: Callable[[], None],
        leave_all: Callable[[], None],
        health: Callable[[nouns.Health], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._reader = reader
        self._writing = ThreadPoolExecutor(1, "writer")
        self._reading = ThreadPoolExecutor(1, "reader")
        self._make_core = make_core
        self.core = make_core()
        self._act = act
        self._publish = publish
        self._pause = pause
        self._resume = resume
        self._go_on = go_on
        self._leave_all = leave_all
        self._tell_health = health
        self._batch = _Batch()
        self._committing: _Batch | None = None
        self._scheduled = False
        self._full = False
        #: Records in a batch, with several sources and with one (or none).
        self._batch_sizes = {True: 512, False: 4096}
        #: The same with a crowd. The sources of the last commits, each with the number of its last one, oldest first.
        self._crowd_size = MIN_BATCH
        self._lately: collections.OrderedDict[str, int] = collections.OrderedDict()
        self._number = 0
        #: When the commit under way began, and what an empty one takes, in seconds.
        self._began = 0.0
        self._empty_takes = 0.0
        #: What a record takes the disk; and all records that peers have caused since the start, in seconds.
        self._record_takes = RECORD_TAKES
        self.owed = 0.0
        #: What each link is of which a core was told, until its end is on disk: a core made anew is told so, too.
        self._links: dict[int, s.LinkUp] = {}
        #: Why nothing is read from peers though the disk works.
        self._problem: str | None = None
        self._held: collections.deque[s.Stimulus] = collections.deque()
        #: What a person should know, by what it is about.
        self._notices: dict[str, str] = {}
        self.health = nouns.Health()
        #: The newest event on disk.
        self.head = self.core.head
        self.events = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: int | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._background: set[asyncio.Future[Any]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._closing = False
        #: What works on the database in the background.
        self.upkeep = Upkeep(self, writer, self._index_health)

    # -- stimuli in

    def feed(self, stimulus: s.Stimulus) -> None:
        """Something happened. Decided at once; what follows from it is let out when it is on disk."""
        if self._closing:
            if isinstance(stimulus, s.Commanded):
                self._act(e.Refuse(stimulus.token, "stopping", STOPPING))
            return
        if not self.health.store:
            if isinstance(stimulus, s.LinkUp):
                self._links[stimulus.link] = stimulus
            elif isinstance(stimulus, _AGAIN):
                self._held.append(stimulus)
            elif isinstance(stimulus, s.Commanded):
                self._act(e.Refuse(stimulus.token, "store_unavailable", self.health.problem or "The disk failed."))
            return
        before = len(self._batch.records)
        self._gather(stimulus, self.core.handle(stimulus, now_ms()))
        if type(stimulus) is s.Heard:
            batch, bulk = self._batch, stimulus.size // BYTES_A_RECORD
            batch.bulk += bulk
            self.owed += (len(batch.records) - before + bulk) * self._record_takes
            source = source_of(self._links[stimulus.link].host)
            batch.sources[source] = batch.sources.get(source, 0) + len(batch.records) - before + bulk

    @property
    def busy(self) -> bool:
        """Too much waits for the disk."""
        return self._full

    def full_for(self, source: str, light: bool = False) -> bool:
        """Whether so much waits for the disk that a source has to wait for others. `go_on` says when not.

        One that says little (`light`) waits only when nobody is heard, or when it has a good part of what waits.
        """
        batch = self._batch
        sources = batch.sources
        size = self._crowd_size if self._crowded else self._batch_sizes[len(sources) > 1]
        if self._committing is None or len(batch) < size:
            return False
        if self._full:
            return True
        if light and sources.get(source, 0) <= MIN_SHARE:
            return False
        if self._crowded:
            # Even the smallest shares would make a batch that takes long, and the light ones wait for it too.
            return True
        return sources.get(source, 0) > max(MIN_SHARE, size // max(1, len(sources)))

    @property
    def idle(self) -> bool:
        """Nothing is being committed, or waits for it: a moment for what works in the background."""
        return self._committing is None and not self._batch.records

    @property
    def well(self) -> bool:
        """Writes work."""
        return self.health.store

    @property
    def commits(self) -> int:
        """Transactions with messages or events since the start."""
        return self._writer.commits

    def _gather(self, stimulus: s.Stimulus | None, effects: list[e.Effect]) -> None:
        batch = self._batch
        if isinstance(stimulus, s.LinkUp):
            self._links[stimulus.link] = stimulus
        elif isinstance(stimulus, _AGAIN):
            batch.stimuli.append(stimulus)
            if isinstance(stimulus, s.Closed):
                batch.over.append(stimulus.link)
        elif type(stimulus) is s.OldFound:
            batch.expires = True
        for effect in effects:
            (batch.acts if type(effect) in _ACTS else batch.records).append(effect)  # type: ignore[arg-type]
        if len(batch) > MAX_PENDING:
            self._full = True
        self._kick()

    def _kick(self) -> None:
        if self._committing is None and not self._scheduled and (self._batch.records or self._batch.acts):
            self._scheduled = True
            self._quiet.clear()
            self._loop.call_soon(self._commit)

    def _commit(self) -> None:
        self._scheduled = False
        if self._closing:
            return
        batch, self._batch = self._batch, _Batch()
        if not batch.records:
            self._let_out(batch)
            return
        self._committing = batch
        self._began = time.perf_counter()
        done = self._loop.run_in_executor(self._writing, self._unless_closing, self._writer.commit, batch.records)
        done.add_done_callback(self._committed)

    def _committed(self, done: asyncio.Future[None]) -> None:
        batch, self._committing = self._committing, None
        assert batch is not None
        error = done.exception()
        if error is not None and self._closing:
            self._drop(batch)
            return
        if error is not None:
            if not isinstance(error, StoreUnavailable):
                log.error("a bug in the writer", exc_info=error)
            self._failed(batch, error)
            return
        if len(self._batch) < MAX_PENDING // 2:
            self._full = False
        self._count(batch)
        if not batch.expires:
            self._fit(batch, time.perf_counter() - self._began)
        self._let_out(batch)
        self._go_on()
        self.upkeep.committed()

    @property
    def _crowded(self) -> bool:
        return len(self._lately) > CROWD

    def _count(self, batch: _Batch) -> None:
        """Remember whose records this commit holds."""
        self._number += 1
        for source in batch.sources:
            self._lately[source] = self._number
            self._lately.move_to_end(source)
        while self._lately and next(iter(self._lately.values())) <= self._number - LATELY:
            self._lately.popitem(last=False)

    def _fit(self, batch: _Batch, took: float) -> None:
        """Batches get longer or shorter, until a commit takes about as long as it should."""
        count = len(batch)
        if count <= EMPTY:
            self._empty_takes += (took - self._empty_takes) / 8
            return
        self._record_takes += (max(0.0, took - self._empty_takes) / count - self._record_takes) / 8
        if self._crowded:
            goal = self._empty_takes + CROWD_GOAL
            if took > goal:
                self._crowd_size = max(MIN_CROWD_BATCH, self._crowd_size * 3 // 4)
            elif count >= self._crowd_size and took < goal / 2:
                self._crowd_size = min(MAX_BATCH, self._crowd_size * 5 // 4)
            return
        shared = len(batch.sources) > 1
        goal = self._empty_takes + (SHARED_GOAL if shared else ALONE_GOAL)
        size = self._batch_sizes[shared]
        if took > goal:
            self._batch_sizes[shared] = max(MIN_BATCH, size * 3 // 4)
        elif count >= size and took < goal / 2:
            self._batch_sizes[shared] = min(MAX_BATCH, size * 5 // 4)

    def _let_out(self, batch: _Batch) -> None:
        events = [record.event for record in batch.records if type(record) is e.Log]
        if events:
            self.head = events[-1].seq or self.head
            self.events += len(events)
            self._publish(events)
        for act in batch.acts:
            self._act(act)
        for link in batch.over:
            self._links.pop(link, None)
        self._arm()
        if self._batch.records or self._batch.acts:
            self._kick()
        elif self._committing is None and not self._scheduled:
            self._quiet.set()

    def _arm(self) -> None:
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
        self.feed(s.Ticked())
        self._arm()

    def hold(self, problem: str | None) -> None:
        """Read from nobody as long as this problem stands; the core wants it."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem is None:
            log.info("there is room on the disk again")
        else:
            log.warning(problem)
        if self.health.store:
            self._be(store=True, problem=problem)
            self._tell_health(self.health)
            if problem is None:
                self.read_on()
            else:
                self._pause()

    def notice(self, about: str, sentence: str | None) -> None:
        """What a person should know though nothing is refused for it; None: it is no more so."""
        if self._notices.get(about) == sentence:
            return
        if sentence is None:
            del self._notices[about]
        else:
            if about not in self._notices:
                log.warning("%s", sentence)
            self._notices[about] = sentence
        self._be(store=self.health.store, problem=self.health.problem)
        self._tell_health(self.health)

    def _be(self, *, store: bool, problem: str | None) -> None:
        self.health = replace(self.health, store=store, problem=problem, notices=[*self._notices.values()])

    def _index_health(self, problem: str | None) -> None:
        self.health = replace(self.health, index=problem)
        self._tell_health(self.health)

    def read_on(self) -> None:
        """Read from peers, unless something still speaks against it."""
        if self.health.store and self._problem is None:
            self._resume()

    # -- when the disk fails

    def _failed(self, batch: _Batch, error: BaseException) -> None:
        lost = (batch, self._batch)
        self._batch = _Batch()
        problem = str(error)
        if isinstance(error, StoreDisplaced):
            log.error("%s", problem)
        else:
            log.error("writing failed; nothing that was acknowledged is lost: %s", problem)
        self._be(store=False, problem=problem)
        for one in lost:
            # What led to a bug leads there again: held, it would keep the node from ever going on.
            again = one is not batch or isinstance(error, StoreUnavailable)
            self._held.extend(x for x in one.stimuli if again or not isinstance(x, s.Heard))
            for act in one.acts:
                if isinstance(act, e.Reply | e.Refuse):
                    self._act(e.Refuse(act.token, "store_unavailable", problem))
                elif isinstance(act, e.Transmit):
                    # It was never given to its link.
                    self._held.append(s.Transmitted(act.link, act.token, "not_sent", problem, act.part, act.part, ()))
                elif isinstance(act, e.Fetch) and isinstance(act.query, e.CommandQuery):
                    self._act(e.Refuse(act.query.token, "store_unavailable", problem))
        self._tell_health(self.health)
        self._pause()
        self._leave_all()
        self._quiet.set()
        self._recovery = asyncio.create_task(self._recover(), name="store recovery")

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY)
            try:
                await self._loop.run_in_executor(self._writing, self._writer.probe)
                # Where all reading is done: a connection is for one thread at a time.
                core = await self.read(self._make_core)
                break
            except StoreUnavailable:
                continue
            except Exception:
                log.exception("loading again after a failed write failed")
        self.core = core
        self._be(store=True, problem=self._problem)
        self._full = False
        log.info("writing works again")
        held, self._held = self._held, collections.deque()
        for stimulus in (*self._links.values(), *held):
            self.feed(stimulus)
        self._gather(None, self.core.recovered(now_ms()))
        self.read_on()
        self._tell_health(self.health)

    # -- reading

    async def read(self, what: Callable[..., Any], *args: Any) -> Any:
        """Call a method of the reader in its thread. Raises CommandRefused (`stopping`) from `close` on."""
        return await self._ask(self._reading, what, *args)

    async def write(self, what: Callable[..., Any], *args: Any) -> Any:
        """Call a method of the writer in its thread, between two commits. Raises as `read` does."""
        return await self._ask(self._writing, what, *args)

    async def _ask(self, thread: ThreadPoolExecutor, what: Callable[..., Any], *args: Any) -> Any:
        if self._closing:
            raise CommandRefused("stopping", STOPPING)
        return await self._loop.run_in_executor(thread, self._unless_closing, what, *args)

    def _unless_closing(self, what: Callable[..., Any], *args: Any) -> Any:
        """In a thread of the database: what is asked for late, or is interrupted by the end, is refused."""
        if self._closing:
            raise CommandRefused("stopping", STOPPING)
        try:
            return what(*args)
        except Exception as error:
            if self._closing:
                raise CommandRefused("stopping", STOPPING) from error
            raise

    def fetch(self, query: e.Query) -> None:
        """Ask the store for the core; the answer comes as a stimulus."""
        task = asyncio.ensure_future(self._fetch(query))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _fetch(self, query: e.Query) -> None:
        core = self.core
        try:
            answer: s.Fetched = await self.read(self._reader.answer, query)
        except CommandRefused as error:
            if isinstance(query, e.CommandQuery):
                self._act(e.Refuse(query.token, error.code, error.message))
            return
        except Exception:
            log.exception("the store could not answer")
            if isinstance(query, e.CommandQuery):
                self._act(e.Refuse(query.token, "internal", "The store could not be read."))
            elif isinstance(query, e.Waiting) and self.core is core and self.health.store:
                self.feed(s.WaitingRead(query, None))
            return
        if self.core is core and self.health.store:
            self.feed(answer)
        elif isinstance(query, e.CommandQuery):
            self._act(e.Refuse(query.token, "store_unavailable", self.health.problem or "The disk failed."))

    # -- the end

    async def quiet(self, timeout: float) -> None:  # noqa: ASYNC109 (the end is the end, done or not)
        """Wait until all that was decided is on disk and let out, at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._quiet.wait()
        except TimeoutError:
            log.warning("the disk is too slow to wait for; what was acknowledged is safe")

    async def close(self) -> None:
        """Stop all timers and threads, and close the database; what is running is interrupted, and undone whole.

        Takes about CLOSE_FOLD at most. Whatever is asked for from now on is refused with `stopping`.
        """
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._recovery is not None:
            self._recovery.cancel()
        for task in list(self._background):
            task.cancel()
        await self.upkeep.close()
        await self._interrupt(self._reader.interrupt, self._reading)
        await self._interrupt(self._writer.interrupt, self._writing)
        self._drop(_Batch())
        # A snapshot that somebody still reads would keep the WAL from being folded back.
        await self._loop.run_in_executor(self._reading, self._reader.pages.close)
        folding = self._loop.run_in_executor(self._writing, self._writer.fold)
        done, _ = await asyncio.wait([folding], timeout=CLOSE_FOLD)
        if not done:
            log.info("what is in the write-ahead log stays there; the next start goes on with it")
            await self._interrupt(self._writer.interrupt, self._writing)
        # The writer last: whoever closes a database last folds its WAL back and takes it away. That can't be
        # interrupted, so when there is much left to fold, the reader is last: it can't write.
        close_writer = functools.partial(self._writer.close, fold=bool(done))
        closes: list[tuple[ThreadPoolExecutor, Callable[[], None]]] = [
            (self._reading, self._reader.close),
            (self._writing, close_writer),
        ]
        for executor, close in closes if done else reversed(closes):
            await self._loop.run_in_executor(executor, close)
            executor.shutdown()

    async def _interrupt(self, interrupt: Callable[[], None], executor: ThreadPoolExecutor) -> None:
        """Interrupt what a thread of the database does, until it has come to the end of what was asked of it."""
        drained = self._loop.run_in_executor(executor, lambda: None)
        while not drained.done():
            interrupt()
            await asyncio.wait([drained], timeout=INTERRUPT_EVERY)

    def _drop(self, batch: _Batch) -> None:
        """The end came before these records, and those gathered meanwhile, were on disk: they are given up."""
        lost, self._batch = (batch, self._batch), _Batch()
        for act in (act for one in lost for act in one.acts):
            if isinstance(act, e.Reply | e.Refuse):
                self._act(e.Refuse(act.token, "stopping", STOPPING))
            elif isinstance(act, e.Fetch) and isinstance(act.query, e.CommandQuery):
                self._act(e.Refuse(act.query.token, "stopping", STOPPING))
        self._quiet.set()


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
