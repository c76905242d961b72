"""Two links joined by bytes in memory, on a clock of their own: what one writes the other reads at that very moment."""

from __future__ import annotations

from typing import TypeVar

from node.protocol.link import Link, LinkEvent

Kind = TypeVar("Kind")


class End:
    """One side of the wire: a link, and everything it told and wrote."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.events: list[LinkEvent] = []
        #: Each write with its time.
        self.writes: list[tuple[float, bytes]] = []
        self.half_closed = False

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


class Pair:
    """A link that dialled, and the link that was accepted for it."""

    def __init__(self, dialler: Link, acceptor: Link | None = None) -> None:
        self.now = 0.0
        self.dialler = End(dialler)
        self.acceptor = End(acceptor or Link.accepted())
        self.dialler.link.connected("127.0.0.2", 5000, "anna", 0.0)
        self.acceptor.link.connected("127.0.0.3", 6000, "ben", 0.0)
        self.settle()

    def settle(self) -> None:
        """Carry bytes and closings across until nothing moves."""
        ends = (self.dialler, self.acceptor)
        moved = True
        while moved:
            moved = False
            for end, other in (ends, ends[::-1]):
                data = end.link.data_to_send()
                end.events.extend(end.link.events())
                if data:
                    moved = True
                    end.writes.append((round(self.now, 6), data))
                    other.link.receive_data(data, self.now)
                if (end.link.half_close or end.link.closing) and not end.half_closed:
                    moved = end.half_closed = True
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
