"""An asyncio client of the bus: the same commands and the same followers as in `node.bus.client`, awaited.

    from node.bus.aio import AsyncClient

    async with AsyncClient() as node:
        await node.send("127.0.0.1:5000", "hello")
        async for item in node.follow():
            print(item)

Any await may be cancelled: no socket is left half-way, no event is lost or given twice, and a command that was
cancelled has been done or not; given again with the same `key`, it takes effect once. Belongs to the event loop that
uses it first; works on asyncio's own and on uvloop (on Windows with the selector event loop, which ZeroMQ needs).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import pathlib
import time
import uuid
import weakref
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

import msgspec
import zmq

from node.bus import bounds, commands, locate, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.client import ALIVE_S, ATTEMPT_S, TIMEOUT_S
from node.bus.commands import Awaiting, NodeCommands, Request, Steps
from node.bus.following import Away, Back, Consuming, Cursor, Following, Item, Lapsed, Resync
from node.bus.sockets import CommandSocket, EventSocket, Reporter
from node.errors import BusError, CommandRefused, NodeAway

__all__ = ["AsyncClient", "AsyncConsumer", "AsyncFollower", "Away", "Back", "Cursor", "Item", "Lapsed", "Resync"]

#: So many items are given out before the event loop gets a turn: a log that is far ahead must not stop everything else.
GIVE_WAY_EVERY = 50

T = TypeVar("T")
_State = TypeVar("_State", bound=Following)


def _settle(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


class _Readiness:
    """Waits until a ZeroMQ socket can be read, one wait at a time. `end` ends it, and every later one at once."""

    def __init__(self) -> None:
        self._ended = False
        self._waiting: tuple[asyncio.AbstractEventLoop, int, asyncio.Future[bool]] | None = None

    async def readable(self, socket: zmq.Socket[bytes] | None, seconds: float) -> bool:
        """Whether the socket can be read now, after at most so long; without a socket, only wait."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        # Its descriptor says only that something has changed, and falls silent when EVENTS is looked at.
        while not self._ended and (socket is None or not cast(int, socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN):
            left = until - loop.time()
            if left <= 0:
                return False
            future: asyncio.Future[bool] = loop.create_future()
            descriptor = -1 if socket is None else cast(int, socket.getsockopt(zmq.FD))
            self._waiting = loop, descriptor, future
            timer = loop.call_later(left, _settle, future, False)
            if descriptor >= 0:
                loop.add_reader(descriptor, _settle, future, True)
            try:
                await future
            finally:
                timer.cancel()
                self._let_go()
        return not self._ended

    def end(self) -> None:
        """Nothing is waited for any more; the socket may be closed right after."""
        self._ended = True
        waiting = self._waiting
        self._let_go()
        if waiting is not None:
            _settle(waiting[2], False)

    def _let_go(self) -> None:
        if self._waiting is not None:
            loop, descriptor, _ = self._waiting
            self._waiting = None
            if descriptor >= 0:
                loop.remove_reader(descriptor)


class _Door:
    """Lets one in at a time, in order of arrival, and gives up waiting after a while."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: collections.deque[asyncio.Future[bool]] = collections.deque()

    async def enter(self, seconds: float) -> bool:
        """Whether it is our turn, after at most so long. Whoever is in must `leave`."""
        if not self._taken:
            self._taken = True
            return True
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(future)
        timer = loop.call_later(max(0.0, seconds), _settle, future, False)
        try:
            return await future
        except BaseException:
            # Cancelled in the moment when it was our turn: it is the next one's.
            if future.done() and not future.cancelled() and future.result():
                self.leave()
            raise
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(future)

    def leave(self) -> None:
        """The next one may come in."""
        self._taken = False
        while self._waiting and not self._taken:
            future = self._waiting.popleft()
            if not future.done():
                self._taken = True
                future.set_result(True)


class AsyncClient(NodeCommands, Awaiting):
    """Talks with the node of one home. May be shared between tasks; commands of one client queue up.

    `home` None means SNICHER_HOME or the platform's default; `name` shows up as `cause.client` on events.
    """

    def __init__(
        self, home: str | os.PathLike[str] | None = None, *, name: str = "", timeout: float = TIMEOUT_S
    ) -> None:
        self.home: pathlib.Path = locate.find_home(home)
        self.name = (name or f"client-{os.getpid()}")[: bounds.MAX_ID_CHARS]
        self.timeout = timeout
        #: The newest event known to this client's replies: its own writes are at or before it.
        self.head = 0
        self._door = _Door()
        self._line = CommandSocket(self.home)
        self._readiness = _Readiness()
        self._closed = False
        self._followers: weakref.WeakSet[_Follows[Any]] = weakref.WeakSet()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all sockets: followers of this client end, and requests raise NodeAway."""
        self._closed = True
        self._readiness.end()
        self._line.drop()
        for follower in list(self._followers):
            follower.close()

    # -- commands; their names are in `NodeCommands`

    async def request(
        self,
        op: str,
        args: msgspec.Struct | dict[str, Any] | None = None,
        *,
        key: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (as in the blocking client: it bounds all tries together)
    ) -> Any:
        """Send a command and return its result as the structure that COMMANDS names.

        What may be repeated (reads, commands with a `key`) is tried again until `timeout` (seconds) has passed; others
        once, because their effect would be doubled. Raises CommandRefused, NodeAway or BusProtocolError.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        request, request_id = Request(op, args, key), uuid.uuid4().hex
        body = commands.frame(request, request_id, self.name)
        # Who waits longer than that for other tasks' commands has not sent anything: nothing was done.
        if not await self._door.enter(deadline - time.monotonic()):
            raise NodeAway(f"The node on {self.home} doesn't answer; other commands wait for it as well.")
        try:
            while True:
                left = deadline - time.monotonic()
                reply = await self._attempt(body, min(left, ATTEMPT_S) if request.repeatable else left)
                if reply is not None:
                    break
                if not request.repeatable or time.monotonic() >= deadline:
                    raise NodeAway(f"The node on {self.home} doesn't answer.")
        finally:
            self._door.leave()
        if reply.head is not None:
            self.head = reply.head
        return commands.result_of(reply, op, request_id)

    async def perform(self, steps: Steps[T]) -> T:
        """Send what `steps` yield, and return its value."""
        try:
            request = next(steps)
            while True:
                try:
                    result = await self.request(request.op, request.args, key=request.key, timeout=request.timeout)
                except BusError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(result)
        except StopIteration as done:
            value: T = done.value
            return value

    async def _attempt(self, body: bytes, seconds: float) -> rq.Reply | None:
        if self._closed:
            raise NodeAway("This client is closed.")
        socket = self._line.send(body)
        until = time.monotonic() + max(0.0, seconds)
        try:
            while not await self._readiness.readable(socket, min(ALIVE_S, max(0.0, until - time.monotonic()))):
                # A node that was killed can't answer any more: no need to wait for the whole time. If another one has
                # taken its place, the next attempt finds it.
                if time.monotonic() >= until or self._closed or not self._line.is_alive():
                    self._line.drop()
                    return None
        except BaseException:
            # Cancelled: a reply that comes late must not be taken for the next command's.
            self._line.drop()
            raise
        return self._line.receive()

    # -- events

    def follow(self, cursor: Cursor | None = None) -> AsyncFollower:
        """All events, each once and in order, from `cursor` on; without one, a Resync with the present state first."""
        return AsyncFollower(self, Following(cursor))

    def consume(self, name: str, *, since: int | None = None, restart: bool = False) -> AsyncConsumer:
        """The events after a named consumer's position, which is made if need be: from the head or event `since` on.

        `restart`: begin anew, in case it has lapsed. (BUS.md section 4, "A bot that can be killed")
        """
        return AsyncConsumer(self, Consuming(name, since, restart))


class _Follows(Generic[_State]):
    """What both kinds of followers do: subscribe, ask, wait."""

    def __init__(self, client: AsyncClient, following: _State) -> None:
        self._client = client
        self._following = following
        self._closed = False
        self._door = _Door()
        self._readiness = _Readiness()
        self._given = 0
        self._events = EventSocket(client.home)
        self._reporter = Reporter(client.home, client.name)
        client._followers.add(self)

    @property
    def _ended(self) -> bool:
        """Whether it was closed, or its client, be it before that knew of it."""
        return self._closed or self._client._closed

    def close(self) -> None:
        """Close the subscription: whoever waits in `next` gets None at once, and the iteration ends."""
        self._closed = True
        self._readiness.end()
        self._events.drop()
        self._reporter.close()

    async def _next(self, seconds: float) -> Any:
        """What there is to take, after at most so long."""
        deadline = time.monotonic() + seconds
        if not await self._door.enter(seconds):
            return None
        try:
            self._given += 1
            if self._given % GIVE_WAY_EVERY == 0:
                await asyncio.sleep(0)
            # Nothing is awaited between taking an item and giving it out: cancelling loses none.
            while (item := self._following.take()) is None:
                if self._ended or time.monotonic() >= deadline:
                    return None
                await self._step(deadline)
            return item
        finally:
            self._door.leave()

    async def _step(self, deadline: float) -> None:
        following = self._following
        now = time.monotonic()
        steps = following.question(now)
        if steps is not None:
            await self._ask(steps)
            return
        seq = following.report(now)
        if seq is not None:
            self._reporter.report(seq)
        wait = max(0.0, min(deadline, following.wake_at()) - now)
        if not await self._readiness.readable(self._events.socket, wait):
            following.nothing_came(time.monotonic())
        elif not self._ended and self._events.socket is not None:
            now, wall = time.monotonic(), time.time()
            for body in self._events.receive():
                following.received(body, now, wall)

    async def _ask(self, steps: Steps[msgspec.Struct]) -> None:
        """Subscribe first, then fill what is missing: nothing can fall between the two."""
        try:
            before = self._events.socket
            if self._events.connect() is not before:
                self._following.subscribed(time.monotonic())
                return
            result = await self._client.perform(steps)
        except BusError as error:
            self._following.unanswered(error, time.monotonic())
        else:
            self._following.answered(result, time.monotonic(), time.time())


class AsyncFollower(_Follows[Following]):
    """Follows the event log: an endless asynchronous iterator of Item, with the promises of the blocking Follower."""

    @property
    def cursor(self) -> Cursor | None:
        """The last durable event given out, or the Resync after it: keep it, and go on from it after a restart. None
        until there was one.
        """
        return self._following.cursor

    def __aiter__(self) -> AsyncFollower:
        return self

    async def __anext__(self) -> Item:
        while not self._ended:
            item = await self.next(timeout=3600.0)
            if item is not None:
                return item
        raise StopAsyncIteration

    async def next(self, timeout: float) -> Item | None:  # noqa: ASYNC109 (None is an answer here, not an error)
        """The next item, or None when there was none within `timeout` seconds (a slow node may add to that)."""
        item: Item | None = await self._next(timeout)
        return item


class AsyncConsumer(_Follows[Consuming]):
    """The durable events after a named consumer's position: an endless asynchronous iterator.

    It moves on in the log by itself, but the consumer's position only by `acknowledge`: whoever is killed gets again
    what he had not acknowledged. Raises CommandRefused when the consumer has lapsed (with `restart` it begins anew
    instead, and `next` gives a Lapsed), was dropped or can't be had.
    """

    def __aiter__(self) -> AsyncConsumer:
        return self

    async def __anext__(self) -> ev.Event:
        while not self._ended:
            item = await self.next(timeout=3600.0)
            if isinstance(item, ev.Event):
                return item
        raise StopAsyncIteration

    async def next(self, timeout: float) -> ev.Event | Away | Back | Lapsed | None:  # noqa: ASYNC109
        """The next event, that the node is away or back, or events lost; None: nothing within `timeout` seconds."""
        item: ev.Event | Away | Back | Lapsed | None = await self._next(timeout)
        return item

    async def acknowledge(self, event: ev.Event) -> nouns.Consumer | None:
        """All events up to this one were dealt with; on the node's disk when this returns.

        None: the consumer has lapsed meanwhile and begins anew (`restart`), so this event no longer matters.
        """
        following = self._following
        if not following.is_of_this_log(event):
            return None
        try:
            return await self._client.consumer_acknowledge(following.name, event.seq or 0)
        except CommandRefused as error:
            if not following.begins_anew(error):
                raise
            return None
