"""All connections of this node: one listening port for everything, and what is dialled. It decides nothing.

Dial, Transmit and HangUp go in; Heard, Connected, Opened, Settled, Transmitted and Closed come out. For each Dial
exactly one Closed comes, last; for each Transmit exactly one Transmitted.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable

from node.core import effects as e
from node.core import stimuli as s
from node.errors import ListenError, LocalFault
from node.model import Address, normal_host
from node.peers import reasons
from node.peers.connection import Connection
from node.protocol import link as l
from node.protocol.order import AcceptOrder
from node.protocol.plain.codec import Announced

log = logging.getLogger("snicher.peers")

#: How long a dialled address may take to answer, in seconds.
DIAL_TIMEOUT = 5.0
#: Connections that the system may hold ready before we accept them. Old clients open one for each message.
BACKLOG = 1024

Feed = Callable[[s.Stimulus], None]


class Network:
    """The connections. `feed` takes stimuli; `name` tells the present team name."""

    def __init__(self, feed: Feed, name: Callable[[], str]) -> None:
        self._feed = feed
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
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
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            self._server = await self._loop.create_server(
                self._accepted,
                address.host,
                address.port,
                family=family,
                backlog=BACKLOG,
                reuse_address=os.name != "nt",
            )
        except OSError as error:
            raise ListenError(_why_not(address, error)) from error
        bound = self._server.sockets[0].getsockname()
        self.listen_address = Address(normal_host(bound[0]), bound[1])
        return self.listen_address

    def _accepted(self) -> Connection:
        self._last_accepted += 2
        return Connection(self._last_accepted, l.Link.accepted(), self._me, self._report, self._made, self._gone)

    def _me(self) -> tuple[int, str]:
        return self.listen_address.port, self._name()

    def _made(self, connection: Connection) -> None:
        self._connections[connection.number] = connection
        self._empty.clear()
        if self._paused:
            connection.pause()
        if connection.number % 2 == 0:
            self._release(self._order.accepted(connection.host, connection.number, self._loop.time()))

    def _gone(self, connection: Connection) -> None:
        self._connections.pop(connection.number, None)
        if not self._connections and not self._dialling:
            self._empty.set()

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
                    self._release(self._order.finished(number))
            else:
                if inbound:
                    self._release(self._order.finished(number))
                self._feed(s.Closed(number, event.reason))

    def _heard(self, connection: Connection, event: l.Heard, inbound: bool) -> None:
        codec = connection.link.codec
        assert codec is not None or not inbound
        dialect = codec.name if codec is not None else "snicher"
        persistent = codec.persistent if codec is not None else True
        heard = s.Heard(connection.number, connection.host, connection.port, dialect, persistent, event.said)
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
            self._order_timer = self._loop.call_at(at, self._expire)

    def _expire(self) -> None:
        self._order_timer = None
        self._release(self._order.expire(self._loop.time()))

    # -- what the core wants

    def perform(self, act: e.Dial | e.Transmit | e.HangUp) -> None:
        """Do it. Whatever goes wrong comes back as a stimulus."""
        if isinstance(act, e.Dial):
            self._empty.clear()
            self._dialling[act.link] = asyncio.create_task(self._dial(act), name=f"dial {act.address}")
        elif isinstance(act, e.Transmit):
            self._transmit(act)
        else:
            task = self._dialling.get(act.link)
            connection = self._connections.get(act.link)
            if connection is not None:
                connection.leave()
            elif task is not None:
                task.cancel()

    def _transmit(self, act: e.Transmit) -> None:
        connection = self._connections.get(act.link)
        reason = "The connection has ended."
        if connection is not None:
            try:
                connection.send(act.token, act.text, act.part, act.control)
                return
            except LocalFault as fault:
                reason = str(fault)
        self._loop.call_soon(self._feed, s.Transmitted(act.link, act.token, "not_sent", reason, 1, 1, ()))

    async def _dial(self, act: e.Dial) -> None:
        address = act.address
        port, name = self._me()
        if act.how == "one_shot":
            link = l.Link.one_shot(port, name)
        else:
            link = l.Link.announce(port, name, unsure=act.how == "unsure")
        connection = Connection(act.link, link, self._me, self._report, self._made, self._gone)
        connection.host, connection.port = address.host, address.port
        reason: str | None = "We left."
        try:
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

    def _local_address(self, target: Address) -> tuple[str, int] | None:
        """Dial from the address we listen at, so that others see one and the same; a wildcard leaves the choice."""
        host = self.listen_address.host
        if host in ("0.0.0.0", "::") or (":" in host) != (":" in target.host):
            return None
        return (host, 0)

    # -- all together

    def pause(self) -> None:
        """Read from nobody until `resume`."""
        if not self._paused:
            self._paused = True
            for connection in self._connections.values():
                connection.pause()

    def resume(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            for connection in list(self._connections.values()):
                connection.resume()

    def leave_all(self) -> None:
        """Say good-bye to everybody and close all connections, also those being dialled."""
        for task in list(self._dialling.values()):
            task.cancel()
        for connection in list(self._connections.values()):
            connection.leave()

    def stop_listening(self) -> None:
        """Take no new connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

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
