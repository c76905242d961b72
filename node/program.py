"""How people start Snicher's programs here: `python -m node ...`, or `snicher ...` where it is installed.

Texts that travel (on the bus, in errors, in the dashboard's files) name a command as one types it in Snicher's folder.
Where Snicher was started as `snicher`, that command doesn't work: the Python of the shell is another one. So whoever
prints or draws such a text passes it through `typed`. What peers wrote never goes through it.

Law of this file: it knows how this process was started, and nothing else.
"""

from __future__ import annotations

import re
import sys

#: The installed program.
NAME = "snicher"
#: What is typed in Snicher's folder, and what where it is installed.
_INSTEAD = {
    "python -m dashboard.app": f"{NAME} dashboard",
    "python -m node": NAME,
    "run this in Snicher's folder": "run this",
}
_KNOWN = re.compile("(" + "|".join(map(re.escape, _INSTEAD)) + r")(?![\w.])")

_installed = False


def be_installed(yes: bool = True) -> None:
    """This process was started as the installed program. Say so before anything else is imported."""
    global _installed
    _installed = yes


def typed(text: str) -> str:
    """A text of our own with its commands as they are typed here."""
    return _KNOWN.sub(lambda found: _INSTEAD[found[0]], text) if _installed else text


def command(*words: str) -> list[str]:
    """The command that starts another Snicher with these arguments.

    In Snicher's folder, Python finds it in the folder. The installed one must never take a `node.py` that happens to
    lie in the user's folder (-P).
    """
    return [sys.executable, *(("-P", "-m", "node.installed") if _installed else ("-m", "node")), *words]
