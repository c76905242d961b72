"""The composition root: build the parts, wire them, perform the core's acts, and start a new run after a bug.

course.py holds the order in which a run starts and ends; announce.py holds the lines on the terminal.

When a decision raises (a bug), the core's state can't be trusted, so it decides nothing more. Earlier decisions are
still committed and performed. Then the links are closed, and a new run begins in the same process from what is on disk,
as after a crash. Front ends see the node go away and come back; the command that met the bug is refused with
`internal`. After too many such runs the process ends with exit code 70, for people or a supervisor to see. An exception
that nobody caught elsewhere in the loop counts as a bug too, because a node that hangs and looks healthy is worse.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

import node
from node import announce, loglines, supervisor, tasks
from node.answers import Answers
from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus.diagnosis import Diagnosis
from node.bus.server import Server
from node.config import Config
from node.core import effects as e
from node.core import stimuli as s
from node.core.identity import Identity
from node.core.node import Node
from node.core.secure import PROGRAM
from node.course import EXIT_BUG, Course, End, Parts
from node.examining import Examining
from node.findable import Findable
from node.hosts import Hosts
from node.model import Address, parse_mandatory, short_code
from node.peers import interfaces, mdns
from node.peers.network import Network
from node.peers.tls import Credentials
from node.protocol.secure.frames import Hello
from node.protocol.secure.link import VERSIONS
from node.retention import Retention
from node.serving import Serving
from node.store import home as homes
from node.store import identity as identities
from node.store.reader import Reader
from node.store.writer import Writer
from node.turns import Turns, now_ms

log = logging.getLogger("snicher")

#: Open files to ask the system for: one for each connection, and some more.
WANTED_FILES = 65_536
#: Open files reserved for the database, the bus and its front ends; connections get the others.
OTHER_FILES = 96
#: How often the free space is measured, in seconds: on a disk that fills at 100 MB a second, the floor still holds.
MEASURE_EVERY = 2.0
#: Bytes that are left free on the disk; on a small disk, a hundredth of it.
DEFAULT_FREE_SPACE = 200_000_000
#: Allocations between two runs of Python's cycle collector. With its default of 700 it ran several times a batch, whose
#: objects all live until the commit, and took a fifth of the node's time.
GARBAGE = 50_000
#: How long the event loop may keep Python's interpreter lock while the writer waits for it, in seconds. The writer
#: needs it again after each statement; with Python's default of 5 ms the disk has nothing to do meanwhile.
SWITCH = 0.0005
#: The process gives up after this many bugs within this many seconds.
FRESH_STARTS = (3, 60.0)


def run(config: Config) -> int:
    """Run a node until it is stopped; returns the exit code. Raises SnicherError when it can't start."""
    loglines.set_up(config.log_format, config.log_level, timed=config.log_times)
    gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH)
    lock = homes.claim(config.home)
    bugs: collections.deque[float] = collections.deque(maxlen=FRESH_STARTS[0])
    try:
        room = _raise_file_limit() - OTHER_FILES
        while True:
            with asyncio.Runner(loop_factory=_loop) as runner:
                app = App(config, lock, room, greet=not bugs)
                code = runner.run(app.run())
            if code != EXIT_BUG:
                return code
            now = time.monotonic()
            if len(bugs) == FRESH_STARTS[0] and now - bugs[0] < FRESH_STARTS[1]:
                announce.given_up()
                return code
            bugs.append(now)
            announce.anew()
            # Peers know this address, so a new run takes the same one, also when the system chose the port.
            config = replace(config, listen=app.listen_address)
    finally:
        lock.release()


def _loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        # Windows' default loop can't watch ZeroMQ's sockets; a selector loop can.
        return asyncio.SelectorEventLoop()
    import uvloop

    return uvloop.new_event_loop()


def _raise_file_limit() -> int:
    """Ask for as many open files as allowed; returns how many that is."""
    if sys.platform == "win32":
        # A selector can watch no more there.
        return 512
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return min(soft, WANTED_FILES) if soft != resource.RLIM_INFINITY else WANTED_FILES


class _Core(Node):
    """The core, which decides nothing more once a decision has raised: its state can't be trusted then."""

    def __init__(self, *args: Any, broke: Callable[[], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._broke = broke
        self._broken = False

    def handle(self, stimulus: s.Stimulus, now: int) -> list[e.Effect]:
        """As in Node; nothing once it is broken."""
        return self._safely(super().handle, stimulus, now)

    def recovered(self, now: int) -> list[e.Effect]:
        """As in Node; nothing once it is broken."""
        return self._safely(super().recovered, now)

    def next_deadline(self) -> int | None:
        """As in Node; none once it is broken."""
        return None if self._broken else super().next_deadline()

    def _safely(self, decide: Callable[..., list[e.Effect]], *args: Any) -> list[e.Effect]:
        if self._broken:
            return []
        try:
            return decide(*args)
        except Exception:
            self._broken = True
            log.exception("a bug in deciding what follows from %s", type(args[0]).__name__)
            self._broke()
            return []


class App:
    """One run of one node: its parts, and the wiring between them."""

    def __init__(self, config: Config, lock: homes.HomeLock, room: int, *, greet: bool = True) -> None:
        self._config = config
        self._lock = lock
        self._room = room
        #: Mandatory peers are greeted once: not again after a bug.
        self._greet = greet
        self._started_by = supervisor.Supervisor(os.environ)
        self._announcements = announce.Announcements()
        self._end: End
        self._core: _Core | None = None
        #: Where others know us, also when the system chose the port.
        self.listen_address = config.listen
        self._addresses: list[str] = []
        #: Hosts of this machine that others may reach.
        self._outside: list[str] = []
        self._log_id = ""
        #: Nobody has ever chosen a name on this home, and this is its first start.
        self._unnamed = False
        self._network: Network
        self._mdns: mdns.Mdns
        self._watcher = interfaces.Watcher(self._moved)
        self._server: Server
        self._answers: Answers
        self._turns: Turns
        self._retention: Retention
        self._serving: Serving
        self._hosts: Hosts
        self._look_ups: set[asyncio.Task[None]] = set()
        self._examining: Examining

    async def run(self) -> int:
        """Start, run, stop; returns the exit code."""
        self._end = End(self._announcements)
        asyncio.get_running_loop().set_exception_handler(self._uncaught)
        self._watch_signals()
        with contextlib.ExitStack() as undo:
            parts, set_back = self._make(undo)
            # From here on the turns close the database.
            undo.pop_all()
        try:
            return await Course(parts, self._end, self._announcements).run(self._config.listen, set_back)
        finally:
            await self._examining.close()
            await self._watcher.close()
            await self._mdns.close()

    def _uncaught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler. What zeroconf makes of others' packets ends nothing."""
        if mdns.caused(context.get("exception")) and tasks.DIED not in context:
            log.debug("zeroconf failed: %s", context.get("message"), exc_info=context.get("exception"))
        else:
            self._end.uncaught(loop, context)

    def _make(self, undo: contextlib.ExitStack) -> tuple[Parts, str | None]:
        """All parts, wired, and why the history was set back, if it was. `undo` closes the database on failure."""
        config = self._config
        known = identities.exists(config.home)
        key, peer = identities.load_or_create(config.home)
        writer = Writer(config.home)
        set_back = writer.prepare(
            log=secrets.token_hex(8), instance=secrets.token_hex(16), run=secrets.token_hex(8), known=known
        )
        # Not before: a run that could not begin stays on disk as after a crash.
        undo.callback(writer.close)
        reader = Reader(config.home)
        undo.callback(reader.close)
        writer.forget_nobodies()
        self._log_id = reader.fact("log") or ""
        self._unnamed = config.name is None and reader.settings() is None
        identity = Identity(
            peer, short_code(peer), node.__version__, config.name, config.default_name, config.quota, config.fixed,
            sign=key.sign, secret=secrets.token_bytes(32), instance=bytes.fromhex(reader.fact("instance") or ""),
            run=secrets.token_bytes(16),
        )  # fmt: skip

        def make_core() -> Node:
            last_link = -1 if self._core is None else self._core.last_link
            self._core = _Core(reader.load(), identity, last_link=last_link, broke=self._end.broke)
            self._core.resume(str(self._network.listen_address), self._addresses, now_ms())
            return self._core

        def hello() -> Hello:
            port = self._network.listen_address.port
            program = f"{PROGRAM}{node.__version__}"
            return Hello(list(VERSIONS), identity.instance, identity.run, self.name, port, now_ms(), [program])

        self._hosts = Hosts()
        self._network = Network(self, self._room, Credentials(key), hello)
        self._mdns = mdns.Mdns(self, peer, lambda: self.listen_address, now_ms)
        self._turns = Turns(writer, reader, make_core, self, self._network)
        self._answers = Answers(config, self._turns, reader, self._log_id, self, self._hosts)
        self._examining = Examining(self, self._network)
        self._serving = Serving(self._turns, reader, self._network)
        self._server = Server(self._answers.answer, self._heartbeat)
        self._retention = Retention(self._turns, writer, reader, reader.log_ends()[0])
        findable = Findable(config, self._server, self._lock, self._log_id)
        parts = Parts(self._turns, self._network, findable, self._server, self._answers, self._retention, self)
        return parts, set_back

    # -- the house that the course runs in

    def now(self) -> int:
        """Milliseconds since 1970."""
        return now_ms()

    def started(self, listen: Address) -> s.Started:
        """The stimulus that tells the core that the node listens on `listen`."""
        self.listen_address = listen
        own = self._watcher.start()
        self._mdns.moved(own)
        hosts = interfaces.hosts_of(own)
        self._addresses = interfaces.reachable_at(listen, hosts)
        self._outside = interfaces.outside(hosts)
        settings = self._turns.core.settings
        mandatory = tuple(parse_mandatory(one) for one in settings.mandatory) if self._greet else ()
        if settings.mandatory_rule == "off":
            mandatory = tuple(replace(one, network=None) for one in mandatory)
        return s.Started(str(listen), self._addresses, hosts, mandatory, settings.mandatory_greeting)

    def _moved(self, own: list[interfaces.Own], woke: bool) -> None:
        """The interfaces have changed, or the machine has slept."""
        self._mdns.moved(own, woke=woke)
        hosts = interfaces.hosts_of(own)
        addresses, outside = interfaces.reachable_at(self.listen_address, hosts), interfaces.outside(hosts)
        if woke or (addresses, outside) != (self._addresses, self._outside):
            self._addresses, self._outside = addresses, outside
            self._turns.feed(s.NetworkChanged(addresses, hosts, woke))

    def begin(self) -> None:
        """Start the background work on the disk: retention and free space."""
        self._measure_space()

    def up(self) -> None:
        """Announce that the node is up."""
        self._announcements.up(self._turns.core.me, self._config.home, os.getpid())
        if self._unnamed:
            self._announcements.named_by_itself(
                self._turns.core.me.name, self._config.home if "home" in self._config.given else None
            )

    def _measure_space(self) -> None:
        """Tell the core how many bytes are free on the disk, now and periodically."""
        if self._end.asked:
            return
        try:
            usage = shutil.disk_usage(self._config.home)
        except OSError as error:
            # If the disk is broken, the next commit reports it.
            log.debug("the free space can't be found out: %s", error)
        else:
            floor = self._config.free_space
            small = min(DEFAULT_FREE_SPACE, usage.total // 100)
            self._turns.feed(s.SpaceMeasured(usage.free, small if floor is None else floor))
        asyncio.get_running_loop().call_later(MEASURE_EVERY, self._measure_space)

    # -- the world of the turns

    def publish(self, events: list[ev.Event]) -> None:
        """Send committed events to front ends, and log those that matter to a user."""
        self._server.publish(events)
        self._answers.published(events)
        self._announcements.published(events)

    def tell_health(self, health: nouns.Health) -> None:
        """Send the node's health to front ends."""
        data = ev.HealthChanged(health=health)
        event = ev.Event(v=bounds.VERSION, log=self._log_id, at=now_ms(), type="HealthChanged", data=data)
        self._server.publish([event])

    # -- the node, as its connections see it

    @property
    def name(self) -> str:
        """The present team name."""
        return self._turns.core.name

    @property
    def owed(self) -> float:
        """Disk time that the records caused by peers have cost since the start, in seconds."""
        return self._turns.owed

    def feed(self, stimulus: s.Stimulus) -> None:
        """Something happened."""
        self._turns.feed(stimulus)

    def full_for(self, source: str, light: bool) -> bool:
        """Whether so much waits for the disk that this source has to wait."""
        return self._turns.full_for(source, light)

    def in_use(self, link: int) -> bool:
        """Whether a link belongs to a peer that people here know."""
        return self._turns.core.in_use(link)

    # -- what the core decides

    def perform(self, act: e.Act) -> None:
        """Hand an act to the part that performs it."""
        if isinstance(act, e.Dial | e.Transmit | e.Say | e.HangUp):
            self._network.perform(act)
        elif isinstance(act, e.LookUp):
            task = asyncio.create_task(self._look_up(act), name=f"look up {act.address}")
            self._look_ups.add(task)
            task.add_done_callback(self._look_ups.discard)
        elif isinstance(act, e.TryBack | e.AskedBack | e.ReportDialledBack):
            self._examining.perform(act)
        elif isinstance(act, e.Serve):
            self._serving.perform(act)
        elif isinstance(act, e.ShutOut):
            self._network.shut_out(act.host, act.ms / 1000)
        elif isinstance(act, e.Hold):
            self._turns.hold(act.problem)
        elif isinstance(act, e.Reply | e.Refuse):
            self._answers.settle(act)
        elif isinstance(act, e.Notice):
            self._turns.notice(act.about, act.sentence)
        elif isinstance(act, e.Discover | e.Reconfirm):
            self._mdns.perform(act)
        elif isinstance(act, e.Tell):
            self._server.publish([act.event])
            self._announcements.told(act.event)
        elif isinstance(act, e.Fetch):
            self._turns.fetch(act.query)
        elif isinstance(act, e.ReportExpiry):
            self._retention.reported(act)

    async def _look_up(self, act: e.LookUp) -> None:
        self._turns.feed(await self._hosts.found(act))

    def _heartbeat(self) -> ev.Event:
        data = ev.Heartbeat(log=self._log_id, head=self._turns.head, oldest=self._retention.oldest)
        return ev.Event(v=bounds.VERSION, log=self._log_id, at=now_ms(), type="Heartbeat", data=data)

    # -- the run that the answers belong to

    @property
    def links(self) -> int:
        """How many connections to peers there are."""
        return len(self._network)

    @property
    def refused(self) -> int:
        """How many connections were refused since the start."""
        return self._network.refused

    @property
    def subscribed(self) -> int:
        """How many sockets are connected to the events of the bus."""
        return self._server.subscribed

    def examine(self, peer: str | None, again: bool) -> Diagnosis:
        """What the doctor has found; it begins if need be. Raises CommandRefused if there is no such peer."""
        return self._examining.newest(peer, again)

    # -- the node, as the doctor sees it

    @property
    def core(self) -> Node:
        """The core as it is now."""
        return self._turns.core

    @property
    def health(self) -> nouns.Health:
        """The node's health."""
        return self._turns.health

    def stop(self, reason: str) -> None:
        """Ask the node to stop; `reason` is logged."""
        self._end.stop(reason)

    # -- who may end it from outside

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            reason = f"Signal {number.name}."
            if sys.platform == "win32":
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stop, "Interrupted."))
            else:
                loop.add_signal_handler(number, self.stop, reason)

        # Only once the loop runs: before that, a closed terminal may simply end the process, which serves nobody yet.
        supervisor.on_hangup(lambda: loop.call_soon_threadsafe(self.stop, "The terminal was closed (SIGHUP)."))
        self._watch_supervisor()

    def _watch_supervisor(self) -> None:
        """Stop when honcho is gone, if honcho started this process."""
        if self._started_by.is_gone():
            self.stop(supervisor.GONE)
        elif not self._end.asked:
            asyncio.get_running_loop().call_later(supervisor.LOOK_S, self._watch_supervisor)
