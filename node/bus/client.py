"""A blocking client of the bus, for front ends and bots: thread-safe, reconnecting, gap-healing. (BUS.md section 4)

    from node.bus.client import Client

    with Client() as node:
        node.send("127.0.0.1:5000", "hello")
        for item in node.follow():
            print(item)

Law of this file: it starts no thread. Everything happens in the calls of the user. For asyncio there is `node.bus.aio`.
"""

from __future__ import annotations

import os
import pathlib
import threading
import time
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

import msgspec
import zmq

from node.bus import bounds, commands, locate, nouns
from node.bus import envelopes as en
from node.bus import events as ev
from node.bus.commands import Blocking, NodeCommands, Request, Steps
from node.bus.following import Away, Back, Consuming, Cursor, Following, Item, Lapsed, Resync
from node.bus.sockets import CommandSocket, EventSocket, Reporter
from node.errors import BusError, CommandRefused, NodeAway

__all__ = ["Away", "Back", "Client", "Consumer", "Cursor", "Follower", "Item", "Lapsed", "Resync"]

#: How long one attempt waits for its reply, in seconds. The node answers within 50 ms; the rest is for a busy machine.
ATTEMPT_S = 2.5
#: Default timeout of a whole request with all its attempts, in seconds.
TIMEOUT_S = 10.0
#: How often a wait checks that the node's process is still there, in seconds.
ALIVE_S = 0.25
#: How often a waiting follower checks whether it was closed, in seconds.
SLICE_S = 0.2

T = TypeVar("T")
_State = TypeVar("_State", bound=Following)


class Client(NodeCommands, Blocking):
    """Talks with the node of one home. May be shared between threads; commands of one client queue up.

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
        # Reentrant, so that a signal handler that interrupts its holder can still close the client.
        self._lock = threading.RLock()
        self._line = CommandSocket(self.home)
        self._closed = False
        self._followers: weakref.WeakSet[_Follows[Any]] = weakref.WeakSet()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all sockets; followers of this client end, also in other threads, and requests raise NodeAway."""
        self._closed = True
        with self._lock:
            self._line.drop()
        for follower in list(self._followers):
            follower.close()

    # -- commands; their names are in `NodeCommands`

    def request(
        self,
        op: str,
        args: msgspec.Struct | dict[str, Any] | None = None,
        *,
        key: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send a command and return its result as the structure that COMMANDS names.

        Reads and commands with a `key` are retried until `timeout` (seconds) has passed. Other commands are tried once,
        because a second try could double their effect. Raises CommandRefused, NodeAway or BusProtocolError.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        request, request_id = Request(op, args, key), commands.new_id()
        body = commands.frame(request, request_id, self.name)
        # If other threads' commands take the whole timeout, this one was never sent: nothing was done.
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise NodeAway(f"The node on {self.home} doesn't answer; other commands wait for it as well.")
        try:
            while True:
                left = deadline - time.monotonic()
                reply = self._attempt(body, min(left, ATTEMPT_S) if request.repeatable else left)
                if reply is not None:
                    break
                if not request.repeatable or time.monotonic() >= deadline:
                    raise NodeAway(f"The node on {self.home} doesn't answer.")
        finally:
            self._lock.release()
        if reply.head is not None:
            self.head = reply.head
        return commands.result_of(reply, op, request_id)

    def perform(self, steps: Steps[T]) -> T:
        """Send what `steps` yield, and return its value."""
        try:
            request = next(steps)
            while True:
                try:
                    result = self.request(request.op, request.args, key=request.key, timeout=request.timeout)
                except BusError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(result)
        except StopIteration as done:
            value: T = done.value
            return value

    def _attempt(self, body: bytes, seconds: float) -> en.Reply | None:
        if self._closed:
            raise NodeAway("This client is closed.")
        until = time.monotonic() + max(0.0, seconds)
        try:
            self._line.send(body)
            while not self._line.wait(min(ALIVE_S, max(0.0, until - time.monotonic()))):
                # A killed node can't answer any more, so don't wait for the whole time. If another one has taken its
                # place, the next attempt finds it.
                if time.monotonic() >= until or self._closed or not self._line.is_alive():
                    self._line.drop()
                    return None
            return self._line.receive()
        except zmq.ZMQError as error:
            self._line.drop()
            raise NodeAway(f"The bus of {self.home} failed: {error.strerror or error}.") from error
        except BaseException:
            # Interrupted: drop the socket, so that a late reply isn't taken for the next command's.
            self._line.drop()
            raise

    # -- events

    def follow(self, cursor: Cursor | None = None) -> Follower:
        """Follow all events after `cursor`, each once and in order. Without a cursor, a Resync with the present state
        comes first.
        """
        return Follower(self, Following(cursor))

    def consume(self, name: str, *, since: int | None = None, restart: bool = False) -> Consumer:
        """The durable events after a named consumer's position. A new one begins after event `since`, or at the head.

        `restart`: if the consumer has lapsed, begin anew instead of raising. (BUS.md section 4, "A bot that can be
        killed")
        """
        return Consumer(self, Consuming(name, since, restart))


class _Follows(Generic[_State]):
    """What followers and consumers have in common: subscribe, ask, wait.

    Use it from one thread at a time; `close` from any, and from a signal handler.
    """

    def __init__(self, client: Client, following: _State) -> None:
        self._client = client
        self._following = following
        self._closed = False
        #: Held while the sockets are in use: one thread must not close a ZeroMQ socket while another waits on it.
        #: Reentrant, for the same reason as the client's.
        self._using = threading.RLock()
        self._events = EventSocket(client.home)
        self._reporter = Reporter(client.home, client.name)
        client._followers.add(self)

    @property
    def _ended(self) -> bool:
        """Whether this or its client was closed; a client closed earlier doesn't know of this one."""
        return self._closed or self._client._closed

    def close(self) -> None:
        """Close the subscription. A pending `next` returns None within a moment, and the iteration ends."""
        self._closed = True
        with self._using:
            self._events.drop()
            self._reporter.close()

    def _wait(self, deadline: float) -> None:
        """Return once there is something to take, or at the deadline."""
        while not self._ended:
            try:
                self._look(deadline)
            except zmq.ZMQError:
                # A signal handler may have closed it in the middle of this step.
                if not self._ended:
                    raise
            if self._following.ready or time.monotonic() >= deadline:
                return

    def _look(self, deadline: float) -> None:
        """Ask the node if there is something to ask, otherwise wait a moment for events."""
        following = self._following
        now = time.monotonic()
        steps = following.question(now)
        if steps is not None:
            self._ask(steps)
            return
        seq = following.report(now)
        if seq is not None:
            self._reporter.report(seq)
        wait = max(0.0, min(deadline, following.wake_at(), now + SLICE_S) - now)
        socket = self._events.socket
        if socket is None:
            time.sleep(wait)
        elif socket.poll(int(wait * 1000) + 1):
            now, wall = time.monotonic(), time.time()
            for body in self._events.receive():
                following.received(body, now, wall)
        else:
            following.nothing_came(time.monotonic())

    def _ask(self, steps: Steps[msgspec.Struct]) -> None:
        """Subscribe first, then ask for missing events: so no event can fall between the two."""
        try:
            before = self._events.socket
            if self._events.connect() is not before:
                self._following.subscribed(time.monotonic())
                return
            result = self._client.perform(steps)
        except BusError as error:
            self._following.unanswered(error, time.monotonic())
        else:
            self._following.answered(result, time.monotonic(), time.time())


class Follower(_Follows[Following]):
    """Follows the event log: an endless iterator of Item. Use it from one thread at a time.

    Promises: each durable event comes once, in the order of `seq`. If that is impossible, a Resync comes first. When
    the node goes away, one Away comes, and one Back when it returns. `close` may be called from any thread.
    """

    @property
    def cursor(self) -> Cursor | None:
        """The position of the last durable event or Resync given out; None before the first. Save it, and pass it to
        `follow` after a restart.
        """
        return self._following.cursor

    def __iter__(self) -> Iterator[Item]:
        while not self._ended:
            item = self.next(timeout=3600.0)
            if item is not None:
                yield item

    def next(self, timeout: float) -> Item | None:
        """The next item, or None when there was none within `timeout` seconds (a slow node may add to that)."""
        with self._using:
            if not self._following.ready:
                self._wait(time.monotonic() + timeout)
            return self._following.take()


class Consumer(_Follows[Consuming]):
    """The durable events after a named consumer's position: an endless iterator. Use it from one thread at a time.

    Reading goes on by itself, but the consumer's position moves only by `acknowledge`. So a program that is killed gets
    its unacknowledged events again. Raises CommandRefused when the consumer has lapsed (with `restart` it begins anew
    instead, and `next` returns a Lapsed), was dropped or can't be created.
    """

    def __iter__(self) -> Iterator[ev.Event]:
        while not self._ended:
            item = self.next(timeout=3600.0)
            if isinstance(item, ev.Event):
                yield item

    def next(self, timeout: float) -> ev.Event | Away | Back | Lapsed | None:
        """The next event, Away, Back or Lapsed; None: nothing came within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._using:
            while (item := self._following.take()) is None:
                if self._ended or time.monotonic() >= deadline:
                    return None
                self._wait(deadline)
            return item

    def acknowledge(self, event: ev.Event) -> nouns.Consumer | None:
        """Move the consumer's position to this event; committed on the node's disk when this returns.

        Returns None if the consumer has lapsed meanwhile and begins anew (`restart`): this event no longer counts then.
        """
        following = self._following
        if not following.is_of_this_log(event):
            return None
        try:
            return self._client.consumer_acknowledge(following.name, event.seq or 0)
        except CommandRefused as error:
            if not following.begins_anew(error):
                raise
            return None
