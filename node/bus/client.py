"""A blocking client of the bus, for front ends and bots: thread-safe, reconnecting, gap-healing. (BUS.md section 4)

    from node.bus.client import Client

    with Client() as node:
        node.send("127.0.0.1:5000", "hello")
        for item in node.follow():
            print(item)

Law of this file: no thread is started here and nothing happens behind the caller's back; whoever wants to wait, calls.
For asyncio there is `node.bus.aio`.
"""

from __future__ import annotations

import os
import pathlib
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

import msgspec
import zmq

from node.bus import bounds, commands, locate, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.commands import Blocking, NodeCommands, Request, Steps
from node.bus.following import Away, Back, Consuming, Cursor, Following, Item, Lapsed, Resync
from node.bus.sockets import CommandSocket, EventSocket, Reporter
from node.errors import BusError, CommandRefused, NodeAway

__all__ = ["Away", "Back", "Client", "Consumer", "Cursor", "Follower", "Item", "Lapsed", "Resync"]

#: One attempt waits this long for its reply. The node answers within 50 ms; the rest is for a machine that is busy.
ATTEMPT_S = 2.5
#: A whole request gives up after this long, when nothing else was said.
TIMEOUT_S = 10.0
#: How long a wait lasts at a stretch before it is looked whether the node's process is still there, in seconds.
ALIVE_S = 0.25
#: How long a follower waits at a stretch before it looks whether it was closed, in seconds.
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
        #: The newest event known to this client's replies: its own writes are at or before it.
        self.head = 0
        # Reentrant, so that whoever is interrupted right after taking it can still close.
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

        What may be repeated (reads, commands with a `key`) is tried again until `timeout` (seconds) has passed; others
        once, because their effect would be doubled. Raises CommandRefused, NodeAway or BusProtocolError.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        request, request_id = Request(op, args, key), uuid.uuid4().hex
        body = commands.frame(request, request_id, self.name)
        # Who waits longer than that for other threads' commands has not sent anything: nothing was done.
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

    def _attempt(self, body: bytes, seconds: float) -> rq.Reply | None:
        if self._closed:
            raise NodeAway("This client is closed.")
        until = time.monotonic() + max(0.0, seconds)
        try:
            socket = self._line.send(body)
            while not socket.poll(int(1000 * min(ALIVE_S, max(0.0, until - time.monotonic())))):
                # A node that was killed can't answer any more: no need to wait for the whole time. If another one has
                # taken its place, the next attempt finds it.
                if time.monotonic() >= until or self._closed or not self._line.is_alive():
                    self._line.drop()
                    return None
            return self._line.receive()
        except zmq.ZMQError as error:
            self._line.drop()
            raise NodeAway(f"The bus of {self.home} failed: {error.strerror or error}.") from error
        except BaseException:
            # Interrupted: a reply that comes late must not be taken for the next command's.
            self._line.drop()
            raise

    # -- events

    def follow(self, cursor: Cursor | None = None) -> Follower:
        """All events, each once and in order, from `cursor` on; without one, a Resync with the present state first."""
        return Follower(self, Following(cursor))

    def consume(self, name: str, *, since: int | None = None, restart: bool = False) -> Consumer:
        """The events after a named consumer's position, which is made if need be: from the head or event `since` on.

        `restart`: begin anew, in case it has lapsed. (BUS.md section 4, "A bot that can be killed")
        """
        return Consumer(self, Consuming(name, since, restart))


class _Follows(Generic[_State]):
    """What both kinds of followers do: subscribe, ask, wait.

    Use it from one thread at a time; `close` from any, and from a signal handler.
    """

    def __init__(self, client: Client, following: _State) -> None:
        self._client = client
        self._following = following
        self._closed = False
        #: Held by whoever uses the sockets: ZeroMQ's may not be closed by one thread while another one waits on it.
        #: Reentrant as the client's.
        self._using = threading.RLock()
        self._events = EventSocket(client.home)
        self._reporter = Reporter(client.home, client.name)
        client._followers.add(self)

    @property
    def _ended(self) -> bool:
        """Whether it was closed, or its client, be it before that knew of it."""
        return self._closed or self._client._closed

    def close(self) -> None:
        """Close the subscription: whoever waits in `next` gets None within a moment, and the iteration ends."""
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
                # A signal handler may have closed it, in the middle of this.
                if not self._ended:
                    raise
            if self._following.ready or time.monotonic() >= deadline:
                return

    def _look(self, deadline: float) -> None:
        """Ask what is to be asked, or wait a moment for what comes."""
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
        """Subscribe first, then fill what is missing: nothing can fall between the two."""
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

    Promises: durable events come once each and in order of `seq`; where that can't be kept up, a Resync comes first.
    A node that goes away gives one Away, and one Back when it is there again. `close` may be called from any thread.
    """

    @property
    def cursor(self) -> Cursor | None:
        """The last durable event given out, or the Resync after it: keep it, and go on from it after a restart. None
        until there was one.
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

    It moves on in the log by itself, but the consumer's position only by `acknowledge`: whoever is killed gets again
    what he had not acknowledged. Raises CommandRefused when the consumer has lapsed (with `restart` it begins anew
    instead, and `next` gives a Lapsed), was dropped or can't be had.
    """

    def __iter__(self) -> Iterator[ev.Event]:
        while not self._ended:
            item = self.next(timeout=3600.0)
            if isinstance(item, ev.Event):
                yield item

    def next(self, timeout: float) -> ev.Event | Away | Back | Lapsed | None:
        """The next event, that the node is away or back, or events lost; None: nothing within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._using:
            while (item := self._following.take()) is None:
                if self._ended or time.monotonic() >= deadline:
                    return None
                self._wait(deadline)
            return item

    def acknowledge(self, event: ev.Event) -> nouns.Consumer | None:
        """All events up to this one were dealt with; on the node's disk when this returns.

        None: the consumer has lapsed meanwhile and begins anew (`restart`), so this event no longer matters.
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
