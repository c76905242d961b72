"""Asking for a passphrase: on the terminal, or from a file or standard input for scripts.

Never on the command line and never in the environment, which other programs can see.
"""

from __future__ import annotations

import argparse
import codecs
import getpass
import os
import pathlib
import stat
import sys
from typing import BinaryIO

from node.errors import PassphraseRefused
from node.printable import plain

#: A new passphrase has at least so many characters. Guessing is slow (each try costs 128 MB for some tenths of a
#: second), but whoever has the file can guess for years.
MIN_CHARS = 8
#: And at least so many different ones.
MIN_DIFFERENT = 4
#: Most bytes of a passphrase.
MAX_BYTES = 1024
#: Stands for standard input.
STANDARD_INPUT = "-"


def add_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--passphrase-file` to a parser."""
    parser.add_argument(
        "--passphrase-file",
        metavar="PATH",
        help="for scripts: the passphrase is the first line of this file; - is standard input",
    )


def new(source: str | None, what: str) -> str:
    """A passphrase for something new; on a terminal it is asked for twice. Raises PassphraseRefused."""
    if source is not None:
        found = _from_file(source)
        _check(found)
        return found
    found = _ask(f"A new passphrase for {what}: ")
    _check(found)
    if _ask("The same again: ") != found:
        raise PassphraseRefused("The two passphrases differ. Nothing was written.")
    return found


def known(source: str | None, what: str) -> str:
    """The passphrase of something that exists. Raises PassphraseRefused."""
    found = _ask(f"The passphrase of {plain(what)}: ") if source is None else _from_file(source)
    if not found:
        raise PassphraseRefused("The passphrase is empty. Nothing was changed.")
    return found


def _check(passphrase: str) -> None:
    if not passphrase:
        raise PassphraseRefused("The passphrase is empty, so it would protect nothing. Nothing was written.")
    if len(passphrase) < MIN_CHARS or len(set(passphrase)) < MIN_DIFFERENT:
        raise PassphraseRefused(
            f"The passphrase is too easy to guess: it needs at least {MIN_CHARS} characters, and {MIN_DIFFERENT} "
            "different ones. Four random words are good. Nothing was written."
        )


def _ask(prompt: str) -> str:
    # Otherwise getpass would read from standard input, and show what is typed.
    if not sys.stdin.isatty():
        raise PassphraseRefused(
            "A passphrase is needed, and there is no terminal to ask for it. Give it in a file, with "
            "--passphrase-file PATH, or on standard input, with --passphrase-file -"
        )
    try:
        return _checked(getpass.getpass(prompt).encode(errors="surrogateescape"), "what was typed")
    except EOFError:
        raise PassphraseRefused("No passphrase was typed. Nothing was done.") from None


def _from_file(source: str) -> str:
    try:
        if source == STANDARD_INPUT:
            return _first_line(sys.stdin.buffer, "standard input")
        path = pathlib.Path(source)
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if os.name != "nt" and stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
                print(f"{plain(source)} can be read by other users: chmod 600 it.", file=sys.stderr)
            return _first_line(file, source)
    except OSError as error:
        raise PassphraseRefused(f"The passphrase can't be read from {source}: {error.strerror}.") from error
    except ValueError:
        raise PassphraseRefused(f"The passphrase can't be read from {source!r}: no file has such a name.") from None


def _first_line(file: BinaryIO, where: str) -> str:
    # Windows editors put a byte-order mark at the beginning.
    line = file.readline(MAX_BYTES + 8).removeprefix(codecs.BOM_UTF8)
    return _checked(line.removesuffix(b"\n").removesuffix(b"\r"), where)


def _checked(content: bytes, where: str) -> str:
    if len(content) > MAX_BYTES:
        raise PassphraseRefused(f"The passphrase from {where} has more than {MAX_BYTES} bytes.")
    try:
        found = content.decode()
    except UnicodeDecodeError:
        raise PassphraseRefused(f"The passphrase from {where} isn't text in UTF-8.") from None
    if "\0" in found:
        raise PassphraseRefused(f"The passphrase from {where} has a NUL in it.")
    return found
