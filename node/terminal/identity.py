"""`python -m node identity`: who this node is, and its key in people's hands: export it, import it elsewhere.

It works on the files of the home, so a node may run meanwhile or not. Exit codes beside the usual ones: 2 a passphrase
that can't be taken, 65 the file is damaged, 66 there is no such file or it is of another kind, 73 something is there
already, 74 the disk refuses, 75 a node runs there, 76 a newer Snicher wrote the file, 77 the passphrase is wrong.
"""

from __future__ import annotations

import argparse
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from node import config, program
from node.bus import locate, locks, ownership
from node.bus.client import Client
from node.bus.encoding import sound
from node.errors import BusError, ConfigError, HomeInUse, HomeRefused, KeptFileError, StoreError
from node.model import short_code
from node.printable import flat, json_line, plain
from node.store import files, identity, importing, sealed
from node.terminal import config_table, passphrases

#: How long a node that seems to run may take to tell its name, in seconds.
TIMEOUT = 3.0
#: What it means that two machines have one identity.
TWO_MACHINES = (
    "Two machines may run with one identity: both work, and to others they are one person. A message to you goes\n"
    'to one of them first, so "delivered" means on one of your machines. Each gets what it lacks from the people\n'
    "you talk with."
)
#: What an exported identity is worth.
KEEP = "Whoever has this file and the passphrase can be you. Without the passphrase nobody can open it, you neither."


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one of the three; returns the exit code. Raises SnicherError."""
    options = _parser().parse_args(argv, argparse.Namespace(home=None, json=False))
    home = locate.find_home(options.home, environment)
    if options.action == "export":
        _export(home, options)
    elif options.action == "import":
        _import(home, options)
    else:
        _show(home, options, environment)
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    # A value that stands before `export` must not be replaced by the default of a flag behind it.
    common.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help="the node's home (also SNICHER_HOME)")
    common.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a line")
    about = "Who this node is: name, id, code, when its key was made and where it lies."
    parser = argparse.ArgumentParser(
        prog=program.typed("python -m node identity"), description=about, parents=[common], allow_abbrev=False
    )
    actions = parser.add_subparsers(dest="action", metavar="export | import")

    def action(name: str, about: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=about, description=about, parents=[common], allow_abbrev=False)
        made.add_argument("file", metavar="FILE")
        passphrases.add_flag(made)
        return made

    export = action("export", "Write the key to FILE, encrypted with a passphrase.")
    export.add_argument("--force", action="store_true", help="replace FILE when it is there already")
    action("import", "Make the key in FILE the identity of a home in which no node has run yet.")
    return parser


# -- who it is


def _show(home: pathlib.Path, options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    _check(home)
    one = identity.read(home)
    pid = locks.holder(home / locks.NODE_LOCK, locks.pid_in)
    found: dict[str, Any] = {
        "name": _name(home, pid is not None, environment),
        "id": one.peer,
        "code": short_code(one.peer),
        "made": one.made,
        "key": str(home / identity.FILE_NAME),
        "runs": pid is not None,
        "pid": pid or None,
    }
    if options.json:
        print(json_line(found))
        return
    print(flat(found["name"]) or "(its name can't be found out)")
    print(f"code  {found['code']}")
    print(f"id    {one.peer}")
    print(f"made  {_time(one.made)}")
    print(f"key   {plain(found['key'])}")
    print(f"node  {'does not run' if pid is None else f'runs (pid {pid})' if pid else 'runs'}")


def _time(made: str) -> str:
    return f"{made[:10]} {made[11:19]} UTC"


def _check(home: pathlib.Path) -> None:
    """Refuse a home that isn't ours alone. Raises HomeRefused or KeptFileError."""
    try:
        ownership.check_home(home)
    except OSError as error:
        raise KeptFileError(f"{home} can't be read: {error.strerror}.") from error


def _name(home: pathlib.Path, runs: bool, environment: Mapping[str, str]) -> str:
    """What the node calls itself, or would at its next start; "" when that can't be found out."""
    if runs:
        try:
            with Client(home, name="console identity", timeout=TIMEOUT) as client:
                return client.status().self.name
        except HomeRefused:
            raise
        except BusError:
            pass
    try:
        return config_table.in_force(config.load(["--home", str(home)], environment))[0].name
    except HomeRefused:
        raise
    except (ConfigError, StoreError):
        # Whoever wants to save a key must not be stopped by a line of config.toml.
        return ""


# -- its key


def _export(home: pathlib.Path, options: argparse.Namespace) -> None:
    path = files.named(options.file)
    _check(home)
    one = identity.read(home)
    files.check_outside(path, home)
    files.check_free(path, force=options.force)
    passphrase = passphrases.new(options.passphrase_file, "the exported identity")
    files.write(path, sealed.seal(one.key, one.made, passphrase), force=options.force)
    if options.json:
        print(json_line({"file": sound(str(path)), "id": one.peer, "code": short_code(one.peer)}))
        return
    print(f"The identity {short_code(one.peer)} is in {plain(str(path))}, encrypted.")
    print(KEEP)
    take = program.typed("python -m node identity import")
    print(f"On another machine, before its first start: {take} {plain(shlex.quote(path.name))}")


def read_sealed(path: pathlib.Path) -> sealed.Sealed:
    """An exported identity. Raises FileUnfit, FileDamaged, FileTooNew or KeptFileError."""
    with files.open_kept(path) as file:
        try:
            content = file.read(sealed.MAX_BYTES + 1)
        except OSError as error:
            raise KeptFileError(f"{path} can't be read: {error.strerror}.") from error
    return sealed.read(content, str(path))


def _import(home: pathlib.Path, options: argparse.Namespace) -> None:
    path = files.named(options.file)
    _check(home)
    found = read_sealed(path)
    # What can be refused is refused before a passphrase is asked for.
    _refuse_running(home)
    importing.check_free(home, found.peer)
    passphrase = passphrases.known(options.passphrase_file, f"the identity {short_code(found.peer)}")
    importing.put(home, sealed.unseal(found, passphrase, str(path)), found.made)
    if options.json:
        print(json_line({"home": str(home), "id": found.peer, "code": short_code(found.peer)}))
        return
    print(f"{plain(str(home))} is now {short_code(found.peer)}, made {_made(found)}.")
    run = program.typed("python -m node run")
    print(f"A node that starts there has this code: {run} --home {plain(shlex.quote(str(home)))}")
    print(program.typed("Its conversations don't come along: those are in a backup (python -m node backup)."))
    print(TWO_MACHINES)


def _made(found: sealed.Sealed) -> str:
    return "nobody knows when" if found.made == sealed.UNKNOWN else _time(found.made)


def _refuse_running(home: pathlib.Path) -> None:
    pid = locks.holder(home / locks.NODE_LOCK, locks.pid_in)
    if pid is not None:
        raise HomeInUse(
            f"A node runs on {home}{f' (pid {pid})' if pid else ''}, so this home is somebody already. "
            "Import into a new home with --home DIR."
        )
