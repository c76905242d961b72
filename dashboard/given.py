"""The dashboard's start options: its flags, and PORT of the environment, each checked before anything else.

Law of this file: it reads what it is given and starts nothing. A wrong flag ends with argparse's exit code 2, a wrong
variable with that of ConfigError (78); both name what is wrong and say what is allowed.
"""

from __future__ import annotations

import argparse
import ipaddress
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from dashboard.hosts import DEFAULT_ADDRESS
from node import program
from node.bus import locate
from node.errors import ConfigError

DEFAULT_PORT = 8501
PORT_VARIABLE = "PORT"
#: Characters of a wrong value that an error quotes.
MAX_QUOTED = 100
#: A host name has at most 253 characters (RFC 1035), in labels of letters, digits and hyphens; browsers take
#: underscores as well.
MAX_HOST_CHARS = 253
_LABELS = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63})*")


class Given(msgspec.Struct, frozen=True):
    """The checked start options."""

    home: pathlib.Path
    #: 0 lets the system choose.
    port: int
    #: An IP address, without brackets.
    address: str
    further_hosts: list[str]
    #: Instead of starting: ask running dashboards for another link, or stop them. `only_port` None: all of the home.
    link: bool = False
    stop: bool = False
    only_port: int | None = None


def read(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> Given:
    """Read the flags (None: those of this process) and the environment. Raises ConfigError, or SystemExit for usage."""
    parser = argparse.ArgumentParser(
        prog=program.typed("python -m dashboard.app"), description="Snicher's web dashboard.", allow_abbrev=False
    )
    parser.add_argument("--home", help="the node's home (default: SNICHER_HOME or the platform's data folder)")
    parser.add_argument("--port", type=_flag(port_of), help=f"default: {PORT_VARIABLE} or {DEFAULT_PORT}; 0: any")
    parser.add_argument(
        "--listen", type=_flag(address_of), metavar="ADDRESS", help="an IP address; default: this machine only"
    )
    parser.add_argument(
        "--allow-host", type=_flag(host_of), action="append", metavar="NAME", help="a further name it goes by"
    )
    parser.add_argument(
        "--stop", action="store_true", help="end the running dashboards of this home (with --port: that one only)"
    )
    parser.add_argument(
        "--link", action="store_true", help="print another link to the running dashboards (with --port: to that one)"
    )
    flags = parser.parse_args(arguments)
    asks = flags.stop or flags.link
    if asks and (flags.listen is not None or flags.allow_host or (flags.stop and flags.link)):
        parser.error("--stop and --link each take --home and --port only")
    port = DEFAULT_PORT
    if flags.port is not None:
        port = flags.port
    elif not asks and (variable := environment.get(PORT_VARIABLE)):
        try:
            port = port_of(variable)
        except ValueError as error:
            raise ConfigError(f"{PORT_VARIABLE} in the environment: {error}") from error
    return Given(
        home=locate.find_home(flags.home, environment),
        port=port,
        address=flags.listen or DEFAULT_ADDRESS,
        further_hosts=flags.allow_host or [],
        link=flags.link,
        stop=flags.stop,
        only_port=flags.port,
    )


def port_of(text: str) -> int:
    """A port from its digits. Raises ValueError with a sentence."""
    digits = text.strip()
    if not re.fullmatch(r"[0-9]{1,5}", digits) or int(digits) > 65535:
        raise ValueError(
            f"{_quoted(text)} is not a port; it is a whole number from 1 to 65535, or 0 for any that is free."
        )
    return int(digits)


def address_of(text: str) -> str:
    """An IP address to listen on, without brackets; `localhost` is 127.0.0.1. Raises ValueError with a sentence."""
    name = text.strip()
    if name.lower() == "localhost":
        return DEFAULT_ADDRESS
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if "%" in name:
        raise ValueError(
            f"{_quoted(text)} has a zone (after %), which browsers don't take in an address. Use another address of "
            "this machine."
        )
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        raise ValueError(
            f"{_quoted(text)} is not an address of this machine; it is an IP address without a port, such as 127.0.0.1,"
            " ::1, or 0.0.0.0 for all of them. Names go into --allow-host."
        ) from None


def host_of(text: str) -> str:
    """A host name of the dashboard, in lower case; an IPv6 address in brackets. Raises ValueError with a sentence."""
    name = text.strip().lower().rstrip(".")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        if len(name) <= MAX_HOST_CHARS and _LABELS.fullmatch(name):
            return name
    else:
        return f"[{bare}]" if address.version == 6 else bare
    raise ValueError(
        f"{_quoted(text)} is not a host name; it is what stands between http:// and the port in the browser, such as"
        " chat.example.org (a name with other letters in its xn-- form)."
    )


def _flag(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A parser whose errors argparse shows: it prints the sentences of its own exceptions only."""

    def read_one(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read_one


def _quoted(text: str) -> str:
    return ascii(text) if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]!a}..."
