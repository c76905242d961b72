"""The two threads of the database: one writes, one reads. At the end both are interrupted, then closed in order.

SQLite blocks on the disk, and the event loop must not block. A connection belongs to one thread at a time, so one
thread does all reading and the other all writing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

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


class Worker:
    """A thread that runs calls one after the other. An executor would take longer over a short call than the call."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: queue.SimpleQueue[_Call[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def ask(self, what: Callable[[], T]) -> asyncio.Future[T]:
        """Run a call; the future has what it returns or raises. A call whose future was cancelled is left out."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._calls.put(_Call(what, future))
        return future

    def end(self) -> None:
        """Wait until all calls are done, and end the thread."""
        self._calls.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            # If the loop is closed, nobody waits for it any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(call.tell)


class _Call(Generic[T]):
    """One call, and what came of it."""

    __slots__ = ("_error", "_future", "_result", "_what")

    def __init__(self, what: Callable[[], T], future: asyncio.Future[T]) -> None:
        self._what = what
        self._future = future
        self._result: T
        self._error: BaseException | None = None

    def run(self) -> None:
        """Make the call, in its thread."""
        if self._future.cancelled():
            return
        try:
            self._result = self._what()
        except BaseException as error:
            self._error = error

    def tell(self) -> None:
        """Tell the outcome, in the loop's thread."""
        if self._future.done():
            return
        if self._error is None:
            self._future.set_result(self._result)
        else:
            self._future.set_exception(self._error)


class Threads:
    """Runs calls of the writer and the reader in their threads. To shut down: `end`, `interrupt`, `close`, in order."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self._writing = Worker("writer")
        self._reading = Worker("reader")
        #: Whether the end has begun.
        self.closing = False

    def read(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call a method of the reader in its thread. Raises CommandRefused (`stopping`) from `end` on, also later."""
        return self._ask(self._reading, functools.partial(what, *args, **kwargs))

    def write(self, what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call a method of the writer in its thread, between two others. Raises as `read` does."""
        return self._ask(self._writing, functools.partial(what, *args, **kwargs))

    def _ask(self, thread: Worker, what: Callable[[], T]) -> asyncio.Future[T]:
        if self.closing:
            raise CommandRefused("stopping", STOPPING)
        return thread.ask(functools.partial(self._unless_closing, what))

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
        await self._reading.ask(self._reader.pages.close)
        folding = self._writing.ask(self._writer.fold)
        done, _ = await asyncio.wait([folding], timeout=CLOSE_FOLD)
        if not done:
            log.info("the write-ahead log was too large to fold back now; the next start reads it")
            await self._interrupt(self._writer.interrupt, self._writing)
        # The connection that closes last checkpoints and removes the WAL. Normally that is the writer. That last
        # checkpoint can't be interrupted, so when much is left, the reader closes last: it can't write.
        close_writer = functools.partial(self._writer.close, fold=bool(done))
        closes: list[tuple[Worker, Callable[[], None]]] = [
            (self._reading, self._reader.close),
            (self._writing, close_writer),
        ]
        for thread, close in closes if done else reversed(closes):
            await thread.ask(close)
            thread.end()

    async def _interrupt(self, interrupt: Callable[[], None], thread: Worker) -> None:
        """Interrupt a thread's connection again and again, until the thread has no call left."""
        drained = thread.ask(lambda: None)
        while not drained.done():
            interrupt()
            await asyncio.wait([drained], timeout=INTERRUPT_EVERY)
