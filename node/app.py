"""The composition root: build the rooms, wire them, run until the end is asked for, and shut down in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys

import node
from node import loglines
from node.answers import Answers
from node.bus import locate
from node.bus import messages as m
from node.bus.server import Server, curve_keypair
from node.config import Config
from node.core import effects as e
from node.core import stimuli as s
from node.core.node import Identity, Node
from node.errors import StoreUnavailable
from node.model import Address, parse_address, short_code
from node.peers import interfaces
from node.peers.network import Network
from node.store import home as homes
from node.store import identity as identities
from node.store.reader import Reader
from node.store.writer import Writer
from node.turns import Turns, now_ms

log = logging.getLogger("snicher")

#: How long good-byes may take at the end, in seconds.
GOODBYE = 2.0
#: How long the last commit may take at the end, in seconds.
LAST_COMMIT = 5.0
#: Open files a node would like to be allowed: one for each connection, and some.
WANTED_FILES = 65_536


def run(config: Config) -> int:
    """Run a node until it is stopped; returns the exit code. Raises SnicherError when it can't start."""
    loglines.set_up(config.log_format, config.log_level)
    lock = homes.claim(config.home)
    try:
        _raise_file_limit()
        with asyncio.Runner(loop_factory=_loop) as runner:
            return runner.run(App(config).run())
    finally:
        lock.release()


def _loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        # ZeroMQ's sockets can be watched by a selector only.
        return asyncio.SelectorEventLoop()
    import uvloop

    return uvloop.new_event_loop()


def _raise_file_limit() -> None:
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class App:
    """One run of one node."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stopping: asyncio.Event
        self._reason = ""
        self._network: Network
        self._server: Server
        self._answers: Answers
        self._turns: Turns
        self._log_id = ""
        self._oldest = 1
        self._addresses: list[str] = []

    async def run(self) -> int:
        """Start, run, stop."""
        config = self._config
        self._stopping = asyncio.Event()
        _, peer = identities.load_or_create(config.home)
        identity = Identity(peer, short_code(peer), node.__version__, config.name, config.default_name)
        writer = Writer(config.home)
        writer.prepare(log=secrets.token_hex(8), stream=secrets.token_hex(16))
        reader = Reader(config.home)
        writer.forget_replies(now_ms() - m.KEY_LIFETIME_MS)
        self._log_id = reader.fact("log") or ""
        last_link = -1

        def make_core() -> Node:
            nonlocal last_link
            loaded = reader.load()
            self._oldest = loaded.oldest
            if last_link != -1 or hasattr(self, "_turns"):
                last_link = self._turns.core.last_link
            core = Node(loaded, identity, last_link=last_link)
            core.resume(str(self._network.listen_address), self._addresses, now_ms())
            return core

        self._network = Network(lambda stimulus: self._turns.feed(stimulus), lambda: self._turns.core.name)
        self._turns = Turns(
            writer,
            reader,
            make_core,
            self._perform,
            self._publish,
            self._network.pause,
            self._network.resume,
            self._network.leave_all,
            self._health,
        )
        self._answers = Answers(config, self._turns, reader, self._log_id, lambda: len(self._network), self._stop)
        self._server = Server(self._answers.answer, self._heartbeat)
        try:
            # Nobody is heard before the start is on disk: "NodeStarted" is the first event of a run.
            self._network.pause()
            listen = await self._network.listen(config.listen)
            self._addresses = interfaces.reachable_at(listen)
            endpoint = await self._open_bus()
            self._turns.feed(s.Started(str(listen), self._addresses))
            await self._turns.quiet(LAST_COMMIT)
            if not self._turns.health.store:
                raise StoreUnavailable(self._turns.health.problem or "The database can't be written.")
            locate.write_endpoint(config.home, endpoint)
            self._network.resume()
            self._watch_signals()
            self._say_hello(listen)
            await self._stopping.wait()
            await self._say_goodbye()
        finally:
            with contextlib.suppress(OSError):
                locate.remove_endpoint(config.home)
            self._network.stop_listening()
            await self._server.close()
            await self._turns.close()
        return 0

    # -- the bus

    async def _open_bus(self) -> m.Endpoint:
        config = self._config
        endpoint = m.Endpoint(
            v=1,
            versions=[m.VERSION],
            events="",
            commands="",
            log=self._log_id,
            pid=os.getpid(),
            program=node.__version__,
            started=now_ms(),
        )
        if config.bus == "ipc":
            directory = locate.socket_directory(config.home, self._log_id)
            await self._server.start(f"ipc://{directory / 'events'}", f"ipc://{directory / 'commands'}")
        else:
            address = parse_address(config.bus.removeprefix("tcp://"), allow_zero=True)
            second = Address(address.host, address.port + 1 if address.port else 0)
            server_key, server_secret = curve_keypair()
            client_key, client_secret = curve_keypair()
            keys = locate.private_directory(config.home / "bus" / "clients")

            def allowed(key: str) -> bool:
                return key == client_key or key in locate.allowed_keys(keys)

            await self._server.start(
                f"tcp://{address}", f"tcp://{second}", server_secret=server_secret.encode(), allowed=allowed
            )
            endpoint.server_key, endpoint.client_key, endpoint.client_secret = server_key, client_key, client_secret
        endpoint.events, endpoint.commands = self._server.events_endpoint, self._server.commands_endpoint
        return endpoint

    def _heartbeat(self) -> m.Event:
        data = m.Heartbeat(log=self._log_id, head=self._turns.head, oldest=self._oldest)
        return m.Event(v=m.VERSION, log=self._log_id, at=now_ms(), type="Heartbeat", data=data)

    def _publish(self, events: list[m.Event]) -> None:
        self._server.publish(events)
        for event in events:
            if event.type == "MessageReceived":
                self._answers.received += 1
            else:
                self._note(event)

    def _health(self, health: m.Health) -> None:
        data = m.HealthChanged(health=health)
        event = m.Event(v=m.VERSION, log=self._log_id, at=now_ms(), type="HealthChanged", data=data)
        self._server.publish([event])

    def _perform(self, act: e.Act) -> None:
        if isinstance(act, e.Dial | e.Transmit | e.HangUp):
            self._network.perform(act)
        elif isinstance(act, e.Reply | e.Refuse):
            self._answers.settle(act)
        elif isinstance(act, e.Tell):
            self._server.publish([act.event])
        elif isinstance(act, e.Fetch):
            self._turns.fetch(act.query)

    # -- what people see on the terminal

    def _note(self, event: m.Event) -> None:
        data = event.data
        if isinstance(data, m.MessageStateChanged):
            self._answers.sent += data.state == "sent"
        elif isinstance(data, m.PeerAdded):
            log.info("new peer: %s (%s, %s)", data.peer.name, _where(data.peer), data.peer.dialect)
        elif isinstance(data, m.PeerChanged):
            what = f": {data.peer.error}" if data.peer.error else ""
            log.info("%s (%s) is %s%s", data.peer.name, _where(data.peer), data.peer.link, what)

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

    def _stop(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._stopping.set()

    async def _say_goodbye(self) -> None:
        log.info("going down: %s", self._reason)
        self._network.stop_listening()
        self._turns.feed(s.StopAsked(self._reason))
        await self._turns.quiet(LAST_COMMIT)
        self._network.leave_all()
        if not await self._network.closed(GOODBYE):
            log.warning("%d connections didn't end in time", len(self._network))
        self._turns.feed(s.Stopped(self._reason))
        await self._turns.quiet(LAST_COMMIT)
        log.info("good-bye; everything is on disk")


def _where(peer: m.Peer) -> str:
    return str(Address(peer.host, peer.port)) if peer.port is not None else peer.host
