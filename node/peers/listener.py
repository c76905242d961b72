"""The listening socket, and the bounds on connections: in all, and of one source.

Connections never take the last open files, because the database and the bus need some. One source may have a limited
number of connections, at most half of the room; further ones are closed at once, without a reset. When all room is
taken, the source with most connections gives one up: its idlest is closed with the good-bye of its dialect.
Connections that this node uses with people it knows are exempt. If every source has only one, those that never spoke or
were idle for long are closed. Until there is room, new connections wait in the system's backlog. So a newcomer gets in
even while others hold as many connections as they can, from however many addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import shlex
import socket
from collections.abc import Mapping
from typing import Protocol

from node.errors import ListenError
from node.model import Address, source_of
from node.peers import occupied, reasons, zones
from node.peers.connection import Connection

log = logging.getLogger("snicher.peers")

#: Backlog of the listening socket. It is large, because old clients open a connection for each message.
BACKLOG = 1024
#: Most connections accepted in a row before the event loop does other work.
ACCEPTS = 64
#: Pause in accepting while accepted connections still wait to be set up, in seconds.
BREATH = 0.05
#: How often to check for room while there is none, in seconds.
FULL_PAUSE = 0.5
#: When there is no room: how old a connection without a text must be before it is closed, in seconds.
QUIET_ENOUGH = 5.0
#: The same for one that has spoken: how long it must have been idle.
IDLE_ENOUGH = 30.0
#: The same for either kind if its source has several connections. A message may still be on its way, so not zero.
FLOOD_QUIET = 0.3
#: Most connections of one source at once; with few open files half of the room. Further ones are closed at once.
MAX_PER_SOURCE = 2_048
#: How long a refused connection may take to close its side, in seconds; bytes that it sends meanwhile are dropped.
REFUSED_LINGER = 0.5
#: Most refused connections still open; with few open files an eighth of the room. Beyond, the oldest is closed at once.
MAX_REFUSED = 256
#: Shortest time between two log lines about missing room, in seconds.
FULL_SAID = 60.0


class Inside(Protocol):
    """Receives the accepted connections."""

    def take(self, sock: socket.socket, number: int, host: str) -> None:
        """A connection with this number and remote address was accepted."""

    def in_use(self, number: int) -> bool:
        """Whether this node uses a connection with somebody it knows. Such a one is never closed to make room."""


class Listener:
    """Accepts and refuses connections.

    `room` is the bound on all connections; a quarter of it is reserved for those that the node dials. `connections` are
    all open ones, by number; accepted ones have even numbers.
    """

    def __init__(
        self,
        room: int,
        inside: Inside,
        connections: Mapping[int, Connection],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = room
        self._inside = inside
        self._connections = connections
        self._per_source = min(MAX_PER_SOURCE, room // 2)
        #: Numbers of each source's accepted connections that haven't ended, whether they are set up or not.
        self.sources: dict[str, set[int]] = {}
        self._count = 0
        #: Those among them that are being closed to make room.
        self._leaving: set[int] = set()
        #: Refused connections that may still close their side.
        self.lingering: dict[socket.socket, None] = {}
        #: Number of connections refused since the start.
        self.refused = 0
        self._say_refused_at = 0.0
        #: Sources that are shut out, each with the end of that (loop time).
        self._shut_out: dict[str, float] = {}
        self._socket: socket.socket | None = None
        self._last = 0
        self._full: asyncio.TimerHandle | None = None
        self._breath: asyncio.TimerHandle | None = None
        self._say_full_at = 0.0

    def __len__(self) -> int:
        """Number of accepted connections that haven't ended."""
        return self._count

    @property
    def open(self) -> bool:
        """Whether it listens."""
        return self._socket is not None

    async def listen(self, address: Address) -> Address:
        """Listen; returns the real address (port 0 lets the system choose). Raises ListenError with what to do."""
        listener = None
        try:
            address = zones.checked(address)
        except ValueError as error:
            raise ListenError(f"Can't listen there: {error}") from error
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
        self._socket = listener
        self._loop.add_reader(listener, self._accept)
        return Address(zones.host_of(bound), bound[1])

    def pause(self) -> None:
        """Accept nothing for BREATH. New connections wait in the system's backlog; they aren't refused."""
        if self._breath is None and self._full is None and self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._breath = self._loop.call_later(BREATH, self.resume)

    def resume(self) -> None:
        """Accept again, if paused."""
        if self._breath is not None:
            self._breath.cancel()
            self._breath = None
            if self._full is None and self._socket is not None:
                self._loop.add_reader(self._socket, self._accept)

    def stop(self) -> None:
        """Stop listening. Connections in the system's backlog are accepted first, because closing would reset them."""
        if self._breath is not None:
            self._breath.cancel()
            self._breath = None
        if self._socket is not None:
            self._accept(BACKLOG)
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self._full is not None:
            self._full.cancel()
            self._full = None

    def over(self, number: int, host: str) -> None:
        """An accepted connection has ended."""
        source = source_of(host)
        self._leaving.discard(number)
        of_source = self.sources.get(source)
        if of_source is None or number not in of_source:
            return
        self._count -= 1
        of_source.discard(number)
        if not of_source:
            del self.sources[source]
        self._room_again()

    def shut_out(self, source: str, seconds: float) -> None:
        """Refuse a source's connections for so many seconds."""
        now = self._loop.time()
        self._shut_out = {other: until for other, until in self._shut_out.items() if until > now}
        self._shut_out[source] = now + seconds

    def unwelcome(self, host: str) -> str | None:
        """Why a connection from this address would be refused; None: it would be accepted."""
        source = source_of(host)
        if self._shut_out.get(source, 0.0) > self._loop.time():
            return f"{source} has met its quota and is shut out; its connections are refused"
        count = len(self.sources.get(source, ()))
        return None if count < self._per_source else f"{source} has {count} connections open; further ones are refused"

    def dismiss(self, sock: socket.socket) -> None:
        """Close a refused socket without a reset."""
        self.lingering.pop(sock, None)
        with contextlib.suppress(OSError):
            # Read what came, because closing with unread bytes sends a reset.
            for _ in range(8):
                if not sock.recv(65_536):
                    break
        sock.close()

    def dismiss_refused(self) -> None:
        """Close all refused connections now."""
        for sock in list(self.lingering):
            self.dismiss(sock)

    # -- inside

    def _accept(self, most: int = ACCEPTS) -> None:
        """Accept waiting connections as long as there is room; the others stay in the system's backlog."""
        for _ in range(most):
            if self._socket is None or self._full is not None or self._breath is not None:
                return
            if self._count - len(self._leaving) >= self._room * 3 // 4 and not self._make_room():
                self._no_room(f"{self._count} connections are open, as many as may be; others wait")
                return
            try:
                sock, peer = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._no_room(f"no connection can be taken right now: {reasons.in_words(error)}")
                return
            sock.setblocking(False)
            host = zones.host_of(peer)
            why = self.unwelcome(host)
            if why is not None:
                self._refuse(sock, why)
                continue
            self._last += 2
            self._count += 1
            self.sources.setdefault(source_of(host), set()).add(self._last)
            self._inside.take(sock, self._last, host)

    def _refuse(self, sock: socket.socket, why: str) -> None:
        """Half-close a connection at once; the other side may close a little later."""
        self.refused += 1
        now = self._loop.time()
        if now > self._say_refused_at:
            self._say_refused_at = now + FULL_SAID
            log.warning(why)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        self.lingering[sock] = None
        self._loop.call_later(REFUSED_LINGER, self._no_longer_wait, sock)
        if len(self.lingering) > min(MAX_REFUSED, self._room // 8):
            self.dismiss(next(iter(self.lingering)))

    def _no_longer_wait(self, sock: socket.socket) -> None:
        if sock in self.lingering:
            self.dismiss(sock)

    def _no_room(self, why: str) -> None:
        """Accept nothing until a connection ends. Meanwhile, check for room regularly and close others to make some."""
        assert self._socket is not None
        now = self._loop.time()
        if now > self._say_full_at:
            self._say_full_at = now + FULL_SAID
            log.warning(why)
        self._loop.remove_reader(self._socket)
        self._full = self._loop.call_later(FULL_PAUSE, self._look_for_room)

    def _look_for_room(self) -> None:
        self._make_room()
        self._room_again()

    def _make_room(self) -> bool:
        """Close one connection to make room, if any may be closed; returns whether the next one can be accepted now."""
        if len(self._leaving) >= max(1, self._room // 8):
            # Connections that are being closed keep their file until they have ended.
            return False
        now = self._loop.time()
        # Try the source with most connections first, until one has a connection that may be closed.
        by_size = sorted(self.sources.values(), key=len, reverse=True)
        for numbers in by_size:
            several = len(numbers) > 1
            idlest = None
            for number in numbers:
                connection = self._connections.get(number)
                if connection is None or number in self._leaving or self._inside.in_use(number):
                    continue
                patience = FLOOD_QUIET if several else QUIET_ENOUGH if connection.silent else IDLE_ENOUGH
                if now - connection.active > patience and (idlest is None or connection.active < idlest.active):
                    idlest = connection
            if idlest is not None:
                self._leaving.add(idlest.number)
                # On an encrypted link the other side reads why.
                idlest.leave(5)
                return True
        return False

    def _room_again(self) -> None:
        if self._full is not None and self._socket is not None:
            self._full.cancel()
            self._full = None
            if self._breath is None:
                self._loop.add_reader(self._socket, self._accept)


def _why_not(address: Address, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        elsewhere = f"choose another port: --listen {str(Address(address.host, 0)).removesuffix('0')}PORT"
        own = occupied.node_on(address)
        if own is None:
            return (
                f"Port {address.port} is taken on {address.host}: by another node or another program. "
                f"Stop that one, or {elsewhere}"
            )
        pid, home = own
        return (
            f"Port {address.port} is taken on {address.host} by a node of your own (pid {pid}, home {home}). "
            f"Stop it with: python -m node stop --home {shlex.quote(str(home))} - or {elsewhere}"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address.host} is not an address of this machine; --listen takes one of its own, or 0.0.0.0 for all."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user may not listen on port {address.port}; choose one from 1024 on: --listen HOST:PORT."
    return f"Can't listen on {address}: {error.strerror or error}."
