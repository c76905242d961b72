"""Background upkeep of the database: extend the search index, erase deleted words from it, rebuild it when it is
damaged, and checkpoint the WAL.

A step is one short transaction, taken while nothing is being committed. No step may make a message fail or wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from node import tasks
from node.errors import CommandRefused, StoreUnavailable
from node.store.keeper import IndexState
from node.store.writer import Writer

log = logging.getLogger("snicher.store")

#: Messages indexed in one step, from few to many. A step holds up the commit that comes meanwhile, so it should take no
#: longer than this, in seconds. While peers flood, the same step takes several times as long.
MIN_INDEX_STEP, INDEX_STEP = 100, 400
STEP_GOAL = 0.003
#: Pause between two steps, and between two checks that nothing is being committed, in seconds.
PAUSE = 0.05
#: How long after a deletion a pass of erasing words from the index begins, in seconds. Deletions in between share it:
#: a pass goes through the whole index, and adds levels to it.
ERASE_AFTER = 30.0
#: How long after the last commit, and after its last checkpoint, the WAL is checkpointed, in seconds.
FOLD_AFTER = 5.0
#: How often the state is looked at when nothing happens, in seconds.
LOOK_EVERY = 1.0
#: Pause after a failing disk or a bug, in seconds.
TROUBLE_PAUSE = 10.0
#: Backoff before an index that broke during its rebuild is discarded again, in seconds; doubled each time, up to a
#: maximum. Whatever breaks it repeatedly must not keep the disk busy for ever.
BROKE_AGAIN_PAUSE = 60.0
MAX_BROKE_AGAIN_PAUSE = 3600.0


P = ParamSpec("P")
T = TypeVar("T")


class Host(Protocol):
    """What upkeep needs of the loop that it works beside."""

    @property
    def idle(self) -> bool:
        """Whether nothing is being committed or waits for a commit."""

    @property
    def well(self) -> bool:
        """Writes work."""

    async def write(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the writer in its thread, between two commits."""

    def index(self, problem: str | None) -> None:
        """Set what is wrong with the search index, as a sentence; None: nothing."""


class Upkeep:
    """Works in a task of its own."""

    def __init__(self, host: Host, writer: Writer) -> None:
        self._host = host
        self._writer = writer
        self._told: str | None = None
        self._stirred = asyncio.Event()
        self._stirred.set()
        self._state = IndexState()
        #: Messages of the next step.
        self._length = INDEX_STEP
        #: When the next pass of erasing begins; None: nothing is to be erased.
        self._erase_at: float | None = None
        self._erasing = False
        #: How often the index broke since it was complete, and until when it is left alone.
        self._broke = 0
        self._leave_until = 0.0
        self._committed_at = self._now()
        self._folded_at = 0.0
        self._task: asyncio.Task[None] | None = None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def start(self) -> None:
        """Begin."""
        self._task = tasks.begin(self._run(), "upkeep")

    def committed(self) -> None:
        """Something was committed: there may be messages to index."""
        self._committed_at = self._now()
        self._stirred.set()

    async def close(self) -> None:
        """End the task. A step under way goes on in its thread, until the caller waits for it or interrupts it."""
        await tasks.end(self._task)

    async def step(self) -> None:
        """Index some more messages; further steps follow in the background while any are left. Raises nothing."""
        try:
            if await self._host.write(self._advance):
                self._stirred.set()
        except StoreUnavailable as error:
            log.warning("the search index has to wait: %s", error)
        except CommandRefused:
            # The node is going down; the next start goes on.
            pass

    async def broken(self, why: str) -> None:
        """A search found the index broken: rebuild it. Raises StoreUnavailable."""
        await self._host.write(self._writer.keeper.give_up, why)
        self._stirred.set()

    async def _run(self) -> None:
        while True:
            pause = LOOK_EVERY
            try:
                if self._host.well:
                    while self._host.well and await self._once():
                        await self._moment()
            except StoreUnavailable as error:
                log.warning("the search index has to wait: %s", error)
                pause = TROUBLE_PAUSE
            except Exception:
                log.exception("a bug in the upkeep of the database; it tries again in a while")
                pause = TROUBLE_PAUSE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
            self._stirred.clear()
            await self._moment()

    async def _moment(self) -> None:
        """Wait until nothing is being committed."""
        await asyncio.sleep(PAUSE)
        while not self._host.idle:  # noqa: ASYNC110 (no hurry)
            await asyncio.sleep(PAUSE)

    async def _once(self) -> bool:
        """Take the most urgent step; returns whether another one follows."""
        self._state = await self._host.write(self._writer.keeper.state)
        self._tell_state()
        if self._state.broken is not None:
            return await self._discard()
        if self._state.behind:
            await self._host.write(self._advance)
            return True
        self._broke = 0
        return await self._erase() or await self._fold()

    def _advance(self) -> int:
        """Index some more messages, in the thread of the writer; returns how many are left."""
        began = time.perf_counter()
        left = self._writer.keeper.advance(self._length)
        took = time.perf_counter() - began
        if took > STEP_GOAL:
            self._length = max(MIN_INDEX_STEP, self._length * 3 // 4)
        elif took < STEP_GOAL / 2:
            self._length = min(INDEX_STEP, self._length * 5 // 4)
        return left

    def _tell_state(self) -> None:
        state, told = self._state, None
        if state.broken is not None:
            told = f"The search index is damaged ({state.broken}). It is being rebuilt; messages are not affected."
        elif state.rebuilding:
            told = "The search index is being rebuilt: search doesn't find the newest messages yet."
        if told == self._told:
            return
        if told is None:
            log.info("the search index is complete again")
        else:
            log.warning(told)
        self._told = told
        self._host.index(told)

    async def _discard(self) -> bool:
        if self._now() < self._leave_until:
            return False
        if await self._host.write(self._writer.keeper.discard):
            self._erase_at, self._erasing = None, False
            if self._broke:
                pause = min(BROKE_AGAIN_PAUSE * 2 ** (self._broke - 1), MAX_BROKE_AGAIN_PAUSE)
                self._leave_until = self._now() + pause
            self._broke += 1
        return True

    async def _erase(self) -> bool:
        if self._erasing:
            self._erasing = await self._host.write(self._erase_step, False)
            return True
        if not self._state.owes:
            self._erase_at = None
        elif self._erase_at is None:
            self._erase_at = self._now() + ERASE_AFTER
        elif self._now() >= self._erase_at:
            self._erase_at = None
            self._erasing = await self._host.write(self._erase_step, True)
            return True
        return False

    def _erase_step(self, begin: bool) -> bool:
        return self._writer.keeper.erase(begin=begin)

    async def _fold(self) -> bool:
        now = self._now()
        if now - max(self._committed_at, self._folded_at) >= FOLD_AFTER:
            self._folded_at = now
            await self._host.write(self._writer.fold_large)
        return False
