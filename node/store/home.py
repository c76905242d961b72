"""The home: one directory that one node owns while it runs."""

from __future__ import annotations

import os
import pathlib
import time
from typing import BinaryIO, cast

from node.bus import locate, locks, ownership
from node.errors import ConfigError, HomeInUse, HomeRefused

#: Bytes of the pid in the lock's file. More is no pid: such a file isn't ours, and is not overwritten.
MAX_PID_BYTES = 32
#: How often and how far apart the lock is tried, in seconds: whoever only looks who holds it has it for an instant.
TRIES, BETWEEN_S = 5, 0.05


class HomeLock:
    """An exclusive lock of the operating system on the home; it goes with the process, however that ends.

    Taken before anything is bound: libzmq lets a second process steal an `ipc` endpoint silently.
    """

    def __init__(self, home: pathlib.Path, file: BinaryIO) -> None:
        self._home = home
        self._file = file
        self._folder = _identity(home)

    def release(self) -> None:
        """Let another node have the home."""
        self._file.close()

    def is_ours(self) -> bool:
        """Whether the lock that is held is still the one in the home: nobody else can have that home."""
        if os.name == "nt":
            # An open file can't be removed there.
            return True
        held = os.fstat(self._file.fileno())
        return _identity(self._home / locks.NODE_LOCK) == (held.st_dev, held.st_ino)

    def keep(self) -> None:
        """Take the home again when the lock's file was removed under the running node.

        Raises HomeInUse when another node has taken it meanwhile, ConfigError when there is no such folder any more.
        """
        if self.is_ours():
            return
        if _identity(self._home) != self._folder:
            raise ConfigError(f"The home {self._home} was removed or moved away while the node runs; stop this node.")
        # Once: the event loop doesn't wait for others.
        file = _open(self._home, tries=1)
        self._file.close()
        self._file = file


def claim(home: pathlib.Path) -> HomeLock:
    """Make the home if need be, and take it for this process.

    Raises HomeInUse with the other node's pid, or ConfigError when the directory can't be used (HomeRefused, when it or
    a file in it isn't ours alone).
    """
    try:
        locate.make_home(home)
        file = _open(home)
        try:
            # Not later: the database isn't open yet, and closing any descriptor of it would give up SQLite's locks.
            ownership.check_contents(home)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    return HomeLock(home, file)


def _identity(path: pathlib.Path) -> tuple[int, int] | None:
    """What tells a file or folder from any other of the same name; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open(home: pathlib.Path, tries: int = TRIES) -> BinaryIO:
    """The file of the lock, locked and with this process's id in it. Raises HomeInUse or ConfigError."""
    path = home / locks.NODE_LOCK
    try:
        # Unbuffered, so that a pid that doesn't fit on the disk is tried once and not again when the file is closed.
        file = cast(
            BinaryIO, os.fdopen(ownership.open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+", buffering=0)
        )
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    if not _take(file, tries):
        file.seek(0)
        pid = file.read(MAX_PID_BYTES).decode(errors="replace").strip() or "unknown"
        file.close()
        raise HomeInUse(
            f"A node already runs on {home} (pid {pid}). Stop it with: python -m node stop --home {home}"
            " - or give this one a home of its own with --home."
        )
    if os.fstat(file.fileno()).st_size > MAX_PID_BYTES:
        file.close()
        raise HomeRefused(f"{path} isn't the lock of a node: it holds something else. Move it away.")
    try:
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()).encode())
    except OSError:
        # On a full or read-only disk the lock holds all the same; only the pid is missing from a later refusal.
        pass
    return file


def _take(file: BinaryIO, tries: int) -> bool:
    for number in range(tries):
        if number:
            time.sleep(BETWEEN_S)
        try:
            locks.take(file)
        except OSError:
            continue
        return True
    return False
