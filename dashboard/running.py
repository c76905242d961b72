"""The running dashboards of a home: each keeps a small private file in the home, locked as long as it runs.

By these files, a start that finds its port taken recognises a dashboard of the same home, and `python -m dashboard.app
--stop` finds the processes to end. Law of this file: it touches these files and sends signals; it serves nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import pathlib
import shlex
import tempfile
import time
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from node.bus import locks
from node.errors import ConfigError

#: How long a dashboard may take to end, in seconds: its connections get two, and a busy machine needs more.
END_S = 15.0
#: How often the wait checks whether it has ended, in seconds.
LOOK_S = 0.05
#: Exit codes of `--stop`: all have ended, one could not be ended, none ran.
ENDED, REFUSED, NOBODY = 0, 1, 69


class Instance(msgspec.Struct, frozen=True):
    """One running dashboard: its process (0: unknown), and where it listens."""

    pid: int
    port: int
    address: str


class Mark:
    """This dashboard's own file, until `remove`."""

    def __init__(self, path: pathlib.Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    def remove(self) -> None:
        """Remove the file, unless somebody has replaced it."""
        with contextlib.suppress(OSError):
            there, ours = self._path.stat(), os.fstat(self._file.fileno())
            if os.name == "nt":
                self._file.close()
                self._path.unlink()
            elif (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                self._path.unlink()
        self._file.close()


def mark(home: pathlib.Path, port: int, address: str) -> Mark:
    """Note in the home that this process has the port. Raises ConfigError when the home can't be written."""
    path = home / f"dashboard-{port}.json"
    if locks.holder(path, _pid_of) is not None:
        # The same port on another address.
        path = home / f"dashboard-{port}-{os.getpid()}.json"
    temporary: str | None = None
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Write and lock the file (mode 0600 from the beginning) before it gets its name. So the content of a file with
        # this name is always that of the process that holds its lock.
        descriptor, temporary = tempfile.mkstemp(prefix=f".dashboard-{port}.", dir=home)
        file = os.fdopen(descriptor, "rb+", buffering=0)
        locks.take(file)
        file.write(msgspec.json.encode(Instance(os.getpid(), port, address)))
        if os.name == "nt":
            # Windows can't rename an open file.
            file.close()
            pathlib.Path(temporary).replace(path)
            file = path.open("rb+", buffering=0)
            locks.take(file)
        else:
            pathlib.Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            pathlib.Path(temporary).unlink(missing_ok=True)
        raise ConfigError(f"The dashboard can't write into the home {home}: {error.strerror or error}.") from error
    return Mark(path, file)


def running(home: pathlib.Path) -> list[Instance]:
    """The dashboards of this home that run, by their ports."""
    return sorted((one for _, one in _found(home)), key=lambda one: (one.port, one.address))


def who_has(home: pathlib.Path, port: int, address: str) -> Instance | None:
    """The dashboard of this home that already has `port` on `address`."""
    for one in running(home):
        if one.port == port and (one.address == address or _is_every(one.address) or _is_every(address)):
            return one
    return None


def taken_by(home: pathlib.Path, one: Instance) -> str:
    """The error sentence when a dashboard of this home has the port: its process, and how to end it."""
    pid = f" (pid {one.pid})" if one.pid else ""
    return (
        f"Port {one.port} on {one.address} is taken by this home's own dashboard{pid}, which runs already. Go on using"
        f" that one, or end it with: {stop_command(home, one.port)}"
    )


def stop_command(home: pathlib.Path, port: int) -> str:
    """The command that ends a dashboard, for people to type."""
    return f"python -m dashboard.app --stop --port {port} --home {shlex.quote(str(home))}"


def stop(home: pathlib.Path, port: int | None = None, within: float = END_S) -> tuple[int, list[str]]:
    """End the dashboards of a home gracefully, or only that on `port`. Returns the exit code and a sentence each."""
    found = [(path, one) for path, one in _found(home) if port in (None, one.port)]
    if not found:
        which = "No dashboard" if port is None else f"No dashboard on port {port}"
        return NOBODY, [f"{which} of the home {home} is running."]
    told = [_end(path, one, within) for path, one in found]
    return (ENDED if all(ended for ended, _ in told) else REFUSED), [sentence for _, sentence in told]


def _end(path: pathlib.Path, one: Instance, within: float) -> tuple[bool, str]:
    """Whether it has ended, and a sentence."""
    who = f"The dashboard on {one.address} port {one.port}"
    if not one.pid:
        return False, f"{who} runs, but not as a process that can be seen from here; end it where it was started."
    if not locks.can_end():
        return False, f"{who} runs (pid {one.pid}): press Ctrl+C in its window. Windows lets no other program ask it."
    try:
        locks.ask_to_end(one.pid)
    except PermissionError:
        return False, f"{who} (pid {one.pid}) belongs to another user; it must be ended by that one."
    until = time.monotonic() + within
    while locks.holder(path, _pid_of) == one.pid:
        if time.monotonic() > until:
            return False, f"{who} (pid {one.pid}) didn't end within {within:g} s. By force: kill -9 {one.pid}"
        time.sleep(LOOK_S)
    return True, f"{who} (pid {one.pid}) has ended."


def _found(home: pathlib.Path) -> Iterator[tuple[pathlib.Path, Instance]]:
    for path in home.glob("dashboard-*.json"):
        pid = locks.holder(path, _pid_of)
        if pid is None:
            # Nobody holds its lock: that dashboard was killed.
            continue
        try:
            one = _read(path.read_bytes()[: locks.MAX_CONTENT])
        except (OSError, ValueError):
            continue
        yield path, msgspec.structs.replace(one, pid=pid)


def _read(content: bytes) -> Instance:
    """Parse the content of such a file. Raises ValueError when it is invalid."""
    try:
        return msgspec.json.decode(content, type=Instance)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _pid_of(content: bytes) -> int:
    return _read(content).pid


def _is_every(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False
