"""The verb `doctor`: what is wrong when somebody doesn't show, and what to do about it.

Law of this file: a client of the bus. What others call themselves is printed with nothing in it that could steer a
terminal; the terminal's width decides how it is laid out, and nothing is told by colour.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterable

from node import program
from node.bus.client import Client
from node.bus.diagnosis import Check, Diagnosis
from node.printable import flat
from node.terminal.columns import cells, padded, wrapped
from node.terminal.lines import clock, moment
from node.terminal.patience import patiently
from node.terminal.said import print_json

#: Exit codes: nothing fails, or something does.
WELL, FAILS = 0, 1
#: How often the node is asked how far it is, and how long at most, in seconds. An examination takes up to 14.
LOOK_S, PATIENCE_S = 0.2, 25.0
#: Below this width, in characters, what was found stands below its title. Narrower than the least isn't written.
NARROW, LEAST = 64, 24
#: The width of a line that has no end.
ENDLESS = 1_000_000
#: The columns of a check, up to what was found.
_MARK, _TITLE = 9, 12
#: Only these are faults that the exit code tells.
_FAULT = "fails"


def doctor(client: Client, options: argparse.Namespace) -> int:
    """Examine, print what was found, and return the exit code."""
    found = examined(client, options.peer, again=options.again)
    if options.json:
        print_json(found)
    else:
        print("\n".join(lines(found, width(), int(time.time() * 1000))))
    return exit_code(found)


def width() -> int:
    """Characters in a line: those of the terminal, or of COLUMNS; else, on a pipe, lines have no end."""
    return shutil.get_terminal_size((ENDLESS, 24)).columns


def examined(client: Client, peer: str | None, *, again: bool) -> Diagnosis:
    """What the node's doctor finds, once it is done."""
    until = time.monotonic() + PATIENCE_S
    found: Diagnosis = patiently(lambda: client.doctor(peer, again=again))
    if found.running and sys.stderr.isatty():
        print("Looking around...", file=sys.stderr)
    while found.running and time.monotonic() < until:
        time.sleep(LOOK_S)
        found = client.doctor(peer)
    return found


def exit_code(found: Diagnosis) -> int:
    """1 when something fails, in the verdict or in a check or at the peer; else 0."""
    states = [found.state, *(one.state for one in found.checks)]
    states += [one.state for one in (found.key, found.clock) if one is not None]
    return FAILS if _FAULT in states else WELL


def lines(found: Diagnosis, width: int, now: int) -> list[str]:
    """A diagnosis as people read it, no line longer than `width` unless it is a command or an address."""
    width = max(LEAST, width - 1)
    told = wrapped(flat(found.verdict) or "Nothing is known yet.", width)
    told += wrapped(flat(found.meaning), width, "  ")
    told.append("")
    for check in found.checks:
        told += _check(check, width)
    if found.addresses:
        told += ["", "Your addresses"]
        told += _table([(one.address, one.interface, one.state, flat(one.said)) for one in found.addresses], width)
    if found.peer is not None:
        told += ["", f"Paths to {flat(found.name)}"]
        rows: list[tuple[str, ...]] = []
        for one in found.paths:
            ms = "" if one.ms is None else f"{one.ms} ms" if one.ms < 1000 else f"{one.ms / 1000:.1f} s"
            since = "" if one.since is None else f" Since {moment(one.since, now)}."
            rows.append((one.path, one.interface, ms, one.answer, flat(one.reason) + since))
        told += _table(rows, width) if rows else ["  No address is known."]
        for what, finding in (("Key", found.key), ("Clock", found.clock)):
            if finding is not None:
                told += _hanging(f"  {what:8} {finding.state:9} ", flat(finding.said), width)
    ago = f" at {clock(found.at)}" if found.at else ""
    how = "It isn't done yet" if found.running else f"Checked{ago}, took {found.took_ms / 1000:.1f} s"
    return [*told, "", *wrapped(f"{how}.", width)]


def _check(check: Check, width: int) -> Iterable[str]:
    state, name = flat(check.state), flat(check.title)
    if width < NARROW:
        told = [f"  {state:{_MARK}} {name}"]
        indent = "    "
        told += _wrapped(flat(program.typed(check.said)), width, indent)
    else:
        head = f"  {state:{_MARK}} {name:{_TITLE}} "
        indent = " " * len(head)
        told = _hanging(head, flat(program.typed(check.said)), width)
    if check.remedy:
        told += _wrapped(flat(program.typed(check.remedy)), width, indent)
    if check.command:
        # It is to be copied, so it isn't broken.
        told.append(f"{indent}{flat(program.typed(check.command))}")
    return told


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return wrapped(text, max(LEAST, width), indent)


def _hanging(head: str, text: str, width: int) -> list[str]:
    """Text behind a head, its further lines below its first."""
    if width < NARROW:
        return [head.rstrip(), *_wrapped(text, width, "    ")]
    return wrapped(text, width, head, " " * cells(head)) or [head.rstrip()]


def _table(rows: list[tuple[str, ...]], width: int) -> list[str]:
    """Rows in columns, the last one wrapped; on a narrow terminal, each row's last one stands below."""
    columns = len(rows[0]) - 1
    widths = [max((cells(flat(row[at])) for row in rows), default=0) for at in range(columns)]
    told = []
    for row in rows:
        side = [padded(flat(cell), size) for cell, size in zip(row, widths, strict=False)]
        head = "  " + "  ".join(cell for cell, size in zip(side, widths, strict=True) if size) + "  "
        if cells(head.rstrip()) > width:
            head = "  " + "  ".join(filter(None, map(flat, row[:-1])))
        if cells(head) > width * 2 // 3:
            told += [head.rstrip(), *_wrapped(row[-1], width, "      ")]
        else:
            told += (
                _hanging(head, row[-1], width)
                if width >= NARROW
                else [head.rstrip(), *_wrapped(row[-1], width, "      ")]
            )
    return told
