"""One connection: asyncio's transport on one side, a Link on the other. It decides nothing.

A connection is never ended by a reset: our side is closed first, what still comes is read and dropped, and the socket
goes when the other side has closed too, or after DRAIN seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from node.model import normal_host
from node.peers import reasons
from node.protocol.link import Link, LinkEvent

#: How long the other side may take to close after us, in seconds.
DRAIN = 1.0
#: A timer that fires later than this, in seconds, was held up by a busy loop, and so was reading.
LATE = 0.02
#: Bytes that may wait in the transport before writing pauses.
WRITE_BUFFER = 16 * 1024


class Connection(asyncio.Protocol):
    """Pumps bytes between a transport and a link, and hands the link's events to `report`.

    `gone` is called once, when the socket is closed.
    """

    def __init__(
        self,
        number: int,
        link: Link,
        me: Callable[[], tuple[int, str]],
        report: Callable[[Connection, list[LinkEvent]], None],
        made: Callable[[Connection], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self.number = number
        self.link = link
        #: The other side's address.
        self.host = ""
        #: The port it listens on, as far as told: announced by it, or dialled by us.
        self.port: int | None = None
        self._me = me
        self._report = report
        self._made = made
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._ended = False
        self._half_closed = False
        self._eof = False
        self._paused = False

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        peer = self._transport.get_extra_info("peername")
        own = self._transport.get_extra_info("sockname")
        self.host = normal_host(peer[0]) if peer else "0.0.0.0"
        self._made(self)
        port, name = self._me()
        self.link.connected(normal_host(own[0]) if own else "0.0.0.0", port, name, self._loop.time())
        if self._paused:
            self._transport.pause_reading()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if not self._ended:
            self.link.receive_data(data, self._loop.time())
            self._flush()

    def eof_received(self) -> bool:
        """The other side closed its half. True: ours stays open until the link says so."""
        self._eof = True
        if self._ended:
            self._close()
        else:
            self.link.receive_eof(self._loop.time())
            self._flush()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self._cancel()
        if not self._ended:
            self.link.connection_lost(None if error is None else reasons.in_words(error), self._loop.time())
            self._flush()
        self._cancel()
        self._transport = None
        self._gone(self)

    def pause_writing(self) -> None:
        """The other side reads too slowly."""
        self.link.pause_writing(self._loop.time())
        self._flush()

    def resume_writing(self) -> None:
        """It reads again."""
        self.link.resume_writing(self._loop.time())
        self._flush()

    # -- the node's side

    def send(self, token: int, text: str, part: int, control: bool) -> None:
        """Give the link a text. Raises LocalFault when it can't take it."""
        self.link.send(token, text, self._loop.time(), part=part, control=control)
        self._flush()

    def leave(self) -> None:
        """Say good-bye and close."""
        self.link.leave(self._loop.time())
        self._flush()

    def pause(self) -> None:
        """Read no more, until `resume`: what the other side sends waits in the network."""
        self._paused = True
        if self._transport is not None and not self._ended:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            if self._transport is not None:
                self._transport.resume_reading()

    def _flush(self) -> None:
        link, transport = self.link, self._transport
        data = link.data_to_send()
        if transport is not None and not transport.is_closing():
            if data:
                transport.write(data)
            if link.half_close and not self._half_closed:
                self._half_closed = True
                transport.write_eof()
        events = link.events()
        if events:
            self._report(self, events)
        if link.closing and not self._ended:
            self._end()
        elif not self._ended:
            self._arm(link.next_deadline())

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
            transport.resume_reading()
        self._timer = self._loop.call_later(DRAIN, self._close)

    def _close(self) -> None:
        self._cancel()
        if self._transport is not None:
            self._transport.close()

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
        if self._paused or now > at + LATE:
            # Silence counts only while we listen: what came meanwhile waits in the socket and is read first.
            self._timer_at = now + LATE
            self._timer = self._loop.call_at(self._timer_at, self._due)
            return
        # The loop's timers may run a little early; the link compares exactly.
        self.link.handle_deadline(now + 0.0005)
        self._flush()
