"""Accepted connections until they have a transport, or are over without one.

Most old clients open a connection for each message, and it is over before it has its turn: what it said and its end are
both in the system's buffers. Such a connection needs no transport, no task and no timer. Its link is run to the end at
once, in the turn of its source, and tells the same as over a transport. Every other connection gets a transport, with
the bytes that were read here.

A connection has its place in the accept order from the first look on, because the one accepted after it may be over
sooner. One that is over by then needs none, unless others from its address have theirs.
"""

from __future__ import annotations

import asyncio
import collections
import functools
import logging
import socket
from collections.abc import Sequence
from typing import Literal, Protocol

from node.model import source_of
from node.peers import reasons
from node.peers.connection import BROKEN_OFF, BUG, FIRST_READ, Connection, Event
from node.peers.hearing import Hearing
from node.peers.listener import Listener
from node.peers.scheduler import Scheduler
from node.protocol.link import Ended, Link

log = logging.getLogger("snicher.peers")

#: Cost of setting up and ending a connection that gets a transport, beyond its turns, in seconds. One that is over at
#: once costs its turn only.
TAKE_COST = 0.0003
#: With more connections of one source than this waiting to be set up, accepting pauses: a source that merely connects
#: quickly shouldn't run into the bound on its open connections.
MAX_UNTAKEN = 512
#: Most bytes of a connection that is over at once: a longer one gets a transport, and turns of the usual length.
MOST = FIRST_READ
#: Most bytes of its answer: the buffer of a connection that was never written to takes so many in one piece.
SHORT = 256


#: How a connection ended: in order, or by this error.
End = Literal[True] | OSError


class Inside(Protocol):
    """Keeps the connections that have a transport."""

    def me(self) -> tuple[int, str]:
        """The port on which this node listens, and its present team name."""

    def connection(self, number: int, link: Link, host: str, *, inbound: bool) -> Connection:
        """Make a connection, for a transport or for what it tells."""

    def came(self, connection: Connection) -> None:
        """Bytes of a connection wait for its turn."""

    def report(self, connection: Connection, events: Sequence[Event]) -> None:
        """A connection's link has produced events."""

    def stands(self, number: int) -> bool:
        """Whether a connection has a transport."""


class Arrivals:
    """Takes connections from the listener. `answers`: whether offers to encrypt are answered."""

    def __init__(
        self, inside: Inside, listener: Listener, scheduler: Scheduler, hearing: Hearing, *, answers: bool
    ) -> None:
        self._inside = inside
        self._listener = listener
        self._scheduler = scheduler
        self._hearing = hearing
        self._answers = answers
        self._loop = asyncio.get_running_loop()
        #: Connections that weren't taken yet, and their number for each source.
        self.untaken: dict[int, socket.socket] = {}
        self._untaken_of: collections.Counter[str] = collections.Counter()
        #: Connections that have a place in the accept order, and no transport yet.
        self._seen: set[int] = set()
        self._setting_up: set[asyncio.Task[None]] = set()

    def take(self, sock: socket.socket, number: int, host: str) -> None:
        """A connection was accepted: look at it when its source has a turn."""
        self.untaken[number] = sock
        self._untaken_of[source_of(host)] += 1
        if len(self.untaken) >= MAX_UNTAKEN and len(self._untaken_of) == 1:
            self._listener.pause()
        self._look_soon(number, host)

    def waits(self, number: int) -> bool:
        """Whether a connection has a place in the accept order, and may have said something that nobody has read."""
        return number in self._seen

    def dismiss(self) -> None:
        """Close connections that were never read from: the node is going down, and they come too late."""
        for number, sock in self.untaken.items():
            self._listener.dismiss(sock)
            self._seen.discard(number)
            self._hearing.finished(number)
        self.untaken.clear()
        self._untaken_of.clear()

    # -- inside

    def _look_soon(self, number: int, host: str) -> None:
        self._scheduler.put(source_of(host), functools.partial(self._look, number, host), small=True)

    def _look(self, number: int, host: str) -> None:
        """Read what is there. End the connection if all of it is there; give it a transport if that isn't near."""
        sock = self.untaken.get(number)
        if sock is None:
            return
        first = number not in self._seen
        data, end = _read(sock)
        # One that is over, and waits for nobody, needs no place.
        if end is None or self._hearing.holds_back(host):
            self._place(number, host)
        if not data and end is None and first:
            # On a busy node it will have come when everything else that waits has had its turn. On an idle one, a
            # transport costs nobody anything.
            self._look_soon(number, host)
            return
        source = source_of(host)
        self._taken(number, source)
        if end is not None and self._scheduler.spend(
            source, functools.partial(self._run, sock, number, host, data, end)
        ):
            return
        self._place(number, host)
        self._scheduler.charge(source, TAKE_COST)
        task = asyncio.create_task(self._set_up(sock, number, host, data))
        self._setting_up.add(task)
        task.add_done_callback(self._setting_up.discard)

    def _place(self, number: int, host: str) -> None:
        """Give a connection its place in the accept order, unless it has it."""
        if number not in self._seen:
            self._seen.add(number)
            self._hearing.accepted(number, host)

    def _taken(self, number: int, source: str) -> None:
        del self.untaken[number]
        self._untaken_of[source] -= 1
        if not self._untaken_of[source]:
            del self._untaken_of[source]
        if len(self.untaken) < MAX_UNTAKEN // 2:
            self._listener.resume()

    def _run(self, sock: socket.socket, number: int, host: str, data: bytes, end: End) -> bool:
        """Run the link of a connection to its end, which has come; returns whether that is the end for the link.

        If it isn't, nothing has happened yet: the connection goes on encrypted, or its answer can't be written at once.
        """
        now = self._loop.time()
        link = Link.accepted(answers=self._answers)
        events: Sequence[Event]
        try:
            # Only answers are said on it, and these name neither an address nor a time.
            link.connected("", *self._inside.me(), now)
            link.receive_data(data, now)
            if isinstance(end, OSError):
                link.connection_lost(reasons.in_words(end), now)
            else:
                link.receive_eof(now)
            if not link.closing or (end is True and not _write(sock, link.data_to_send())):
                return False
            events = link.events()
        except Exception:
            log.exception(BROKEN_OFF, host)
            events = [Ended(BUG)]
        connection = self._inside.connection(number, link, host, inbound=True)
        connection.size = len(data)
        self._seen.discard(number)
        try:
            self._inside.report(connection, events)
        except Exception:
            log.exception(BROKEN_OFF, host)
            self._inside.report(connection, [Ended(BUG)])
        finally:
            # Everything that came was read, so this is no reset.
            sock.close()
            self._listener.over(number, host)
        return True

    async def _set_up(self, sock: socket.socket, number: int, host: str, data: bytes) -> None:
        """Give a connection its transport, and process what was read of it."""
        link = Link.accepted(answers=self._answers)
        connection = self._inside.connection(number, link, host, inbound=True)
        connection.begin_with(data)
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError as error:
            if self._inside.stands(number):
                return
            # It was lost before it was set up. What it had said counts.
            if not data or not self._run(sock, number, host, data, error):
                sock.close()
                self._hearing.finished(number)
                self._listener.over(number, host)
        finally:
            self._seen.discard(number)
        if connection.waits:
            self._inside.came(connection)


def _read(sock: socket.socket) -> tuple[bytes, End | None]:
    """What a connection has said, and its end. None: that hasn't come, or so much was said that it isn't looked for."""
    data = b""
    try:
        data = sock.recv(MOST)
        if not data:
            return b"", True
        if len(data) < MOST:
            more = sock.recv(MOST)
            return (data + more, None) if more else (data, True)
    except (BlockingIOError, InterruptedError):
        pass
    except OSError as error:
        return data, error
    return data, None


def _write(sock: socket.socket, answer: bytes) -> bool:
    """Write an answer; returns whether it was written, or nobody is there to read it."""
    if len(answer) > SHORT:
        return False
    try:
        if answer:
            sock.send(answer)
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        pass
    return True
