"""Cores of Snicher nodes, each with a store in memory, joined by encrypted links that only carry frames."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.identity import Identity
from node.core.node import Node
from node.model import Address, direct_room, short_code
from node.protocol.secure import frames as f
from tests.support.authors import author_of
from tests.support.memory_store import MemoryStore

START = 1_800_000_000_000
CAUSE = ev.Cause(client="test", request="1")


def key_of(name: str) -> Ed25519PrivateKey:
    """The key of a person in tests: always the same for one name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


class Station:
    """A core with its disk. Its acts are performed by the Net that it belongs to."""

    def __init__(self, net: Net, name: str, host: str, *, key: str | None = None, disk: MemoryStore | None = None):
        self.net = net
        self.name = name
        self.address = Address(host, 5000)
        self.key = key_of(key or name)
        self.id = author_of(self.key)
        self.disk = disk or MemoryStore()
        self.instance = hashlib.sha256(f"instance {name}".encode()).digest()[:16]
        self.runs = 0
        self.tokens = 0
        self.events: list[ev.Event] = []
        #: Events that are not in the log, notices, and dials, in order.
        self.told: list[ev.Event] = []
        self.notices: dict[str, str | None] = {}
        self.dials: list[e.Dial] = []
        self.refused: list[e.Refuse] = []
        #: Dials that nobody answers, and host names that were looked up.
        self.dialling: dict[int, Address] = {}
        self.look_ups: list[str] = []
        #: What was asked of the disk, while its answers are held back by a test.
        self.answer_later: list[q.Query] | None = None
        #: How far its clock is off, in ms.
        self.clock = 0
        self.begin()
        if net.accept != "ask":
            self.ask("settings", rq.SettingsArgs(accept_nodes=net.accept))

    def begin(self) -> None:
        """Start a run on what is on disk."""
        self.runs += 1
        run = hashlib.sha256(f"run {self.name} {self.runs}".encode())
        self.run = run.digest()[:16]
        identity = Identity(
            self.id, short_code(self.id), "0", self.name, self.name, sign=self.key.sign, secret=run.digest(),
            instance=self.instance, run=self.run,
        )  # fmt: skip
        self.core = Node(self.disk.load(), identity)
        self.give(s.Started(str(self.address), [str(self.address)]))

    @property
    def now(self) -> int:
        return self.net.now + self.clock

    def give(self, stimulus: s.Stimulus) -> list[e.Effect]:
        """What follows from a stimulus, on disk already, and performed."""
        effects = self.core.handle(stimulus, self.now)
        self.disk.commit([effect for effect in effects if isinstance(effect, e.Record)])
        for effect in effects:
            if isinstance(effect, e.Log):
                self.events.append(effect.event)
            elif isinstance(effect, e.Fetch) and self.answer_later is not None:
                self.answer_later.append(effect.query)
            elif isinstance(effect, e.Fetch):
                self.give(self.disk.answer(effect.query))
            elif isinstance(effect, e.Tell):
                self.told.append(effect.event)
            elif isinstance(effect, e.Notice):
                self.notices[effect.about] = effect.sentence
            elif isinstance(effect, e.Refuse):
                self.refused.append(effect)
            elif isinstance(effect, e.Act):
                self.net.perform(self, effect)
        return effects

    def ask(self, op: str, args: object) -> object:
        """A command of a front end; returns its result, or raises AssertionError when it is refused."""
        self.tokens += 1
        for effect in self.give(s.Commanded(self.tokens, op, args, CAUSE)):
            if isinstance(effect, e.Reply):
                return effect.result
            assert not isinstance(effect, e.Refuse), effect
        return None

    def send(self, to: Station | str, *texts: str) -> list[nouns.Message]:
        """Say texts to a node or to an id."""
        where = to if isinstance(to, str) else to.id
        result = self.ask("send", rq.SendArgs(messages=[rq.Outgoing(to=where, text=text) for text in texts]))
        assert isinstance(result, rq.SendResult)
        return result.messages

    def room(self, other: Station) -> str:
        return direct_room(self.id, other.id)

    def history(self, other: Station) -> list[nouns.Message]:
        """The conversation with another node as its disk has it."""
        return self.disk.reader.history(rq.HistoryArgs(room=self.room(other), limit=200)).messages

    def texts(self, other: Station) -> list[str]:
        return [message.text for message in self.history(other)]

    def states(self, other: Station) -> list[str | None]:
        """The states of its own messages to another node."""
        return [message.state for message in self.history(other) if message.direction == "out"]

    def peer(self, other: Station) -> nouns.Peer:
        return self.core._contacts.by_id[other.id].peer


class Net:
    """Stations, links between them, and one clock. Frames wait until `settle` delivers them."""

    def __init__(self, accept: str = "everybody") -> None:
        self.now = START
        #: What the stations take of unknown nodes.
        self.accept = accept
        self.stations: dict[Address, Station] = {}
        #: (station's address, its link) -> the other end.
        self.links: dict[tuple[Address, int], tuple[Address, int]] = {}
        self.queue: list[tuple[Address, int, f.Frame]] = []
        #: All frames that were ever delivered: who got it, and what.
        self.delivered: list[tuple[str, f.Frame]] = []
        self.last_in = 0
        #: Addresses at which nobody answers; those at which a connection is never answered; and what host names mean.
        self.unreachable: set[Address] = set()
        self.silent: set[Address] = set()
        self.names: dict[str, list[str]] = {}
        #: Links whose frames arrive nowhere, by either end.
        self.dead: set[tuple[Address, int]] = set()

    def add(self, name: str, *, key: str | None = None, disk: MemoryStore | None = None) -> Station:
        host = f"10.0.0.{len(self.stations) + 1}"
        station = Station(self, name, host, key=key, disk=disk)
        self.stations[station.address] = station
        return station

    def link(self, dialler: Station, acceptor: Station, number: int | None = None) -> tuple[int, int]:
        """Open an encrypted link; returns its number on both sides."""
        self.last_in += 2
        out, inward = dialler.core._ledger.next_link() if number is None else number, self.last_in
        self.links[dialler.address, out] = acceptor.address, inward
        self.links[acceptor.address, inward] = dialler.address, out
        self._secured(dialler, out, "out", acceptor)
        self._secured(acceptor, inward, "in", dialler)
        return out, inward

    def _secured(self, station: Station, number: int, direction: str, other: Station) -> None:
        hello = f.Hello([2], other.instance, other.run, other.name, other.address.port, other.now, [])
        station.give(s.Secured(number, direction, other.address.host, other.id, hello, 2))  # type: ignore[arg-type]

    def perform(self, station: Station, act: e.Effect) -> None:
        if isinstance(act, e.Dial):
            station.dials.append(act)
            other = self.stations.get(act.address)
            if act.address in self.silent:
                station.dialling[act.link] = act.address
            elif other is None or act.address in self.unreachable:
                station.give(s.Closed(act.link, "Nobody answers."))
            elif act.expect not in (None, other.id):
                station.give(s.KeyDiffered(act.link, other.id))
                station.give(s.Closed(act.link, "Another key."))
            else:
                self.link(station, other, act.link)
        elif isinstance(act, e.Say):
            end = self.links.get((station.address, act.link))
            if end is not None and (station.address, act.link) not in self.dead:
                frame = f.decode(f.encode(act.frame)[4:])
                assert frame is not None
                self.queue.append((*end, frame))
        elif isinstance(act, e.Serve):
            run, upto = station.disk.reader.run_after(act.room, act.author, act.stream, act.after)
            if run is not None:
                self.perform(station, e.Say(act.link, run))
            station.give(s.Served(act.link, act.room, act.author, act.stream, upto, 1))
        elif isinstance(act, e.HangUp):
            if station.dialling.pop(act.link, None) is not None:
                station.give(s.Closed(act.link, "We left."))
            self.cut(station, act.link, code=act.code)
        elif isinstance(act, e.LookUp):
            station.look_ups.append(act.address)
            host, _, _ = act.address.rpartition(":")
            station.give(s.LookedUp(act.address, act.peer, self.names.get(host)))

    def cut(self, station: Station, number: int, *, lose: bool = False, code: int | None = None) -> None:
        """End a link; what is under way arrives before that, unless it is lost. `code`: that of the BYE said there."""
        end = self.links.pop((station.address, number), None)
        if end is None:
            return
        if (station.address, number) in self.dead:
            self.queue = [one for one in self.queue if one[:2] != (station.address, number)]
            station.give(s.Closed(number, None))
            return
        if not lose:
            self._deliver([(station.address, number), end])
        self.queue = [one for one in self.queue if one[:2] not in ((station.address, number), end)]
        self.links.pop(end, None)
        station.give(s.Closed(number, None))
        self.stations[end[0]].give(s.Closed(end[1], f"It left: {f.BYE_CODES[code]}" if code else None, code))

    def move(self, station: Station, host: str) -> None:
        """A station gets another address. Nothing arrives any more over its links, and nobody is told of that."""
        before, address = station.address, Address(host, 5000)
        del self.stations[before]
        station.address = address
        self.stations[address] = station
        for end, other in list(self.links.items()):
            if before in (end[0], other[0]):
                del self.links[end]
                new = tuple((address if one == before else one, number) for one, number in (end, other))
                self.links[new[0]] = new[1]
                self.dead.add(new[0])
        self.queue = [(address if to == before else to, *rest) for to, *rest in self.queue]  # type: ignore[misc]
        station.give(s.NetworkChanged([str(address)], [host]))

    def cut_all(self, *, lose: bool = False) -> None:
        for address, number in list(self.links):
            if (address, number) in self.links:
                self.cut(self.stations[address], number, lose=lose)

    def _deliver(self, ends: Iterable[tuple[Address, int]] | None = None) -> None:
        """Deliver what is under way: all of it, or only to these ends."""
        chosen = None if ends is None else set(ends)
        waiting, self.queue = self.queue, []
        for address, number, frame in waiting:
            if chosen is not None and (address, number) not in chosen:
                self.queue.append((address, number, frame))
                continue
            station = self.stations[address]
            self.delivered.append((station.name, frame))
            if isinstance(frame, f.Ping):
                self.perform(station, e.Say(number, f.Pong(frame.token)))
            else:
                station.give(s.Framed(number, [frame], 100))

    def settle(self) -> None:
        """Deliver until nothing is under way."""
        for _ in range(1000):
            if not self.queue:
                return
            self._deliver()
        raise AssertionError("frames go on for ever")

    def wait(self, ms: int) -> None:
        """Let time pass, with everything that is due in it."""
        until = self.now + ms
        while True:
            self.settle()
            due = [(one.core.next_deadline(), one) for one in self.stations.values()]
            soonest = min((at - one.clock for at, one in due if at is not None), default=until + 1)
            if soonest > until:
                break
            self.now = max(self.now, soonest)
            for one in self.stations.values():
                one.give(s.Ticked())
        self.now = until
