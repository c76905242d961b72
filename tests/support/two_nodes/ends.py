"""One side of a connection: bytes on one side, a real link on the other, stimuli for the core.

It keeps the contract of node/peers (network.py, connection.py): for each Dial exactly one Closed, last; for each
Transmit one Transmitted; before a link's first Heard a LinkUp, before its first Framed a Secured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from node.core import effects as e
from node.core import stimuli as s
from node.errors import LocalFault
from node.protocol import link as l
from node.protocol.plain.codec import Announced
from node.protocol.plain.registry import ANCESTOR
from node.protocol.secure import frames as f
from node.protocol.secure import link as sl
from node.protocol.secure.engine import Engine
from node.protocol.secure.link import SecureLink
from node.protocol.writing import Transmitted
from tests.support.two_nodes.agenda import Agenda
from tests.support.two_nodes.wire import Pipe

Events = list[l.LinkEvent] | list[sl.SecureEvent]


class Owner(Protocol):
    """The machine of an end."""

    name: str
    agenda: Agenda
    #: Whether it has room for TLS handshakes.
    has_room: bool

    @property
    def paused(self) -> bool:
        """Whether nothing is read from connections."""

    def feed(self, stimulus: s.Stimulus) -> None: ...

    def engine(self, *, server: bool) -> Engine: ...

    def hello(self) -> f.Hello: ...

    def wrote(self, end: End, data: bytes) -> None:
        """Bytes leave a connection."""

    def answered_late(self, end: End) -> None:
        """The core is about to be told that what left over a connection was in vain, and readable."""

    def gone(self, end: End) -> None:
        """A connection is over."""


class End:
    """A connection as its machine has it."""

    def __init__(
        self, owner: Owner, number: int, link: l.Link, pipe: Pipe, *, host: str, port: int | None, expect: str | None
    ) -> None:
        self.owner = owner
        self.number = number
        self.inbound = number % 2 == 0
        self.link: l.Link | SecureLink = link
        self.pipe = pipe
        self.side = 1 if self.inbound else 0
        #: The other side's host, and the port on which it listens, as far as known.
        self.host, self.port = host, port
        self.over = False
        #: Texts that left over it in clear; the other side's run, once known; and whether it was left for another link.
        self.texts: set[str] = set()
        self.run = b""
        self.superseded = False
        self._expect = expect
        self._told: s.LinkUp | None = None
        self._armed: float | None = None
        self._size = 0
        #: What came while nothing was read.
        self._unread: list[bytes | None] = []

    @property
    def secure(self) -> bool:
        return isinstance(self.link, SecureLink)

    @property
    def twin_superseded(self) -> bool:
        """Whether one of its two ends was left for another link."""
        other = self.pipe.sides[1 - self.side]
        return self.superseded or (isinstance(other, End) and other.superseded)

    # -- the network's side

    def connected(self, own_host: str, port: int, name: str) -> None:
        assert isinstance(self.link, l.Link)
        self.link.connected(own_host, port, name, self.owner.agenda.seconds, target=f"{self.host}:{self.port or 0}")
        self._flush()

    def receive(self, data: bytes) -> None:
        if self.over:
            return
        if self.owner.paused:
            self._unread.append(data)
            return
        self._size += len(data)
        self._drive(self.link.receive_data, data)

    def ended(self) -> None:
        if self.over:
            self.pipe.finish(self.side)
        elif self.owner.paused:
            self._unread.append(None)
        else:
            self._drive(self.link.receive_eof)

    def lost(self, reason: str | None) -> None:
        if not self.over:
            self.read_on()
        if not self.over:
            self._drive(self.link.connection_lost, reason)

    def read_on(self) -> None:
        """Process what came while nothing was read."""
        unread, self._unread = self._unread, []
        for data in unread:
            if self.over:
                return
            self._drive(*((self.link.receive_eof,) if data is None else (self.link.receive_data, data)))

    # -- the core's side

    def send(self, act: e.Transmit) -> None:
        """Raises LocalFault."""
        if self.over or not isinstance(self.link, l.Link):
            raise LocalFault("The connection has ended.")
        self.link.send(act.token, act.text, self.owner.agenda.seconds, part=act.part, control=act.control)
        self._flush()

    def say(self, frame: f.Frame) -> bool:
        if self.over or not isinstance(self.link, SecureLink) or self.link.state is not sl.State.OPEN:
            return False
        self.link.say(frame, self.owner.agenda.seconds)
        self._flush()
        return True

    def leave(self, code: int = 0, text: str = "") -> None:
        if self.over:
            return
        self.read_on()
        if isinstance(self.link, SecureLink):
            self._drive(lambda now: self.link.leave(now, code, text))  # type: ignore[call-arg]
        else:
            self._drive(self.link.leave)

    # -- inside

    def _drive(self, step: Callable[..., None], *args: object) -> None:
        step(*args, self.owner.agenda.seconds)
        self._flush()

    def _flush(self) -> None:
        while True:
            link = self.link
            data = link.data_to_send()
            if data:
                self.owner.wrote(self, data)
                self.pipe.write(self.side, data)
            for event in link.events():
                self._report(event)
            if self.link is link:
                break
        if link.closing and not self.over:
            self.over = True
            self.pipe.finish(self.side)
            self.owner.gone(self)
        elif not self.over:
            if link.half_close:
                self.pipe.finish(self.side)
            at = link.next_deadline()
            if at != self._armed:
                self._armed = at
                if at is not None:
                    self.owner.agenda.after((at - self.owner.agenda.seconds) * 1000 + 0.6, self._due, at)

    def _due(self, at: float) -> None:
        if self._armed == at and not self.over:
            self._armed = None
            self._drive(lambda now: self.link.handle_deadline(now + 0.002))

    def _upgrade(self, rest: bytes, *, server: bool) -> None:
        self.link = SecureLink(
            self.owner.engine(server=server), self.owner.hello, expect=None if server else self._expect, rest=rest
        )
        self._armed = None
        self.link.begin(self.owner.agenda.seconds)

    def _report(self, event: l.LinkEvent | sl.SecureEvent) -> None:
        feed, number = self.owner.feed, self.number
        match event:
            case l.Heard():
                self._heard(event)
            case Transmitted():
                feed(s.Transmitted(number, event.token, event.outcome, event.reason, event.part, event.parts,
                                   event.marks))  # fmt: skip
            case l.Settled():
                feed(s.Settled(number, event.dialect, event.obeyed))
            case l.Opened():
                feed(s.Opened(number))
            case l.Offered() if not self.owner.has_room:
                # It was answered all the same, so that nobody takes this for a plain peer.
                self.over = True
                self.pipe.finish(self.side)
                self.owner.gone(self)
                feed(s.Closed(number, "No room for a handshake."))
            case l.Offered():
                self.port = event.port
                self._upgrade(event.rest, server=True)
            case l.Answered():
                self._upgrade(event.rest, server=False)
            case l.AnsweredLate():
                self.owner.answered_late(self)
                feed(s.AnsweredLate(number, event.readable))
            case sl.Secured():
                self.run = event.hello.run
                direction: s.Direction = "in" if self.inbound else "out"
                feed(s.Secured(number, direction, self.host, event.peer, event.hello, event.version))
            case sl.Framed():
                size, self._size = self._size, 0
                feed(s.Framed(number, event.frames, size))
            case sl.KeyDiffered():
                feed(s.KeyDiffered(number, event.found))
            case l.Ended() | sl.Ended():
                feed(s.Closed(number, event.reason, event.code if isinstance(event, sl.Ended) else None))

    def _heard(self, event: l.Heard) -> None:
        link = self.link
        assert isinstance(link, l.Link)
        size, self._size = self._size, 0
        dialect = ANCESTOR.name if link.codec is None else link.codec.name
        direction: s.Direction = "in" if self.inbound else "out"
        up = s.LinkUp(self.number, direction, self.host, self.port, dialect, link.codec is None or link.two_way)
        if up != self._told:
            self._told = up
            self.owner.feed(up)
        self.owner.feed(s.Heard(self.number, event.said, size))
        if self.inbound:
            for said in event.said:
                if isinstance(said, Announced) and said.port is not None:
                    self.port = said.port
