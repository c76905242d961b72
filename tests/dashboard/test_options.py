from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard import options
from dashboard.viewmodel import Model
from node.bus import nouns
from node.bus import requests as rq
from node.errors import CommandRefused, NodeAway
from tests.dashboard.nouns import ME, snapshot
from tests.dashboard.test_activity import stats


def option(key: str, source: nouns.Source = "default", where: str = "", **more: Any) -> nouns.Option:
    fields: dict[str, Any] = {"value": "v", "meaning": "what it means", "default": "", "restart": False, **more}
    return nouns.Option(key=key, source=source, where=where, **fields)


class Node:
    """Answers what a node would; None: it doesn't know the question, an exception: that."""

    def __init__(self, **answers: Any) -> None:
        status = rq.StatusResult(
            ready=True, self=ME, pid=1, program="1.0", home="/home/anna", log="l", head=1, health=nouns.Health()
        )
        self.answers: dict[str, Any] = {"status": status, "stats": stats(), "config": None, **answers}

    async def ask(self, op: str, args: Any = None, *, key: str | None = None) -> Any:
        answer = self.answers[op]
        if answer is None:
            raise CommandRefused("unknown_op", "There is no such command.")
        if isinstance(answer, Exception):
            raise answer
        return answer


def view(node: Node, model: Model | None = None) -> options.OptionsView:
    if model is None:
        model = Model("/home")
        model.resync(snapshot())
    return asyncio.run(options.view(node, model))  # type: ignore[arg-type]


def told(*found: nouns.Option) -> rq.ConfigResult:
    return rq.ConfigResult(settings=list(found))


@pytest.mark.parametrize(
    ("source", "where", "origin", "fixed"),
    [
        ("flag", "--quota", "Set by --quota", True),
        ("environment", "SNICHER_QUOTA", "Set by SNICHER_QUOTA in the environment", True),
        ("file", "/home/config.toml", "Set in /home/config.toml", True),
        ("saved", "snicher.db", "Saved by this node", False),
        ("default", "", "The default", False),
    ],
)
def test_it_says_where_a_value_comes_from(source: nouns.Source, where: str, origin: str, fixed: bool) -> None:
    found = view(Node(config=told(option("quota", source, where)))).options
    assert found is not None
    assert (found["quota"].origin, found["quota"].fixed) == (origin, fixed)
    assert found["quota"].how.startswith(origin) == fixed


def test_a_name_that_a_flag_gives_may_still_be_changed() -> None:
    found = view(Node(config=told(option("name", "flag", "--name")))).options
    assert found is not None and not found["name"].fixed
    assert "--name" in found["name"].how and "only until it ends" in found["name"].how


def test_a_setting_that_the_node_does_not_have_is_unknown() -> None:
    found = view(Node(config=told(option("name"), option("keep_days"))))
    assert found.settings["name"] == "anna" and found.settings["reconnect"] is True
    assert found.settings["keep_days"] == 0
    assert found.settings["keep_events"] is None and found.settings["mandatory"] is None


def test_a_node_that_is_older_or_away_leaves_the_rest_standing() -> None:
    older = view(Node())
    assert older.options is None and older.home == "/home/anna" and older.database == "12 MB"
    away = view(Node(status=NodeAway("away")))
    assert away.settings["name"] == "anna"
    assert (away.home, away.database, away.messages) == (None, None, None)
    assert view(Node(status=NodeAway("away")), Model("/home")).settings == {}


def test_greetings_are_told_with_their_reason() -> None:
    model = Model("/home")
    found = snapshot()
    found.state.greetings["10.0.0.9:1"] = nouns.Greeting(
        address="10.0.0.9:1", outcome="failed", detail="Refused.", at=7
    )
    model.resync(found)
    [greeting] = view(Node(), model).greetings
    assert (greeting.label, greeting.tone, greeting.why, greeting.at) == ("could not be greeted", "bad", "Refused.", 7)


def test_what_was_committed_comes_back() -> None:
    node = Node(settings=rq.SettingsResult(settings=nouns.Settings(name="Anna B", keep_days=30)))
    changed = asyncio.run(options.change(node, {"keep_days": 30}, "k" * 16))  # type: ignore[arg-type]
    assert changed.settings["keep_days"] == 30 and changed.settings["name"] == "Anna B"


def test_who_is_blocked_is_told_by_name_and_code_or_by_address() -> None:
    model = Model("/home")
    told = snapshot()
    told.state.blocked = {
        "10.0.0.9": nouns.Blocked(id="10.0.0.9", at=1), "a" * 52: nouns.Blocked(id="a" * 52, name="bela", at=2)
    }  # fmt: skip
    model.resync(told)
    node, plain = view(Node(), model).blocked
    assert (node.name, plain.name, plain.what) == ("bela", "10.0.0.9", "Plain clients at 10.0.0.9")
    assert node.what.startswith("Code ") and node.what.count("·") == 3
