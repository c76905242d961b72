"""Standard streams for a server: printing never blocks the process, whatever happens to its terminal.

A stopped terminal (Ctrl+S), a pipe that nobody reads or a full disk would block a plain `print`, and with it the event
loop, all peers and all front ends. So each line goes into a bounded queue, and one thread writes the queue. Lines that
can't be written are dropped and counted, and one line reports their number once writing works again. Lines keep their
order.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import io
import logging
import os
import pathlib
import select
import sys
import threading
import time
from collections.abc import Callable

#: Most characters that wait to be written; further lines are dropped. It holds a busy node's log of some minutes.
MAX_WAITING = 2_000_000
#: How long the end of the process waits for printed lines to be written, in seconds. A stopped terminal must not delay
#: the end for long: a supervisor kills after five seconds.
LAST_WRITE_S = 1.0


def lines_lost(count: int) -> str:
    """The text that stands in the place of so many lost lines."""
    lines = "1 line was" if count == 1 else f"{count} lines were"
    return f"{lines} not written here, because nothing took them."


class Outlet(io.TextIOBase):
    """A text stream onto a file descriptor that never blocks and never fails. Safe for threads.

    `said_lost` makes the line that stands in the place of lost lines, from their number.
    """

    def __init__(
        self,
        descriptor: int,
        encoding: str = "utf-8",
        limit: int = MAX_WAITING,
        instead_of: io.TextIOBase | None = None,
    ) -> None:
        super().__init__()
        #: The original stream. A reference is kept, because a stream closes its descriptor when it is collected.
        self._instead_of = instead_of
        self._descriptor = descriptor
        self._encoding = encoding
        self._limit = limit
        self._changed = threading.Condition()
        self._queue: collections.deque[str] = collections.deque()
        self._waiting = 0
        #: An unfinished line: text printed since the last line break.
        self._begun = ""
        #: Lines that were dropped since the last one that was written.
        self._lost = 0
        #: Whether the thread has taken text that isn't written yet.
        self._busy = False
        self._thread: threading.Thread | None = None
        self.said_lost: Callable[[int], str] = lines_lost

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As other text streams have it."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What the encoding can't show becomes a question mark."""
        return "replace"

    def fileno(self) -> int:
        """The descriptor that is written to."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether that is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Put whole lines into the queue; the rest waits for its end, or for `flush`."""
        with self._changed:
            whole, newline, self._begun = (self._begun + text).rpartition("\n")
            # An unfinished line has the same bound as the queue.
            if newline:
                self._put(whole + newline)
            if len(self._begun) > self._limit:
                self._put(self._begun)
                self._begun = ""
        return len(text)

    def flush(self) -> None:
        """Put an unfinished line into the queue as well. Doesn't wait until it is written; `drain` does."""
        with self._changed:
            if self._begun:
                self._put(self._begun)
                self._begun = ""

    def drain(self, seconds: float) -> bool:
        """Wait at most `seconds` until all is written; returns whether it was."""
        self.flush()
        until = time.monotonic() + seconds
        with self._changed:
            while self._queue or self._busy:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def _put(self, text: str) -> None:
        # After the first dropped line, all lines are dropped until the queue is empty. So the loss is one gap, and one
        # line says how many are missing.
        if self._lost or self._waiting + len(text) > self._limit:
            self._lost += _lines(text)
            return
        self._queue.append(text)
        self._waiting += len(text)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"writes to {self._descriptor}", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        #: Lines that the descriptor refused since the last one that it took.
        failed = 0
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not self._queue and not self._lost:
                    self._changed.wait()
                text = self._queue.popleft() if self._queue else ""
                self._waiting -= len(text)
                self._busy = True
                dropped = 0
                if not text:
                    dropped, self._lost = self._lost, 0
            count = failed + dropped
            said = self.said_lost(count) + "\n" if count else ""
            try:
                self._write_all((said + text).encode(self._encoding, "replace"))
                failed = 0
            except OSError:
                # The reader is gone, or the disk is full. The next line tries again.
                failed = count + _lines(text)

    def _write_all(self, content: bytes) -> None:
        while content:
            try:
                content = content[os.write(self._descriptor, content) :]
            except BlockingIOError:
                # Another process on the same terminal has made it non-blocking; this thread may wait.
                select.select([], [self._descriptor], [])


def _lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n"))


def open_what_is_closed() -> None:
    """Open os.devnull for each of the three standard streams that the process was started without.

    Otherwise a socket or the database would get the file descriptor 0, 1 or 2, and printed text would end up in it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The system gives the lowest free number, which is this stream's. It stays open until the process ends.
            setattr(sys, name, pathlib.Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def never_block() -> None:
    """From now on, printing to the standard output and error of this process never blocks and never fails.

    The last lines are written before the process ends, if that takes no longer than LAST_WRITE_S.
    """
    replaced = []
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue
        try:
            descriptor = stream.fileno()
        except OSError:
            # Not a stream of the system: a test captures the output.
            continue
        with contextlib.suppress(OSError):
            stream.flush()
        outlet = Outlet(descriptor, stream.encoding, instead_of=stream)
        setattr(sys, name, outlet)
        replaced.append(outlet)
        # Log handlers that libraries made when they were imported still hold the old stream.
        for logger in (logging.root, *logging.root.manager.loggerDict.values()):
            for handler in getattr(logger, "handlers", ()):
                if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                    handler.setStream(outlet)
    atexit.register(_drain_all, replaced)


def _drain_all(outlets: list[Outlet]) -> None:
    until = time.monotonic() + LAST_WRITE_S
    for outlet in outlets:
        outlet.drain(max(0.0, until - time.monotonic()))
