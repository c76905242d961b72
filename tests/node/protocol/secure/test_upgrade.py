"""A whole connection between two nodes in memory: from the first byte of the offer to the last of BYE."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from node.model import peer_id
from node.protocol.link import (
    LATE,
    READABLE,
    Answered,
    AnsweredLate,
    Ended,
    Heard,
    Link,
    LinkEvent,
    Offered,
    Opened,
    Transmitted,
)
from node.protocol.plain.codec import Announced, Said
from node.protocol.secure.frames import Run
from node.protocol.secure.link import Ended as SecureEnded
from node.protocol.secure.link import Framed, Secured, SecureEvent, SecureLink
from node.protocol.secure.offer import ANSWER, OFFER
from tests.node.protocol.secure.pair import ANNA, BEN, HELLO_OF_ANNA, HELLO_OF_BEN
from tests.support.fake_engine import FakeEngine

CONNECT = b"CONNECT:5000" + OFFER
RUN = Run("#lobby", [b"header" * 9] * 3, [b"body", None, b"body"], b"s" * 64)


class Side:
    """One side: a plain link, and an encrypted one from the upgrade on."""

    def __init__(self, link: Link, engine: FakeEngine, expect: bytes | None = None) -> None:
        self.link: Link | SecureLink = link
        self.engine = engine
        self.expect = None if expect is None else peer_id(expect)
        self.events: list[LinkEvent | SecureEvent] = []
        self.written = b""
        self.closed = False

    def collect(self, now: float) -> bytes:
        """Take what it writes, and go over to TLS where the plain link ended so."""
        data = self.link.data_to_send()
        events = self.link.events()
        self.events += events
        upgraded = next((event for event in events if isinstance(event, Offered | Answered)), None)
        if upgraded is not None:
            hello = HELLO_OF_ANNA if isinstance(upgraded, Answered) else HELLO_OF_BEN
            self.link = SecureLink(self.engine, lambda: hello, expect=self.expect, rest=upgraded.rest)
            self.link.begin(now)
            data += self.link.data_to_send()
        self.written += data
        return data


def through(data: bytes) -> bytes:
    """A way on which nothing happens."""
    return data


class Connection:
    """Both sides. Reads have at most `size` bytes.

    `there` and `back` are what a man in the middle does to the bytes; `lag` is how late he hands on those that go back.
    """

    def __init__(
        self,
        dialler: Link,
        *,
        size: int = 1 << 20,
        there: Callable[[bytes], bytes] = through,
        back: Callable[[bytes], bytes] = through,
        lag: float = 0.0,
        answers: bool = True,
    ) -> None:
        self.now = 0.0
        self.size = size
        self.anna = Side(dialler, FakeEngine(ANNA, server=False), BEN)
        self.ben = Side(Link.accepted(answers=answers), FakeEngine(BEN, server=True))
        self._ways = ((self.anna, self.ben, there, 0.0), (self.ben, self.anna, back, lag))
        #: What is on its way: when it arrives, at whom, and what. None: the end.
        self._flying: list[tuple[float, Side, bytes | None]] = []
        for side, host in ((self.anna, "127.0.0.2"), (self.ben, "127.0.0.3")):
            assert isinstance(side.link, Link)
            side.link.connected(host, 5000, "anna", 0.0)

    def run(self, until: float) -> None:
        """Carry bytes and closings across, and let time pass."""
        while True:
            self._send()
            times = [at for at, _, _ in self._flying]
            times += [at for side in (self.anna, self.ben) if (at := side.link.next_deadline()) is not None]
            at = min(times, default=until)
            if at >= until:
                self.now = until
                return
            self.now = max(at, self.now)
            arrived = [one for one in self._flying if one[0] <= self.now]
            self._flying = [one for one in self._flying if one[0] > self.now]
            for _, side, data in arrived:
                if data is None:
                    side.link.receive_eof(self.now)
                else:
                    side.link.receive_data(data, self.now)
                # An owner looks after each read.
                self._send()
            for side in (self.anna, self.ben):
                due = side.link.next_deadline()
                if due is not None and due <= self.now:
                    side.link.handle_deadline(self.now)

    def _send(self) -> None:
        for side, other, way, lag in self._ways:
            data = way(side.collect(self.now))
            arrival = self.now + lag
            for at in range(0, len(data), self.size):
                self._flying.append((arrival, other, data[at : at + self.size]))
            if side.link.closing and not side.closed:
                side.closed = True
                self._flying.append((arrival, other, None))


DIALLERS: dict[str, Callable[[], Link]] = {
    "secure": lambda: Link.secure(5000, "anna"),
    "unsure": lambda: Link.announce(5000, "anna", unsure=True),
    "native": lambda: Link.announce(5000, "anna", unsure=False),
}


@pytest.mark.parametrize("size", [*range(1, 8), 1 << 20])
@pytest.mark.parametrize("kind", DIALLERS)
def test_two_nodes_come_from_offer_to_frames_to_bye_in_whatever_pieces(kind: str, size: int) -> None:
    made = Connection(DIALLERS[kind](), size=size)
    made.run(0.5)
    assert made.anna.events == [Answered(b""), Secured(peer_id(BEN), HELLO_OF_BEN, 2)]
    assert isinstance(made.ben.events[0], Offered)
    assert made.ben.events[1:] == [Secured(peer_id(ANNA), HELLO_OF_ANNA, 2)]
    assert made.anna.written.startswith(CONNECT + b"H\0\0C")
    assert made.ben.written.startswith(ANSWER + b"S")
    assert isinstance(made.anna.link, SecureLink)
    made.anna.link.say(RUN, made.now)
    made.run(100.0)
    assert made.ben.events[-1] == Framed([RUN])
    made.anna.link.leave(made.now)
    made.run(101.0)
    assert made.anna.events[-1] == SecureEnded(None)
    assert made.ben.events[-2:] == [Framed([RUN]), SecureEnded(None, 0)]


def no_tabs(data: bytes) -> bytes:
    return data.replace(b"\t", b"")


@pytest.mark.parametrize("eaten", ["offer", "answer"])
def test_to_a_known_node_nothing_but_the_offer_is_readable_when_offer_or_answer_is_eaten(eaten: str) -> None:
    made = Connection(
        DIALLERS["secure"](),
        there=no_tabs if eaten == "offer" else through,
        back=no_tabs if eaten == "answer" else through,
    )
    made.run(20.0)
    assert made.anna.written == CONNECT
    (ended,) = made.anna.events
    assert isinstance(ended, Ended)
    assert ended.reason is not None
    assert "as a Snicher node" in ended.reason


def test_an_eaten_answer_lets_nothing_in_clear_into_the_acceptor() -> None:
    made = Connection(DIALLERS["native"](), back=lambda data: b"")
    made.run(0.2)
    assert made.anna.events == [Opened()]
    assert isinstance(made.anna.link, Link)
    made.anna.link.send(1, "a secret", made.now)
    made.run(10.0)
    closed = "It closed the connection."
    assert made.anna.events[1:] == [Transmitted(1, "unknown", closed), Ended(closed)]
    assert [type(event) for event in made.ben.events] == [Offered, SecureEnded]


def test_an_answer_that_is_held_up_until_a_text_was_said_ends_both_and_the_text_was_not_sent() -> None:
    made = Connection(DIALLERS["native"](), lag=0.2)
    made.run(0.15)
    assert isinstance(made.anna.link, Link)
    made.anna.link.send(1, "a secret", made.now)
    made.run(2.0)
    assert made.anna.events == [
        Opened(),
        AnsweredLate(True),
        Transmitted(1, "not_sent", READABLE),
        Ended(LATE),
    ]
    assert [type(event) for event in made.ben.events] == [Offered, SecureEnded]


def test_a_node_without_room_for_a_handshake_is_told_nothing_in_clear_by_who_knows_it() -> None:
    made = Connection(DIALLERS["secure"](), answers=False)
    made.run(20.0)
    assert made.anna.events == [Ended("It didn't answer as a Snicher node within 5 s.")]
    heard: list[Said] = [one for event in made.ben.events if isinstance(event, Heard) for one in event.said]
    assert heard == [Announced(5000)]
