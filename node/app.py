"""The composition root: build the rooms, wire them, run until the end is asked for, and shut down in order.

When a decision fails half-way (a bug), the core decides nothing more: what was decided before goes to disk and is let
out, the links are left, and a new run begins in the same process from what is on disk, just as after a crash. Front
ends see the node go away and come back; the command that met the bug is refused with `internal`. A bug that comes back
too often ends the process with exit code 70, for people or a supervisor to see. An exception that nobody caught
anywhere else in the loop counts as such a bug too: a node that stands still and seems well would be worse.
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
from node import loglines, supervisor
from node.answers import Answers
from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus.server import Server
from node.config import Config
from node.core import effects as e
from node.core import stimuli as s
from node.core.node import Identity, Node
from node.errors import StoreUnavailable
from node.findable import Findable
from node.model import Address, parse_mandatory, short_code
from node.peers import interfaces
from node.peers.network import Network
from node.retention import Retention
from node.store import home as homes
from node.store import identity as identities
from node.store.reader import Reader
from node.store.writer import Writer
from node.turns import Turns, now_ms

log = logging.getLogger("snicher")

#: How long good-byes may take at the end, in seconds.
GOODBYE = 2.0
#: How long before that for those said on connections of their own, while others may still call, in seconds.
FAREWELL = 1.0
#: How long the last commits may take at the end, all together, and the least that each is given, in seconds.
LAST_COMMIT = 5.0
MIN_COMMIT = 0.5
#: How long connections that came in at the last moment have to say something, in seconds.
LAST_CALL = 0.05
#: Open files a node would like to be allowed: one for each connection, and some.
WANTED_FILES = 65_536
#: Open files that connections leave to the database, the bus and its front ends.
OTHER_FILES = 96
#: How often the free space is measured, in seconds: a disk that fills at 100 MB a second stops within the floor.
MEASURE_EVERY = 2.0
#: Bytes that are left free on the disk; on a small disk, a hundredth of it.
DEFAULT_FREE_SPACE = 200_000_000
#: Objects that may pile up before the collector looks for cycles. Python's 700 are a fraction of one batch, all of
#: which live until it is on disk: looking through them so often took a fifth of the node's time.
GARBAGE = 50_000
#: What a history that was set back means for front ends.
SET_BACK = "The event log has a new id: front ends take a new snapshot, and bots begin their consumers anew."
#: Exit code of a node that a bug ended (EX_SOFTWARE of sysexits.h).
EXIT_BUG = 70
#: So many new starts after a bug within so many seconds are too many.
FRESH_STARTS = (3, 60.0)


def run(config: Config) -> int:
    """Run a node until it is stopped; returns the exit code. Raises SnicherError when it can't start."""
    loglines.set_up(config.log_format, config.log_level, timed=config.log_times)
    gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
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
                log.error("the bug came back too often; giving up. Nothing that was acknowledged is lost")
                return code
            bugs.append(now)
            log.warning("starting anew from what is on disk")
            # Where others know us, also when the system chose the port.
            config = replace(config, listen=app.listen_address)
    finally:
        lock.release()


def _loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        # ZeroMQ's sockets can be watched by a selector only.
        return asyncio.SelectorEventLoop()
    import uvloop

    return uvloop.new_event_loop()


def _raise_file_limit() -> int:
    """Ask for as many open files as allowed; returns how many that is."""
    if sys.platform == "win32":
        # What a selector can watch there.
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
    """The core, which decides nothing more once a decision has failed half-way: its state can't be trusted then."""

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
    """One run of one node."""

    def __init__(self, config: Config, lock: homes.HomeLock, room: int, *, greet: bool = True) -> None:
        self._config = config
        self._lock = lock
        self._room = room
        #: Mandatory peers are greeted once: not again after a bug.
        self._greet = greet
        self._stopping: asyncio.Event
        self._reason = ""
        self._started_by = supervisor.Supervisor(os.environ)
        #: A bug ends this run.
        self._broken = False
        self._core: _Core | None = None
        self.listen_address = config.listen
        self._network: Network
        self._server: Server
        self._answers: Answers
        self._turns: Turns
        self._retention: Retention
        self._log_id = ""
        self._addresses: list[str] = []
        #: What was said last on the terminal of each peer.
        self._said: dict[str, str] = {}

    async def run(self) -> int:
        """Start, run, stop; returns the exit code."""
        config = self._config
        self._stopping = asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(self._uncaught)
        self._watch_signals()
        known = identities.exists(config.home)
        _, peer = identities.load_or_create(config.home)
        identity = Identity(
            peer, short_code(peer), node.__version__, config.name, config.default_name, config.quota, config.fixed
        )
        writer = Writer(config.home)
        set_back = writer.prepare(
            log=secrets.token_hex(8), stream=secrets.token_hex(16), run=secrets.token_hex(8), known=known
        )
        reader = Reader(config.home)
        writer.forget_nobodies()
        self._log_id = reader.fact("log") or ""

        def make_core() -> Node:
            loaded = reader.load()
            last_link = -1 if self._core is None else self._core.last_link
            self._core = _Core(loaded, identity, last_link=last_link, broke=self._break)
            self._core.resume(str(self._network.listen_address), self._addresses, now_ms())
            return self._core

        self._network = Network(self, self._room)
        self._turns = Turns(writer, reader, make_core, self, self._network)
        self._answers = Answers(
            config,
            self._turns,
            reader,
            self._log_id,
            lambda: len(self._network),
            lambda: self._network.refused,
            lambda: self._server.subscribed,
            self._stop,
        )
        self._server = Server(self._answers.answer, self._heartbeat)
        findable = Findable(config, self._server, self._lock, self._log_id)
        retention = self._retention = Retention(self._turns, writer, reader, reader.log_ends()[0])
        try:
            # Nobody is heard before the start is on disk: "NodeStarted" is the first event of a run.
            self._network.pause()
            listen = self.listen_address = await self._network.listen(config.listen)
            self._addresses = interfaces.reachable_at(listen)
            await findable.open(now_ms())
            self._turns.feed(self._started(listen))
            self._measure_space()
            await self._turns.quiet(LAST_COMMIT)
            if not self._turns.health.store:
                raise StoreUnavailable(self._turns.health.problem or "The database can't be written.")
            findable.announce()
            if set_back is not None:
                self._turns.notice("history", f"{set_back} {SET_BACK}")
            self._turns.read_on()
            retention.start()
            self._turns.upkeep.start()
            self._say_hello(listen)
            await self._stopping.wait()
            await self._say_goodbye()
        finally:
            await findable.close()
            self._network.stop_listening()
            await retention.close()
            # The bus last: whoever asks for something until then is told that the node is going down.
            await self._turns.close()
            await self._server.close()
            findable.remove_sockets()
        return EXIT_BUG if self._broken else 0

    def _started(self, listen: Address) -> s.Started:
        settings = self._turns.core.settings
        mandatory = tuple(parse_mandatory(one) for one in settings.mandatory) if self._greet else ()
        if settings.mandatory_rule == "off":
            mandatory = tuple(replace(one, network=None) for one in mandatory)
        hosts = interfaces.local_hosts()
        return s.Started(str(listen), self._addresses, hosts, mandatory, settings.mandatory_greeting)

    def _measure_space(self) -> None:
        """Tell the core how much room the disk has, now and again and again."""
        if self._stopping.is_set():
            return
        try:
            usage = shutil.disk_usage(self._config.home)
        except OSError as error:
            # What is wrong with the disk, the next commit will tell.
            log.debug("the free space can't be found out: %s", error)
        else:
            floor = self._config.free_space
            small = min(DEFAULT_FREE_SPACE, usage.total // 100)
            self._turns.feed(s.SpaceMeasured(usage.free, small if floor is None else floor))
        asyncio.get_running_loop().call_later(MEASURE_EVERY, self._measure_space)

    # -- the bus

    def _heartbeat(self) -> ev.Event:
        data = ev.Heartbeat(log=self._log_id, head=self._turns.head, oldest=self._retention.oldest)
        return ev.Event(v=bounds.VERSION, log=self._log_id, at=now_ms(), type="Heartbeat", data=data)

    # -- the world of the turns

    def publish(self, events: list[ev.Event]) -> None:
        """Tell front ends, and whoever sits at the terminal, what has happened."""
        self._server.publish(events)
        for event in events:
            if event.type == "MessageReceived":
                self._answers.received += 1
            else:
                self._note(event)

    def tell_health(self, health: nouns.Health) -> None:
        """Tell front ends how the node is."""
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
        """What all that peers have said takes the disk, in seconds."""
        return self._turns.owed

    def feed(self, stimulus: s.Stimulus) -> None:
        """Something happened."""
        self._turns.feed(stimulus)

    def full_for(self, source: str, light: bool) -> bool:
        """Whether so much waits for the disk that a source has to wait."""
        return self._turns.full_for(source, light)

    def in_use(self, link: int) -> bool:
        """Whether a link is used with somebody whom people here know."""
        return self._turns.core.in_use(link)

    # -- what the core decides

    def perform(self, act: e.Act) -> None:
        """Have it done by whom it is about."""
        if isinstance(act, e.Dial | e.Transmit | e.HangUp):
            self._network.perform(act)
        elif isinstance(act, e.ShutOut):
            self._network.shut_out(act.host, act.ms / 1000)
        elif isinstance(act, e.Hold):
            self._turns.hold(act.problem)
        elif isinstance(act, e.Reply | e.Refuse):
            self._answers.settle(act)
        elif isinstance(act, e.Tell):
            self._server.publish([act.event])
        elif isinstance(act, e.Fetch):
            self._turns.fetch(act.query)
        elif isinstance(act, e.ReportExpiry):
            self._retention.reported(act)

    # -- what people see on the terminal

    def _note(self, event: ev.Event) -> None:
        data = event.data
        if isinstance(data, ev.MessageStateChanged):
            self._answers.sent += data.state == "sent"
        elif isinstance(data, ev.GreetingChanged):
            one = data.greeting
            what = f": {one.detail}" if one.detail else ""
            log.info("mandatory peer %s: %s%s", one.address, one.outcome, what)
        elif isinstance(data, ev.QuotaReached):
            log.warning("%s has sent as much as one source may in a day; it is shut out for now", data.host)
        elif isinstance(data, ev.PeerAdded):
            log.info("new peer: %s (%s, %s)", data.peer.name, _where(data.peer), data.peer.dialect)
        elif isinstance(data, ev.PeerChanged) and data.peer.link != "unknown":
            what = f": {data.peer.error}" if data.peer.error else ""
            line = f"{data.peer.name} ({_where(data.peer)}) is {data.peer.link}{what}"
            # Much of a peer changes that is no news here: what it speaks, what people call it.
            if self._said.get(data.peer.id) != line:
                self._said[data.peer.id] = line
                log.info("%s", line)
        elif isinstance(data, ev.PeerForgotten):
            self._said.pop(data.peer, None)

    def _say_hello(self, listen: Address) -> None:
        me = self._turns.core.me
        log.info("%s is up on %s (home %s, pid %d)", me.name, listen, self._config.home, os.getpid())
        for address in self._addresses:
            log.info("others can reach you at %s", address)

    # -- the end

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            reason = f"Signal {number.name}."
            if sys.platform == "win32":
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop, "Interrupted."))
            else:
                loop.add_signal_handler(number, self._stop, reason)

        # Not before the loop runs: until then a closed terminal just ends the process, which serves nobody yet.
        supervisor.on_hangup(lambda: loop.call_soon_threadsafe(self._stop, "The terminal was closed (SIGHUP)."))
        self._watch_supervisor()

    def _watch_supervisor(self) -> None:
        """End with who started this process, if that is honcho."""
        if self._started_by.is_gone():
            self._stop(supervisor.GONE)
        elif not self._stopping.is_set():
            asyncio.get_running_loop().call_later(supervisor.LOOK_S, self._watch_supervisor)

    def _stop(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._stopping.set()

    def _break(self) -> None:
        """A bug: end this run as soon as may be, with nothing decided any more."""
        self._broken = True
        self._stop("A bug in Snicher.")

    def _uncaught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        message = context.get("message") or "an exception that nobody caught"
        if isinstance(error, Exception) and not isinstance(error, OSError):
            log.error("a bug: %s", message, exc_info=error)
            if not self._stopping.is_set():
                self._break()
        else:
            log.warning("%s%s", message, "" if error is None else f": {error}")

    async def _say_goodbye(self) -> None:
        log.info("going down: %s", self._reason)
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_COMMIT

        def left() -> float:
            return max(MIN_COMMIT, until - loop.time())

        if not self._broken:
            self._turns.feed(s.StopAsked(self._reason))
            await self._turns.quiet(left())
            await self._network.closed(FAREWELL)
        self._network.stop_listening()
        await asyncio.sleep(LAST_CALL)
        await self._turns.quiet(left())
        self._network.leave_all()
        if not await self._network.closed(GOODBYE):
            log.warning("%d connections didn't end in time", len(self._network))
        if self._broken:
            await self._answers.give_up()
            return
        self._turns.feed(s.Stopped(self._reason))
        await self._turns.quiet(left())
        if self._turns.health.store:
            log.info("good-bye; everything is on disk")
        else:
            log.warning("good-bye; the last could not be written: %s", self._turns.health.problem)


def _where(peer: nouns.Peer) -> str:
    return str(Address(peer.host, peer.port)) if peer.port is not None else peer.host
