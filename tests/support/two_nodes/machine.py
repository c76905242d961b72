"""One machine with a Snicher node: turns around a real core, as node/turns.py has them, and its connections.

What a batch records is on disk before its acts are let out. A crash loses what was not committed; it may come between
a commit and its acts. When a commit fails, that batch and the one gathered meanwhile are dropped, all links are left,
and a core is loaded anew once writing works again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.batches import FROM_LINKS, Batch
from node.bus import envelopes as en
from node.bus import events as ev
from node.core import effects as e
from node.core import queries as q
from node.core import stimuli as s
from node.core.identity import Identity
from node.core.node import Node
from node.core.settings import Fixed
from node.errors import LocalFault
from node.model import Address, public_key, short_code
from node.protocol import link as l
from node.protocol.plain import registry
from node.protocol.secure import frames as f
from tests.support.authors import author_of
from tests.support.fake_engine import FakeEngine
from tests.support.memory_store import MemoryStore
from tests.support.two_nodes.agenda import Agenda
from tests.support.two_nodes.ends import End

PORT = 5000
#: Time for the good-byes of a graceful stop, and then for the last commit (ms).
FAREWELL, LAST_COMMIT = 400, 300
PROBE_EVERY = 1_000
#: What a start says where people take everybody.
_OPEN = {"accept_nodes": Fixed("everybody", "flag", "--accept-nodes")}
#: Effects that say nothing new in the last steps of a life.
_DULL = (e.PutPeer, e.PutRoom, e.Tell, e.Notice, e.AddEntry, e.PutSettings, e.PutBelieved)


def key_of(name: str) -> Ed25519PrivateKey:
    """The key of a person in tests: always the same for one name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


class Watch(Protocol):
    """Who watches over what must hold."""

    def committed(self, machine: Machine, records: list[e.Record]) -> None:
        """These records are on disk."""

    def let_out(self, machine: Machine) -> None:
        """The acts of a batch were performed."""

    def lost(self, machine: Machine) -> None:
        """The core is about to be loaded anew, and forgets what isn't on disk."""

    def said(self, machine: Machine, frame: f.Frame) -> None:
        """A frame is about to leave."""

    def wrote(self, machine: Machine, end: End, data: bytes) -> None:
        """Bytes leave a connection."""

    def answered_late(self, machine: Machine, end: End) -> None:
        """An answer came after texts had left in clear, and the core is told."""

    def left(self, machine: Machine, end: End) -> None:
        """A link is about to be left because another one stays."""

    def replied(self, machine: Machine, result: Any) -> None:
        """A command was answered with success."""


class World(Protocol):
    """Where machines reach each other."""

    agenda: Agenda
    watch: Watch
    #: Whether people are wary of strangers; else they take everybody.
    wary: bool

    def dial(self, machine: Machine, act: e.Dial) -> None:
        """Connect a machine to an address, or fail to; calls `dialled` or `not_dialled` later."""

    def begin(self, machine: Machine) -> None:
        """Start a machine, if it may start."""


class Machine:
    """A machine: its disk stays, its process comes and goes."""

    def __init__(self, world: World, name: str, number: int, key: str, disk: MemoryStore | None = None) -> None:
        self.world = world
        self.agenda = world.agenda
        self.watch = world.watch
        self.name = name
        self.key = key_of(key)
        self.id = author_of(self.key)
        self.agenda.names[self.id] = f"<{key}>"
        self.disk = disk or MemoryStore()
        self.instance = self.agenda.dice.randbytes(16)
        #: Its address, and one on another interface.
        self.host, self.other_host = f"10.0.0.{number}", f"10.1.0.{number}"
        #: How far its clock is off (ms).
        self.clock = 0
        self.life = 0
        self.run = b""
        self.up = self.stopping = False
        #: Whether writing fails at present.
        self.disk_fails = False
        #: Whether it has room for TLS handshakes.
        self.has_room = True
        self.tokens = 0
        self.asked: dict[int, str] = {}
        self.ends: dict[int, End] = {}
        self._dialling: set[int] = set()
        #: Frames said, without those of the link itself; and texts that its people have written.
        self.said = self.spoken = 0

    @property
    def address(self) -> Address:
        return Address(self.host, PORT)

    @property
    def now(self) -> int:
        return self.agenda.now + self.clock

    def move(self, host: str, other_host: str) -> None:
        """It has these addresses from now on."""
        self.host, self.other_host = host, other_host
        for end in list(self.ends.values()):
            end.pipe.go_silent()
        if self.up and not self.stopping:
            self.feed(s.NetworkChanged([str(self.address)], [host, other_host]))

    @property
    def paused(self) -> bool:
        """Whether nothing is read from connections."""
        return not self.healthy

    def engine(self, *, server: bool) -> FakeEngine:
        return FakeEngine(public_key(self.id), server=server)

    def hello(self) -> f.Hello:
        return f.Hello([2], self.instance, self.run, self.core.name, PORT, self.now, [])

    # -- runs

    def begin(self) -> None:
        """Start a run on what is on disk."""
        dice = self.agenda.dice
        self.life += 1
        self.up, self.stopping = True, False
        self.run, self.secret = dice.randbytes(16), dice.randbytes(32)
        self.agenda.note(self.name, "starts")
        self.ends, self._dialling = {}, set()
        self._last_in = 0
        self._began = False
        self._links: dict[int, s.LinkUp] = {}
        self._held: list[s.Stimulus] = []
        self._last_link = -1
        self._make_core()
        self.feed(s.Started(str(self.address), [str(self.address)]))

    def _make_core(self) -> None:
        identity = Identity(
            self.id, short_code(self.id), "0", None, self.name, sign=self.key.sign, secret=self.secret,
            instance=self.instance, run=self.run, fixed={} if self.world.wary else _OPEN,
        )  # fmt: skip
        self.core = Node(self.disk.load(), identity, last_link=self._last_link)
        self.core.resume(str(self.address), [str(self.address)], self.now)
        self._batch, self._committing = Batch(), None
        self._scheduled = False
        self._timer: int | None = None
        self.healthy = True

    def soon(self, ms: float, what: Callable[..., None], *args: Any) -> None:
        """Do something later in this run."""
        self.agenda.after(ms, self._in_run, self.life, what, args)

    def _in_run(self, life: int, what: Callable[..., None], args: tuple[Any, ...]) -> None:
        if self.up and life == self.life:
            what(*args)

    def crash(self, *, power: bool = False) -> None:
        """kill -9, or a power cut, of which nobody is told. What was not committed is lost; acts may be, too."""
        if not self.up:
            return
        batch = self._committing
        self.agenda.note(self.name, "crashes")
        if batch is not None and not self._written and not self.disk_fails and self.agenda.dice.random() < 0.5:
            self._on_disk(batch)
        self._down()
        for end in list(self.ends.values()):
            if power:
                end.pipe.go_silent()
            else:
                end.pipe.reset(end.side)
            end.over = True
        self.ends = {}

    def _down(self) -> None:
        self.watch.lost(self)
        self.up = False
        self.asked.clear()

    def stop(self) -> None:
        """Stop as a person does it: everybody gets a good-bye."""
        if self.up and not self.stopping:
            self.stopping = True
            self.feed(s.StopAsked("test"))
            self.soon(FAREWELL, self._leave_all)
            self.soon(FAREWELL + LAST_COMMIT, self.feed, s.Stopped("test"))
            self.soon(FAREWELL + 2 * LAST_COMMIT, self._stopped)

    def _stopped(self) -> None:
        self.agenda.note(self.name, "has stopped")
        self._down()
        for end in list(self.ends.values()):
            end.pipe.reset(end.side)
            end.over = True
        self.ends = {}

    # -- turns

    def feed(self, stimulus: s.Stimulus) -> None:
        self.agenda.note(self.name, stimulus)
        if not self.healthy:
            if isinstance(stimulus, s.LinkUp):
                self._links[stimulus.link] = stimulus
            elif isinstance(stimulus, FROM_LINKS):
                self._held.append(stimulus)
            elif isinstance(stimulus, s.Commanded):
                self._settle(e.Refuse(stimulus.token, "store_unavailable", ""))
            return
        self._gather(stimulus, self.core.handle(stimulus, self.now))

    def _gather(self, stimulus: s.Stimulus | None, effects: list[e.Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, _DULL):
                self.agenda.note(self.name, ("->", effect))
        if isinstance(stimulus, s.LinkUp):
            self._links[stimulus.link] = stimulus
        self._batch.add(stimulus, effects)
        self._kick()

    def _kick(self) -> None:
        if self._committing is None and not self._scheduled and (self._batch.records or self._batch.acts):
            self._scheduled = True
            self.soon(0, self._commit)

    def _commit(self) -> None:
        self._scheduled = False
        if self._committing is not None or not self.healthy:
            return
        batch, self._batch = self._batch, Batch()
        if not batch.records:
            self._let_out(batch)
            return
        self._committing, self._written = batch, False
        dice = self.agenda.dice
        self.soon(dice.choice((0, 1, 1, 2, 8)) if dice.random() < 0.97 else 400, self._write, batch)

    def _write(self, batch: Batch) -> None:
        if self.disk_fails:
            self._failed(batch)
            return
        self._on_disk(batch)
        self.soon(self.agenda.dice.choice((0, 0, 1, 3)), self._committed, batch)

    def _on_disk(self, batch: Batch) -> None:
        self._written = self._began = True
        self.disk.commit(batch.records)
        self.agenda.note(self.name, f"has committed {len(batch.records)} records, up to event {self.disk.head}")
        self.watch.committed(self, batch.records)

    def _committed(self, batch: Batch) -> None:
        self._committing = None
        self._let_out(batch)

    def _let_out(self, batch: Batch) -> None:
        for act in batch.acts:
            self._perform(act)
        for link in batch.over:
            self._links.pop(link, None)
        self.watch.let_out(self)
        self._arm()
        self._kick()

    def _arm(self) -> None:
        at = self.core.next_deadline()
        if at != self._timer:
            self._timer = at
            if at is not None:
                self.soon(min(60_000, max(0, at - self.now)), self._tick, at, self.core)

    def _tick(self, at: int, core: Node) -> None:
        if self._timer == at and self.core is core and self.healthy:
            self._timer = None
            self.feed(s.Ticked())
            self._arm()

    # -- when the disk fails

    def _failed(self, batch: Batch) -> None:
        if not self._began:
            # A node whose disk fails at its start ends at once, and says why.
            self.crash()
            self.agenda.after(PROBE_EVERY, self.world.begin, self)
            return
        self.agenda.note(self.name, "fails to commit")
        self.watch.lost(self)
        self.disk.fail(batch.records)
        lost = (batch, self._batch)
        self._committing, self._batch = None, Batch()
        self.healthy = False
        for one in lost:
            self._held.extend(one.stimuli)
            for act in one.acts:
                if isinstance(act, e.Transmit):
                    self._held.append(s.Transmitted(act.link, act.token, "not_sent", "disk", act.part, act.part, ()))
                else:
                    self._refuse(act)
        self._leave_all()
        self.soon(PROBE_EVERY, self._recover)

    def _refuse(self, act: e.Act) -> None:
        if isinstance(act, e.Reply | e.Refuse):
            self._settle(e.Refuse(act.token, "store_unavailable", ""))
        elif isinstance(act, e.Fetch) and isinstance(act.query, q.CommandQuery):
            self._settle(e.Refuse(act.query.token, "store_unavailable", ""))

    def _recover(self) -> None:
        if self.disk_fails:
            self.soon(PROBE_EVERY, self._recover)
            return
        self.agenda.note(self.name, "can write again")
        self._last_link = self.core.last_link
        self._make_core()
        held, self._held = self._held, []
        for stimulus in (*self._links.values(), *held):
            self.feed(stimulus)
        self._gather(None, self.core.recovered(self.now))
        for end in list(self.ends.values()):
            end.read_on()

    def _leave_all(self) -> None:
        for number in list(self._dialling):
            self._dialling.discard(number)
            self.soon(0, self.feed, s.Closed(number, "We left."))
        for end in list(self.ends.values()):
            end.leave()

    # -- acts

    def _perform(self, act: e.Act) -> None:
        match act:
            case e.Dial():
                self._dialling.add(act.link)
                self.world.dial(self, act)
            case e.Transmit():
                self._transmit(act)
            case e.Say():
                self.watch.said(self, act.frame)
                end = self.ends.get(act.link)
                if end is not None:
                    self.said += end.say(act.frame) and not isinstance(act.frame, f.Ping)
            case e.Serve():
                self.soon(self.agenda.dice.choice((0, 1, 2, 20)), self._serve, act)
            case e.HangUp():
                if act.link in self.ends:
                    if act.code == 2:
                        self.watch.left(self, self.ends[act.link])
                    self.ends[act.link].leave(act.code, act.text)
                elif act.link in self._dialling:
                    self._dialling.discard(act.link)
                    self.soon(0, self.feed, s.Closed(act.link, "We left."))
            case e.Reply() | e.Refuse():
                self._settle(act)
            case e.Fetch():
                self.soon(self.agenda.dice.choice((0, 1, 2, 30)), self._fetch, act, self.core)
            case _:
                pass

    def _transmit(self, act: e.Transmit) -> None:
        end = self.ends.get(act.link)
        reason = "The connection has ended."
        if end is not None:
            try:
                end.send(act)
                return
            except LocalFault as fault:
                reason = str(fault)
        self.soon(0, self.feed, s.Transmitted(act.link, act.token, "not_sent", reason, act.part, act.part, ()))

    def _serve(self, act: e.Serve) -> None:
        run, upto = self.disk.reader.run_after(act.room, act.author, act.stream, act.after)
        reached: int | None = upto
        size = 0
        if run is not None:
            self.watch.said(self, run)
            end = self.ends.get(act.link)
            if end is not None and end.say(run):
                self.said += 1
                size = sum(map(len, run.headers)) + sum(len(body or b"") for body in run.bodies)
            else:
                reached = None
        self.feed(s.Served(act.link, act.room, act.author, act.stream, reached, size))

    def _fetch(self, act: e.Fetch, core: Node) -> None:
        answer = self.disk.answer(act.query)
        if self.core is core and self.healthy:
            self.feed(answer)
        else:
            self._refuse(act)

    # -- commands

    def command(self, op: str, args: Any) -> None:
        """A front end wants something."""
        if self.up:
            self.tokens += 1
            self.asked[self.tokens] = op
            self.feed(s.Commanded(self.tokens, op, args, ev.Cause(client="sim", request=str(self.tokens))))

    def _settle(self, act: e.Reply | e.Refuse) -> None:
        self.agenda.note(self.name, act)
        assert self.asked.pop(act.token, None) is not None, "a command is answered once"
        if isinstance(act, e.Refuse):
            assert act.code in en.ERROR_CODES, act
        else:
            self.watch.replied(self, act.result)

    # -- connections

    def is_dialling(self, number: int) -> bool:
        return number in self._dialling

    def dialled(self, act: e.Dial, make_end: Callable[[l.Link], End]) -> None:
        """A dial has come through."""
        self._dialling.discard(act.link)
        name = self.core.name
        if act.how == "one_shot":
            link = l.Link.one_shot(PORT, name, registry.ONE_SHOT[act.dialect])
        elif act.how == "secure":
            link = l.Link.secure(PORT, name)
        else:
            codec = registry.PERSISTENT[act.dialect]
            link = l.Link.announce(PORT, name, unsure=act.how == "unsure", codec=codec)
        end = self.ends[act.link] = make_end(link)
        end.connected(self.host, PORT, name)
        if act.how == "one_shot" and act.link in self.ends:
            self.feed(s.Connected(act.link))

    def not_dialled(self, number: int, reason: str) -> None:
        """A dial has failed."""
        if number in self._dialling:
            self._dialling.discard(number)
            self.feed(s.Closed(number, reason))

    def accept(self, make_end: Callable[[int, l.Link], End]) -> None:
        """Somebody has connected."""
        self._last_in += 2
        end = self.ends[self._last_in] = make_end(self._last_in, l.Link.accepted())
        end.connected(self.host, PORT, self.core.name)

    def wrote(self, end: End, data: bytes) -> None:
        self.watch.wrote(self, end, data)

    def answered_late(self, end: End) -> None:
        self.watch.answered_late(self, end)

    def gone(self, end: End) -> None:
        self.ends.pop(end.number, None)
