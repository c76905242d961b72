"""The two threads of the database: one writes, one reads. At the end both are interrupted, then closed in order.

SQLite blocks on the disk, and the event loop must not block. A connection belongs to one thread at a time, so one
thread does all reading and the other all writing.
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

#: How long the last checkpoint of the WAL may take, in seconds. If it takes longer, the WAL stays for the next start.
CLOSE_FOLD = 2.0
#: How often running work is interrupted at the end, in seconds. SQLite ignores an interrupt between two statements, so
#: one is not enough.
INTERRUPT_EVERY = 0.02
STOPPING = "The node is going down; nothing was done."

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs calls of the writer and the reader in their threads. To shut down: `end`, `interrupt`, `close`, in order."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._reader = reader
        self._writing = ThreadPoolExecutor(1, "writer")
        self._reading = ThreadPoolExecutor(1, "reader")
        #: Whether the end has begun.
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
        """Run a call in its thread. Raises CommandRefused (`stopping`) if the end came before it or interrupts it."""
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
        """Refuse every call from now on."""
        self.closing = True

    async def interrupt(self) -> None:
        """Interrupt running calls. An interrupted transaction is rolled back."""
        await self._interrupt(self._reader.interrupt, self._reading)
        await self._interrupt(self._writer.interrupt, self._writing)

    async def close(self) -> None:
        """Checkpoint the write-ahead log, for CLOSE_FOLD seconds at most, and close the database."""
        # An open snapshot would block the checkpoint.
        await self._loop.run_in_executor(self._reading, self._reader.pages.close)
        folding = self._loop.run_in_executor(self._writing, self._writer.fold)
        done, _ = await asyncio.wait([folding], timeout=CLOSE_FOLD)
        if not done:
            log.info("the write-ahead log was too large to fold back now; the next start reads it")
            await self._interrupt(self._writer.interrupt, self._writing)
        # The connection that closes last checkpoints and removes the WAL. Normally that is the writer. That last
        # checkpoint can't be interrupted, so when much is left, the reader closes last: it can't write.
        close_writer = functools.partial(self._writer.close, fold=bool(done))
        closes: list[tuple[ThreadPoolExecutor, Callable[[], None]]] = [
            (self._reading, self._reader.close),
            (self._writing, close_writer),
        ]
        for executor, close in closes if done else reversed(closes):
            await self._loop.run_in_executor(executor, close)
            executor.shutdown()

    async def _interrupt(self, interrupt: Callable[[], None], executor: ThreadPoolExecutor) -> None:
        """Interrupt a thread's connection again and again, until the thread has no call left."""
        drained = self._loop.run_in_executor(executor, lambda: None)
        while not drained.done():
            interrupt()
            await asyncio.wait([drained], timeout=INTERRUPT_EVERY)
