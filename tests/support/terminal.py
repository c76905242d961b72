"""A program in a pseudo-terminal: type, and wait for what the screen shows."""

from __future__ import annotations

import errno
import os
import pathlib
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from fcntl import ioctl
from types import TracebackType

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b\][^\x07]*\x07")


class Terminal:
    """Runs a command in a pseudo-terminal of `size`, its columns and rows. Ends it by its pid."""

    def __init__(self, command: Sequence[str], cwd: str, size: tuple[int, int] = (110, 45), **variables: str) -> None:
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **variables}
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            # From within, so that the command finds it so from its beginning.
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.chdir(cwd)
            # Whoever runs the tests in the background has SIGINT ignored, and a program inherits that.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.execvpe(command[0], list(command), environment)
        self._raw = ""
        self._from = 0
        self.code: int | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._file)

    @property
    def text(self) -> str:
        """All that was shown so far, without colours and cursor movements."""
        return _CONTROL.sub("", self._raw).replace("\r", "")

    @property
    def raw(self) -> str:
        """All that was shown so far, with every control sequence."""
        return self._raw

    def modes(self) -> list[object]:
        """How the terminal treats keys now, as termios has it."""
        return list(termios.tcgetattr(self._file))

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size, as somebody does who drags its window."""
        ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        """Type, as on a keyboard; Enter is a carriage return."""
        os.write(self._file, keys.encode())

    def interrupt(self) -> None:
        """Type Ctrl+C once the program waits for a line.

        A signal that comes a moment before that is seen only when the line is there: Python looks for it before the
        system call, not in it. People are slower.
        """
        deadline = time.monotonic() + 60.0
        waits = pathlib.Path(f"/proc/{self.pid}/wchan")
        # Nothing tells how a program waits where /proc is missing or closed: then it is typed at once.
        while waits.exists() and waits.read_text("ascii") not in ("", "0", "wait_woken", "n_tty_read"):
            assert time.monotonic() < deadline, f"It waits for no line:\n{self.text}"
            self._read(0.01)
        self.type("\x03")

    def wait_for(self, shown: str, timeout: float = 60.0) -> None:
        """Wait until this stands in what was shown since the last wait. Raises AssertionError with all of it."""
        deadline = time.monotonic() + timeout
        while shown not in self.text[self._from :]:
            left = deadline - time.monotonic()
            assert left > 0, f"{shown!r} was not shown:\n{self.text}"
            self._read(left)
        self._from = self.text.index(shown, self._from) + len(shown)

    def wait_end(self, timeout: float = 60.0) -> int:
        """Wait until the program ends; returns its exit code."""
        deadline = time.monotonic() + timeout
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                break
            assert time.monotonic() < deadline, f"It didn't end:\n{self.text}"
            self._read(0.05)
        return self.code

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self._file], [], [], min(seconds, 0.2))
        if ready:
            try:
                self._raw += os.read(self._file, 65536).decode(errors="replace")
            except OSError as error:
                # Linux reports the end of the program as an error of the terminal.
                if error.errno != errno.EIO:
                    raise
                time.sleep(0.01)


PYTHON = sys.executable
