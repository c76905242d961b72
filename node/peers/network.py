"""All connections of this node: one listening port for everything, and what is dialled. It decides nothing.

Dial, Transmit, Say and HangUp go in. Plain links tell LinkUp, Heard, Connected, Opened, Settled and Transmitted;
encrypted ones Secured and Framed; AnsweredLate and KeyDiffered say why a dialled link can't be used. For each Dial, and
for each link that was told by LinkUp or Secured, exactly one Closed comes, last; for each Transmit exactly one
Transmitted; before a link's first Heard a LinkUp, and before all else of an encrypted link Secured.

listener.py decides which connections are accepted, and handshakes.py which of them may begin a handshake; arrivals.py
has the accepted ones until they have a transport; scheduler.py decides whose turn it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from node.core import effects as e
from node.core import stimuli as s
from node.core.door import NO_ROOM
from node.core.facts import Trial
from node.core.quotas import USED_UP
from node.errors import LocalFault
from node.model import Address, source_of
from node.peers import reasons
from node.peers.arrivals import Arrivals
from node.peers.connection import Connection, Event
from node.peers.handshakes import Handshakes
from node.peers.hearing import Hearing
from node.peers.listener import Listener
from node.peers.scheduler import Disk, Scheduler
from node.peers.tls import Credentials, Engine
from node.peers.trial import attempt
from node.peers.unfinished import SMALL, Unfinished
from node.protocol import link as l
from node.protocol.plain import registry
from node.protocol.secure import link as secure
from node.protocol.secure.frames import Frame, Hello

#: How long a dialled address may take to answer, in seconds.
DIAL_TIMEOUT = 5.0
#: Step of the wait for connections to end, in seconds. A step counts as no longer than this even if the process was
#: suspended in it, because answers that came meanwhile are in the sockets and must be read first.
STRETCH = 0.05


class Node(Disk, Protocol):
    """The node, as its connections see it."""

    @property
    def name(self) -> str:
        """The present team name."""

    def feed(self, stimulus: s.Stimulus) -> None:
        """Something happened."""

    def in_use(self, link: int) -> bool:
        """Whether an accepted link belongs to a peer that people here know."""


class Network:
    """All connections. `room` bounds their number; a quarter of it is reserved for those that this node dials.

    `credentials` and `hello` are what an encrypted link needs to begin: this node's key, and who it says it is at
    present. Without them there are plain links only.
    """

    def __init__(
        self,
        node: Node,
        room: int = 10_000,
        credentials: Credentials | None = None,
        hello: Callable[[], Hello] | None = None,
    ) -> None:
        self._credentials = credentials if hello is not None else None
        self._hello = hello
        self._node = node
        self._feed = node.feed
        self._loop = asyncio.get_running_loop()
        self._room = max(8, room)
        self._connections: dict[int, Connection] = {}
        self._listener = Listener(self._room, self, self._connections)
        self._handshakes = Handshakes(self._break_off)
        self._unfinished = Unfinished()
        self._scheduler = Scheduler(node)
        self.listen_address = Address("127.0.0.1", 0)
        self._dialling: dict[int, asyncio.Task[None]] = {}
        self._hearing = Hearing(self, self._scheduler, self._handshakes)
        answers = self._credentials is not None
        self._arrivals = Arrivals(self, self._listener, self._scheduler, self._hearing, answers=answers)
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def refused(self) -> int:
        """Number of connections refused since the start."""
        return self._listener.refused + self._handshakes.refused

    # -- accepted connections

    async def listen(self, address: Address) -> Address:
        """Listen; returns the real address (port 0 lets the system choose). Raises ListenError with what to do."""
        self.listen_address = await self._listener.listen(address)
        return self.listen_address

    def stop_listening(self) -> None:
        """Take no new connections."""
        self._listener.stop()

    def shut_out(self, source: str, seconds: float) -> None:
        """Close all connections of a source, encrypted ones with the reason; refuse new ones for so many seconds."""
        self._listener.shut_out(source, seconds)
        for connection in list(self._connections.values()):
            if connection.source == source:
                connection.leave(NO_ROOM, USED_UP)

    def take(self, sock: socket.socket, number: int, host: str) -> None:
        """A connection was accepted: look at it when its source has a turn."""
        self._arrivals.take(sock, number, host)

    def stands(self, number: int) -> bool:
        """Whether a connection has a transport."""
        return number in self._connections

    def connection(self, number: int, link: l.Link, host: str, *, inbound: bool) -> Connection:
        """Make a connection, for a transport or for what it tells."""
        connection = Connection(number, link, inbound, self)
        connection.host = host
        connection.source = source_of(host)
        return connection

    def feed(self, stimulus: s.Stimulus) -> None:
        """Something happened, for the core."""
        self._feed(stimulus)

    def in_use(self, number: int) -> bool:
        """Whether this node uses a connection with somebody it knows."""
        return self._node.in_use(number)

    # -- called by connections

    def me(self) -> tuple[int, str]:
        """The port on which this node listens, and its present team name."""
        return self.listen_address.port, self._node.name

    def made(self, connection: Connection) -> None:
        """A connection stands."""
        self._connections[connection.number] = connection
        self._empty.clear()

    def came(self, connection: Connection) -> None:
        """Bytes of a connection wait for its turn."""
        self._scheduler.came(connection, known=connection.secured and self.in_use(connection.number))

    def gone(self, connection: Connection) -> None:
        """The socket of a connection is closed."""
        self._connections.pop(connection.number, None)
        self._unfinished.note(connection.number, 0)
        if connection.inbound:
            self._listener.over(connection.number, connection.host)
        if not self._connections and not self._dialling:
            self._empty.set()

    def upgraded(self, connection: Connection, event: l.Offered | l.Answered) -> secure.SecureLink | None:
        """An offer was answered: the encrypted link to go on with. None: there is none now."""
        number, inbound = connection.number, connection.inbound
        if self._credentials is None or self._hello is None:
            return None
        if inbound and not self._handshakes.begin(number, connection.source):
            return None
        if isinstance(event, l.Offered):
            connection.port = event.port
            self._hearing.persistent(number)
        engine = Engine(self._credentials, server=inbound)
        return secure.SecureLink(engine, self._hello, expect=connection.expect, rest=event.rest)

    def _break_off(self, number: int) -> None:
        """A handshake gives way to another source's."""
        connection = self._connections.get(number)
        if connection is not None:
            connection.leave()

    def report(self, connection: Connection, events: Sequence[Event]) -> None:
        """A connection's link has produced events."""
        self._hearing.report(connection, events)

    def holds(self, connection: Connection, size: int) -> None:
        """An encrypted link holds so much of an unfinished frame. Of strangers, only so much is kept in all."""
        number = connection.number
        if size > SMALL and (not connection.inbound or self.in_use(number)):
            size = 0
        full = self._unfinished.note(number, size)
        if full is not None:
            self._unfinished.note(full, 0)
            self._connections[full].leave(5, "Too much of unfinished frames waits here.")

    def waits(self, link: int) -> bool:
        """Whether received bytes of a connection wait for a turn."""
        connection = self._connections.get(link)
        return connection.waits if connection is not None else self._arrivals.waits(link)

    # -- acts of the core

    def perform(self, act: e.Dial | e.Transmit | e.Say | e.HangUp) -> None:
        """Perform an act. A failure comes back as a stimulus."""
        if isinstance(act, e.Dial) and not self._listener.open:
            # Don't dial any more: the node is going down and stops listening, so the peer couldn't call back.
            self._loop.call_soon(self._feed, s.Closed(act.link, "The node is going down."))
        elif isinstance(act, e.Dial):
            self._empty.clear()
            task = asyncio.create_task(self._dial(act), name=f"dial {act.address}")
            self._dialling[act.link] = task
            task.add_done_callback(lambda _: self._undialled(act.link))
        elif isinstance(act, e.Transmit):
            self._transmit(act)
        elif isinstance(act, e.Say):
            self.say(act.link, [act.frame])
        else:
            dialling = self._dialling.get(act.link)
            connection = self._connections.get(act.link)
            if connection is not None:
                connection.leave(act.code, act.text)
            elif dialling is not None:
                dialling.cancel()

    def say(self, link: int, frames: Sequence[Frame]) -> bool:
        """Send frames over an encrypted link, in order; returns whether the link took them.

        If it didn't, it is over or not open yet. Without frames: whether it would take some.
        """
        connection = self._connections.get(link)
        return connection is not None and connection.say(frames)

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
        port, name = self.me()
        if act.how == "one_shot":
            link = l.Link.one_shot(port, name, registry.ONE_SHOT[act.dialect])
        elif act.how == "secure":
            link = l.Link.secure(port, name)
        else:
            codec = registry.PERSISTENT[act.dialect]
            link = l.Link.announce(port, name, unsure=act.how == "unsure", codec=codec)
        connection = self.connection(act.link, link, address.host, inbound=False)
        connection.port = address.port
        connection.expect = act.expect
        reason: str | None = "We left."
        try:
            if len(self._connections) + len(self._dialling) + len(self._listener.lingering) > self._room:
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
        """Report a dial that was cancelled before its task started, because the task can't."""
        if self._dialling.pop(link, None) is not None:
            if not self._connections and not self._dialling:
                self._empty.set()
            self._feed(s.Closed(link, "We left."))

    def _local_address(self, target: Address) -> tuple[str, int] | None:
        """The address to dial from: the one we listen at, so that peers see the same one. None for a wildcard."""
        host = self.listen_address.host
        if host in ("0.0.0.0", "::") or (":" in host) != (":" in target.host):
            return None
        return (host, 0)

    # -- for the doctor

    async def trial(self, address: Address, *, expect: str = "", plain: bool = False) -> Trial:
        """Try whether somebody answers at an address, and whether it is `expect`. `plain`: only whether it connects."""
        busy = len(self._connections) + len(self._dialling) + len(self._listener.lingering) > self._room
        if busy or not self._listener.open or (self._credentials is None and not plain):
            return Trial("untried")
        local = self._local_address(address)
        return await attempt(
            address, None if plain else self._credentials, self.listen_address.port, expect=expect,
            local=None if local is None else local[0],
        )  # fmt: skip

    def own_host(self, link: int) -> str | None:
        """The address of this machine at which a link ends. None: it is over."""
        connection = self._connections.get(link)
        return None if connection is None else connection.own_host

    # -- all together

    def pause(self) -> None:
        """Read from nobody until `resume`. Flow control keeps nearly all bytes at the senders."""
        self._scheduler.pause()

    def resume(self) -> None:
        """Listen on."""
        self._scheduler.resume()

    def go_on(self) -> None:
        """Check again which sources the disk is too full for."""
        self._scheduler.go_on()

    def leave_all(self) -> None:
        """Say good-bye to everybody and close all connections, also those being dialled."""
        for task in list(self._dialling.values()):
            task.cancel()
        self._listener.dismiss_refused()
        if not self._listener.open:
            self._arrivals.dismiss()
        for connection in list(self._connections.values()):
            connection.leave()

    async def closed(self, timeout: float) -> bool:  # noqa: ASYNC109 (False is an answer here)
        """Wait until no connection is left, at most `timeout` seconds of this process; returns whether none is."""
        for _ in range(round(timeout / STRETCH)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STRETCH):
                    await self._empty.wait()
                return True
        return self._empty.is_set()
