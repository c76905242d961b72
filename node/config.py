"""What can be set: one frozen Config, and the only reader of the node's flags, environment and config file.

Flags come before environment variables, those before config.toml of the home, and that before the defaults.
"""

from __future__ import annotations

import argparse
import getpass
import os
import pathlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from node.bus import locate
from node.bus.messages import MAX_NAME_CHARS
from node.core.quotas import DEFAULT_QUOTA
from node.errors import ConfigError
from node.model import Address, MandatoryPeer, parse_address, parse_mandatory

FILE_NAME = "config.toml"
#: Whom the older program greets, and where they exist. (tests/support/WIRE.md, section 6)
DEFAULT_MANDATORY = "10.206.4.122:1255@10.206.0.0/16,10.206.5.228:6555@10.206.0.0/16"
DEFAULT_GREETING = "Mandatory message: Hello from our peer!"
#: Mandatory peers; a longer list is refused. Each is dialled at the same moment.
MAX_MANDATORY = 32
#: Characters of the greeting; a longer one is refused: old clients read 1,024 bytes.
MAX_GREETING_CHARS = 500


class Config(msgspec.Struct, frozen=True):
    """Everything that is fixed while a node runs."""

    home: pathlib.Path
    listen: Address
    #: None: the name it had last time, or `default_name` the first time.
    name: str | None
    default_name: str
    #: "ipc", or tcp://HOST:PORT (commands are on PORT + 1; 0 lets the system choose both).
    bus: str
    log_format: str
    log_level: str
    #: Who is greeted once at each start, with what, and whether only from within their networks ("on" or "off").
    mandatory: tuple[MandatoryPeer, ...]
    mandatory_greeting: str
    mandatory_rule: str
    #: Bytes to leave free on the disk (None: 200 MB, or 1 % of a small disk), and bytes a source may cost in a day.
    free_space: int | None
    quota: int


class Option(msgspec.Struct, frozen=True):
    """One thing that can be set: `--key` (with dashes), its environment variable, and `key` in config.toml."""

    key: str
    variable: str
    meaning: str
    default: str
    metavar: str
    choices: tuple[str, ...] = ()
    #: An empty variable says something: nothing. Others then say nothing at all.
    empty: bool = False


OPTIONS = (
    Option("name", "SNICHER_NAME", "the team name that others see", "your user name", "NAME"),
    Option("listen", "SNICHER_LISTEN", "where peers connect; 0.0.0.0 means everywhere", "0.0.0.0:5000", "HOST:PORT"),
    Option("bus", "SNICHER_BUS", "where front ends connect: ipc or tcp://HOST:PORT", "ipc", "ENDPOINT"),
    Option("log_format", "SNICHER_LOG_FORMAT", "text, or json for machines", "text", "FORMAT", ("text", "json")),
    Option(
        "log_level", "SNICHER_LOG_LEVEL", "how much is logged", "info", "LEVEL", ("debug", "info", "warning", "error")
    ),
    Option(
        "mandatory",
        "SNICHER_MANDATORY",
        "peers greeted once at each start: IP:PORT or IP:PORT@NETWORK, commas between; empty for none",
        "the older program's two, on their campus only",
        "LIST",
        empty=True,
    ),
    Option(
        "mandatory_greeting",
        "SNICHER_MANDATORY_GREETING",
        "what they are told",
        DEFAULT_GREETING,
        "TEXT",
    ),
    Option(
        "mandatory_rule",
        "SNICHER_MANDATORY_RULE",
        "whether one with a network is greeted only by a machine in it",
        "on",
        "on|off",
        ("on", "off"),
    ),
    Option(
        "free_space",
        "SNICHER_FREE_SPACE",
        "megabytes to leave free on the disk; 0 for none",
        "200, or a hundredth of a small disk",
        "MB",
    ),
    Option(
        "quota", "SNICHER_QUOTA", "megabytes that one plain address may store here in a day; 0 for any", "200", "MB"
    ),
)


def parser() -> argparse.ArgumentParser:
    """The flags of `python -m node run`."""
    flags = argparse.ArgumentParser(
        prog="python -m node run", description="Run a node: headless, until it is stopped.", allow_abbrev=False
    )
    flags.add_argument(
        "--home", metavar="DIR", help="the folder that holds everything of this node (also SNICHER_HOME)"
    )
    for option in OPTIONS:
        flags.add_argument(
            "--" + option.key.replace("_", "-"),
            metavar=option.metavar,
            choices=option.choices or None,
            help=f"{option.meaning} (also {option.variable}; default: {option.default})",
        )
    return flags


def load(argv: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration for these flags and this environment. Raises ConfigError with what to change."""
    flags = vars(parser().parse_args(argv))
    home = locate.find_home(flags["home"] or environment.get(locate.HOME_VARIABLE))
    file = read_file(home)
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for option in OPTIONS:
        for value, source in (
            (flags[option.key], "--" + option.key.replace("_", "-")),
            (environment.get(option.variable), option.variable),
            (file.get(option.key), f"`{option.key}` in {home / FILE_NAME}"),
        ):
            if value or (value is not None and (option.empty or source != option.variable)):
                values[option.key], sources[option.key] = value, source
                break
        chosen = values.get(option.key)
        if chosen is not None and option.choices and chosen not in option.choices:
            raise ConfigError(f"{sources[option.key]} is {chosen!r}; it must be one of {', '.join(option.choices)}.")
    name = values.get("name")
    if name is not None:
        name = name.strip()
        if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
            raise ConfigError(f"{sources['name']}: a name has 1 to {MAX_NAME_CHARS} characters and no line breaks.")
    try:
        listen = parse_address(values.get("listen", "0.0.0.0:5000"), allow_zero=True)
    except ValueError as error:
        raise ConfigError(f"{sources['listen']}: {error}") from error
    bus = values.get("bus", "tcp://127.0.0.1:0" if os.name == "nt" else "ipc")
    if bus != "ipc":
        try:
            scheme, _, rest = bus.partition("://")
            if scheme != "tcp":
                raise ValueError(f"{bus!r} is neither ipc nor tcp://HOST:PORT.")
            if parse_address(rest, allow_zero=True).port == 65535:
                raise ValueError("Commands are on PORT + 1, so PORT is 65534 at most.")
        except ValueError as error:
            raise ConfigError(f"{sources['bus']}: {error}") from error
    mandatory, greeting = _mandatory(values, sources)
    quota = _megabytes("quota", values, sources)
    return Config(
        home=home,
        listen=listen,
        name=name,
        default_name=_user_name(),
        bus=bus,
        log_format=values.get("log_format", "text"),
        log_level=values.get("log_level", "info"),
        mandatory=mandatory,
        mandatory_greeting=greeting,
        mandatory_rule=values.get("mandatory_rule", "on"),
        free_space=_megabytes("free_space", values, sources),
        quota=DEFAULT_QUOTA if quota is None else quota,
    )


def _megabytes(key: str, values: Mapping[str, str], sources: Mapping[str, str]) -> int | None:
    """So many megabytes in bytes; None when nothing is said."""
    text = values.get(key)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise ConfigError(f"{sources[key]} is {text!r}; it must be a whole number of megabytes.")
    return int(text) * 1_000_000


def _mandatory(values: Mapping[str, str], sources: Mapping[str, str]) -> tuple[tuple[MandatoryPeer, ...], str]:
    """Who is greeted at the start, and with what."""
    listed = values.get("mandatory", DEFAULT_MANDATORY)
    try:
        found = tuple(dict.fromkeys(parse_mandatory(one) for one in listed.split(",") if one.strip()))
    except ValueError as error:
        raise ConfigError(f"{sources['mandatory']}: {error}") from error
    if len(found) > MAX_MANDATORY:
        raise ConfigError(f"{sources['mandatory']}: at most {MAX_MANDATORY} peers.")
    greeting = values.get("mandatory_greeting", DEFAULT_GREETING).strip()
    if not 1 <= len(greeting) <= MAX_GREETING_CHARS or not greeting.isprintable():
        raise ConfigError(
            f"{sources['mandatory_greeting']}: a greeting has 1 to {MAX_GREETING_CHARS} characters and no line breaks."
        )
    return found, greeting


def read_file(home: pathlib.Path) -> dict[str, str]:
    """What config.toml of the home says; nothing when there is none. Raises ConfigError."""
    path = home / FILE_NAME
    try:
        with path.open("rb") as file:
            content: dict[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}.") from error
    known = {option.key for option in OPTIONS}
    for key, value in content.items():
        if key not in known:
            raise ConfigError(f"{path}: there is no setting `{key}`; there are {', '.join(sorted(known))}.")
        if not isinstance(value, str):
            raise ConfigError(f"{path}: `{key}` must be text in quotes.")
    return content


def _user_name() -> str:
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    return name.strip()[:MAX_NAME_CHARS] if name.strip().isprintable() and name.strip() else "anon"
