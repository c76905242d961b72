"""What can be set: one frozen Config, and the only reader of the node's flags, environment and config file.

Flags come before environment variables, those before config.toml of the home, that before what front ends saved in
the database (node.core.settings), and that before the defaults.
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
from typing import Any, Literal

import msgspec

from node import names
from node.bus import locate, nouns, ownership
from node.core import settings
from node.core.quotas import DEFAULT_QUOTA
from node.errors import ConfigError
from node.model import Address, parse_address
from node.supervisor import HONCHO_VARIABLE

FILE_NAME = ownership.CONFIG
#: Bytes of config.toml; a longer one ends the start. Two hundred lines of comments fit, and reading the worst of this
#: length takes half a second (tomllib takes room for a dotted name by the square of its length).
MAX_FILE_BYTES = 16 * 1024
#: No number in config.toml is larger. (Written in hexadecimal, one may be so large that Python can't print it.)
MAX_NUMBER = 10**12 - 1


class Given(msgspec.Struct, frozen=True):
    """What somebody said of an option: the text, and where."""

    text: str
    source: nouns.Source
    #: The flag, the variable or the file.
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
    #: The settings that were given: front ends can't change these (but for the name, until the node ends).
    fixed: dict[str, settings.Fixed] = {}
    #: All that was given, by key; "home" among them.
    given: dict[str, Given] = {}

    @property
    def name(self) -> str | None:
        """The name that was given. None: the one it had last time, or `default_name` the first time."""
        return self.fixed["name"].value if "name" in self.fixed else None


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
    #: What else than text config.toml may say.
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
        "reconnect",
        "SNICHER_RECONNECT",
        "whether a connection that was asked for is made again when it ends",
        "on",
        "on|off",
        ("on", "off"),
        kind="switch",
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
    """The flags of `python -m node run`, and of a verb that asks what they would give."""
    flags = argparse.ArgumentParser(prog=f"python -m node {verb}", description=about, allow_abbrev=False)
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
    return resolve(vars(parser().parse_args(argv)), environment)


def resolve(flags: Mapping[str, str | None], environment: Mapping[str, str]) -> Config:
    """As `load`, with the flags already read. Raises ConfigError with what to change."""
    given: dict[str, Given] = {}
    if flags["home"] is not None:
        given["home"] = Given(flags["home"], "flag", "--home")
    elif at := environment.get(locate.HOME_VARIABLE):
        given["home"] = Given(at, "environment", locate.HOME_VARIABLE)
    home = locate.find_home(flags["home"], environment)
    file = read_file(home)
    for option in OPTIONS:
        flag, variable, line = flags[option.key], environment.get(option.variable), file.get(option.key)
        if flag is not None:
            given[option.key] = Given(flag, "flag", "--" + option.key.replace("_", "-"))
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
        # Honcho writes the time before each line by itself.
        log_times=HONCHO_VARIABLE not in environment,
        free_space=_megabytes("free_space", given),
        quota=DEFAULT_QUOTA if quota is None else quota,
        fixed=fixed,
        given=given,
    )


def explain(config: Config, now: nouns.Settings, saved: Mapping[str, Any]) -> list[nouns.Option]:
    """Everything that can be set, the home first: what it is, and who says so.

    `now` are the settings in force, `saved` those that the database holds.
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
    """Where an option was given, for an error."""
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
    """So many megabytes in bytes; None when nothing is said."""
    one = given.get(key)
    if one is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", one.text.strip()):
        raise ConfigError(f"{_told(key, one)} is {one.text!r}; it must be a whole number of megabytes.")
    return int(one.text) * 1_000_000


def read_file(home: pathlib.Path) -> dict[str, str]:
    """What config.toml of the home says, as text; nothing when there is none. Raises ConfigError.

    People keep it in a place of its own and link to it, or let the system's administrator write it: it may be a link,
    belong to root and be readable by others. When others can write to it, that is mended once the node has its home,
    because the log begins only then.
    """
    path = home / FILE_NAME
    try:
        ownership.check_home(home, mend=False)
        text = ownership.read_private(path, MAX_FILE_BYTES, forbidden=0, linked=True)
        # Editors of Windows begin a file with a byte-order mark; TOML has none.
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
        # Python reads no decimal number of more digits than sys.get_int_max_str_digits().
        raise ConfigError(f"{path} can't be read: a number in it has too many digits.") from error
    known = {option.key: option for option in OPTIONS}
    for key in content:
        if key not in known:
            raise ConfigError(f"{path}: there is no setting `{key}`; there are {', '.join(sorted(known))}.")
    return {key: _line(path, known[key], value) for key, value in content.items()}


#: What a value in config.toml may be, for each kind of option.
_MAY_BE = {
    "text": "text in quotes",
    "number": "a whole number",
    "switch": "true or false",
    "list": "a list of texts in quotes",
}


def _line(path: pathlib.Path, option: Option, value: Any) -> str:
    """A value of config.toml as flags say it. Text is taken for every kind. Raises ConfigError."""
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
    """What stands in config.toml, as people call it."""
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
