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

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def release(self) -> None:
        """Let another node have the home."""
        self._file.close()


def claim(home: pathlib.Path) -> HomeLock:
    """Make the home if need be, and take it for this process.

    Raises HomeInUse with the other node's pid, or ConfigError when the directory can't be used (HomeRefused, when it or
    a file in it isn't ours alone).
    """
    path = home / locks.NODE_LOCK
    try:
        locate.make_home(home)
        # Unbuffered, so that a pid that doesn't fit on the disk is tried once and not again when the file is closed.
        file = cast(
            BinaryIO, os.fdopen(ownership.open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+", buffering=0)
        )
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    if not _take(file):
        file.seek(0)
        pid = file.read(MAX_PID_BYTES).decode(errors="replace").strip() or "unknown"
        file.close()
        raise HomeInUse(
            f"A node already runs on {home} (pid {pid}). Stop it with: python -m node stop --home {home}"
            " - or give this one a home of its own with --home."
        )
    try:
        ownership.check_contents(home)
        if path.stat().st_size > MAX_PID_BYTES:
            raise HomeRefused(f"{path} isn't the lock of a node: it holds something else. Move it away.")
    except OSError as error:
        file.close()
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    except HomeRefused:
        file.close()
        raise
    try:
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()).encode())
    except OSError:
        # On a full or read-only disk the lock holds all the same; only the pid is missing from a later refusal.
        pass
    return HomeLock(file)


def _take(file: BinaryIO) -> bool:
    for tries in range(TRIES):
        if tries:
            time.sleep(BETWEEN_S)
        try:
            locks.take(file)
        except OSError:
            continue
        return True
    return False
