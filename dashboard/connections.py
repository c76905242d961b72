"""Bounds on browser connections: the time for a request, and the number of open connections.

uvicorn limits the idle time between two requests, but not the time until the first byte or the rest of a request's
head. Here a request must be complete in time. When there are too many connections, those without a complete request are
closed first, so that half-sent requests never keep the owner out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger("snicher.dashboard")

#: A request must be whole this long after its connection was made or its first byte came, in seconds. Heads and bodies
#: are a few kilobytes; this is ample on a slow wireless network.
REQUEST_S = 15.0
#: A connection that was answered may wait for another request so long, in seconds. (Opening a new one costs a local
#: browser nothing.)
KEEP_ALIVE_S = 5
#: Connections at once that are no WebSocket. A browser opens six; 64 tabs in ten browsers stay far below it. At the
#: bound the oldest one that has asked nothing yet is closed; when all are being answered, the new one is.
MAX_CONNECTIONS = 512
#: Open files to ask the system for: connections, WebSockets of all tabs, ZeroMQ, database of Streamlit and so on.
WANTED_FILES = 4096
#: Open files reserved for other things than connections: libraries, sockets of the bus, files.
OTHER_FILES = 128


def raise_file_limit() -> int:
    """Ask for as many open files as wanted and allowed; returns how many there may be."""
    if sys.platform == "win32":
        # Windows has no such limit for sockets.
        return WANTED_FILES
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return WANTED_FILES
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return soft


def room_for(files: int) -> int:
    """How many connections there may be with so many open files: half of what is left, the rest is for WebSockets."""
    return max(1, min(MAX_CONNECTIONS, (files - OTHER_FILES) // 2))


class Connections:
    """The connections of one server that wait for a request, or for the rest of one."""

    def __init__(self, most: int, request_s: float = REQUEST_S) -> None:
        self.most = most
        self.request_s = request_s
        #: Waiting connections, the one that waits longest first, with those that were answered before.
        self.waiting: dict[BoundedProtocol, None] = {}

    def protocol(self, *arguments: Any, **options: Any) -> BoundedProtocol:
        """The protocol factory for uvicorn, called for each connection."""
        return BoundedProtocol(self, *arguments, **options)

    def make_room(self, newcomer: BoundedProtocol) -> None:
        """If there are too many, close the connection that has waited longest; if none waits, the newcomer."""
        if len(newcomer.connections) > self.most:
            next(iter(self.waiting), newcomer).give_up()


class BoundedProtocol(H11Protocol):
    """HTTP as uvicorn speaks it, within these bounds."""

    def __init__(self, all_: Connections, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._all = all_
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A browser has connected: its time for a request begins."""
        super().connection_made(transport)
        self._all.make_room(self)
        if not transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of a request has come, or all of it."""
        if self._timer is None and self._is_due():
            self._wait()
        super().data_received(data)
        if not self._is_due():
            self._wait_no_more()

    def on_response_complete(self) -> None:
        """A request was answered. The connection waits for the next one, and may be closed to make room."""
        super().on_response_complete()
        if self._is_due() and not self.transport.is_closing():
            self._all.waiting.setdefault(self, None)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The connection becomes a WebSocket, which isn't counted here."""
        self._wait_no_more()
        super().handle_websocket_upgrade(event)

    def give_up(self) -> None:
        """Close the connection without an answer, because there is no complete request."""
        self._wait_no_more()
        self.connections.discard(self)
        self.transport.abort()

    def _is_due(self) -> bool:
        """Whether a request, or the rest of one, is due from the browser."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self._all.request_s, self.give_up)
        self._all.waiting[self] = None

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._all.waiting.pop(self, None)
