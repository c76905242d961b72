"""Settings: what each may be, which value is in force, and which a front end may change. Pure.

What flags, the environment or config.toml say is fixed; after it comes what front ends saved, and last the default.
The name is the exception: it stays what it was last time, and a fixed one may be changed until the node ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from node import names
from node.bus import bounds, nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.model import parse_mandatory
from node.printable import printed

#: Events the log may be told to keep: fewer would make front ends start afresh that slept for a moment, and more than
#: a disk holds is no bound.
KEEP_EVENTS = (10_000, 100_000_000)
#: Days that messages may be told to be kept: a hundred years. 0 is for ever.
MAX_KEEP_DAYS = 36_500
#: Mandatory peers; a longer list is refused. Each is dialled at the same moment.
MAX_MANDATORY = 32
#: Characters of the greeting; a longer one is refused: old clients read 1,024 bytes.
MAX_GREETING_CHARS = 500
#: Settings that count from the next start on.
AT_START = frozenset({"mandatory", "mandatory_greeting", "mandatory_rule"})
#: All settings, in the order of the noun.
KEYS = nouns.Settings.__struct_fields__
TYPES: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(nouns.Settings)}


class Fixed(NamedTuple):
    """What the start said of a setting: its value, and who said it ("flag", "--name")."""

    value: Any
    source: nouns.Source
    where: str


def checked(key: str, value: Any) -> Any:
    """The value of a setting as it is kept. Raises ValueError with a sentence that says what it may be."""
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
    """A setting as flags and variables say it. Raises ValueError with a sentence."""
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
    """A setting as flags and variables say it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(value) if isinstance(value, list) else str(value)


def in_force(default_name: str, saved: Mapping[str, Any], fixed: Mapping[str, Fixed]) -> nouns.Settings:
    """The settings at a start. What was saved and can't be used any more gives way to the default."""
    usable = {}
    for key in KEYS:
        if key in saved:
            try:
                usable[key] = checked(key, msgspec.convert(saved[key], TYPES[key]))
            except (ValueError, msgspec.ValidationError):
                continue
    return nouns.Settings(**{"name": default_name, **usable, **{key: one.value for key, one in fixed.items()}})


def saved_for(saved: Mapping[str, Any] | None, found: nouns.Settings | None) -> dict[str, Any]:
    """What counts as saved. An older Snicher had two settings, kept both in force, and didn't tell them apart."""
    if saved is not None or found is None:
        return dict(saved or {})
    return {"name": found.name} if found.reconnect else {"name": found.name, "reconnect": False}


def checked_reset(args: rq.SettingsArgs) -> frozenset[str]:
    """The settings that are to be as if no front end had changed them. Raises CommandRefused when one can't be."""
    for key in args.reset:
        if key not in KEYS:
            raise CommandRefused("invalid_args", f"`reset`: there is no setting {key[: bounds.MAX_NAME_CHARS]!r}.")
        if getattr(args, key) is not None:
            raise CommandRefused("invalid_args", f"`{key}` can't be changed and reset at once.", details={"key": key})
    return frozenset(args.reset)


def changed(now: nouns.Settings, args: rq.SettingsArgs, fixed: Mapping[str, Fixed]) -> dict[str, Any]:
    """What a front end's change makes different. Raises CommandRefused when any of it can't be: then nothing is."""
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
