"""Dashboard servers for tests, forked from a process that has everything imported.

A start by `python -m dashboard.app` imports for half a second of CPU. A fork has it all. test_app.py, test_installed.py
and others start the program as people do.
"""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess

from dashboard import app

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: What the server imports when it starts, and what at its first page.
IMPORTED = [__name__, "dashboard.registry", "dashboard.drafts", "dashboard.when", "segno"]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(IMPORTED)


def start(arguments: Sequence[str], environment: Mapping[str, str], output: pathlib.Path) -> ForkServerProcess:
    """Start a dashboard server. What it says on its standard error goes to the file `output`."""
    process = _context.Process(target=_run, args=(list(arguments), dict(environment), str(output)))
    process.start()
    return process


def _run(arguments: list[str], environment: dict[str, str], output: str) -> None:
    """In the process of the server."""
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.argv = [app.__file__, *arguments]
    sys.exit(app.main(arguments))
