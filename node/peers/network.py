"""All connections of this node: one listening port for everything, and what is dialled. It decides nothing.

Dial, Transmit and HangUp go in; Heard, Connected, Opened, Settled, Transmitted and Closed come out. For each Dial
exactly one Closed comes, last; for each Transmit exactly one Transmitted.

Connections never take the last open file: the database and the bus need some too. One source address may have so many
of them at once, at most half of what there is room for; further ones are closed at once, in order. Whoever finds no
room for other reasons waits in the system's queue until a connection ends; connections that say nothing have to make
room, those of sources with more than their share first. So whoever comes new gets in while others flood.

The node's time is shared out between source addresses (node/peers/fairness.py): setting a connection up and each piece
that it sends is a turn of its source. While the disk has enough to do, `full_for` says which sources have to wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import itertools
import logging
import os
import socket
import time
from collections.abc import Callable

from node.core import effects as e
from node.core import stimuli as s
from node.errors import ListenError, LocalFault
from node.model import Address, normal_host
from node.peers import reasons
from node.peers.connection import LATE, READ_SIZE, Connection
from node.peers.fairness import FairQueue
from node.peers.pace import SMALL, Pace
from node.protocol import link as l
from node.protocol.order import AcceptOrder
from node.protocol.plain import registry
from node.protocol.plain.codec import Announced, Text

log = logging.getLogger("snicher.peers")

#: How long a dialled address may take to answer, in seconds.
DIAL_TIMEOUT = 5.0
#: Connections that the system may hold ready before we accept them. Old clients open one for each message.
BACKLOG = 1024
#: Connections taken at a time, before others have a turn.
ACCEPTS = 64
#: What setting up and ending a connection costs besides what it says, in seconds.
TAKE_COST = 0.0003
#: What one turn of a connection should cost at most, in seconds: it follows from how much is read for it.
TURN_GOAL = 0.002
#: Bytes that are read for a turn at least.
MIN_READ = 512
#: How long turns may take before the loop looks at everything else (commands, timers, whoever comes new), in seconds.
STINT = 0.004
#: While there is no room, how often room is looked for, in seconds.
FULL_PAUSE = 0.5
#: A connection that has said nothing for so long makes room for others when there is none, in seconds.
QUIET_ENOUGH = 5.0
#: Those of a source that has more than its share make room after so long, in seconds.
FLOOD_QUIET = 0.3
#: Connections of one source address at once; with few open files half of the room. Further ones are closed at once.
MAX_PER_SOURCE = 2_048
#: A refused connection may take so long to close its side, in seconds; what it sends meanwhile is dropped.
REFUSED_LINGER = 0.5
#: Refused connections that are still open; with few open files an eighth of the room. Beyond, the oldest goes at once.
MAX_REFUSED = 256
#: The log says at most so often that there is no room, in seconds.
FULL_SAID = 60.0

Feed = Callable[[s.Stimulus], None]


class Network:
    """The connections. `feed` takes stimuli; `name` tells the present team name; `room` is how many there may be.

    A quarter of the room is kept for what this node dials. `full_for` tells whether so much of a source waits for the
    disk that it isn't to be heard now; `go_on` must be called when that may have changed.
    """

    def __init__(
        self,
        feed: Feed,
        name: Callable[[], str],
        room: int = 10_000,
        full_for: Callable[[str], bool] = lambda source: False,
    ) -> None:
        self._feed = feed
        self._name = name
        self._full_for = full_for
        self._loop = asyncio.get_running_loop()
        self._room = max(8, room)
        self._per_source = min(MAX_PER_SOURCE, self._room // 2)
        #: Accepted connections of each source address; dialled ones have no part in it.
        self._sources: dict[str, set[int]] = {}
        #: Refused connections that may still close their side.
        self._lingering: dict[socket.socket, None] = {}
        #: How many connections were refused since the start.
        self.refused = 0
        self._say_refused_at = 0.0
        #: Sources that are shut out, until when (loop time).
        self._shut_out: dict[str, float] = {}
        self._pace = Pace()
        #: Sources that sent too many small texts: they are heard again when their timer fires.
        self._slowed: dict[str, asyncio.TimerHandle] = {}
        #: Whose turn it is.
        self._queue: FairQueue[Callable[[], None]] = FairQueue()
        self._turning = False
        #: What was dealt with in this round of the loop without standing in the queue, in seconds.
        self._spent = 0.0
        #: Accepted, but not set up yet.
        self._untaken: dict[int, socket.socket] = {}
        self._listener: socket.socket | None = None
        #: Accepted, whether they stand already or not.
        self._accepted: set[int] = set()
        self._accepting: set[asyncio.Task[None]] = set()
        self._full: asyncio.TimerHandle | None = None
        self._say_full_at = 0.0
        self.listen_address = Address("127.0.0.1", 0)
        self._connections: dict[int, Connection] = {}
        self._dialling: dict[int, asyncio.Task[None]] = {}
        self._order: AcceptOrder[s.Stimulus] = AcceptOrder()
        self._order_timer: asyncio.TimerHandle | None = None
        self._last_accepted = 0
        self._paused = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

    # -- listening

    async def listen(self, address: Address) -> Address:
        """Listen; returns the real address (port 0 lets the system choose). Raises ListenError with what to do."""
        listener = None
        try:
            found = await self._loop.getaddrinfo(
                address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setblocking(False)
            if os.name != "nt":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # The wildcard means everywhere, so IPv4 too.
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address.host != "::")
            listener.bind(where)
            listener.listen(BACKLOG)
        except OSError as error:
            if listener is not None:
                listener.close()
            raise ListenError(_why_not(address, error)) from error
        bound = listener.getsockname()
        self.listen_address = Address(normal_host(bound[0]), bound[1])
        self._listener = listener
        self._loop.add_reader(listener, self._accept)
        return self.listen_address

    def _accept(self, most: int = ACCEPTS) -> None:
        """Take connections that wait, as far as there is room; the others stay in the system's queue."""
        for _ in range(most):
            if self._listener is None or self._full is not None:
                return
            if len(self._accepted) >= self._room * 3 // 4:
                self._no_room(f"{len(self._accepted)} connections are open, as many as may be; others wait")
                return
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._no_room(f"no connection can be taken right now: {reasons.in_words(error)}")
                return
            sock.setblocking(False)
            host = normal_host(peer[0])
            why = self._unwelcome(host)
            if why is not None:
                self._refuse(sock, why)
                continue
            self._last_accepted += 2
            self._accepted.add(self._last_accepted)
            self._sources.setdefault(host, set()).add(self._last_accepted)
            self._untaken[self._last_accepted] = sock
            self._queue.put(host, functools.partial(self._take_soon, self._last_accepted, host))
            self._turn_soon()

    def _unwelcome(self, host: str) -> str | None:
        """Why no further connection of this source is taken."""
        if self._shut_out.get(host, 0.0) > self._loop.time():
            return f"{host} has met its quota and is shut out; its connections are refused"
        count = len(self._sources.get(host, ()))
        return None if count < self._per_source else f"{host} has {count} connections open; further ones are refused"

    def _refuse(self, sock: socket.socket, why: str) -> None:
        """Close a connection in order, at once: the other side may do so a little later."""
        self.refused += 1
        now = self._loop.time()
        if now > self._say_refused_at:
            self._say_refused_at = now + FULL_SAID
            log.warning(why)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        self._lingering[sock] = None
        self._loop.call_later(REFUSED_LINGER, self._dismiss, sock)
        if len(self._lingering) > min(MAX_REFUSED, self._room // 8):
            self._dismiss(next(iter(self._lingering)))

    def _dismiss(self, sock: socket.socket) -> None:
        if sock not in self._lingering:
            return
        del self._lingering[sock]
        with contextlib.suppress(OSError):
            # What came is read: closing over it would be a reset.
            for _ in range(8):
                if not sock.recv(65_536):
                    break
        sock.close()

    def shut_out(self, host: str, seconds: float) -> None:
        """Leave all connections of a source address, and refuse new ones for so long."""
        now = self._loop.time()
        self._shut_out = {other: until for other, until in self._shut_out.items() if until > now}
        self._shut_out[host] = now + seconds
        for connection in list(self._connections.values()):
            if connection.host == host:
                connection.leave()

    def _take_soon(self, number: int, host: str) -> None:
        sock = self._untaken.pop(number, None)
        if sock is None:
            return
        self._queue.charge(host, TAKE_COST)
        task = asyncio.create_task(self._take(sock, number, host))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _take(self, sock: socket.socket, number: int, host: str) -> None:
        connection = Connection(number, l.Link.accepted(), self._me, self._report, self._made, self._came, self._gone)
        connection.host = host
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:
            # Gone before it stood: as if it had never been.
            sock.close()
            if number not in self._connections:
                self._no_longer(number, host)

    def _no_room(self, why: str) -> None:
        """Take no more until a connection ends; look now and then, and let silent ones make room."""
        assert self._listener is not None
        now = self._loop.time()
        if now > self._say_full_at:
            self._say_full_at = now + FULL_SAID
            log.warning(why)
        self._loop.remove_reader(self._listener)
        self._full = self._loop.call_later(FULL_PAUSE, self._look_for_room)

    def _no_longer(self, number: int, host: str) -> None:
        """An accepted connection is over."""
        self._accepted.discard(number)
        of_source = self._sources.get(host)
        if of_source is not None:
            of_source.discard(number)
            if not of_source:
                del self._sources[host]

    def _look_for_room(self) -> None:
        now = self._loop.time()
        share = len(self._accepted) // max(1, len(self._sources))
        patience = {
            host: FLOOD_QUIET if len(numbers) > share else QUIET_ENOUGH for host, numbers in self._sources.items()
        }
        silent = (
            connection for number, connection in self._connections.items()
            if number in self._accepted and connection.silent
            and now - connection.since > min(QUIET_ENOUGH, patience.get(connection.host, QUIET_ENOUGH))
        )  # fmt: skip
        for connection in list(itertools.islice(silent, ACCEPTS)):
            connection.leave()
        self._room_again()

    def _room_again(self) -> None:
        if self._full is not None and self._listener is not None:
            self._full.cancel()
            self._full = None
            self._loop.add_reader(self._listener, self._accept)

    def _me(self) -> tuple[int, str]:
        return self.listen_address.port, self._name()

    def _made(self, connection: Connection) -> None:
        self._connections[connection.number] = connection
        self._empty.clear()
        if connection.number in self._accepted:
            self._release(self._order.accepted(connection.host, connection.number, self._loop.time()))

    def _gone(self, connection: Connection) -> None:
        self._connections.pop(connection.number, None)
        if connection.number in self._accepted:
            self._no_longer(connection.number, connection.host)
            self._room_again()
        if not self._connections and not self._dialling:
            self._empty.set()

    # -- whose turn it is

    def _came(self, connection: Connection) -> None:
        """Bytes of a connection wait. With nobody before it they are dealt with at once."""
        host = connection.host
        if self._queue or self._paused or self._spent > STINT or self._blocked(host):
            connection.wait()
            self._queue.put(host, functools.partial(self._hear, connection))
            self._turn_soon()
            return
        if not self._spent:
            self._loop.call_soon(self._next_round)
        before = time.perf_counter()
        self._hear(connection)
        cost = time.perf_counter() - before
        self._spent += cost
        self._queue.charge(host, cost)

    def _hear(self, connection: Connection) -> None:
        """One turn of a connection. The costlier it was, the less is read for its next one."""
        before = time.perf_counter()
        connection.read_on()
        cost = time.perf_counter() - before
        if cost > TURN_GOAL:
            connection.read_size = max(MIN_READ, connection.read_size // 2)
        elif cost < TURN_GOAL / 4:
            connection.read_size = min(READ_SIZE, connection.read_size * 2)

    def _next_round(self) -> None:
        self._spent = 0.0

    def _blocked(self, host: str) -> bool:
        return host in self._slowed or self._full_for(host)

    def _turn_soon(self) -> None:
        if not self._turning and not self._paused:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Let sources have their turns, for one stint."""
        self._turning = False
        began = time.perf_counter()
        until = began + STINT
        while not self._paused and (taken := self._queue.take(self._blocked)) is not None:
            host, work = taken
            ended = began
            try:
                work()
            finally:
                ended = time.perf_counter()
                self._queue.done(host, ended - began)
            if ended > until:
                self._turn_soon()
                return
            began = ended

    def go_on(self) -> None:
        """Sources that had to wait may be heard again."""
        if self._queue.again():
            self._turn_soon()

    # -- what links report

    def _report(self, connection: Connection, events: list[l.LinkEvent]) -> None:
        number = connection.number
        inbound = number % 2 == 0
        for event in events:
            if isinstance(event, l.Heard):
                self._heard(connection, event, inbound)
            elif isinstance(event, l.Transmitted):
                self._feed(
                    s.Transmitted(
                        number, event.token, event.outcome, event.reason, event.part, event.parts, event.marks
                    )
                )
            elif isinstance(event, l.Settled):
                self._feed(s.Settled(number, event.dialect))
            elif isinstance(event, l.Opened):
                self._feed(s.Opened(number))
            elif isinstance(event, l.Recognised):
                if event.persistent:
                    self._release(self._order.persistent(number))
            else:
                closed = s.Closed(number, event.reason)
                # After all that it said, also where that is still held back for others.
                self._release(self._order.said(number, [closed]) if inbound else [closed])
                self._release(self._order.finished(number))

    def _heard(self, connection: Connection, event: l.Heard, inbound: bool) -> None:
        codec = connection.link.codec
        assert codec is not None or not inbound
        dialect = codec.name if codec is not None else "snicher"
        persistent = connection.link.two_way if codec is not None else True
        host, port, said_now = connection.host, connection.port, event.said
        size, connection.size = connection.size, 0
        heard = s.Heard(connection.number, host, port, dialect, persistent, said_now, size)
        small = sum(type(said) is Text and len(said.text) < SMALL for said in said_now)
        if small:
            wait = self._pace.spend(host, small, self._loop.time())
            if wait:
                self._slow_down(host, wait)
        if inbound:
            for said in event.said:
                if isinstance(said, Announced) and said.port is not None:
                    connection.port = said.port
            self._release(self._order.said(connection.number, [heard]))
        else:
            self._feed(heard)

    def _release(self, stimuli: list[s.Stimulus]) -> None:
        for stimulus in stimuli:
            self._feed(stimulus)
        at = self._order.next_deadline()
        if at is not None and self._order_timer is None:
            self._order_timer = self._loop.call_at(at, self._expire, at, False)

    def _expire(self, at: float, again: bool) -> None:
        now = self._loop.time()
        if self._paused or (not again and now > at + LATE):
            # Nothing is read, or the loop was busy: what the one that holds others back has said may wait in its
            # socket. That is read first.
            self._order_timer = self._loop.call_at(now + LATE, self._expire, now + LATE, not self._paused)
            return
        self._order_timer = None
        self._release(self._order.expire(now, self._waits))

    def _waits(self, link: int) -> bool:
        """Whether a connection has said more than its turns let in so far."""
        connection = self._connections.get(link)
        return connection is not None and connection.waits

    # -- what the core wants

    def perform(self, act: e.Dial | e.Transmit | e.HangUp) -> None:
        """Do it. Whatever goes wrong comes back as a stimulus."""
        if isinstance(act, e.Dial) and self._listener is None:
            # Whoever can't be called back isn't called: the node is going down.
            self._loop.call_soon(self._feed, s.Closed(act.link, "The node is going down."))
        elif isinstance(act, e.Dial):
            self._empty.clear()
            task = asyncio.create_task(self._dial(act), name=f"dial {act.address}")
            self._dialling[act.link] = task
            task.add_done_callback(lambda _: self._undialled(act.link))
        elif isinstance(act, e.Transmit):
            self._transmit(act)
        else:
            dialling = self._dialling.get(act.link)
            connection = self._connections.get(act.link)
            if connection is not None:
                connection.leave()
            elif dialling is not None:
                dialling.cancel()

    def _transmit(self, act: e.Transmit) -> None:
        connection = self._connections.get(act.link)
        reason = "The connection has ended."
        if connection is not None:
            try:
                connection.send(act.token, act.text, act.part, act.control)
                return
            except LocalFault as fault:
                reason = str(fault)
        self._loop.call_soon(self._feed, s.Transmitted(act.link, act.token, "not_sent", reason, act.part, act.part, ()))

    async def _dial(self, act: e.Dial) -> None:
        address = act.address
        port, name = self._me()
        if act.how == "one_shot":
            link = l.Link.one_shot(port, name, registry.ONE_SHOT[act.dialect])
        else:
            codec = registry.PERSISTENT[act.dialect]
            link = l.Link.announce(port, name, unsure=act.how == "unsure", codec=codec)
        connection = Connection(act.link, link, self._me, self._report, self._made, self._came, self._gone)
        connection.host, connection.port = address.host, address.port
        reason: str | None = "We left."
        try:
            if len(self._connections) + len(self._dialling) + len(self._lingering) > self._room:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            async with asyncio.timeout(DIAL_TIMEOUT):
                await self._loop.create_connection(
                    lambda: connection, address.host, address.port, local_addr=self._local_address(address)
                )
            reason = None
        except (TimeoutError, OSError) as error:
            reason = reasons.in_words(error)
        finally:
            self._dialling.pop(act.link, None)
            if act.link not in self._connections:
                if not self._connections and not self._dialling:
                    self._empty.set()
                if reason is not None:
                    self._feed(s.Closed(act.link, reason))
        if reason is None and act.how == "one_shot" and act.link in self._connections:
            self._feed(s.Connected(act.link))

    def _undialled(self, link: int) -> None:
        """A dial that was called off before its first step never ran: it is told here."""
        if self._dialling.pop(link, None) is not None:
            if not self._connections and not self._dialling:
                self._empty.set()
            self._feed(s.Closed(link, "We left."))

    def _local_address(self, target: Address) -> tuple[str, int] | None:
        """Dial from the address we listen at, so that others see one and the same; a wildcard leaves the choice."""
        host = self.listen_address.host
        if host in ("0.0.0.0", "::") or (":" in host) != (":" in target.host):
            return None
        return (host, 0)

    # -- all together

    def pause(self) -> None:
        """Listen to nobody until `resume`: what others send waits, nearly all of it at their end."""
        self._paused = True

    def resume(self) -> None:
        """Listen on."""
        self._paused = False
        self.go_on()

    def _slow_down(self, host: str, seconds: float) -> None:
        """Listen to a source again after so long."""
        timer = self._slowed.get(host)
        if timer is not None:
            timer.cancel()
        self._slowed[host] = self._loop.call_later(seconds, self._speed_up, host)

    def _speed_up(self, host: str) -> None:
        del self._slowed[host]
        self.go_on()

    def leave_all(self) -> None:
        """Say good-bye to everybody and close all connections, also those being dialled."""
        for task in list(self._dialling.values()):
            task.cancel()
        for sock in list(self._lingering):
            self._dismiss(sock)
        if self._listener is None:
            # Going down: who was accepted and never heard came too late.
            for sock in self._untaken.values():
                self._lingering[sock] = None
                self._dismiss(sock)
            self._untaken.clear()
        for connection in list(self._connections.values()):
            connection.leave()

    def stop_listening(self) -> None:
        """Take no new connections. Those that wait in the system's queue are taken first: closing would reset them."""
        if self._listener is not None:
            self._accept(BACKLOG)
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._full is not None:
            self._full.cancel()
            self._full = None

    async def closed(self, timeout: float) -> bool:  # noqa: ASYNC109 (False is an answer here)
        """Wait until no connection is left, at most `timeout` seconds; returns whether that is so."""
        try:
            async with asyncio.timeout(timeout):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True


def _why_not(address: Address, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {address.port} is taken on {address.host}: by another node or another program. "
            f"Stop that one, or choose another port: --listen {Address(address.host, 0)}".replace(":0", ":PORT")
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address.host} is not an address of this machine; --listen takes one of its own, or 0.0.0.0 for all."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user may not listen on port {address.port}; choose one from 1024 on: --listen HOST:PORT."
    return f"Can't listen on {address}: {error.strerror or error}."
