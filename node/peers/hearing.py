"""What the links of all connections tell, as stimuli for the core. It decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from node.core import stimuli as s
from node.core.links import Direction
from node.peers.connection import SECURE_READ, Connection, Event
from node.peers.handshakes import Handshakes
from node.peers.inorder import InOrder
from node.peers.pace import SMALL, SMALL_BODY
from node.peers.scheduler import Scheduler
from node.protocol import link as l
from node.protocol.plain import registry
from node.protocol.plain.codec import Announced, Text
from node.protocol.secure import link as secure
from node.protocol.secure.frames import Run
from node.protocol.writing import Transmitted


class Inside(Protocol):
    """Takes the stimuli, and knows the connections."""

    def feed(self, stimulus: s.Stimulus) -> None:
        """Something happened."""

    def in_use(self, number: int) -> bool:
        """Whether this node uses an accepted connection with somebody it knows."""

    def waits(self, link: int) -> bool:
        """Whether received bytes of a connection wait for a turn."""


class Hearing:
    """Turns the events of links into stimuli, those of accepted plain connections in the order of their acceptance."""

    def __init__(self, inside: Inside, scheduler: Scheduler, handshakes: Handshakes) -> None:
        self._inside = inside
        self._scheduler = scheduler
        self._handshakes = handshakes
        self._loop = asyncio.get_running_loop()
        self._in_order = InOrder(inside.feed, lambda: scheduler.paused, inside.waits)

    def accepted(self, number: int, host: str) -> None:
        """A connection was accepted: what it says has its place."""
        self._in_order.accepted(host, number)

    def holds_back(self, host: str) -> bool:
        """Whether a connection from this address may have to wait for others from there."""
        return self._in_order.holds_back(host)

    def finished(self, number: int) -> None:
        """A connection was accepted, and ended before it could say anything."""
        self._in_order.finished(number)

    def persistent(self, number: int) -> None:
        """Everything that a client says comes over this connection, so it has no place in the accept order."""
        self._in_order.persistent(number)

    def report(self, connection: Connection, events: Sequence[Event]) -> None:
        """Turn the events of a connection's link into stimuli."""
        number = connection.number
        for event in events:
            if isinstance(event, secure.Framed):
                self._framed(connection, event)
            elif isinstance(event, l.Heard):
                self._heard(connection, event)
            elif isinstance(event, Transmitted):
                self._inside.feed(
                    s.Transmitted(
                        number, event.token, event.outcome, event.reason, event.part, event.parts, event.marks
                    )
                )
            elif isinstance(event, l.Settled):
                self._inside.feed(s.Settled(number, event.dialect, event.obeyed))
            elif isinstance(event, l.Opened):
                self._inside.feed(s.Opened(number))
            elif isinstance(event, l.Recognised):
                if event.persistent:
                    self._in_order.persistent(number)
            elif isinstance(event, secure.Secured):
                self._secured(connection, event)
            elif isinstance(event, secure.KeyDiffered):
                self._inside.feed(s.KeyDiffered(number, event.found))
            elif isinstance(event, l.AnsweredLate):
                self._inside.feed(s.AnsweredLate(number, event.readable))
            elif isinstance(event, l.Ended | secure.Ended):
                self._handshakes.over(number)
                # Closed must come after all its texts, also those still held back by the accept order.
                code, silent = (event.code, event.silent) if isinstance(event, secure.Ended) else (None, 0.0)
                self._tell(connection, [s.Closed(number, event.reason, code, round(silent * 1000))])
                self._in_order.finished(number)

    def _secured(self, connection: Connection, event: secure.Secured) -> None:
        self._handshakes.over(connection.number)
        connection.secured = True
        connection.active = self._loop.time()
        direction: Direction = "in" if connection.inbound else "out"
        self._inside.feed(
            s.Secured(connection.number, direction, connection.host, event.peer, event.hello, event.version)
        )

    def _framed(self, connection: Connection, event: secure.Framed) -> None:
        connection.active = self._loop.time()
        size, connection.size = connection.size, 0
        if connection.most < SECURE_READ and (not connection.inbound or self._inside.in_use(connection.number)):
            connection.most = SECURE_READ
        if connection.most < SECURE_READ:
            # A stranger's short entries are small texts. Longer ones cost him their bytes.
            small = sum(
                len(body or b"") < SMALL_BODY
                for frame in event.frames
                if isinstance(frame, Run)
                for body in frame.bodies
            )
            if small:
                self._scheduler.said_small(connection.source, small)
        self._inside.feed(s.Framed(connection.number, event.frames, size))

    def _heard(self, connection: Connection, event: l.Heard) -> None:
        link, inbound = connection.link, connection.inbound
        assert isinstance(link, l.Link)
        codec = link.codec
        assert codec is not None or not inbound
        size, connection.size = connection.size, 0
        up = s.LinkUp(
            link=connection.number,
            direction="in" if inbound else "out",
            host=connection.host,
            port=connection.port,
            dialect=registry.ANCESTOR.name if codec is None else codec.name,
            two_way=codec is None or link.two_way,
        )
        stimuli: list[s.Stimulus] = [s.Heard(connection.number, event.said, size)]
        if up != connection.told:
            connection.told = up
            stimuli.insert(0, up)
        small = sum(type(said) is Text and len(said.text) < SMALL for said in event.said)
        if small:
            self._scheduler.said_small(connection.source, small)
        if inbound:
            for said in event.said:
                if isinstance(said, Announced) and said.port is not None:
                    connection.port = said.port
        self._tell(connection, stimuli)

    def _tell(self, connection: Connection, stimuli: list[s.Stimulus]) -> None:
        """Feed what came over a connection, when it is the connection's turn."""
        if connection.inbound:
            self._in_order.said(connection.number, stimuli)
            return
        for stimulus in stimuli:
            self._inside.feed(stimulus)
