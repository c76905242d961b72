"""Who gets in: the listening socket, and how many connections there may be, in all and of one source address.

Connections never take the last open file: the database and the bus need some too. One source may have so many of them
at once, at most half of what there is room for; further ones are closed at once, in order. When there is no room for
other reasons, the idlest connection of the source that has most of them makes room, with the good-bye of its dialect,
but for those that this node uses with people it knows. Where all sources have one only, those that said nothing, or
were idle for long, make room. Until then who comes waits in the system's queue. So whoever comes new gets in while
others hold as many connections as they can, from however many addresses.
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

#: Connections that the system may hold ready before we accept them. Old clients open one for each message.
BACKLOG = 1024
#: Connections taken at a time, before others have a turn.
ACCEPTS = 64
#: How long nobody is let in while those who were are waiting to be set up, in seconds.
BREATH = 0.05
#: While there is no room, how often room is looked for, in seconds.
FULL_PAUSE = 0.5
#: A connection that has said nothing for so long makes room for others when there is none, in seconds.
QUIET_ENOUGH = 5.0
#: One that has spoken, after it was idle for so long, in seconds.
IDLE_ENOUGH = 30.0
#: Either of a source that has several connections, after so long, in seconds: a message may still be on its way.
FLOOD_QUIET = 0.3
#: Connections of one source at once; with few open files half of the room. Further ones are closed at once.
MAX_PER_SOURCE = 2_048
#: A refused connection may take so long to close its side, in seconds; what it sends meanwhile is dropped.
REFUSED_LINGER = 0.5
#: Refused connections that are still open; with few open files an eighth of the room. Beyond, the oldest goes at once.
MAX_REFUSED = 256
#: The log says at most so often that there is no room, in seconds.
FULL_SAID = 60.0


class Inside(Protocol):
    """Who gets what the door lets in."""

    def take(self, sock: socket.socket, number: int, host: str) -> None:
        """A connection of this number and source address was let in."""

    def in_use(self, number: int) -> bool:
        """Whether this node uses a connection with somebody it knows: then it never has to make room."""


class Listener:
    """The door.

    `room` is how many connections there may be, those that the node dials included; a quarter is kept for these.
    `connections` are all that stand, by number; accepted ones have even numbers.
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
        #: Those that were let in and aren't over, of each source, whether they stand already or not.
        self.sources: dict[str, set[int]] = {}
        self._count = 0
        #: Those among them that are making room.
        self._leaving: set[int] = set()
        #: Refused connections that may still close their side.
        self.lingering: dict[socket.socket, None] = {}
        #: How many connections were refused since the start.
        self.refused = 0
        self._say_refused_at = 0.0
        #: Sources that are shut out, until when (loop time).
        self._shut_out: dict[str, float] = {}
        self._socket: socket.socket | None = None
        self._last = 0
        self._full: asyncio.TimerHandle | None = None
        self._breath: asyncio.TimerHandle | None = None
        self._say_full_at = 0.0

    def __len__(self) -> int:
        """Connections that were let in and aren't over."""
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
        """Let nobody in for a moment: who comes waits in the system's queue, and isn't refused."""
        if self._breath is None and self._full is None and self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._breath = self._loop.call_later(BREATH, self.resume)

    def resume(self) -> None:
        """The moment is over."""
        if self._breath is not None:
            self._breath.cancel()
            self._breath = None
            if self._full is None and self._socket is not None:
                self._loop.add_reader(self._socket, self._accept)

    def stop(self) -> None:
        """Let nobody in any more. Those that wait in the system's queue are taken first: closing would reset them."""
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
        """A connection that was let in is over."""
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
        """Refuse the connections of a source for so long."""
        now = self._loop.time()
        self._shut_out = {other: until for other, until in self._shut_out.items() if until > now}
        self._shut_out[source] = now + seconds

    def unwelcome(self, host: str) -> str | None:
        """Why no further connection of this address is let in; None when one is."""
        source = source_of(host)
        if self._shut_out.get(source, 0.0) > self._loop.time():
            return f"{source} has met its quota and is shut out; its connections are refused"
        count = len(self.sources.get(source, ()))
        return None if count < self._per_source else f"{source} has {count} connections open; further ones are refused"

    def dismiss(self, sock: socket.socket) -> None:
        """Close a socket that nobody listens to, without a reset."""
        self.lingering.pop(sock, None)
        with contextlib.suppress(OSError):
            # What came is read: closing over it would be a reset.
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
        """Take connections that wait, as far as there is room; the others stay in the system's queue."""
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
        """Close a connection in order, at once: the other side may do so a little later."""
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
        """Take no more until a connection ends; look now and then, and have others make room."""
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
        """Have one connection make room, where there is one that can; returns whether the next may be let in."""
        if len(self._leaving) >= max(1, self._room // 8):
            # They need their files until they are over.
            return False
        now = self._loop.time()
        # From the source with the most on, until one has a connection that can go.
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
                idlest.leave()
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
