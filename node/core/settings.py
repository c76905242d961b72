"""Settings: their valid values, the value in force, and what front ends may change. Pure.

Flags, environment and config.toml fix a setting. Next in precedence is the value saved by front ends, then the default.
The name is the exception: the last name is remembered if you omit the flag, and a fixed name may be changed until the
node ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import msgspec

from node import names
from node.bus import bounds, nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.model import parse_mandatory
from node.printable import printed

#: Bounds of `keep_events`. With fewer events, front ends would resynchronise after each short sleep; more than a disk
#: holds is no bound.
KEEP_EVENTS = (10_000, 100_000_000)
#: Most days in `keep_days`: a hundred years. 0 is for ever.
MAX_KEEP_DAYS = 36_500
#: Most mandatory peers, because all are dialled at the same moment.
MAX_MANDATORY = 32
#: Longest greeting, in characters: old clients read 1,024 bytes at once.
MAX_GREETING_CHARS = 500
#: Settings whose changes take effect at the next start.
AT_START = frozenset({"mandatory", "mandatory_greeting", "mandatory_rule"})
#: All settings, in the order of the noun.
KEYS = nouns.Settings.__struct_fields__
TYPES: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(nouns.Settings)}


_CHOICES = {"accept_nodes": nouns.AcceptNodes, "accept_plain": nouns.AcceptPlain, "discovery": nouns.Discovery}


class Fixed(NamedTuple):
    """A value fixed at the start, and its source, such as ("flag", "--name")."""

    value: Any
    source: nouns.Source
    where: str


def checked(key: str, value: Any) -> Any:
    """The value of a setting in stored form. Raises ValueError with a sentence that says what is valid."""
    match key:
        case "name":
            return names.checked(value)
        case "keep_events":
            least, most = KEEP_EVENTS
            if not least <= value <= most:
                raise ValueError(f"{least:,} to {most:,} events can be kept, not {value:,}.")
        case "keep_days":
            if not 0 <= value <= MAX_KEEP_DAYS:
                raise ValueError(f"Messages are kept for 0 (for ever) to {MAX_KEEP_DAYS:,} days, not {value:,}.")
        case "accept_nodes" | "accept_plain" | "discovery":
            allowed = get_args(_CHOICES[key])
            if value not in allowed:
                raise ValueError(f"It is {', '.join(allowed[:-1])} or {allowed[-1]}, not {value!r}.")
        case "mandatory":
            if len(value) > MAX_MANDATORY:
                raise ValueError(f"At most {MAX_MANDATORY} peers are greeted.")
            return list(dict.fromkeys(str(parse_mandatory(one)) for one in value))
        case "mandatory_greeting":
            greeting: str = value.strip()
            if not 1 <= len(greeting) <= MAX_GREETING_CHARS or printed(greeting, "") != greeting:
                raise ValueError(
                    f"A greeting has 1 to {MAX_GREETING_CHARS} characters, no line breaks and nothing invisible."
                )
            return greeting
        case "mandatory_rule":
            if value not in ("on", "off"):
                raise ValueError(f"It is on or off, not {value!r}.")
    return value


def from_text(key: str, text: str) -> Any:
    """Parse a setting from the text of a flag or variable. Raises ValueError with a sentence."""
    kind = TYPES[key]
    if kind is bool:
        if text not in ("on", "off"):
            raise ValueError(f"It is on or off, not {text!r}.")
        return text == "on"
    if kind is int:
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
            raise ValueError(f"It is a whole number, not {text!r}.")
        return checked(key, int(text))
    if kind == list[str]:
        return checked(key, [one for one in text.split(",") if one.strip()])
    return checked(key, text)


def to_text(value: Any) -> str:
    """A setting's value as the text of a flag or variable."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(value) if isinstance(value, list) else str(value)


def in_force(default_name: str, saved: Mapping[str, Any], fixed: Mapping[str, Fixed]) -> nouns.Settings:
    """The settings in force at a start. A saved value that isn't valid any more is replaced by the default."""
    usable = {}
    for key in KEYS:
        if key in saved:
            try:
                usable[key] = checked(key, msgspec.convert(saved[key], TYPES[key]))
            except (ValueError, msgspec.ValidationError):
                continue
    return nouns.Settings(**{"name": default_name, **usable, **{key: one.value for key, one in fixed.items()}})


def saved_for(saved: Mapping[str, Any] | None, found: nouns.Settings | None) -> dict[str, Any]:
    """The saved settings. An older Snicher stored its two settings as they were in force, defaults included."""
    if saved is not None or found is None:
        return dict(saved or {})
    return {"name": found.name} if found.reconnect else {"name": found.name, "reconnect": False}


def checked_reset(args: rq.SettingsArgs) -> frozenset[str]:
    """The names in `reset`, checked. Raises CommandRefused."""
    for key in args.reset:
        if key not in KEYS:
            raise CommandRefused("invalid_args", f"`reset`: there is no setting {key[: bounds.MAX_NAME_CHARS]!r}.")
        if getattr(args, key) is not None:
            raise CommandRefused("invalid_args", f"`{key}` can't be changed and reset at once.", details={"key": key})
    return frozenset(args.reset)


def changed(now: nouns.Settings, args: rq.SettingsArgs, fixed: Mapping[str, Fixed]) -> dict[str, Any]:
    """The changes that a front end's command makes. All or nothing: raises CommandRefused if any isn't allowed."""
    found = {}
    for key in KEYS:
        wanted = getattr(args, key)
        if wanted is None:
            continue
        try:
            value = checked(key, wanted)
        except ValueError as error:
            raise CommandRefused("invalid_args", str(error), details={"key": key}) from error
        if value == getattr(now, key):
            continue
        said = fixed.get(key)
        if said is not None and key != "name":
            details = {"key": key, "source": said.source, "where": said.where}
            raise CommandRefused(
                "setting_fixed", f"`{key}` is fixed by {said.where}; change it there.", details=details
            )
        found[key] = value
    return found
