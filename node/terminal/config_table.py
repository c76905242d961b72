"""`python -m node config`: all options, their values, and the source of each value.

It asks the running node. If none runs, or flags of `run` are given, it works out from flags, environment and home which
values a start like that would have.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from node import config
from node.bus import locate, nouns, ownership
from node.bus.client import Client
from node.core import settings
from node.errors import ConfigError, NodeAway
from node.printable import flat, json_line, plain
from node.store.database import FILE_NAME
from node.store.reader import Reader
from node.terminal import columns, screen
from node.terminal.columns import Column, Row

#: How long a node that seems to run may take to answer, in seconds.
TIMEOUT = 3.0
#: Widest value column, in characters. A longer value shifts the rest of its own line only.
WIDEST = 44


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print the table, or with --json one object a line; returns the exit code. Raises SnicherError."""
    flags = config.parser("config", "What can be set, what it is, and who says so.")
    flags.add_argument("--json", action="store_true", help="one JSON object a line")
    options = vars(flags.parse_args(argv))
    as_json = options.pop("json")
    found = None
    if not any(value is not None for key, value in options.items() if key != "home"):
        found = _asked(locate.find_home(options["home"], environment))
    if found is None:
        found = _worked_out(config.resolve(options, environment))
        print("Worked out for a start like this; no running node was asked.", file=sys.stderr)
    if as_json:
        for one in found:
            print(json_line(one))
    else:
        screen.say_all(table(found, screen.width()))
    return 0


def _asked(home: pathlib.Path) -> list[nouns.Option] | None:
    """The options as the running node reports them; None when no node runs."""
    with Client(home, name="console config", timeout=TIMEOUT) as client:
        try:
            return client.config()
        except NodeAway:
            return None


def _worked_out(found: config.Config) -> list[nouns.Option]:
    now, saved = in_force(found)
    return config.explain(found, now, saved)


def in_force(found: config.Config) -> tuple[nouns.Settings, dict[str, Any]]:
    """The settings that a start with this configuration would have, and those saved in the database.

    Raises ConfigError or StoreError.
    """
    saved: dict[str, Any] = {}
    if (found.home / FILE_NAME).exists():
        try:
            ownership.check_home(found.home)
            ownership.check_contents(found.home)
        except OSError as error:
            raise ConfigError(f"The home {found.home} can't be used: {error.strerror} ({error.filename}).") from error
        reader = Reader(found.home)
        try:
            saved = settings.saved_for(reader.saved(), reader.settings())
        finally:
            reader.close()
    return settings.in_force(found.default_name, saved, found.fixed), saved


def table(found: Sequence[nouns.Option], width: int | None) -> list[screen.Line | str]:
    """The table that people read: key, value, and source of each option. `width` None: for a pipe."""
    rows = [(one.key, flat(one.value) or "(none)", plain(f"{one.source} {one.where}".strip())) for one in found]
    if width is not None:
        cells: list[list[screen.Piece]] = [
            [(key, "name"), (value, ""), (source, "dim" if source == "default" else "good")]
            for key, value, source in rows
        ]
        titles = (Column("SETTING"), Column("VALUE", WIDEST), Column("COMES FROM", label="from "))
        return list(columns.table(titles, [Row(row) for row in cells], width))
    rows.insert(0, ("setting", "value", "comes from"))
    # One long list of peers must not push the last column out of sight on every line.
    widths = [min(WIDEST, max(columns.cells(row[column]) for row in rows)) for column in range(2)]
    return ["  ".join((*map(columns.padded, row[:2], widths), row[2])) for row in rows]
