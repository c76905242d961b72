"""Operating-system locks on small files: the holder of a lock is alive, and the file names its process.

A node holds node.lock of its home, a dashboard its own dashboard-PORT.json. The system releases a lock when its process
ends, in whatever way. A process id in a file alone would be less reliable, because the system reuses ids.

Law of this file: it imports nothing heavy, and never waits.
"""

from __future__ import annotations

import os
import pathlib
import signal
from collections.abc import Callable
from typing import BinaryIO

from node.bus import ownership
from node.errors import HomeRefused

#: The lock of a home that one node owns while it runs.
NODE_LOCK = "node.lock"
#: Most bytes read from a lock file: a process id, or a few fields of JSON. The byte locked on Windows lies behind them.
MAX_CONTENT = 900
#: Stands for the holder of a lock whose process can't be found out.
UNKNOWN = 0

if os.name == "nt":
    import msvcrt

    def take(file: BinaryIO) -> None:
        """Lock an open file for this process alone, until it is closed. Raises OSError when somebody else has it."""
        # Lock a byte behind the content, because a Windows lock also keeps others from reading.
        file.seek(1_000)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        file.seek(0)

    def _is_held(file: BinaryIO) -> bool:
        try:
            take(file)
        except OSError:
            return True
        return False
else:
    import fcntl

    def take(file: BinaryIO) -> None:
        """Lock an open file for this process alone, until it is closed. Raises OSError when somebody else has it."""
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_held(file: BinaryIO) -> bool:
        try:
            # A shared lock: two processes that check at the same moment don't take each other for the holder.
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def holder(path: pathlib.Path, pid_of: Callable[[bytes], int]) -> int | None:
    """The pid of the process that holds the lock on `path`; None when nobody does, UNKNOWN when the pid can't be told.

    `pid_of` reads the process id from the file's content, and raises ValueError when there is none. If the lock is
    free, this check holds it for an instant, so whoever takes the lock must try more than once.
    """
    try:
        # Windows' locks need a file opened for writing. A file that isn't ours can't hold a lock of ours.
        descriptor = ownership.open_private(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY, forbidden=0)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MAX_CONTENT)
            if not _is_held(file):
                return None
            status = os.fstat(file.fileno())
    except (OSError, HomeRefused):
        return None
    try:
        pid = pid_of(content)
    except ValueError:
        return UNKNOWN
    return pid if pid > 0 and _has_open(pid, status) else UNKNOWN


def _has_open(pid: int, status: os.stat_result) -> bool:
    """Whether process `pid` has that file open, where the system tells (Linux); elsewhere, whether it exists.

    A home may be shared with a container, whose process ids mean other processes here.
    """
    if os.name == "nt":
        return True
    folder = pathlib.Path(f"/proc/{pid}/fd")
    if not pathlib.Path("/proc/self/fd").is_dir():
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass
        return True
    try:
        for one in folder.iterdir():
            try:
                found = one.stat()
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino):
                return True
    except OSError:
        # Gone, or somebody else's.
        pass
    return False


def pid_in(content: bytes) -> int:
    """The process id in the content of a node.lock. Raises ValueError when there is none."""
    return int(content)


def can_end() -> bool:
    """Whether this system can ask another process to end gracefully."""
    return os.name != "nt"


def ask_to_end(pid: int) -> bool:
    """Ask a process to end gracefully, as Ctrl+C does; False when it isn't there any more. Raises PermissionError."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True
