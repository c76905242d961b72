"""The processes of a benchmark: a node, and workers that run one function beside it. All are ended by their handle.

Memory and CPU time are read from Linux's /proc.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, Concatenate, ParamSpec

from node.bus import locate
from node.bus.client import Client
from node.errors import NodeAway
from tests.support.forks import Fork

ROOT = pathlib.Path(__file__).parents[2]
#: How long anything may take to start, or a worker to say its next word, in seconds.
PATIENCE_S = 120.0
#: How long a process may take to end by itself, in seconds.
ENDING_S = 15.0
#: How often readiness is looked for, in seconds: start-up is measured to this.
LOOK_S = 0.002

#: Workers are forked from one clean process that has loaded what they need.
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["tests.bench.pipeline", "tests.bench.traffic"])
_P = ParamSpec("_P")


class Failed(Exception):
    """A process of the benchmark died or hangs; the message says which."""


@contextlib.contextmanager
def temporary_home() -> Iterator[pathlib.Path]:
    """A home that is gone afterwards. Its path is short: Unix sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="sb-", ignore_cleanup_errors=True) as folder:
        yield pathlib.Path(folder)


class NodeProcess:
    """A node in a process of its own, on a free port of 127.0.0.1. A context manager."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SNICHER_")}
        # Nobody is greeted by a measurement.
        environment["SNICHER_MANDATORY"] = ""
        # Nobody is there who could accept others.
        environment["SNICHER_ACCEPT_NODES"] = "everybody"
        words = ["run", "--home", str(home), "--name", "bench", "--listen", "127.0.0.1:0", "--log-level", "warning"]
        started = time.perf_counter()
        self._process = self.begin(words, environment)
        self.pid = self._process.pid
        self.client = Client(home, name="bench")
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        #: From the start of the process to the first answer of a node that is ready, in seconds.
        self.start_s = time.perf_counter() - started
        listen = self.client.status().self.listen
        self.host, self.port = listen.rsplit(":", 1)[0], int(listen.rsplit(":", 1)[1])

    @staticmethod
    def begin(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[Any] | Fork:
        """Start its process."""
        command = [sys.executable, "-m", "node", *words]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Failed(f"The node ended with exit code {self._process.returncode}.")
            if locate.endpoint_file(self.home).exists():
                with contextlib.suppress(NodeAway):
                    if self.client.status().ready:
                        return
            time.sleep(LOOK_S)
        raise Failed("The node didn't get ready.")

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask it to end, and see that it did."""
        self.client.close()
        end(self._process)


def end(process: subprocess.Popen[Any] | Fork) -> None:
    """End a process that we started."""
    process.terminate()
    try:
        process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Worker:
    """A function in a process of its own, with a line to talk over. A context manager.

    The function gets its end of the line as its first argument.
    """

    def __init__(self, work: Callable[Concatenate[Connection, _P], None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        self._name = work.__name__
        self._line, theirs = _forking.Pipe()
        self._process = _forking.Process(target=work, args=(theirs, *args), kwargs=kwargs, daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process.pid is not None
        return self._process.pid

    def hear(self) -> Any:
        """The next thing it says."""
        try:
            if self._line.poll(PATIENCE_S):
                return self._line.recv()
        except EOFError:
            raise Failed(f"{self._name} died.") from None
        raise Failed(f"{self._name} said nothing for {PATIENCE_S:.0f} s.")

    def say(self, word: Any) -> None:
        """Tell it something."""
        self._line.send(word)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join(ENDING_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


# -- what a process costs


def memory_mb(pid: int) -> float:
    """Its resident memory."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise Failed(f"Process {pid} has no memory.")


def cpu_s(pid: int) -> float:
    """The processor time that its threads have used, to the nanosecond (Linux: sched-stats.rst)."""
    used = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        # A thread may end while it is looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            used += int((task / "schedstat").read_text("ascii").split()[0])
    return used / 1e9


def cpu_percent(pid: int, seconds: float) -> float:
    """How much of one core it uses over the next `seconds`."""
    before, at = cpu_s(pid), time.perf_counter()
    time.sleep(seconds)
    return 100 * (cpu_s(pid) - before) / (time.perf_counter() - at)
