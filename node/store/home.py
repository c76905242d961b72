"""The home: one directory that one node owns while it runs."""

from __future__ import annotations

import os
import pathlib
from typing import BinaryIO, cast

from node.bus import locate, ownership
from node.errors import ConfigError, HomeInUse, HomeRefused

LOCK_NAME = "node.lock"
#: Bytes of the pid in the lock's file. More is no pid: such a file isn't ours, and is not overwritten.
MAX_PID_BYTES = 32


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
    path = home / LOCK_NAME
    try:
        locate.make_home(home)
        # Unbuffered, so that a pid that doesn't fit on the disk is tried once and not again when the file is closed.
        file = cast(
            BinaryIO, os.fdopen(ownership.open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+", buffering=0)
        )
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror} ({error.filename}).") from error
    try:
        _lock(file)
    except OSError:
        file.seek(0)
        pid = file.read(MAX_PID_BYTES).decode(errors="replace").strip() or "unknown"
        file.close()
        raise HomeInUse(
            f"A node already runs on {home} (pid {pid}). Stop it with: python -m node stop --home {home}"
            " - or give this one a home of its own with --home."
        ) from None
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


if os.name == "nt":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        # The byte that is locked lies behind anything written, because Windows locks also keep others from reading.
        file.seek(1_000)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
