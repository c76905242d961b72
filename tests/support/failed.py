"""A pytest plugin: writes which tests failed, a line each, into the file that FAILED_TO names."""

from __future__ import annotations

import os
import pathlib

from _pytest.terminal import TerminalReporter

#: The environment variable with that file's path.
FAILED_TO = "TESTS_FAILED_TO"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """At the end, in the process that collects what the others report."""
    path = os.environ.get(FAILED_TO)
    if path:
        stats = terminalreporter.stats
        ids = dict.fromkeys(report.nodeid for report in [*stats.get("failed", []), *stats.get("error", [])])
        pathlib.Path(path).write_text("".join(f"{one}\n" for one in ids))
