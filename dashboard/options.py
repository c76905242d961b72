"""All options for the Settings page, with their values and sources.

Law of this file: it asks the node and keeps nothing. A part that the node doesn't tell (it is away, or older) is None,
and the page shows it as unknown. The parts that the model knows are shown even then.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from dashboard import schema, viewmodel, wording
from dashboard.feed import Asker
from node.bus import nouns
from node.bus import requests as rq
from node.errors import BusProtocolError, CommandRefused, NodeAway
from node.model import short_code

_Result = TypeVar("_Result", bound=msgspec.Struct)

#: Sources of values that only a new start of the node can change.
FIXED = frozenset({"flag", "environment", "file"})
#: Characters of a PeerId; addresses are shorter.
PEER_ID_CHARS = 52


class OptionView(msgspec.Struct, frozen=True):
    """One option. `value` is text as in flags and variables."""

    key: str
    value: str
    meaning: str
    #: The source of the value, in words, and how to change it; empty when it can be changed here.
    origin: str
    how: str
    #: Whether the node's start has fixed it, so that it can't be changed here.
    fixed: bool
    #: Whether a change takes effect at the next start only.
    restart: bool


class GreetingView(msgspec.Struct, frozen=True):
    """The outcome of greeting a mandatory peer at this start."""

    address: str
    label: str
    tone: str
    why: str
    at: int


class BlockedView(msgspec.Struct, frozen=True):
    """Somebody who is blocked. `what`: the code of a node, or where plain clients speak from."""

    id: str
    name: str
    what: str
    at: int


class OptionsView(msgspec.Struct, frozen=True):
    """The whole page. `settings`: the typed values of settings that people may change; null: unknown."""

    settings: dict[str, Any]
    #: All options, by key; null: the node didn't tell.
    options: dict[str, OptionView] | None
    greetings: list[GreetingView]
    home: str | None
    program: str | None
    database: str | None
    free: str | None
    messages: int | None
    kept_events: int | None
    oldest: int | None
    #: The one blocked last comes first.
    blocked: list[BlockedView] = []


class Changed(msgspec.Struct, frozen=True):
    """The settings as the node has committed them."""

    settings: dict[str, Any]


async def view(asker: Asker, model: viewmodel.Model) -> OptionsView:
    """The page as of now."""
    # Don't wait for a node that is away; the page asks again when it is back.
    status = await _ask(asker, "status", rq.StatusResult) if model.absent is None else None
    config = await _ask(asker, "config", rq.ConfigResult) if status else None
    stats = await _ask(asker, "stats", rq.StatsResult) if status else None
    state = model.state
    options = None if config is None else {one.key: _option(one) for one in config.settings}
    return OptionsView(
        settings=_settings(state.settings, options) if state else {},
        options=options,
        greetings=[_greeting(one) for one in state.greetings.values()] if state else [],
        home=wording.clean_text(status.home) if status else None,
        program=wording.clean_name(status.program, "?") if status else None,
        database=wording.size(stats.database_bytes) if stats else None,
        free=wording.size(stats.free_bytes) if stats else None,
        messages=stats.messages if stats else None,
        kept_events=stats.kept_events if stats else None,
        oldest=stats.oldest if stats else None,
        blocked=[_blocked(one) for one in reversed(state.blocked.values())] if state else [],
    )  # fmt: skip


async def change(asker: Asker, changes: dict[str, Any], key: str) -> Changed:
    """Change settings; returns once the node has them on disk.

    Raises CommandRefused (invalid_args and setting_fixed say which and why), NodeAway or BusProtocolError.
    """
    answer: rq.SettingsResult = await asker.ask("settings", rq.SettingsArgs(**changes), key=key)
    return Changed(_settings(answer.settings, None))


async def named(asker: Asker) -> schema.Named:
    """This node's name, and whether anybody has chosen it. Raises CommandRefused, NodeAway or BusProtocolError."""
    config: rq.ConfigResult = await asker.ask("config")
    name = next((one for one in config.settings if one.key == "name"), None)
    # A node that doesn't tell isn't asked about it.
    return schema.Named(
        wording.clean_name(name.value, "") if name else "", chosen=name is None or name.source != "default"
    )


def has_heard(model: viewmodel.Model, changed: Changed) -> bool:
    """Whether the model holds what was committed."""
    return model.state is None or _settings(model.state.settings, None) == changed.settings


async def _ask(asker: Asker, op: str, kind: type[_Result]) -> _Result | None:
    """The result of a command; None when the node is away or doesn't know the command."""
    try:
        answer = await asker.ask(op)
    except (NodeAway, CommandRefused, BusProtocolError):
        return None
    return answer if isinstance(answer, kind) else None


def _settings(settings: nouns.Settings, options: dict[str, OptionView] | None) -> dict[str, Any]:
    """The settings by key. One that isn't among the node's options doesn't exist in that version."""
    found: dict[str, Any] = msgspec.structs.asdict(settings)
    found["name"] = wording.clean_name(settings.name, "")
    if options is None:
        return found
    return {key: value if key in options or key in ("name", "reconnect") else None for key, value in found.items()}


def _option(one: nouns.Option) -> OptionView:
    where = wording.clean_text(one.where)
    origin = {
        "flag": f"Set by {where}",
        "environment": f"Set by {where} in the environment",
        "file": f"Set in {where}",
        "saved": "Saved by this node",
        "default": "The default",
    }.get(one.source, wording.clean_name(one.source, "Unknown"))
    fixed = one.source in FIXED
    how = f"{origin} when the node was started: change it there, and start the node again." if fixed else ""
    if one.key == "name" and fixed:
        # The name is the exception: it may be changed while the node runs.
        fixed, how = False, f"{origin} when the node was started: a change here may last only until it ends."
    value, meaning = wording.clean_text(one.value), wording.clean_text(one.meaning)
    return OptionView(one.key, value, meaning, origin, how, fixed, one.restart)


def _blocked(one: nouns.Blocked) -> BlockedView:
    if len(one.id) == PEER_ID_CHARS:
        code = " · ".join(wording.code_groups(short_code(one.id)))
        return BlockedView(one.id, wording.clean_name(one.name, "a node"), f"Code {code}", one.at)
    address = wording.clean_name(one.id, "?")
    return BlockedView(one.id, wording.clean_name(one.name, address), f"Plain clients at {address}", one.at)


def _greeting(one: nouns.Greeting) -> GreetingView:
    said = wording.greeting(one)
    return GreetingView(wording.clean_name(one.address), said.label, said.tone, said.why, one.at)
