"""What people type for somebody: a name, an id, or an address, whose port may be missing.

Law of this file: the node has the last word. Only when it knows nobody of that name, the usual port is added.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from node.errors import CommandRefused
from node.model import Address, is_ip, normal_host

#: The port that nodes listen on unless they are told otherwise; for an address that is typed without one.
USUAL_PORT = 5000
#: Said once it was taken.
TAKEN = f"No port was typed, so {USUAL_PORT} was taken."
#: How the node refuses a word that is no peer, and no HOST:PORT either.
_UNKNOWN = ("not_found", "invalid_args")


def with_usual_port(typed: str) -> str | None:
    """HOST:PORT of an address without a port: an IP address, `localhost`, or a name with a dot. None: it is no such.

    Nor is a bare IPv6 address whose last group may be meant as the port: the node says how to write that.
    """
    host = typed.strip()
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if is_ip(host):
        shorter, _, last = host.rpartition(":")
        if not bracketed and last.isdecimal() and ":" in shorter and is_ip(shorter):
            return None
    elif bracketed or not (host.casefold() == "localhost" or re.search(r"[^.]\.[^.]", host)):
        return None
    try:
        return str(Address(normal_host(host), USUAL_PORT))
    except ValueError:
        return None


def reached(command: Callable[[str], Any], typed: str) -> Any:
    """Run a command with what was typed; if the node knows nobody of that name, with the usual port, and say so."""
    try:
        return command(typed)
    except CommandRefused as refused:
        whole = with_usual_port(typed) if refused.code in _UNKNOWN else None
        if whole is None:
            raise
    done = command(whole)
    print(TAKEN, file=sys.stderr)
    return done
