"""What the node says on stderr: one readable line per thing that matters, or the same as JSON for machines."""

from __future__ import annotations

import logging
import sys
import time

from node import streams
from node.printable import json_line, printed


class TextLines(logging.Formatter):
    """`14:32:07 info  listening on 192.168.1.20:5000`; without the time where a supervisor puts its own before it."""

    def __init__(self, *, timed: bool = True) -> None:
        super().__init__()
        self._timed = timed

    def format(self, record: logging.LogRecord) -> str:
        """One record; a traceback follows on lines of its own."""
        clock = time.strftime("%H:%M:%S ", time.localtime(record.created)) if self._timed else ""
        line = f"{clock}{record.levelname.lower():7} {one_line(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object a line: at (ms), level, logger, message, and error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        line: dict[str, object] = {
            "at": int(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # A path or a name may hold lone surrogates, which JSON can't.
        whole = {key: value.encode(errors="replace").decode() if isinstance(value, str) else value
                 for key, value in line.items()}  # fmt: skip
        return json_line(whole)


def one_line(text: str) -> str:
    """A text on one line and safe to print: peers choose part of what is logged, and must not forge lines."""
    return printed(text, lambda c: f"\\x{ord(c):02x}")


def _lost(count: int) -> logging.LogRecord:
    return logging.LogRecord("snicher", logging.WARNING, __file__, 0, streams.lines_lost(count), None, None)


def set_up(form: str, level: str, *, timed: bool = True) -> None:
    """Log to stderr in `form` ("text" or "json"), from `level` on. `timed`: lines of text begin with the time."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = JsonLines() if form == "json" else TextLines(timed=timed)
    handler.setFormatter(formatter)
    if isinstance(sys.stderr, streams.Outlet):
        # The line that reports lost lines has the format of the log, too.
        sys.stderr.said_lost = lambda count: formatter.format(_lost(count))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel("WARNING")
