"""Where the verbs print: how wide it is, whether it is a terminal, and whether in colour.

Law of this file: a line is pieces of text, each with its role. On a pipe it is nothing but the text, whole, and no
library is loaded for it. On a terminal rich writes it, in the 16 colours that people choose for their terminal, so that
they suit a light and a dark one. Nothing in the text is ever taken for markup.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console

#: What a piece of a line is to people; "" is what the most is.
Role = Literal["", "head", "own", "name", "good", "away", "bad", "dim"]
Piece = tuple[str, Role]
Line = Sequence[Piece]

#: How each looks. Only the 16 colours that every terminal has, and of them none that is
#: pale on white (yellow) or on black (blue). Nothing is told by colour alone.
_LOOKS: dict[Role, str] = {
    "": "", "head": "bold", "own": "bold cyan", "name": "bold", "good": "green", "away": "magenta", "bad": "bold red",
    "dim": "dim",
}  # fmt: skip
#: Narrower than this, in characters, nothing is laid out.
LEAST = 24


def is_terminal() -> bool:
    """Whether people look at what is printed."""
    return sys.stdout.isatty()


def width() -> int | None:
    """Characters in a line of the terminal; None: it is none, so that lines have no end."""
    return max(LEAST, shutil.get_terminal_size().columns) if is_terminal() else None


def has_colours() -> bool:
    """Whether colours are wanted: on a terminal that can, unless NO_COLOR is set (https://no-color.org)."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("dumb", "unknown")


def say(line: Line | str) -> None:
    """Print a line."""
    if isinstance(line, str) or not has_colours():
        print(text_of(line))
        return
    from rich.text import Text

    told = Text(end="")
    for text, role in line:
        told.append(text, _LOOKS[role])
    _console().print(told, soft_wrap=True, end="\n")


def say_all(lines: Iterable[Line | str]) -> None:
    """Print some lines."""
    for line in lines:
        say(line)


def text_of(line: Line | str) -> str:
    """A line without its roles."""
    return line if isinstance(line, str) else "".join(text for text, _ in line)


def _console() -> Console:
    from rich.console import Console

    return Console(force_terminal=True, color_system="standard", markup=False, highlight=False, emoji=False)
