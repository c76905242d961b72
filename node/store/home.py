"""The home: a directory that belongs to one node while the node runs."""

from __future__ import annotations

import os
import pathlib
import time
from typing import BinaryIO, cast

from node.bus import locate, locks, ownership
from node.errors import ConfigError, HomeInUse, HomeRefused

#: Most bytes of a pid in the lock file. A longer file isn't ours and is not overwritten.
MAX_PID_BYTES = 32
#: How many times to try the lock, and the pause between tries in seconds. A program that only checks who holds the lock
#: takes it for an instant.
TRIES, BETWEEN_S = 5, 0.05


class HomeLock:
    """An exclusive lock on the home. The operating system releases it when the process ends, however that happens.

    Take it before binding any endpoint: libzmq silently lets a second process steal an `ipc` endpoint.
    """

    def __init__(self, home: pathlib.Path, file: BinaryIO) -> None:
        self._home = home
        self._file = file
        self._folder = _identity(home)

    def release(self) -> None:
        """Release the lock, so that another node can take the home."""
        self._file.close()

    def is_ours(self) -> bool:
        """Whether our locked file is still the lock file in the home. If so, no other node can have the home."""
        if os.name == "nt":
            # Windows doesn't let anybody remove an open file.
            return True
        held = os.fstat(self._file.fileno())
        return _identity(self._home / locks.NODE_LOCK) == (held.st_dev, held.st_ino)

    def keep(self) -> None:
        """Take the lock again if its file was removed while the node runs.

        Raises HomeInUse if another node has taken the home meanwhile, ConfigError if the home was removed or moved.
        """
        if self.is_ours():
            return
        if _identity(self._home) != self._folder:
            raise ConfigError(f"The home {self._home} was removed or moved away while the node runs; stop this node.")
        # Try only once: waiting would block the event loop.
        file = _open(self._home, tries=1)
        self._file.close()
        self._file = file


def claim(home: pathlib.Path) -> HomeLock:
    """Create the home if there is none, and lock it for this process.

    Raises HomeInUse with the other node's pid, or ConfigError if the directory can't be used (HomeRefused if it or a
    file in it isn't ours alone).
    """
    try:
        locate.make_home(home)
        file = _open(home)
        try:
            # Check now, before the database is open: closing a descriptor of it later would drop SQLite's locks.
            ownership.check_contents(home)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    return HomeLock(home, file)


def _identity(path: pathlib.Path) -> tuple[int, int] | None:
    """Device and inode number, which distinguish files of the same name; None if there is no such file or folder."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open(home: pathlib.Path, tries: int = TRIES) -> BinaryIO:
    """Open the lock file, lock it and write this process's id into it. Raises HomeInUse or ConfigError."""
    path = home / locks.NODE_LOCK
    try:
        # Unbuffered: if the disk is full, the write of the pid must not be tried again when the file is closed.
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
        # The lock also holds on a full or read-only disk. Only the pid will be missing from a later HomeInUse.
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
