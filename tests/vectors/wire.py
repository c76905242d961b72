"""Cores joined by real encrypted links over TLS that is a fake, on one clock: what is said inside TLS is seen.

Instead of a node, a Tape may stand at one end: it says bytes that were said before.
"""

from __future__ import annotations

from collections.abc import Callable

from node.core import effects as e
from node.core import stimuli as s
from node.errors import HandshakeFailed
from node.protocol.secure import frames as f
from node.protocol.secure import link as secure
from tests.node.core.nodes import Net, Station
from tests.support.fake_engine import FakeEngine

#: Told of all that is said inside TLS: by whom, and the bytes of one write.
Listener = Callable[[str, bytes], None]


class Heard(FakeEngine):
    """An engine at which somebody listens."""

    def __init__(self, station: Station, server: bool, listen: Listener) -> None:
        super().__init__(station.key.public_key().public_bytes_raw(), server=server)
        self._name = station.name
        self._listen = listen

    def write(self, data: bytes) -> None:
        self._listen(self._name, data)
        super().write(data)


class End:
    """A node's end of a link. The node is told what the link tells."""

    def __init__(self, net: Wires, station: Station, number: int, server: bool, other: Station) -> None:
        self.net = net
        self.station = station
        self.number = number
        self.direction = "in" if server else "out"
        self.other = other
        self.ended: secure.Ended | None = None
        #: The frames that the node was told.
        self.heard: list[f.Frame] = []
        self.link = secure.SecureLink(
            Heard(station, server, net.listen), self._hello, expect=None if server else other.id
        )
        self.link.begin(net.seconds)

    def _hello(self) -> f.Hello:
        station = self.station
        return f.Hello([2], station.instance, station.run, station.name, station.address.port, station.now, [])

    def look(self) -> bool:
        """Tell the node what came; returns whether something did."""
        events = self.link.events()
        for event in events:
            if isinstance(event, secure.Secured):
                host = self.other.address.host
                self.station.give(
                    s.Secured(self.number, self.direction, host, event.peer, event.hello, event.version)  # type: ignore[arg-type]
                )
            elif isinstance(event, secure.Framed):
                self.heard += event.frames
                self.station.give(s.Framed(self.number, event.frames, 100))
            elif isinstance(event, secure.Ended):
                self.ended = event
                del self.net.ends[self.station.address, self.number]
                self.station.give(s.Closed(self.number, event.reason))
        return bool(events)

    def take(self, data: bytes) -> None:
        """Bytes from the other end."""
        self.link.receive_data(data, self.net.seconds)

    def out(self) -> bytes:
        """Bytes for the other end."""
        return self.link.data_to_send()


class Tape:
    """An end that says what it is told to, byte for byte. What comes is noted."""

    def __init__(self, station: Station, server: bool) -> None:
        self.engine = FakeEngine(station.key.public_key().public_bytes_raw(), server=server)
        self.engine.start()
        self._splitter = f.Splitter()
        #: The frames that it was told.
        self.heard: list[f.Frame] = []

    def look(self) -> bool:
        """A tape tells nobody."""
        return False

    def take(self, data: bytes) -> None:
        """Bytes from the other end."""
        for frame in self._splitter.feed(self.engine.feed(data)):
            found = f.decode(frame)
            if found is not None:
                self.heard.append(found)
                self._splitter.limit = f.MAX_FRAME

    def out(self) -> bytes:
        """Bytes for the other end."""
        return self.engine.out()


class Wires(Net):
    """Stations, and the wires between them."""

    def __init__(self, listen: Listener = lambda name, data: None) -> None:
        super().__init__()
        self.listen = listen
        self.ends: dict[tuple[object, int], End] = {}
        self.wires: list[tuple[End | Tape, End | Tape]] = []

    @property
    def seconds(self) -> float:
        return self.now / 1000

    def join(self, dialler: Station, acceptor: Station, taped: Station | None = None) -> tuple[End | Tape, End | Tape]:
        """A wire between two stations. Instead of `taped`, a tape stands at its end."""
        self.last_in += 2
        pair: list[End | Tape] = []
        for station, other, number, server in (
            (dialler, acceptor, dialler.core._ledger.next_link(), False),
            (acceptor, dialler, self.last_in, True),
        ):
            if station is taped:
                pair.append(Tape(station, server))
            else:
                end = self.ends[station.address, number] = End(self, station, number, server, other)
                pair.append(end)
        self.wires.append((pair[0], pair[1]))
        self.carry()
        return pair[0], pair[1]

    def perform(self, station: Station, act: e.Effect) -> None:
        end = self.ends.get((station.address, getattr(act, "link", 0)))
        if isinstance(act, e.Dial):
            # The story says who dials, and when.
            station.give(s.Closed(act.link, "Nobody answers."))
        elif isinstance(act, e.Say) and end is not None:
            end.link.say(act.frame, self.seconds)
        elif isinstance(act, e.Serve):
            super().perform(station, act)
        elif isinstance(act, e.HangUp) and end is not None:
            end.link.leave(self.seconds, act.code, act.text)

    def carry(self) -> None:
        """Carry bytes both ways until nothing moves."""
        moved = True
        while moved:
            moved = False
            for wire in self.wires:
                for one, other in (wire, wire[::-1]):
                    data = one.out()
                    if data:
                        try:
                            other.take(data)
                        except HandshakeFailed as failed:
                            raise AssertionError(f"a tape is refused: {failed}") from failed
                    moved = one.look() or bool(data) or moved

    def settle(self) -> None:
        """As `carry`: Net lets time pass with it."""
        self.carry()
