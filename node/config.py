"""The configuration: one frozen Config, and the only reader of the node's flags, environment and config file.

Precedence, highest first: flags, environment variables, config.toml of the home, settings that front ends saved in the
database (node.core.settings), defaults.
"""

from __future__ import annotations

import argparse
import codecs
import getpass
import os
import pathlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec

from node import names, program
from node.bus import locate, nouns, ownership
from node.core import settings
from node.core.quotas import DEFAULT_QUOTA
from node.errors import ConfigError
from node.model import Address, parse_address
from node.supervisor import HONCHO_VARIABLE

FILE_NAME = ownership.CONFIG
#: Largest config.toml, in bytes; with a longer one the node doesn't start. Two hundred lines of comments fit. Parsing
#: the worst file of this size takes half a second (tomllib's memory grows with the square of a dotted name's length).
MAX_FILE_BYTES = 16 * 1024
#: Largest number in config.toml. (In hexadecimal, Python reads numbers too large for it to print.)
MAX_NUMBER = 10**12 - 1


class Given(msgspec.Struct, frozen=True):
    """The value given for an option, as text, and where it was given."""

    text: str
    source: nouns.Source
    #: Name of the flag, the variable or the file.
    where: str


class Config(msgspec.Struct, frozen=True):
    """Everything that is fixed while a node runs."""

    home: pathlib.Path
    listen: Address
    default_name: str
    #: "ipc", or tcp://HOST:PORT (commands are on PORT + 1; 0 lets the system choose both).
    bus: str
    log_format: str
    log_level: str
    #: Whether lines of text begin with the time.
    log_times: bool
    #: Bytes to leave free on the disk (None: 200 MB, or 1 % of a small disk), and bytes a source may cost in a day.
    free_space: int | None
    quota: int
    #: Keys of settings given here. Front ends can't change these, except the name, which they change for this run only.
    fixed: dict[str, settings.Fixed] = {}
    #: Every option that was given, by key, with "home".
    given: dict[str, Given] = {}

    @property
    def name(self) -> str | None:
        """The name that was given. None: use the last name, or `default_name` on the first start."""
        return self.fixed["name"].value if "name" in self.fixed else None


class Option(msgspec.Struct, frozen=True):
    """One thing that can be set: `--key` (with dashes), its environment variable, and `key` in config.toml."""

    key: str
    variable: str
    meaning: str
    default: str
    metavar: str
    choices: tuple[str, ...] = ()
    #: Whether an empty environment variable sets an empty value. For other options it counts as not set.
    empty: bool = False
    #: What its flag is called, if not as the key; such a flag may be given several times.
    flag: str = ""
    #: The type that config.toml may use besides text.
    kind: Literal["text", "number", "switch", "list"] = "text"


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
        kind="list",
    ),
    Option(
        "mandatory_greeting",
        "SNICHER_MANDATORY_GREETING",
        "what they are told",
        nouns.DEFAULT_GREETING,
        "TEXT",
    ),
    Option(
        "mandatory_rule",
        "SNICHER_MANDATORY_RULE",
        "whether one with a network is greeted only by a machine in it",
        "on",
        "on|off",
        ("on", "off"),
        kind="switch",
    ),
    Option(
        "static_peers",
        "SNICHER_STATIC_PEERS",
        "peers that are always to be linked, as HOST:PORT, commas between; the flag may be given several times",
        "none",
        "HOST:PORT",
        empty=True,
        flag="--peer",
        kind="list",
    ),
    Option(
        "presence",
        "SNICHER_PRESENCE",
        "what linked nodes are told of you: online, away, or nothing (invisible)",
        "online",
        "PRESENCE",
        get_args(nouns.OwnPresence),
    ),
    Option("status", "SNICHER_STATUS", "a line about you that linked nodes are told", "none", "TEXT", empty=True),
    Option(
        "reconnect",
        "SNICHER_RECONNECT",
        "whether a connection that was asked for is made again when it ends",
        "on",
        "on|off",
        ("on", "off"),
        kind="switch",
    ),
    Option(
        "share_reading",
        "SNICHER_SHARE_READING",
        "whether others in direct chats are told what was read here, and when somebody types",
        "on",
        "on|off",
        ("on", "off"),
        kind="switch",
    ),
    Option(
        "accept_nodes",
        "SNICHER_ACCEPT_NODES",
        "what unknown nodes say waits as a request (ask), is taken (everybody) or is refused (nobody)",
        "ask",
        "WHO",
        get_args(nouns.AcceptNodes),
    ),
    Option(
        "accept_plain",
        "SNICHER_ACCEPT_PLAIN",
        "from which plain clients messages are taken: everybody, those that are known, or nobody",
        "everybody",
        "WHO",
        get_args(nouns.AcceptPlain),
    ),
    Option(
        "discovery",
        "SNICHER_DISCOVERY",
        "whether nodes on the same network find each other (on), are only listed unless known (ask), or neither (off)",
        "on",
        "HOW",
        get_args(nouns.Discovery),
    ),
    Option(
        "keep_events",
        "SNICHER_KEEP_EVENTS",
        "how many events the log keeps, for front ends that were away",
        "1000000",
        "NUMBER",
        kind="number",
    ),
    Option(
        "keep_days",
        "SNICHER_KEEP_DAYS",
        "how many days messages are kept; 0 for ever",
        "0",
        "DAYS",
        kind="number",
    ),
    Option(
        "free_space",
        "SNICHER_FREE_SPACE",
        "megabytes to leave free on the disk; 0 for none",
        "200, or a hundredth of a small disk",
        "MB",
        kind="number",
    ),
    Option(
        "quota",
        "SNICHER_QUOTA",
        "megabytes that one plain address may store here in a day; 0 for any",
        "200",
        "MB",
        kind="number",
    ),
)


def parser(verb: str = "run", about: str = "Run a node: headless, until it is stopped.") -> argparse.ArgumentParser:
    """A parser for the flags of `python -m node run`, which `config` takes too."""
    flags = argparse.ArgumentParser(prog=program.typed(f"python -m node {verb}"), description=about, allow_abbrev=False)
    flags.add_argument(
        "--home", metavar="DIR", help="the folder that holds everything of this node (also SNICHER_HOME)"
    )
    for option in OPTIONS:
        flags.add_argument(
            _flag(option),
            dest=option.key,
            action="append" if option.flag else "store",
            metavar=option.metavar,
            choices=option.choices or None,
            help=f"{option.meaning} (also {option.variable}; default: {option.default})",
        )
    return flags


def _flag(option: Option) -> str:
    return option.flag or "--" + option.key.replace("_", "-")


def load(argv: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration for these flags and this environment. Raises ConfigError, which says what to change."""
    return resolve(vars(parser().parse_args(argv)), environment)


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Config:
    """As `load`, with parsed flags. Raises ConfigError, which says what to change."""
    given: dict[str, Given] = {}
    if flags["home"] is not None:
        given["home"] = Given(flags["home"], "flag", "--home")
    elif at := environment.get(locate.HOME_VARIABLE):
        given["home"] = Given(at, "environment", locate.HOME_VARIABLE)
    home = locate.find_home(flags["home"], environment)
    file = read_file(home)
    for option in OPTIONS:
        said, variable, line = flags[option.key], environment.get(option.variable), file.get(option.key)
        if said is not None:
            flag = said if isinstance(said, str) else ",".join(said)
            given[option.key] = Given(flag, "flag", _flag(option))
        elif variable or (variable is not None and option.empty):
            given[option.key] = Given(variable, "environment", option.variable)
        elif line is not None:
            given[option.key] = Given(line, "file", str(home / FILE_NAME))
        one = given.get(option.key)
        if one is not None and option.choices and one.text not in option.choices:
            raise ConfigError(
                f"{_told(option.key, one)} is {one.text!r}; it must be one of {', '.join(option.choices)}."
            )
    fixed: dict[str, settings.Fixed] = {}
    for key, one in given.items():
        if key in settings.KEYS:
            try:
                fixed[key] = settings.Fixed(settings.from_text(key, one.text), one.source, one.where)
            except ValueError as error:
                raise ConfigError(f"{_told(key, one)}: {error}") from error
    quota = _megabytes("quota", given)
    return Config(
        home=home,
        listen=_listen(given),
        default_name=_user_name(),
        bus=_bus(given),
        log_format=_text("log_format", given) or "text",
        log_level=_text("log_level", given) or "info",
        # Honcho puts the time before each line itself.
        log_times=HONCHO_VARIABLE not in environment,
        free_space=_megabytes("free_space", given),
        quota=DEFAULT_QUOTA if quota is None else quota,
        fixed=fixed,
        given=given,
    )


def explain(config: Config, now: nouns.Settings, saved: Mapping[str, Any]) -> list[nouns.Option]:
    """All options, the home first: the present value of each, and which source it comes from.

    `now` holds the settings in force, `saved` those in the database.
    """
    home = config.given.get("home")
    found = [
        nouns.Option(
            key="home",
            value=str(config.home),
            source="default" if home is None else home.source,
            where="" if home is None else home.where,
            meaning="the folder that holds everything of this node",
            default="the user-data folder of the system",
            restart=True,
        )
    ]
    for option in OPTIONS:
        key, one = option.key, config.given.get(option.key)
        value = option.default if one is None else one.text
        source: nouns.Source = "default" if one is None else one.source
        where = "" if one is None else one.where
        if key in settings.KEYS:
            in_force = getattr(now, key)
            value = settings.to_text(in_force)
            if one is None and key in saved:
                source, where = "saved", str(config.home / "snicher.db")
            elif key in config.fixed and in_force != config.fixed[key].value:
                source, where = "saved", f"until the node ends; at each start {where} says {one.text if one else ''!r}"
        found.append(
            nouns.Option(
                key=key,
                value=value,
                source=source,
                where=where,
                meaning=option.meaning,
                default=option.default,
                restart=key not in settings.KEYS or key in settings.AT_START,
            )
        )
    return found


def _told(key: str, one: Given) -> str:
    """The place where an option was given, for an error sentence."""
    return f"`{key}` in {one.where}" if one.source == "file" else one.where


def _text(key: str, given: Mapping[str, Given]) -> str | None:
    one = given.get(key)
    return None if one is None else one.text


def _listen(given: Mapping[str, Given]) -> Address:
    try:
        return parse_address(_text("listen", given) or "0.0.0.0:5000", allow_zero=True)
    except ValueError as error:
        raise ConfigError(f"{_told('listen', given['listen'])}: {error}") from error


def _bus(given: Mapping[str, Given]) -> str:
    bus = _text("bus", given) or ("tcp://127.0.0.1:0" if os.name == "nt" else "ipc")
    if bus != "ipc":
        try:
            scheme, _, rest = bus.partition("://")
            if scheme != "tcp":
                raise ValueError(f"{bus!r} is neither ipc nor tcp://HOST:PORT.")
            if parse_address(rest, allow_zero=True).port == 65535:
                raise ValueError("Commands are on PORT + 1, so PORT is 65534 at most.")
        except ValueError as error:
            raise ConfigError(f"{_told('bus', given['bus'])}: {error}") from error
    return bus


def _megabytes(key: str, given: Mapping[str, Given]) -> int | None:
    """An option in megabytes, as bytes; None when it wasn't given."""
    one = given.get(key)
    if one is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", one.text.strip()):
        raise ConfigError(f"{_told(key, one)} is {one.text!r}; it must be a whole number of megabytes.")
    return int(one.text) * 1_000_000


def read_file(home: pathlib.Path) -> dict[str, str]:
    """The values in config.toml of the home, as text; empty when there is no such file. Raises ConfigError.

    The file may be a symbolic link, belong to root and be readable by others, because people keep it elsewhere or have
    an administrator write it. If others can write to it, the node corrects its mode later, once it owns the home and
    can log that.
    """
    path = home / FILE_NAME
    try:
        ownership.check_home(home, mend=False)
        text = ownership.read_private(path, MAX_FILE_BYTES, forbidden=0, linked=True)
        # Windows editors put a byte-order mark at the beginning; TOML doesn't allow one.
        content: dict[str, Any] = tomllib.loads(text.removeprefix(codecs.BOM_UTF8).decode())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} can't be read: its brackets or its dotted names are nested too deeply.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ConfigError(f"{path} can't be read: it is in UTF-16; save it as UTF-8.") from error
        raise ConfigError(f"{path} can't be read: {error}.") from error
    except ValueError as error:
        # Python doesn't convert decimal numbers with more digits than sys.get_int_max_str_digits().
        raise ConfigError(f"{path} can't be read: a number in it has too many digits.") from error
    known = {option.key: option for option in OPTIONS}
    for key in content:
        if key not in known:
            raise ConfigError(f"{path}: there is no setting `{key}`; there are {', '.join(sorted(known))}.")
    return {key: _line(path, known[key], value) for key, value in content.items()}


#: What an error says a value in config.toml must be, for each kind of option.
_MAY_BE = {
    "text": "text in quotes",
    "number": "a whole number",
    "switch": "true or false",
    "list": "a list of texts in quotes",
}


def _line(path: pathlib.Path, option: Option, value: Any) -> str:
    """A value of config.toml, written as a flag's value. Text is accepted for every kind. Raises ConfigError."""
    if isinstance(value, str):
        return value
    if option.kind == "switch" and isinstance(value, bool):
        return "on" if value else "off"
    if option.kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > MAX_NUMBER:
            raise ConfigError(f"{path}: `{option.key}` is a number of more than {len(str(MAX_NUMBER))} digits.")
        return str(value)
    if option.kind == "list" and isinstance(value, list):
        if all(isinstance(one, str) and "," not in one for one in value):
            return ",".join(value)
        raise ConfigError(f"{path}: each of `{option.key}` must be one text in quotes, without a comma.")
    raise ConfigError(f"{path}: `{option.key}` must be {_MAY_BE[option.kind]}, not {_named(value)}.")


def _named(value: Any) -> str:
    """What people call a wrong value of config.toml, for an error sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and abs(value) > MAX_NUMBER:
        return "a very large number"
    return str(value)


def _user_name() -> str:
    try:
        return names.checked(getpass.getuser()[: names.MAX_CHARS])
    except (OSError, KeyError, ImportError, ValueError):
        return "anon"
