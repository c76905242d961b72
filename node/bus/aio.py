"""An asyncio client of the bus: the same commands and the same followers as in `node.bus.client`, awaited.

    from node.bus.aio import AsyncClient

    async with AsyncClient() as node:
        await node.send("127.0.0.1:5000", "hello")
        async for item in node.follow():
            print(item)

Any await may be cancelled. No socket is left in a half-used state, and no event is lost or given twice. A cancelled
command may have been done or not; repeated with the same `key`, it takes effect once. A client belongs to the event
loop that uses it first. It works on asyncio's own loop and on uvloop (on Windows with the selector event loop, which
ZeroMQ needs).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import pathlib
import time
import weakref
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

import msgspec
import zmq

from node.bus import bounds, commands, locate, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus.client import ALIVE_S, ATTEMPT_S, TIMEOUT_S
from node.bus.commands import Awaiting, NodeCommands, Request, Steps
from node.bus.following import Away, Back, Consuming, Cursor, Following, Item, Lapsed, Resync
from node.bus.sockets import CommandSocket, EventSocket, Reporter
from node.errors import BusError, CommandRefused, NodeAway

__all__ = ["AsyncClient", "AsyncConsumer", "AsyncFollower", "Away", "Back", "Cursor", "Item", "Lapsed", "Resync"]

#: Most items given out in a row before the event loop gets a turn: a long backlog must not starve other tasks.
GIVE_WAY_EVERY = 50

T = TypeVar("T")
_State = TypeVar("_State", bound=Following)


def _settle(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


class _Readiness:
    """Waits until a ZeroMQ socket can be read, one wait at a time. After `end`, every wait returns at once."""

    def __init__(self) -> None:
        self._ended = False
        self._waiting: tuple[asyncio.AbstractEventLoop, int, asyncio.Future[bool]] | None = None

    async def readable(self, socket: zmq.Socket[bytes] | None, seconds: float) -> bool:
        """Wait at most `seconds`; returns whether the socket can be read. Without a socket, only wait."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        # The socket's descriptor is edge-triggered: it signals only that something has changed, until EVENTS is read.
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
        """End the present wait and all later ones. The socket may be closed right after."""
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
    """A first-in, first-out lock with a timeout."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: collections.deque[asyncio.Future[bool]] = collections.deque()

    async def enter(self, seconds: float) -> bool:
        """Wait at most `seconds` for the lock; returns whether we have it. Whoever has it must call `leave`."""
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
            # Cancelled just when the lock became ours: pass it on to the next one.
            if future.done() and not future.cancelled() and future.result():
                self.leave()
            raise
        finally:
            timer.cancel()
            with contextlib.suppress(ValueError):
                self._waiting.remove(future)

    def leave(self) -> None:
        """Release the lock to the next one in the queue."""
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
        #: The highest `head` in a reply so far: events of this client's own writes are at or before it.
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

        Reads and commands with a `key` are retried until `timeout` (seconds) has passed. Other commands are tried once,
        because a second try could double their effect. Raises CommandRefused, NodeAway or BusProtocolError.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        request, request_id = Request(op, args, key), commands.new_id()
        body = commands.frame(request, request_id, self.name)
        # If other tasks' commands take the whole timeout, this one was never sent: nothing was done.
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

    async def _attempt(self, body: bytes, seconds: float) -> en.Reply | None:
        if self._closed:
            raise NodeAway("This client is closed.")
        socket = self._line.send(body)
        until = time.monotonic() + max(0.0, seconds)
        try:
            while not await self._readiness.readable(socket, min(ALIVE_S, max(0.0, until - time.monotonic()))):
                # A killed node can't answer any more, so don't wait for the whole time. If another one has taken its
                # place, the next attempt finds it.
                if time.monotonic() >= until or self._closed or not self._line.is_alive():
                    self._line.drop()
                    return None
        except BaseException:
            # Cancelled: drop the socket, so that a late reply isn't taken for the next command's.
            self._line.drop()
            raise
        return self._line.receive()

    # -- events

    def follow(self, cursor: Cursor | None = None) -> AsyncFollower:
        """Follow all events after `cursor`, each once and in order. Without a cursor, a Resync with the present state
        comes first.
        """
        return AsyncFollower(self, Following(cursor))

    def consume(self, name: str, *, since: int | None = None, restart: bool = False) -> AsyncConsumer:
        """The durable events after a named consumer's position. A new one begins after event `since`, or at the head.

        `restart`: if the consumer has lapsed, begin anew instead of raising. (BUS.md section 4, "A bot that can be
        killed")
        """
        return AsyncConsumer(self, Consuming(name, since, restart))


class _Follows(Generic[_State]):
    """What followers and consumers have in common: subscribe, ask, wait."""

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
        """Whether this or its client was closed; a client closed earlier doesn't know of this one."""
        return self._closed or self._client._closed

    def close(self) -> None:
        """Close the subscription. A pending `next` returns None at once, and the iteration ends."""
        self._closed = True
        self._readiness.end()
        self._events.drop()
        self._reporter.close()

    async def _next(self, seconds: float) -> Any:
        """The next item, or None after `seconds`."""
        deadline = time.monotonic() + seconds
        if not await self._door.enter(seconds):
            return None
        try:
            self._given += 1
            if self._given % GIVE_WAY_EVERY == 0:
                await asyncio.sleep(0)
            # There is no await between taking an item and returning it, so cancelling loses none.
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
        """Subscribe first, then ask for missing events: so no event can fall between the two."""
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
        """The position of the last durable event or Resync given out; None before the first. Save it, and pass it to
        `follow` after a restart.
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

    Reading goes on by itself, but the consumer's position moves only by `acknowledge`. So a program that is killed gets
    its unacknowledged events again. Raises CommandRefused when the consumer has lapsed (with `restart` it begins anew
    instead, and `next` returns a Lapsed), was dropped or can't be created.
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
        """The next event, Away, Back or Lapsed; None: nothing came within `timeout` seconds."""
        item: ev.Event | Away | Back | Lapsed | None = await self._next(timeout)
        return item

    async def acknowledge(self, event: ev.Event) -> nouns.Consumer | None:
        """Move the consumer's position to this event; committed on the node's disk when this returns.

        Returns None if the consumer has lapsed meanwhile and begins anew (`restart`): this event no longer counts then.
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
