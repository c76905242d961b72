"""Who ends when the terminal, or the program that started all, is gone: real terminals, honcho and signals."""

from __future__ import annotations

import contextlib
import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from dashboard import running
from node.bus import locate, locks
from tests.support.processes import (
    PATIENCE,
    ROOT,
    NodeProcess,
    Nodes,
    clean_environment,
    eventually,
    free_address,
    free_port,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="honcho and closed terminals are Unix's")


class Started:
    """`honcho start` in a terminal of its own, with node and dashboard; all that is left of it is ended at the end."""

    def __init__(self, *, nohup: bool = False) -> None:
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="sn-"))
        self.port = free_port("127.0.0.1")
        self.listen = free_address()
        environment = clean_environment(
            {"SNICHER_HOME": str(self.home), "SNICHER_LISTEN": self.listen, "PORT": str(self.port), "TERM": "xterm"}
        )
        environment["PATH"] = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            if nohup:
                # As the program nohup does, which would put its file into the current folder.
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                output = os.open(self.home / "nohup.out", os.O_WRONLY | os.O_CREAT, 0o600)
                os.dup2(output, 1)
                os.dup2(output, 2)
            # Honcho gives the first of a Procfile its port, and each further one a hundred more.
            command = [sys.executable, "-m", "honcho", "start", "--port", str(self.port - 100)]
            os.execvpe(command[0], command, environment)
        self._closed = self._reaped = False

    def wait_up(self) -> None:
        """Wait until node and dashboard are there."""
        os.set_blocking(self._terminal, False)
        eventually(self._is_up, "both are up")

    def _is_up(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            os.read(self._terminal, 65_536)
        return len(self.pids()) == 2 and (self.home / "bus.json").exists()

    def pids(self) -> list[int]:
        """The processes of node and dashboard, by the locks that they hold."""
        node = locks.holder(self.home / locks.NODE_LOCK, locks.pid_in)
        found = [one.pid for one in running.running(self.home)]
        return [*([node] if node else []), *found]

    def close_terminal(self) -> None:
        """As closing its window does."""
        os.close(self._terminal)
        self._closed = True

    def wait_gone(self) -> None:
        """Wait until node and dashboard have ended, gracefully, and the ports are free."""
        eventually(lambda: not self.pids(), "both have ended", 20)
        assert not (self.home / "bus.json").exists()
        assert list(self.home.glob("dashboard-*.json")) == []
        host, _, port = self.listen.rpartition(":")
        for address in ((host, int(port)), ("127.0.0.1", self.port)):
            with socket.socket() as free:
                free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                free.bind(address)

    def end(self) -> None:
        """End whatever is left."""
        for pid in self.pids():
            if pid:
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        if not self._closed:
            os.close(self._terminal)
        os.waitpid(self.pid, 0)
        shutil.rmtree(self.home, ignore_errors=True)


@contextlib.contextmanager
def started(*, nohup: bool = False) -> Iterator[Started]:
    one = Started(nohup=nohup)
    try:
        one.wait_up()
        yield one
    finally:
        one.end()


def test_a_closed_terminal_ends_node_and_dashboard_of_honcho() -> None:
    with started() as one:
        one.close_terminal()
        one.wait_gone()


def test_killing_honcho_ends_node_and_dashboard() -> None:
    with started() as one:
        os.kill(one.pid, signal.SIGKILL)
        one.wait_gone()


def test_nohup_lets_them_run_on() -> None:
    with started(nohup=True) as one:
        before = one.pids()
        one.close_terminal()
        with pytest.raises(AssertionError):
            eventually(lambda: one.pids() != before, within=3)


def test_a_node_started_by_hand_ends_with_its_terminal_and_says_good_bye(nodes: Nodes) -> None:
    anna, bert = nodes.start("anna"), nodes.start("bert")
    anna.client.connect(bert.address)
    bert.wait_for_peer(anna.address, link="online")
    anna.signal(signal.SIGHUP)
    assert anna.wait() == 0
    assert not (anna.home / "bus.json").exists()
    bert.wait_for_peer(anna.address, link="offline")
    assert any("SIGHUP" in line for line in anna.lines)


def test_a_node_with_nohup_takes_no_notice(nodes: Nodes) -> None:
    anna: NodeProcess = nodes.make("anna")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        anna.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    anna.signal(signal.SIGHUP)
    assert anna.client.status().ready
    assert anna.runs
    anna.stop()


def test_one_that_was_started_on_its_own_outlives_who_started_it(nodes: Nodes) -> None:
    home, listen = nodes.folder / "alone", free_address()
    starts = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-m', 'node', 'run', '--home', sys.argv[1],"
        " '--listen', sys.argv[2]], stderr=subprocess.DEVNULL, start_new_session=True)"
    )
    subprocess.run(
        [sys.executable, "-c", starts, str(home), listen],
        cwd=ROOT,
        env=clean_environment(),
        check=True,
        timeout=PATIENCE,
    )
    pid = eventually(lambda: (home / "bus.json").exists() and locks.holder(home / locks.NODE_LOCK, locks.pid_in))
    try:
        with pytest.raises(AssertionError):
            eventually(lambda: not locate.is_alive(pid), within=3)
    finally:
        os.kill(pid, signal.SIGKILL)
