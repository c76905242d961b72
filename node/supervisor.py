"""The program that started this one to look after it, and whether it is still there.

Honcho starts each program in a session of its own. So when the terminal of `honcho start` is closed, or honcho is
killed, the program gets no signal. It would run on with nobody to stop it, and block the ports for the next start.
Honcho sets an environment variable; without it, the program was started on its own, and nothing is watched.

Honcho 2.0 starts a worker for each line of the Procfile; the worker starts a shell in a new session, and the shell
becomes our program, or its parent. A closed terminal ends honcho and the workers; `kill -9` of honcho leaves the
workers. So two are watched: the first process above us in another session (the worker), and that one's parent.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
from collections.abc import Callable, Mapping

#: The environment variable that honcho sets.
HONCHO_VARIABLE = "HONCHO_PROCESS_NAME"
#: How often to check, in seconds; a check reads two small files of /proc.
LOOK_S = 1.0
#: Most ancestors to search for one in another session: a shell or two may stand between.
MAX_STEPS = 8
#: The process (init) that adopts processes whose parent has ended.
INIT = 1
#: The reason that a program gives when it ends because of this.
GONE = "The program that started this one (honcho) is gone."


class Supervisor:
    """Watches the processes that started this one, as found when this object is made.

    `parent_of` returns the parent of a process, or None when there is no such process.
    """

    def __init__(self, environment: Mapping[str, str], parent_of: Callable[[int], int | None] | None = None) -> None:
        self._parent_of = parent_of or _parent_of
        #: Each watched process, with the parent that it had.
        self._watched: list[tuple[int, int]] = []
        self._gone = False
        if os.name != "nt" and environment.get(HONCHO_VARIABLE):
            self._find()

    def is_gone(self) -> bool:
        """Whether honcho has ended since. Always False when this process was started on its own."""
        self._gone = self._gone or any(self._parent_of(pid) != parent for pid, parent in self._watched)
        return self._gone

    def _find(self) -> None:
        child, session = os.getpid(), _session(os.getpid())
        for _ in range(MAX_STEPS):
            parent = self._parent_of(child)
            if parent is None or parent <= INIT:
                # It ended before this process could look.
                self._gone = parent == INIT
                return
            self._watched.append((child, parent))
            child = parent
            if _session(child) != session:
                break
        above = self._parent_of(child)
        if above is not None:
            self._watched.append((child, above))


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _parent_of(pid: int) -> int | None:
    """The parent of a process; None when there is no such process, or the system doesn't tell."""
    if pid == os.getpid():
        return os.getppid()
    try:
        # PID (NAME) STATE PPID ...; the name may hold anything, brackets too.
        told = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
        # A zombie has ended, and waits for its own parent to notice.
        return None if told[0] in ("Z", "X") else int(told[1])
    except (OSError, ValueError, IndexError):
        if pathlib.Path("/proc/self/stat").exists():
            return None
    try:
        told_by = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
        return int(told_by.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def on_hangup(end: Callable[[], object]) -> None:
    """Call `end` when the terminal is closed (SIGHUP), unless that was to be ignored when this process was started."""
    if os.name != "nt" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: end())
