"""The home: one directory that one node owns while it runs."""

from __future__ import annotations

import os
import pathlib
from typing import BinaryIO, cast

from node.bus.locate import sync_directory
from node.errors import ConfigError, HomeInUse

LOCK_NAME = "node.lock"


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

    Raises HomeInUse with the other node's pid, or ConfigError when the directory can't be used.
    """
    try:
        _make(home)
        # Unbuffered, so that a pid that doesn't fit on the disk is tried once and not again when the file is closed.
        file = cast(BinaryIO, (home / LOCK_NAME).open("ab+", buffering=0))
    except OSError as error:
        raise ConfigError(f"The home {home} can't be used: {error.strerror}.") from error
    try:
        _lock(file)
    except OSError:
        file.seek(0)
        pid = file.read(32).decode(errors="replace").strip() or "unknown"
        file.close()
        raise HomeInUse(
            f"A node already runs on {home} (pid {pid}). Stop it with: python -m node stop --home {home}"
            " - or give this one a home of its own with --home."
        ) from None
    try:
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()).encode())
    except OSError:
        # On a full or read-only disk the lock holds all the same; only the pid is missing from a later refusal.
        pass
    return HomeLock(file)


def _make(home: pathlib.Path) -> None:
    """Make the directory and those above it, each known on the disk to the one that holds it."""
    if not home.is_dir():
        _make(home.parent)
        home.mkdir(mode=0o700, exist_ok=True)
        sync_directory(home.parent)


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
