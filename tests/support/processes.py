"""Nodes as real processes: started on temporary homes and loopback addresses, watched, stopped and killed by their ids.

Each test process has a range of 127.0.0.0/8 of its own, so that any number of them may run at the same time, and
each address stands for a machine.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from node.bus import bounds, encoding, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.bus.client import Client
from node.bus.reducer import apply
from node.core.ports import is_service
from node.store.reader import Reader
from tests.support import forks

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: Machines are shared and slow; a test that goes well never waits for this long.
PATIENCE = 60.0
#: Below what systems choose from by themselves: nobody gets such a port by chance between our look and its use. Nor one
#: of another service, which a node doesn't dial by itself.
PORTS = [port for port in range(10_000, 32_000) if not is_service(port)]

_numbers = itertools.count(1)
#: Not `random`'s own, which tests set to the same seed in every process.
_dice = random.SystemRandom()
_Found = TypeVar("_Found")


def loopback_host() -> str:
    """An address of 127.0.0.0/8 that nobody else uses: a machine of its own."""
    process, number = os.getpid(), next(_numbers)
    return f"127.{64 + (process >> 8) % 128}.{process % 256}.{number % 254 + 1}"


def free_port(host: str = "0.0.0.0", further: Sequence[int] = ()) -> int:
    """A port where nobody listens; nor on those so far above it. Who is to find it free soon can rely on it."""
    while True:
        port = _dice.choice(PORTS)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for distance in (0, *further):
                stack.enter_context(socket.socket()).bind((host, port + distance))
            return port


def free_address(host: str | None = None) -> str:
    """HOST:PORT where nobody listens."""
    host = host or loopback_host()
    return f"{host}:{free_port(host)}"


def eventually(look: Callable[[], _Found], what: str = "", within: float = PATIENCE) -> _Found:
    """What `look` gives as soon as that is true. AssertionError with the last value after `within` seconds."""
    deadline, pause = time.monotonic() + within, 0.005
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or look} (at last: {found!r})")
        time.sleep(pause)
        # A look costs processor time, also that of the node that is asked.
        pause = min(1.3 * pause, 0.03)
    return found


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without anything that a node would read as a setting.

    Nobody is greeted, and nothing is said by mDNS: that would reach others on this machine's network.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SNICHER_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "SNICHER_MANDATORY": "", "SNICHER_DISCOVERY": "off", **(more or {})}


def verb(
    *words: str | pathlib.Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    script: Sequence[str] = ("-m", "node"),
    anew: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """`python -m node WORDS` to its end. `script`: what Python runs instead, with the same words.

    `anew`: no fork (forks.py), but a Python that loads what it needs.
    """
    around, arguments = clean_environment(environment), [str(word) for word in words]
    if not anew and forks.can(script, around):
        return forks.run(script, arguments, around, stdin, PATIENCE)
    command = [sys.executable, *script, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=around, input=stdin, capture_output=True, timeout=PATIENCE, check=False
    )


def printed(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[str]:
    """What has ended, with what it printed as texts."""
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class NodeProcess:
    """`python -m node run` on a home and an address of its own. Its stderr gathers in `lines`.

    Where that does, it is a fork of a process that has the libraries loaded (forks.py). `script`: what Python runs
    instead of `-m node` (it gets the same arguments). `inside`: a command that runs it elsewhere and keeps its process
    id.
    """

    def __init__(
        self,
        home: pathlib.Path,
        name: str = "anna",
        listen: str | None = None,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        script: Sequence[str] = ("-m", "node"),
        open_files: int | None = None,
        inside: Sequence[str] = (),
    ) -> None:
        self.home = home
        self.name = name
        self.address = listen or free_address()
        self.host, _, port = self.address.rpartition(":")
        self.port = int(port)
        self.lines: list[str] = []
        self._environment = clean_environment(environment)
        self._arguments = ["run", "--home", str(home), "--name", name, "--listen", self.address, *arguments]
        self._script = list(script)
        self._open_files = open_files
        self._inside = list(inside)
        self._client: Client | None = None
        self._gatherer: threading.Thread | None = None
        self.process: subprocess.Popen[str] | forks.Fork | None = None

    # -- its life

    def launch(self, *, environment: Mapping[str, str] | None = None) -> Self:
        """Start it and don't wait."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        self.lines = []
        limit = [] if self._open_files is None else ["prlimit", f"--nofile={self._open_files}", "--"]
        around = [*self._inside, *limit]
        environment = {**self._environment, **(environment or {})}
        self.process = forks.start(self._script, self._arguments, environment, around)
        self._gatherer = threading.Thread(target=self._gather, args=(self.process, self.lines), daemon=True)
        self._gatherer.start()
        return self

    @staticmethod
    def _gather(process: subprocess.Popen[str] | forks.Fork, lines: list[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line.rstrip("\n"))

    def start(self, *, environment: Mapping[str, str] | None = None) -> Self:
        """Start it and wait until it is ready."""
        return self.launch(environment=environment).wait_ready()

    def wait_ready(self) -> Self:
        """Wait until it is ready. AssertionError with what it said when it ends instead."""
        eventually(self._is_up, f"{self.name} is up")
        return self

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n" + "\n".join(self.lines))
        endpoint = self.endpoint
        return endpoint is not None and endpoint.pid == self.process.pid

    @property
    def endpoint(self) -> nouns.Endpoint | None:
        """What bus.json says; None when there is none."""
        try:
            return msgspec.json.decode((self.home / "bus.json").read_bytes(), type=nouns.Endpoint)
        except FileNotFoundError:
            return None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, within: float = PATIENCE) -> int:
        """Wait until it has ended and all that it said is in `lines`; returns its exit code."""
        assert self.process is not None and self._gatherer is not None
        code = self.process.wait(within)
        self._gatherer.join(within)
        return code

    def wait_said(self, words: str) -> None:
        """Wait until it has said this on stderr."""
        eventually(lambda: any(words in line for line in self.lines), f"{self.name} says {words!r}")

    def stop(self) -> int:
        """End it gracefully; returns its exit code."""
        if self.runs:
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self.runs:
            self.signal(signal.SIGKILL)
            self.wait()

    def close(self) -> None:
        """End it if it still runs, and let go of everything."""
        if self._client is not None:
            self._client.close()
        if self.process is not None:
            self.kill()
            assert self.process.stderr is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fresh_snapshot(self) -> rq.SnapshotResult:
        """The state computed from its database alone, as it would go over the bus; it may run meanwhile or not."""
        with contextlib.closing(Reader(self.home)) as reader:
            return msgspec.json.decode(encoding.encode(reader.snapshot(nouns.Live())), type=rq.SnapshotResult)

    def check_disk(self) -> None:
        """What front ends are told is what is on disk, at one and the same event, whatever goes on meanwhile."""

        def look() -> list[tuple[nouns.State, nouns.State]]:
            disk, told = self.fresh_snapshot(), self.client.snapshot()
            return [(told.state, disk.state)] if told.seq == disk.seq else []

        told, disk = eventually(look, f"{self.name} stands still for a moment")[0]
        assert told == disk

    def check_log(self) -> list[ev.Event]:
        """The log has no gap and no number twice, and adds up to what is on disk. Returns it.

        A replay shows messages as they are now: it is compared with a moment after which nothing new came.
        """

        def look() -> list[tuple[nouns.State, list[ev.Event]]]:
            disk, events = self.fresh_snapshot(), list[ev.Event]()
            while (page := self.client.events(len(events), bounds.MAX_EVENTS)).events:
                events += page.events
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            return [(disk.state, events)] if len(events) == disk.seq else []

        disk, events = eventually(look, f"{self.name} stands still for a moment")[0]
        first = events[0].data
        assert isinstance(first, ev.NodeStarted)
        replayed = nouns.State(self=first.self, settings=first.settings)
        for event in events:
            apply(replayed, event)
        assert replayed == disk
        return events

    # -- talking with it

    @property
    def client(self) -> Client:
        """A client of its bus; the same one each time."""
        if self._client is None:
            self._client = Client(self.home, name="test", timeout=PATIENCE)
        return self._client

    def send(self, to: str, text: str) -> nouns.Message:
        """Say something."""
        return self.client.send(to, text)

    def peer(self, address: str) -> nouns.Peer | None:
        """The peer on its list that listens at HOST:PORT."""
        found = [peer for peer in self.client.peers().peers if f"{peer.host}:{peer.port}" == address]
        assert len(found) <= 1, found
        return found[0] if found else None

    def wait_for_peer(self, address: str, **wanted: object) -> nouns.Peer:
        """The peer at HOST:PORT as soon as its fields are as `wanted`."""

        def look() -> list[nouns.Peer]:
            peer = self.peer(address)
            fits = peer is not None and all(getattr(peer, name) == value for name, value in wanted.items())
            return [peer] if peer is not None and fits else []

        return eventually(look, f"{self.name} sees {address} as {wanted}; it saw {self.peer(address)}")[0]

    def messages(self, address: str) -> list[nouns.Message]:
        """The conversation with the peer at HOST:PORT, oldest first."""
        peer = self.peer(address)
        if peer is None:
            return []
        found: list[nouns.Message] = []
        while True:
            page = self.client.history(peer.room, before=found[0].id if found else None, limit=bounds.MAX_HISTORY)
            found[:0] = page.messages
            if not page.more_before:
                return found

    def heard(self, address: str) -> list[str]:
        """The texts that came from the peer at HOST:PORT."""
        return [one.text for one in self.messages(address) if one.direction == "in" and one.kind == "text"]

    def wait_heard(self, address: str, texts: Sequence[str]) -> None:
        """Wait until just these texts have come from the peer at HOST:PORT, in this order."""
        wanted = list(texts)
        self.wait_count(address, len(wanted))
        heard = self.heard(address)
        assert heard == wanted, heard

    def wait_count(self, address: str, count: int) -> None:
        """Wait until at least so many texts have come from the peer at HOST:PORT."""
        eventually(lambda: len(self.heard(address)) >= count, f"{self.name} has {count} texts from {address}")

    def wait_state(self, message: nouns.Message, *states: str) -> nouns.Message:
        """One of our messages as soon as it is in one of these states."""

        def look() -> list[nouns.Message]:
            page = self.client.history(message.room, around=message.id, limit=1)
            return [one for one in page.messages if one.id == message.id and one.state in states]

        return eventually(look, f"message {message.id} is {states}")[0]


class Nodes:
    """Makes nodes for a test, and ends them all when it is over."""

    def __init__(self) -> None:
        # Not pytest's own folder: its paths are too long for Unix sockets.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sn-"))
        self._made: list[NodeProcess] = []

    def make(self, name: str = "anna", listen: str | None = None, **options: object) -> NodeProcess:
        """A node that isn't started yet, on a home of its own."""
        home = self.folder / f"{len(self._made)}-{name}"
        node = NodeProcess(home, name, listen, **options)  # type: ignore[arg-type]
        self._made.append(node)
        return node

    def start(self, name: str = "anna", listen: str | None = None, **options: object) -> NodeProcess:
        """A node that is up."""
        return self.make(name, listen, **options).start()

    def close(self) -> None:
        """End all that still run, and remove their homes."""
        for node in self._made:
            node.close()
        shutil.rmtree(self.folder, ignore_errors=True)
