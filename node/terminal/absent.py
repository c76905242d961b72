"""What the verb `doctor` can say while no node answers: whether one runs, and whether its home and port are usable.

It dials nobody: it reads the lock of the home, and asks the system for the port for a moment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import shlex
import socket
import sys
import time
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from node import config
from node.bus.diagnosis import Check, Diagnosis
from node.errors import ConfigError, NodeAway
from node.model import Address
from node.peers import occupied
from node.printable import json_line
from node.terminal import doctor, unanswered


def told(argv: Sequence[str], environment: Mapping[str, str], error: NodeAway) -> int:
    """Print what is known of a node that doesn't answer; returns the exit code. `argv`: that of the verb."""
    # Its flags were understood before, so nothing is checked here.
    given = list(argv)
    home = given[given.index("--home") + 1] if "--home" in given[:-1] else None
    home = next((one.partition("=")[2] for one in given if one.startswith("--home=")), home)
    found = diagnosed(home, environment, error)
    if "--json" in given:
        print(json_line(found))
    else:
        print("\n".join(doctor.lines(found, doctor.width(), int(time.time() * 1000))))
    return error.exit_code


def diagnosed(home: str | None, environment: Mapping[str, str], error: NodeAway) -> Diagnosis:
    """What is known without a node. `error`: why it didn't answer."""
    now = int(time.time() * 1000)

    try:
        settled = config.load([] if home is None else ["--home", home], environment)
    except ConfigError as wrong:
        return Diagnosis(
            at=now, state="fails", verdict="No node answers. A node would not even start like this.",
            checks=[_check(now, "node", "This node", "fails", str(wrong))],
        )  # fmt: skip
    where, run = settled.home, f"python -m node run --home {shlex.quote(str(settled.home))}"
    runs = unanswered.holder(where) is not None
    if runs:
        checks = [_check(now, "node", "This node", "fails", str(error))]
    else:
        checks = [_check(now, "node", "This node", "fails", f"No node runs on {where}.", "Start it:", run)]
    checks.append(_home(where, _check(now, "home", "Its home", "well", f"{where} is there, and can be written.")))
    if not runs:
        checks.append(_port(settled.listen, now))
    verdict = "A node runs, and doesn't answer." if runs else "No node runs here. Nobody can see you, or be reached."
    return Diagnosis(at=now, took_ms=int(time.time() * 1000) - now, state="fails", verdict=verdict, checks=checks)


def _home(home: pathlib.Path, well: Check) -> Check:
    if not home.exists():
        return replace(well, state="untried", said=f"{home} isn't there yet; the first start makes it.")
    if not os.access(home, os.W_OK | os.X_OK):
        return replace(well, state="fails", said=f"{home} can't be written by this user.")
    return well


def _port(listen: Address, at: int) -> Check:
    title = f"Port {listen.port}"
    own = occupied.node_on(listen)
    if own is not None:
        pid, home = own
        return _check(
            at, "port", title, "fails", f"It is taken by a node of your own (pid {pid}, home {home}).",
            "Ask that one, or stop it:", f"python -m node doctor --home {shlex.quote(str(home))}",
        )  # fmt: skip
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as sock:
        if sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((listen.host, listen.port))
        except OSError as error:
            words = {
                errno.EADDRINUSE: "It is taken by another program.",
                errno.EADDRNOTAVAIL: f"{listen.host} is no address of this machine.",
                errno.EACCES: "This user may not listen on it.",
            }
            said = words.get(error.errno or 0, f"It can't be listened on: {error.strerror}.")
            return _check(
                at, "port", title, "fails", said, "Take another one:",
                f"python -m node run --listen {str(Address(listen.host, 0)).removesuffix('0')}PORT",
            )  # fmt: skip
    return _check(at, "port", title, "well", f"It is free at {listen.host}.")


def _check(at: int, key: str, title: str, state: str, said: str, remedy: str = "", command: str = "") -> Check:
    return Check(key=key, title=title, state=state, said=said, remedy=remedy, command=command, at=at)
