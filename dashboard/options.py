"""What can be set, what it is, and where that comes from: for the Settings page.

Law of this file: it asks the node and keeps nothing. Each part that the node doesn't tell (it is away, or older) is
None, and the page says that it is unknown; what the model knows stands even then.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from dashboard import viewmodel, wording
from dashboard.feed import Asker
from node.bus import nouns
from node.bus import requests as rq
from node.errors import BusProtocolError, CommandRefused, NodeAway

_Result = TypeVar("_Result", bound=msgspec.Struct)

#: Sources that only a start of the node can change.
FIXED = frozenset({"flag", "environment", "file"})


class OptionView(msgspec.Struct, frozen=True):
    """One thing that can be set. `value` is text as flags and variables say it."""

    key: str
    value: str
    meaning: str
    #: Where the value comes from, in words, and what to do to change it; empty when it can be changed here.
    origin: str
    how: str
    #: Fixed by the node's start: it can't be changed here.
    fixed: bool
    #: A change counts from the next start on only.
    restart: bool


class GreetingView(msgspec.Struct, frozen=True):
    """What became of greeting a mandatory peer at this start."""

    address: str
    label: str
    tone: str
    why: str
    at: int


class OptionsView(msgspec.Struct, frozen=True):
    """The whole page. `settings`: those that people may change, typed; null where not known."""

    settings: dict[str, Any]
    #: Everything that can be set, by key; null: the node didn't tell.
    options: dict[str, OptionView] | None
    greetings: list[GreetingView]
    home: str | None
    program: str | None
    database: str | None
    free: str | None
    messages: int | None
    kept_events: int | None
    oldest: int | None


class Changed(msgspec.Struct, frozen=True):
    """The settings as the node has committed them."""

    settings: dict[str, Any]


async def view(asker: Asker, model: viewmodel.Model) -> OptionsView:
    """All there is to show right now."""
    # A node that is away is not waited for; what changes when it is back is asked for again.
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
    )  # fmt: skip


async def change(asker: Asker, changes: dict[str, Any], key: str) -> Changed:
    """Change settings; the answer comes when the node has them on disk.

    Raises CommandRefused (invalid_args and setting_fixed say which and why), NodeAway or BusProtocolError.
    """
    answer: rq.SettingsResult = await asker.ask("settings", rq.SettingsArgs(**changes), key=key)
    return Changed(_settings(answer.settings, None))


async def _ask(asker: Asker, op: str, kind: type[_Result]) -> _Result | None:
    """The answer; None when the node is away or doesn't know the question."""
    try:
        answer = await asker.ask(op)
    except (NodeAway, CommandRefused, BusProtocolError):
        return None
    return answer if isinstance(answer, kind) else None


def _settings(settings: nouns.Settings, options: dict[str, OptionView] | None) -> dict[str, Any]:
    """The settings by key. A node that tells of its options, but not of one of these, doesn't have it."""
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


def _greeting(one: nouns.Greeting) -> GreetingView:
    said = wording.greeting(one)
    return GreetingView(wording.clean_name(one.address), said.label, said.tone, said.why, one.at)
