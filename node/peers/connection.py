"""One connection: asyncio's transport on one side, a Link or a SecureLink on the other. It decides nothing.

A connection begins in clear. When an offer to encrypt is answered, it goes on with a SecureLink: the answer is written
first, and bytes that were read behind it are TLS's.

A connection ends with a half-close, never with a reset. Our side closes first; bytes that still come are read and
dropped; and the socket closes when the other side has closed too, or after DRAIN seconds. Bytes that the other side
hasn't read after LINGER more seconds are given up. A bug in the link costs this connection, not the node.

Bytes are read in small pieces. The next piece is read only after `read_on` has processed the last one, when the
scheduler gives this connection a turn. Until then flow control keeps the rest at the sender.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from node.core import stimuli as s
from node.errors import LocalFault
from node.model import Address, normal_host, source_of
from node.peers import reasons, zones
from node.protocol.link import Answered, Ended, Link, LinkEvent, Offered
from node.protocol.secure import link as secure
from node.protocol.secure.frames import Frame
from node.protocol.secure.link import SecureLink
from node.protocol.states import State

log = logging.getLogger("snicher.peers")

#: How long the other side may take to close after us, in seconds.
DRAIN = 1.0
#: How long after that the socket stays open for bytes that the other side hasn't read, in seconds.
LINGER = 2.0
#: TCP keep-alive of a connection: idle time before the first probe (s), number of probes, interval (s). A machine that
#: has lost its power never says good-bye.
KEEP_ALIVE = (60, 4, 15)
#: Where Linux's `struct tcp_info` has how many segments were sent again (tcpi_total_retrans).
RESENT = slice(100, 104)
#: A timer that fires later than this, in seconds, was held up by a busy loop, and so was reading.
LATE = 0.02
#: High-water mark of the transport's write buffer, in bytes.
WRITE_BUFFER = 16 * 1024
#: Most bytes of one read, and so the most that wait here for a connection's turn.
READ_SIZE = 16 * 1024
#: Most bytes of a connection's first read. How much follows depends on the cost of that.
FIRST_READ = READ_SIZE // 16
#: The same for an encrypted link with somebody known: it brings many entries at a time, in frames of 64 KiB.
SECURE_READ = 64 * 1024

#: With more bytes than this waiting, reading pauses. For a short message, pausing would cost more than it saves.
LITTLE = 512
#: Read buffer of all connections. Its content is copied out before the next read (so never use a proactor loop).
_READ = memoryview(bytearray(SECURE_READ))

BROKEN_OFF = "a bug in the link with %s; the connection is closed, the node goes on"
BUG = "It was broken off by a bug in Snicher."
NO_HANDSHAKE = "An encrypted link can't begin now."


Event = LinkEvent | secure.SecureEvent


class Owner(Protocol):
    """Who keeps connections."""

    def me(self) -> tuple[int, str]:
        """The port on which this node listens, and its present team name."""

    def made(self, connection: Connection) -> None:
        """The connection stands."""

    def came(self, connection: Connection) -> None:
        """Bytes wait at the connection: calls `read_on`, or `wait` now and `read_on` when there is a turn."""

    def upgraded(self, connection: Connection, event: Offered | Answered) -> SecureLink | None:
        """An offer was answered: the link to go on with. None: not now; the connection ends."""

    def report(self, connection: Connection, events: Sequence[Event]) -> None:
        """The connection's link has produced events."""

    def holds(self, connection: Connection, size: int) -> None:
        """An encrypted link holds so many bytes of a frame that isn't complete."""

    def gone(self, connection: Connection) -> None:
        """The connection's socket is closed. Called once."""


class Connection(asyncio.BufferedProtocol):
    """Pumps bytes between a transport and a link, and hands the link's events to its owner."""

    def __init__(
        self,
        number: int,
        link: Link,
        inbound: bool,
        owner: Owner,
    ) -> None:
        self.number = number
        self.link: Link | SecureLink = link
        #: Whether the other side dialled.
        self.inbound = inbound
        #: The last LinkUp that the core was given for this connection.
        self.told: s.LinkUp | None = None
        #: The other side's address.
        self.host = ""
        #: This machine's address on it.
        self.own_host = ""
        #: The source that its host belongs to, for bounds and fair shares.
        self.source = ""
        #: The port the peer listens on, if known: announced by it, or dialled by us.
        self.port: int | None = None
        #: Bytes to read for the next turn, 1 to `most`; and the most that it may get.
        self.read_size = FIRST_READ
        self.most = READ_SIZE
        #: Bytes received and not yet counted for the quota.
        self.size = 0
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        #: When it began, in seconds of the loop's clock.
        self.since = self._loop.time()
        #: When something was last received or sent over it, in seconds of the loop's clock. Of an encrypted link only
        #: frames for the core count, not what keeps it alive.
        self.active = self.since
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._ended = False
        self._half_closed = False
        self._eof = False
        #: Received bytes that wait for this connection's turn.
        self._waiting = b""
        #: Whether reading pauses until then.
        self._paused = False
        self._leaving = False
        #: The key that must answer our offer. None: whichever does.
        self.expect: str | None = None
        #: Whether the other side has proved its key, and an encrypted link is open.
        self.secured = False

    def begin_with(self, data: bytes) -> None:
        """Bytes were read before there was a transport: they wait for this connection's turn."""
        self.size, self._waiting = len(data), data

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        _keep_alive(self._transport.get_extra_info("socket"))
        peer = self._transport.get_extra_info("peername")
        own = self._transport.get_extra_info("sockname")
        if peer:
            self.host = zones.host_of(peer)
            self.source = source_of(self.host)
        if own:
            self.own_host = zones.host_of(own)
        self._owner.made(self)
        link = self.link
        assert isinstance(link, Link)
        # A zone means something on this machine only, so the peer is told the address without it.
        host = normal_host(str(own[0]).partition("%")[0]) if own else "0.0.0.0"
        target = "" if self.port is None else str(Address(self.host.partition("%")[0], self.port))
        told = functools.partial(link.connected, target=target, clock=f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}")
        self._drive(told, host, *self._owner.me())

    def get_buffer(self, sizehint: int) -> memoryview:
        """The buffer for the next bytes."""
        return _READ[: self.read_size]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        self.size += nbytes
        if isinstance(self.link, Link):
            self.active = self._loop.time()
        if self._ended:
            return
        before, self._waiting = self._waiting, self._waiting + bytes(_READ[:nbytes])
        if before:
            # It is in the scheduler's queue already.
            self.wait()
        else:
            self._owner.came(self)

    def eof_received(self) -> bool:
        """The other side closed its half. Returns True: ours stays open until the link closes it."""
        self._eof = True
        if self._ended:
            self._close()
        elif not self._waiting:
            self._drive(self.link.receive_eof)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self._cancel()
        self._take()
        if not self._ended:
            self._drive(self.link.connection_lost, None if error is None else reasons.in_words(error))
        self._cancel()
        self._transport = None
        self._owner.gone(self)

    def pause_writing(self) -> None:
        """The other side reads too slowly."""
        if not self._ended:
            self._drive(self.link.pause_writing)

    def resume_writing(self) -> None:
        """It reads again."""
        if not self._ended:
            self._drive(self.link.resume_writing)

    # -- the node's side

    @property
    def silent(self) -> bool:
        """Whether the other side dialled and has sent nothing so far that tells who it is."""
        if isinstance(self.link, SecureLink):
            return not self._ended and self.inbound and not self.secured
        return not self._ended and self.link.state is State.AWAITING

    def send(self, token: int, text: str, part: int, control: bool) -> None:
        """Hand a text to the link. Raises LocalFault when the link can't take it."""
        link = self.link
        if self._ended or isinstance(link, SecureLink):
            raise LocalFault("The connection has ended." if self._ended else "The link is encrypted.")
        self.active = self._loop.time()
        try:
            link.send(token, text, self.active, part=part, control=control)
        except LocalFault:
            raise
        except Exception as bug:
            log.exception(BROKEN_OFF, self.host)
            self._break_off()
            raise LocalFault(BUG) from bug
        self._drive()

    def say(self, frames: Sequence[Frame]) -> bool:
        """Hand frames to an encrypted link; returns whether it took them. Without frames: whether it would."""
        link = self.link
        if self._ended or not self.secured or not isinstance(link, SecureLink):
            return False
        self.active = self._loop.time()

        def say(now: float) -> None:
            for frame in frames:
                if not link.closing:
                    link.say(frame, now)

        self._drive(say)
        return not self._ended

    def leave(self, code: int = 0, text: str = "") -> None:
        """Say good-bye and close, after processing the bytes received so far. `code` and `text` are those of a BYE."""
        self._leaving = True
        self._take()
        if self._ended:
            return
        link = self.link
        if isinstance(link, SecureLink):
            self._drive(lambda now: link.leave(now, code, text))
        else:
            self._drive(link.leave)

    @property
    def waits(self) -> bool:
        """Whether received bytes wait for their turn."""
        return bool(self._waiting)

    @property
    def has_little(self) -> bool:
        """Whether no more waits than people type at a time."""
        return len(self._waiting) < LITTLE

    def wait(self) -> None:
        """It has no turn yet: pause reading until `read_on`, if more than LITTLE waits."""
        transport = self._transport
        if self.has_little:
            return
        if not self._paused and transport is not None and not (self._eof or transport.is_closing()):
            self._paused = True
            transport.pause_reading()

    def read_on(self) -> None:
        """Process the received bytes, and resume reading."""
        self._take()
        transport = self._transport
        if self._paused and not self._waiting and transport is not None and not transport.is_closing():
            self._paused = False
            transport.resume_reading()

    def _take(self) -> None:
        """Hand the received bytes to the link, and then the end of file, if that came."""
        if not self._waiting:
            return
        data, self._waiting = self._waiting, b""
        if not self._ended:
            self._drive(self.link.receive_data, data)
            if isinstance(self.link, SecureLink):
                self._owner.holds(self, self.link.held)
        if self._eof:
            self.eof_received()

    def _drive(self, step: Callable[..., None] | None = None, *args: object) -> None:
        """Run one step of the link with the present time, and carry out what it asks for."""
        try:
            if step is not None:
                step(*args, self._loop.time())
            self._flush()
        except Exception:
            log.exception(BROKEN_OFF, self.host)
            self._break_off()

    def _break_off(self) -> None:
        """After a bug the link can't be trusted: report what it knows of its texts' outcomes, and end it."""
        if self._ended:
            return
        try:
            self.link.connection_lost(BUG, self._loop.time())
            events: Sequence[Event] = self.link.events()
            if self.link.state is State.UPGRADED:
                # It was to go on encrypted, and couldn't.
                events = [*events, Ended(BUG)]
        except Exception:
            events = [Ended(BUG)]
        self._owner.report(self, events)
        self._end()

    def _flush(self) -> None:
        link, transport = self.link, self._transport
        if link.state is State.UPGRADED:
            self._upgrade()
            return
        data = link.data_to_send()
        if transport is not None and not transport.is_closing():
            if data:
                transport.write(data)
            if link.half_close and not self._half_closed:
                self._half_closed = True
                transport.write_eof()
        events = link.events()
        if events:
            self._owner.report(self, events)
        if link.closing and not self._ended:
            self._end()
        elif not self._ended:
            self._arm(link.next_deadline())

    def _upgrade(self) -> None:
        """The offer was answered: go on with an encrypted link, or end."""
        plain = self.link
        events: list[Event] = [*plain.events()]
        answered = next((event for event in events if isinstance(event, Offered | Answered)), None)
        if answered is None:
            return
        # It is said also when there is no room for a handshake. Without an answer, a node that doesn't know this one
        # would take it for a plain peer, and go on in clear.
        answer = plain.data_to_send()
        if answer and self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)
        link = self._owner.upgraded(self, answered)
        if link is None:
            self._owner.report(self, [*events, Ended(NO_HANDSHAKE)])
            self._end()
            return
        self._owner.report(self, events)
        self.link = link
        now = self.active = self._loop.time()
        link.begin(now)
        self._flush()

    def _end(self) -> None:
        self._ended = True
        self._cancel()
        transport = self._transport
        if transport is None:
            return
        if self._eof or transport.is_closing():
            self._close()
            return
        if not self._half_closed:
            self._half_closed = True
            transport.write_eof()
        if self._paused:
            self._paused = False
            transport.resume_reading()
        self._timer = self._loop.call_later(DRAIN, self._close)

    def _close(self) -> None:
        self._cancel()
        if self._transport is not None:
            self._transport.close()
            self._timer = self._loop.call_later(LINGER, self._abort)

    def _lossy(self) -> bool:
        """Whether the system had to send something again on this connection, as far as it tells."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is None or not hasattr(socket, "TCP_INFO"):
            return False
        with contextlib.suppress(OSError):
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, RESENT.stop)
            return sys.platform == "linux" and any(info[RESENT])
        return False

    def _abort(self) -> None:
        self._timer = None
        if self._transport is not None:
            self._transport.abort()

    def _arm(self, at: float | None) -> None:
        if at == self._timer_at:
            return
        self._cancel()
        if at is not None:
            self._timer_at = at
            self._timer = self._loop.call_at(at, self._due)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_at = None

    def _due(self) -> None:
        now, at = self._loop.time(), self._timer_at or 0.0
        self._timer = self._timer_at = None
        if (self._waiting and not self._leaving) or now > at + LATE:
            # A deadline for silence counts only while we read. Bytes that came meanwhile are processed first.
            self._timer_at = now + LATE
            self._timer = self._loop.call_at(self._timer_at, self._due)
            return
        self._take()
        if isinstance(self.link, Link) and not self.inbound and not self.link.lossy:
            self.link.lossy = self._lossy()
        # The loop's timers may run a little early; the link compares exactly.
        self._drive(lambda now: self.link.handle_deadline(now + 0.0005))


def _keep_alive(sock: socket.socket | None) -> None:
    if sock is None:
        return
    idle, count, interval = KEEP_ALIVE
    # A broken socket refuses options; its fault is reported elsewhere.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", idle), ("TCP_KEEPCNT", count), ("TCP_KEEPINTVL", interval)):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
