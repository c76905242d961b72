"""Processes of Snicher that begin at once: each is a fork of one that has the libraries loaded.

Most of the processor time of a new process goes into loading: a third of a second for a node, a tenth for a verb, half
a second for a dashboard. Tests start hundreds. So each test process has one `python -m tests.support.forks` for each
package, which loads all that once. It then forks for every start. The fork runs what it is told to, as `python -m` or
`python -c` does: a process of its own, with its own standard streams, environment, signals and end.

What a fork can't show: how Python starts, and that a module imports all that it needs. Where a test looks at that, it
starts Python itself; so does whoever needs other variables of Python's own (`can`).
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import io
import json
import os
import pathlib
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: What is loaded before anything of a package is forked. No `__main__`: whoever runs one runs it anew.
LOADED = {
    "node": (
        "node.app", "node.config", "node.terminal.absent", "node.terminal.backup", "node.terminal.config_table",
        "node.terminal.console", "node.terminal.identity", "node.terminal.menu", "uvloop", "wcwidth",
    ),
    "dashboard": ("dashboard.app", "dashboard.drafts", "dashboard.registry", "dashboard.when", "segno"),
}  # fmt: skip
#: The environment of the process that has all loaded.
AROUND = {**os.environ, "PYTHONUNBUFFERED": "1"}
#: The command before another one that runs it in a network namespace; the name of that follows.
NETNS = ("ip", "netns", "exec")
_LENGTH = struct.Struct("!I")
#: Of sched.h and mount.h.
_NEW_NAMES, _NEW_NET, _SLAVE, _RECURSIVE, _DETACH = 0x20000, 0x40000000, 1 << 19, 1 << 14, 2


def can(script: Sequence[str], environment: Mapping[str, str], around: Sequence[str] = ()) -> bool:
    """Whether a fork does what `AROUND python SCRIPT` in this environment does."""
    return (
        sys.platform == "linux"
        and script[0] in ("-m", "-c")
        and _of_python(environment) == _of_python(AROUND)
        and (not around or tuple(around[:-1]) == NETNS)
    )


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that Python itself reads when it starts."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(("PYTHON", "LC_", "MALLOC_", "LD_")) or name == "LANG"
    }


class Fork:
    """A process that was forked. It has as much of subprocess.Popen as tests use."""

    def __init__(self, pid: int, end: int, stderr: IO[str] | None) -> None:
        self.pid = pid
        self.stderr = stderr
        self.returncode: int | None = None
        self._end = end
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns its exit code."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _look(self, within: float | None) -> int | None:
        deadline = None if within is None else time.monotonic() + within
        while self.returncode is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            with self._lock:
                if self.returncode is not None:
                    break
                # In turns, so that another thread may ask meanwhile.
                step = 0.05 if left is None else min(left, 0.05)
                if select.select([self._end], [], [], step)[0]:
                    said = os.read(self._end, 100)
                    os.close(self._end)
                    assert said, "what forks has ended"
                    self.returncode = int(said)
            if left == 0:
                break
        return self.returncode


class Forks:
    """The process that has all of a package loaded, and what asks it for forks. Safe for threads."""

    def __init__(self, package: str) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.support.forks", str(theirs.fileno()), package]
            self._process = subprocess.Popen(command, cwd=ROOT, env=AROUND, pass_fds=[theirs.fileno()])
        self._socket = ours

    def close(self) -> None:
        """End it; what was forked goes on."""
        self._socket.close()
        self._process.wait()

    def start(
        self,
        script: Sequence[str],
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[int],
        around: Sequence[str] = (),
    ) -> tuple[int, int]:
        """Fork; returns the process id, and a file descriptor that gives the exit code at the end."""
        wanted = {"words": [*script, *arguments], "environment": dict(environment), "netns": [*around][-1:]}
        request = json.dumps(wanted).encode()
        end, told = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._socket, [_LENGTH.pack(len(request))], [*streams, told])
                self._socket.sendall(request)
                (pid,) = _LENGTH.unpack(_exactly(self._socket, _LENGTH.size))
        except BaseException:
            os.close(end)
            raise
        finally:
            os.close(told)
        return pid, end


_forks: dict[str, Forks] = {}
_begun = threading.Lock()


def forks(script: Sequence[str]) -> Forks:
    """This process's own, for what a script runs."""
    package = script[1].partition(".")[0]
    package = package if package in LOADED else "node"
    with _begun:
        if package not in _forks:
            _forks[package] = Forks(package)
            atexit.register(_forks[package].close)
        return _forks[package]


def start(
    script: Sequence[str], arguments: Sequence[str], environment: Mapping[str, str], around: Sequence[str] = ()
) -> Fork | subprocess.Popen[str]:
    """Start `AROUND python SCRIPT ARGUMENTS` without input; its stderr is a pipe. It is a fork where that does."""
    if not can(script, environment, around):
        command = [*around, sys.executable, *script, *arguments]
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    ours, theirs = os.pipe()
    try:
        with pathlib.Path(os.devnull).open("rb") as nothing:
            pid, end = forks(script).start(script, arguments, environment, [nothing.fileno(), 1, theirs], around)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return Fork(pid, end, os.fdopen(ours, encoding="utf-8"))


def run(
    script: Sequence[str], arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes, timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """Run `python SCRIPT ARGUMENTS` to its end; it is killed when that takes too long."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        streams = [given.fileno(), out.fileno(), err.fileno()]
        fork = Fork(*forks(script).start(script, arguments, environment, streams), None)
        try:
            fork.wait(timeout)
        finally:
            fork.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([*script, *arguments], fork.wait(), out.read(), err.read())


# -- the process that has all loaded


def _exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes. EOFError when the other side is gone."""
    got = b""
    while len(got) < size:
        more = sock.recv(size - len(got))
        if not more:
            raise EOFError
        got += more
    return got


def serve(sock: socket.socket) -> list[str]:
    """Fork whenever told to. Returns in the forks only, what to run; raises EOFError when nobody asks any more."""
    ends: dict[int, int] = {}
    awake, wake = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([sock, awake], [], [])
        if awake in ready:
            os.read(awake, 1000)
            while ends and (ended := os.waitpid(-1, os.WNOHANG))[0]:
                told = ends.pop(ended[0])
                with contextlib.suppress(BrokenPipeError):
                    os.write(told, str(os.waitstatus_to_exitcode(ended[1])).encode())
                os.close(told)
        if sock not in ready:
            continue
        head, received, _, _ = socket.recv_fds(sock, _LENGTH.size, 4)
        if not head:
            raise EOFError
        (length,) = _LENGTH.unpack(head + _exactly(sock, _LENGTH.size - len(head)))
        request = json.loads(_exactly(sock, length))
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number in range(3):
                os.dup2(received[number], number)
            sock.detach()
            os.closerange(3, 4096)
            os.environ.clear()
            os.environ.update(request["environment"])
            time.tzset()
            _open_streams()
            for name in request["netns"]:
                _enter(name)
            words: list[str] = request["words"]
            return words
        for stream in received[:3]:
            os.close(stream)
        ends[pid] = received[3]
        sock.sendall(_LENGTH.pack(pid))


def _enter(name: str) -> None:
    """Go into a network namespace, as `ip netns exec` does: with a /sys that shows its devices."""
    system = ctypes.CDLL(None, use_errno=True)

    def call(function: str, *arguments: object) -> None:
        if getattr(system, function)(*arguments):
            raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")

    with pathlib.Path("/run/netns", name).open("rb") as file:
        call("setns", file.fileno(), _NEW_NET)
    call("unshare", _NEW_NAMES)
    call("mount", b"", b"/", b"none", ctypes.c_ulong(_SLAVE | _RECURSIVE), None)
    call("umount2", b"/sys", _DETACH)
    call("mount", name.encode(), b"/sys", b"sysfs", ctypes.c_ulong(0), None)


def _open_streams() -> None:
    """Open the standard streams anew, as Python does when it starts unbuffered: the old ones know old files."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        file = os.fdopen(number, "wb" if number else "rb", 0 if number else -1, closefd=False)
        new = io.TextIOWrapper(file, old.encoding, old.errors, write_through=bool(number), line_buffering=number == 2)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def main() -> None:
    """Load all, and fork whenever told to."""
    for name in LOADED[sys.argv.pop(2)]:
        __import__(name)
    gc.collect()
    # What all forks share is looked at by none of them.
    gc.freeze()
    try:
        how, what, *sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    except EOFError:
        return
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv[0] = how
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main()
