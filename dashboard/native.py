"""Answers the scripts of native pages: proves who asks, and puts their questions to the model and the node.

Law of this file: everything is decided on the server's event loop; a script's thread only waits, and not for ever.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from dashboard import asked, hatch, options, schema, viewmodel, watching
from dashboard.door import Door
from dashboard.feed import Asker
from dashboard.sessions import Session
from node.errors import ConfigError

_T = TypeVar("_T")

#: How long a script waits for an answer, in seconds: longer than the node is waited for, so that it tells why.
WAIT_S = 10.0
#: How long after a change the model is waited for, in seconds, and how often it is looked at.
SETTLE_S = 1.0
LOOK_S = 0.005


def at_the_door(
    request: schema.Link | schema.ShutOutOthers, door: Door | None, session: Session | None
) -> msgspec.Struct:
    """Give another link to a browser that is let in, or shut out all others; returns the answer or a schema.Problem."""
    if door is None:
        return schema.Problem("internal", "This server has no door.")
    if isinstance(request, schema.Link):
        return schema.Code(door.new_code())
    try:
        door.shut_out_others(session)
    except ConfigError as error:
        told = f"The others are shut out until the dashboard is started again. {error}"
        return schema.Problem("store_unavailable", told, True)
    return schema.Done()


class Native:
    """Stands behind the hatch (hatch.Counter). Without a `door`, everybody is let in."""

    def __init__(self, asker: Asker, model: viewmodel.Model, watchers: watching.Watchers, door: Door | None) -> None:
        self._asker = asker
        self._model = model
        self._watchers = watchers
        self._door = door
        self._loop = asyncio.get_running_loop()

    def admits(self, visitor: hatch.Visitor) -> bool:
        """Whether the visitor has proved the pass of a session of its host."""

        async def look() -> bool:
            return self._knows(visitor)

        return self._wait(look())

    def ask(self, visitor: hatch.Visitor, question: Any) -> Any:
        """Answer a request. Raises hatch.ShutOut or hatch.Problem."""
        return self._wait(self._answer(visitor, question))

    def read(self, visitor: hatch.Visitor, look: Callable[[hatch.Sight], _T]) -> _T:
        """What `look` finds. Raises hatch.ShutOut or hatch.Problem."""

        async def at_once() -> _T:
            self._prove(visitor)
            return look(hatch.Sight(self._model, self._watchers.figures))

        return self._wait(at_once())

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        """What comes of `work`, which runs on the server's loop."""
        try:
            coming = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            # The loop is closed: the server has ended.
            work.close()
            raise hatch.Problem("The dashboard's server ends.", retryable=True) from None
        try:
            return coming.result(WAIT_S)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            coming.cancel()
            raise hatch.Problem("No answer in time.", retryable=True) from None

    def _knows(self, visitor: hatch.Visitor) -> bool:
        return self._door is None or self._door.sessions.passes(visitor.word, visitor.host)

    def _prove(self, visitor: hatch.Visitor) -> None:
        if not self._knows(visitor):
            raise hatch.ShutOut

    @staticmethod
    def _session(visitor: hatch.Visitor, door: Door) -> Session | None:
        """The session of the visitor's cookie, else that of the pass: tabs of one browser may have mixed them."""
        cookies = [line.encode("latin-1", "replace") for line in visitor.cookies]
        return door.sessions.find(visitor.host, cookies) or door.sessions.whose(visitor.word, visitor.host)

    async def _answer(self, visitor: hatch.Visitor, question: Any) -> Any:
        self._prove(visitor)
        if isinstance(question, schema.Link | schema.ShutOutOthers):
            session = self._session(visitor, self._door) if self._door is not None else None
            answer = at_the_door(question, self._door, session)
        else:
            answer = await asked.reply(question, self._asker, self._model)
        if isinstance(answer, schema.Problem):
            raise hatch.Problem(answer.message, retryable=answer.retryable)
        if isinstance(answer, options.Changed):
            await self._settled(answer)
        return answer

    async def _settled(self, changed: options.Changed) -> None:
        """Wait until the model has heard of a change, so that nobody is shown what held before it."""
        for _ in range(int(SETTLE_S / LOOK_S)):
            if options.has_heard(self._model, changed):
                return
            await asyncio.sleep(LOOK_S)
