"""What the chat's screen has others do, so that it never waits: two threads that talk with the node.

One follows the events; the other runs commands, one after the other. What they bring is taken in the screen's own
thread, that of its event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

from node.bus.client import Client, Cursor, Item
from node.errors import BusError

#: How long one wait for events is, in seconds: so long it takes at most to notice that the chat is over.
LOOK_S = 0.3


class Errands:
    """The threads of one chat, which follows the events after `cursor`. `take` gets what the follower gives."""

    def __init__(self, client: Client, cursor: Cursor, take: Callable[[Item], None]) -> None:
        self._client = client
        self._cursor = cursor
        self._take = take
        self._asked: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = queue.SimpleQueue()
        self._ended = threading.Event()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start; what comes is taken in this loop."""
        for work in (self._follow, self._run):
            threading.Thread(target=work, args=(loop,), name=f"chat {work.__name__}", daemon=True).start()

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None] = lambda _: None) -> None:
        """Run a command in its turn; `done` gets its result, or the BusError."""
        self._asked.put((work, done))

    def end(self) -> None:
        """Nothing is taken any more; the threads end by themselves."""
        self._ended.set()
        self._asked.put(None)

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        follower = self._client.follow(self._cursor)
        while not self._ended.is_set():
            try:
                item = follower.next(timeout=LOOK_S)
            except Exception:
                # The client was closed under us: the chat is over.
                break
            if item is not None:
                self._post(loop, self._take, item)
        follower.close()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (asked := self._asked.get()) is not None:
            work, done = asked
            try:
                result = work()
            except BusError as error:
                result = error
            self._post(loop, done, result)

    def _post(self, loop: asyncio.AbstractEventLoop, call: Callable[[Any], None], given: Any) -> None:
        """Call it in the loop's thread, unless the chat has ended."""
        if not self._ended.is_set():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(call, given)
