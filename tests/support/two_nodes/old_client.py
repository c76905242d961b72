"""An old client: it speaks the ancestor's dialect in clear, and has a node's address for a while."""

from __future__ import annotations

from node.model import Address
from tests.support.two_nodes.agenda import Agenda
from tests.support.two_nodes.wire import Pipe


class OldClient:
    """Listens at an address, hears everything, and talks now and then."""

    def __init__(self, agenda: Agenda, address: Address) -> None:
        self.agenda = agenda
        self.address = address
        self.heard = b""
        self.ends: list[OldEnd] = []
        self.said = 0

    def text(self) -> bytes:
        self.said += 1
        return f"old: said in clear {self.said}".encode()

    def accept(self, pipe: Pipe) -> None:
        """Somebody has connected."""
        end = OldEnd(self, pipe, 1)
        pipe.sides.append(end)
        if self.agenda.dice.random() < 0.3:
            self.agenda.after(self.agenda.dice.randint(0, 2000), end.say, self.text())

    def dial(self, pipe: Pipe) -> None:
        """Connect, claim the port, and say something."""
        end = OldEnd(self, pipe, 0)
        pipe.sides.append(end)
        end.say(f"CONNECT:{self.address.port}".encode())
        self.agenda.after(300, end.say, self.text())
        self.agenda.after(self.agenda.dice.randint(500, 5000), end.say, b"exit")

    def leave(self) -> None:
        """It goes, and all its connections with it."""
        for end in list(self.ends):
            end.pipe.reset(end.side)


class OldEnd:
    """One of its connections."""

    def __init__(self, client: OldClient, pipe: Pipe, side: int) -> None:
        self._client = client
        self.pipe = pipe
        self.side = side
        client.ends.append(self)

    def say(self, data: bytes) -> None:
        self.pipe.write(self.side, data)

    def receive(self, data: bytes) -> None:
        self._client.heard += data
        if data == b"exit":
            self.pipe.finish(self.side)

    def ended(self) -> None:
        self.pipe.finish(self.side)

    def lost(self, reason: str | None) -> None:
        pass
