"""What can be set: one frozen Config, and the only reader of the node's flags, environment and config file.

Flags come before environment variables, those before config.toml of the home, and that before the defaults.
"""

from __future__ import annotations

import argparse
import getpass
import os
import pathlib
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from node.bus import locate
from node.bus.messages import MAX_NAME_CHARS
from node.errors import ConfigError
from node.model import Address, parse_address

FILE_NAME = "config.toml"


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


class Option(msgspec.Struct, frozen=True):
    """One thing that can be set: `--key` (with dashes), its environment variable, and `key` in config.toml."""

    key: str
    variable: str
    meaning: str
    default: str
    metavar: str
    choices: tuple[str, ...] = ()


OPTIONS = (
    Option("name", "SNICHER_NAME", "the team name that others see", "your user name", "NAME"),
    Option("listen", "SNICHER_LISTEN", "where peers connect; 0.0.0.0 means everywhere", "0.0.0.0:5000", "HOST:PORT"),
    Option("bus", "SNICHER_BUS", "where front ends connect: ipc or tcp://HOST:PORT", "ipc", "ENDPOINT"),
    Option("log_format", "SNICHER_LOG_FORMAT", "text, or json for machines", "text", "FORMAT", ("text", "json")),
    Option(
        "log_level", "SNICHER_LOG_LEVEL", "how much is logged", "info", "LEVEL", ("debug", "info", "warning", "error")
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
            (environment.get(option.variable) or None, option.variable),
            (file.get(option.key), f"`{option.key}` in {home / FILE_NAME}"),
        ):
            if value is not None:
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
            parse_address(rest, allow_zero=True)
        except ValueError as error:
            raise ConfigError(f"{sources['bus']}: {error}") from error
    return Config(
        home=home,
        listen=listen,
        name=name,
        default_name=_user_name(),
        bus=bus,
        log_format=values.get("log_format", "text"),
        log_level=values.get("log_level", "info"),
    )


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
