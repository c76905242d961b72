"""The two threads of the database: one writes, one reads. At the end both are interrupted, and closed in order.

SQLite waits for the disk, and the loop must not. A connection is for one thread at a time, so all reading is done in
one thread and all writing in the other.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from node.errors import CommandRefused
from node.store.reader import Reader
from node.store.writer import Writer

log = logging.getLogger("snicher.store")

#: How long folding the WAL back may take at the end, in seconds. Beyond, it stays, and the next start reads it.
CLOSE_FOLD = 2.0
#: How often what runs at the end is interrupted, in seconds: an interruption that comes between two statements is lost.
INTERRUPT_EVERY = 0.02
STOPPING = "The node is going down; nothing was done."

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Owns writer and reader: whoever wants something of them asks here. In this order: `end`, `interrupt`, `close`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._reader = reader
        self._writing = ThreadPoolExecutor(1, "writer")
        self._reading = ThreadPoolExecutor(1, "reader")
        #: The end has begun.
        self.closing = False

    def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call a method of the reader in its thread. Raises CommandRefused (`stopping`) from `end` on, also later."""
        return self._ask(self._reading, functools.partial(what, *args, **kwargs))

    def write(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call a method of the writer in its thread, between two others. Raises as `read` does."""
        return self._ask(self._writing, functools.partial(what, *args, **kwargs))

    def _ask(self, thread: ThreadPoolExecutor, what: Callable[[], T]) -> asyncio.Future[T]:
        if self.closing:
            raise CommandRefused("stopping", STOPPING)
        return self._loop.run_in_executor(thread, self._unless_closing, what)

    def _unless_closing(self, what: Callable[[], T]) -> T:
        """In a thread of the database: what is asked for late, or is interrupted by the end, is refused."""
        if self.closing:
            raise CommandRefused("stopping", STOPPING)
        try:
            return what()
        except Exception as error:
            if self.closing:
                raise CommandRefused("stopping", STOPPING) from error
            raise

    # -- the end

    def end(self) -> None:
        """Whatever is asked for from now on is refused."""
        self.closing = True

    async def interrupt(self) -> None:
        """Interrupt what is running. What was interrupted is undone whole."""
        await self._interrupt(self._reader.interrupt, self._reading)
        await self._interrupt(self._writer.interrupt, self._writing)

    async def close(self) -> None:
        """Fold the write-ahead log back, for CLOSE_FOLD at most, and close the database."""
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
