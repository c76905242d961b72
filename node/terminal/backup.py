"""`python -m node backup` and `python -m node restore`: everything of a node in one file, and back.

A node may run on the home while it is backed up. Exit codes beside the usual ones: those of `python -m node identity`
(identity.py).
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import node
from node import program
from node.bus import locate
from node.bus.encoding import sound
from node.model import short_code
from node.printable import flat, json_line, plain
from node.store import archive, backup, files, restoring, sealed
from node.store.identity import Identity
from node.terminal import passphrases
from node.terminal.identity import TWO_MACHINES

#: Said at each backup that holds the key in clear.
IN_CLEAR = (
    "WARNING: the backup holds your key in clear. Whoever gets this file can be you, and can read everything in it. "
    "Encrypt the key with --passphrase."
)
#: Said at each backup whose key is encrypted.
STILL_CLEAR = "The key in it is encrypted. The messages are not: whoever gets this file can read them."


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Make a backup; returns the exit code. Raises SnicherError."""
    parser = _parser("backup", "Write everything of a node to FILE: messages, key, config.toml. A node may run on it.")
    parser.add_argument("--force", action="store_true", help="replace FILE when it is there already")
    parser.add_argument(
        "--passphrase", action="store_true", help="encrypt the key in it with a passphrase, asked for on the terminal"
    )
    options = parser.parse_args(argv)
    home, path = locate.find_home(options.home, environment), files.named(options.file)
    files.check_free(path, force=options.force)
    seal = None
    if options.passphrase or options.passphrase_file is not None:
        backup.check_home(home)
        passphrase = passphrases.new(options.passphrase_file, "the key in the backup")

        def seal_it(one: Identity) -> bytes:
            return sealed.seal(one.key, one.made, passphrase)

        seal = seal_it
    manifest = backup.make(home, path, node.__version__, force=options.force, seal=seal)
    size = path.stat().st_size
    if options.json:
        print(json_line({"file": sound(str(path)), "size": size, "manifest": msgspec.to_builtins(manifest)}))
    else:
        print(f"{plain(str(path))} has {files.megabytes(size)} with {_messages(manifest)} of {_who(manifest)}.")
        restore = program.typed("python -m node restore")
        print(f"To make a home of it: {restore} {plain(shlex.quote(path.name))} --home DIR")
    print(IN_CLEAR if seal is None else STILL_CLEAR, file=sys.stderr)
    return 0


def restore(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Make a home from a backup; returns the exit code. Raises SnicherError."""
    options = _parser("restore", "Make a home from the backup FILE, where none is yet.").parse_args(argv)
    home, path = locate.find_home(options.home, environment), files.named(options.file)

    def unseal(found: sealed.Sealed) -> Ed25519PrivateKey:
        passphrase = passphrases.known(options.passphrase_file, f"the key in the backup ({short_code(found.peer)})")
        return sealed.unseal(found, passphrase, str(path))

    manifest = restoring.restore(path, home, unseal)
    if options.json:
        print(json_line({"home": str(home), "manifest": msgspec.to_builtins(manifest)}))
        return 0
    print(f"{plain(str(home))} holds {_messages(manifest)} of {_who(manifest)}, as of {_made(manifest)}.")
    if manifest.size_of(archive.CONFIG):
        print("Its config.toml is the old one: look through it when this is another machine.")
    print(f"Start it with: {program.typed('python -m node run')} --home {plain(shlex.quote(str(home)))}")
    print("What was said after the backup comes again from Snicher nodes that have it, as they are met.")
    print(TWO_MACHINES)
    return 0


def _parser(verb: str, about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program.typed(f"python -m node {verb}"), description=about, allow_abbrev=False
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--home", metavar="DIR", help="the node's home (also SNICHER_HOME)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    passphrases.add_flag(parser)
    return parser


def _messages(manifest: archive.Manifest) -> str:
    return "1 message" if manifest.messages == 1 else f"{manifest.messages:,} messages"


def _who(manifest: archive.Manifest) -> str:
    return f"{flat(manifest.name)[: archive.MAX_SHOWN] or 'a node'} ({short_code(manifest.id)})"


def _made(manifest: archive.Manifest) -> str:
    return flat(manifest.made)[: archive.MAX_SHOWN]
