"""Two encrypted links joined by bytes in memory, on a clock of their own, with TLS that is a fake."""

from __future__ import annotations

from typing import TypeVar

from node.model import peer_id
from node.protocol.secure.frames import Hello
from node.protocol.secure.link import SecureEvent, SecureLink
from tests.support.fake_engine import FakeEngine

Kind = TypeVar("Kind")

ANNA, BEN, EVE = b"A" * 32, b"B" * 32, b"E" * 32
#: The HELLOs of the two that the tests are about.
HELLO_OF_ANNA = Hello([2], b"i" * 16, b"r" * 16, "anna", 5000, 1_000_000, [])
HELLO_OF_BEN = Hello([2], b"I" * 16, b"R" * 16, "ben", 6000, 1_000_001, ["x"])


def dialled(*, expect: bytes | None = BEN, hello: Hello = HELLO_OF_ANNA, rest: bytes = b"") -> SecureLink:
    """A link of Anna, who dialled."""
    engine = FakeEngine(ANNA, server=False)
    return SecureLink(engine, lambda: hello, expect=None if expect is None else peer_id(expect), rest=rest)


def accepted(*, key: bytes = BEN, hello: Hello = HELLO_OF_BEN, rest: bytes = b"") -> SecureLink:
    """A link of Ben, who accepted."""
    return SecureLink(FakeEngine(key, server=True), lambda: hello, rest=rest)


class End:
    """One side of the wire: a link, and everything that it told and wrote."""

    def __init__(self, link: SecureLink) -> None:
        self.link = link
        self.events: list[SecureEvent] = []
        self.written = b""
        self.closed = False

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def collect(self) -> bytes:
        """What the link wants to write now; its events are kept."""
        data = self.link.data_to_send()
        self.events += self.link.events()
        self.written += data
        return data


class Pair:
    """A link that dialled, and the link that was accepted for it. Reads have at most `size` bytes."""

    def __init__(
        self, dialler: SecureLink | None = None, acceptor: SecureLink | None = None, *, size: int = 1 << 20
    ) -> None:
        self.now = 0.0
        self.size = size
        self.dialler = End(dialler or dialled())
        self.acceptor = End(acceptor or accepted())
        self.acceptor.link.begin(0.0)
        self.dialler.link.begin(0.0)
        self.settle()

    def settle(self) -> None:
        """Carry bytes and closings across until nothing moves."""
        ends = (self.dialler, self.acceptor)
        moved = True
        while moved:
            moved = False
            for end, other in (ends, ends[::-1]):
                data = end.collect()
                moved = moved or bool(data)
                for at in range(0, len(data), self.size):
                    other.link.receive_data(data[at : at + self.size], self.now)
                if end.link.closing and not end.closed:
                    assert end.link.half_close
                    moved = end.closed = True
                    other.link.receive_eof(self.now)

    def run(self, until: float) -> None:
        """Let time pass, from one deadline to the next."""
        while True:
            self.settle()
            links = (self.dialler.link, self.acceptor.link)
            at = min((at for link in links if (at := link.next_deadline()) is not None), default=until)
            if at >= until:
                break
            self.now = at
            for link in links:
                due = link.next_deadline()
                if due is not None and due <= at:
                    link.handle_deadline(at)
        self.now = until
        self.settle()
