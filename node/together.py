"""The verb `start`: a node and its dashboard with one command, as `honcho start` does it in Snicher's folder.

When one of them ends, the other ends, too; so does Ctrl+C, and a closed terminal (supervisor.py). Law of this file: it
starts two programs and passes on what they print.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence

from node import program
from node.errors import ConfigError
from node.supervisor import HONCHO_VARIABLE

#: What honcho gives back when Ctrl+C or SIGTERM ended it: here that is the normal end.
_ASKED = (130, 143)


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run both until one ends or somebody ends them; returns the exit code of the first that ended. ConfigError."""
    given = _read(argv)
    if os.name == "nt":
        run, dashboard = program.typed("python -m node run"), program.typed("python -m dashboard.app")
        raise ConfigError(f"Windows needs two windows: run `{run}` in one, and `{dashboard}` in the other.")
    # Imported late: no other verb needs it.
    from honcho.manager import Manager
    from honcho.printer import Printer

    home = [] if given.home is None else ["--home", given.home]
    port = [] if given.port is None else ["--port", given.port]
    plain = not sys.stdout.isatty() or bool(environment.get("NO_COLOR"))
    manager = Manager(Printer(sys.stdout, colour=not plain))
    for name, words in (("node", ["run", *home]), ("dashboard", ["dashboard", *home, *port])):
        manager.add_process(name, shlex.join(program.command(*words)), env={**environment, HONCHO_VARIABLE: name})
    manager.loop()
    return 0 if manager.returncode in _ASKED else int(manager.returncode)


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program.typed("python -m node start"),
        description="A node and its dashboard, until Ctrl+C. All other settings come from the environment and"
        " config.toml.",
        allow_abbrev=False,
    )
    parser.add_argument("--home", metavar="DIR", help="the folder that holds everything of this node")
    parser.add_argument("--port", metavar="PORT", help="the port of the dashboard")
    return parser.parse_args(argv)
