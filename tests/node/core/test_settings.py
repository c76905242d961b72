"""Settings: what each may be, which value is in force, and what a front end may change."""

from __future__ import annotations

from typing import Any

import pytest

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import settings
from node.core.settings import Fixed
from tests.node.core.desk import Desk, data, events, only, result

#: For each setting: another value than the default, as flags say it and as it is kept.
OTHER: dict[str, tuple[str, Any]] = {
    "name": ("bela", "bela"),
    "reconnect": ("off", False),
    "share_reading": ("off", False),
    "accept_nodes": ("everybody", "everybody"),
    "accept_plain": ("known", "known"),
    "discovery": ("ask", "ask"),
    "keep_events": ("20000", 20_000),
    "keep_days": ("30", 30),
    "mandatory": ("10.0.0.1:5,10.0.0.2:6@10.0.0.0/8", ["10.0.0.1:5", "10.0.0.2:6@10.0.0.0/8"]),
    "mandatory_greeting": ("hello", "hello"),
    "mandatory_rule": ("off", "off"),
    "static_peers": ("10.0.0.1:5,bob.lan:6", ["10.0.0.1:5", "bob.lan:6"]),
    "presence": ("away", "away"),
    "status": ("at lunch", "at lunch"),
}


def change(desk: Desk, **changes: Any) -> list[e.Effect]:
    return desk.ask("settings", rq.SettingsArgs(**changes))


def test_every_setting_is_tested_here_and_can_be_changed() -> None:
    assert list(OTHER) == list(settings.KEYS)
    assert [*OTHER, "reset"] == list(rq.SettingsArgs.__struct_fields__)


@pytest.mark.parametrize("key", OTHER)
def test_a_change_is_in_force_logged_kept_and_there_after_the_next_start(key: str) -> None:
    desk = Desk()
    value = OTHER[key][1]
    effects = change(desk, **{key: value})
    (logged,) = data(ev.SettingsChanged, effects)
    assert getattr(logged.settings, key) == getattr(result(effects).settings, key) == value
    assert only(e.PutSettings, effects)[0].saved == {key: value}
    assert events(change(desk, **{key: value})) == []
    assert getattr(Desk(desk.store).core.settings, key) == value


@pytest.mark.parametrize("key", OTHER)
def test_words_of_the_command_line_become_values_and_back(key: str) -> None:
    text, value = OTHER[key]
    assert settings.from_text(key, text) == value
    assert settings.to_text(value) == text


@pytest.mark.parametrize("key", [key for key in OTHER if key != "name"])
def test_what_the_start_fixed_wins_and_is_not_changed(key: str) -> None:
    desk = Desk()
    change(desk, **{key: OTHER[key][1]})
    default = getattr(nouns.Settings(name="anna"), key)
    again = Desk(desk.store, fixed={key: Fixed(default, "flag", "--it")})
    assert getattr(again.core.settings, key) == default
    effects = change(again, name="carla", **{key: OTHER[key][1]})
    (refused,) = only(e.Refuse, effects)
    assert (refused.code, refused.details) == ("setting_fixed", {"key": key, "source": "flag", "where": "--it"})
    assert "--it" in refused.message
    assert len(effects) == 1, "nothing else of the command was done"
    assert isinstance(result(change(again, **{key: default})), rq.SettingsResult), "as it is already"
    assert getattr(Desk(again.store).core.settings, key) == OTHER[key][1], "without the flag, what was saved"


def test_a_fixed_name_may_be_changed_until_the_next_start() -> None:
    fixed = {"name": Fixed("berta", "flag", "--name")}
    desk = Desk(name="berta", fixed=fixed)
    assert result(change(desk, name="carla")).settings.name == "carla"
    assert Desk(desk.store, name="berta", fixed=fixed, started=False).core.settings.name == "carla", "a core made anew"
    assert Desk(desk.store, name="berta", fixed=fixed).core.name == "berta"
    assert Desk(desk.store).core.name == "berta", "it stays what it was last time"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "x" * 65),
        ("keep_events", 9_999),
        ("keep_events", 100_000_001),
        ("keep_days", -1),
        ("keep_days", 36_501),
        ("mandatory", ["somewhere"]),
        ("mandatory", ["host.example:5000"]),
        ("mandatory", [f"10.0.0.1:{port}" for port in range(1, 34)]),
        ("mandatory_greeting", " "),
        ("mandatory_greeting", "x" * 501),
        ("mandatory_greeting", "two\nlines"),
        ("mandatory_rule", "maybe"),
    ],
)
def test_a_value_out_of_its_bounds_is_refused_with_its_key(key: str, value: Any) -> None:
    effects = change(Desk(), reconnect=False, **{key: value})
    (refused,) = only(e.Refuse, effects)
    assert (refused.code, refused.details, len(effects)) == ("invalid_args", {"key": key}, 1)


def test_the_bounds_themselves_are_taken() -> None:
    for key, value in (("keep_events", 10_000), ("keep_events", 100_000_000), ("keep_days", 36_500), ("mandatory", [])):
        assert settings.checked(key, value) == value


def test_a_database_of_before_counts_as_saved_what_it_held() -> None:
    assert settings.saved_for(None, None) == {}
    assert settings.saved_for(None, nouns.Settings(name="anna")) == {"name": "anna"}
    assert settings.saved_for(None, nouns.Settings(name="anna", reconnect=False)) == {
        "name": "anna",
        "reconnect": False,
    }
    assert settings.saved_for({}, nouns.Settings(name="anna")) == {}


def test_what_was_saved_and_makes_no_sense_any_more_gives_way_to_the_default() -> None:
    saved = {"keep_days": "many", "keep_events": 5, "reconnect": False, "mandatory": [7], "colour": "red"}
    assert settings.in_force("anna", saved, {}) == nouns.Settings(name="anna", reconnect=False)


@pytest.mark.parametrize("key", OTHER)
def test_what_is_reset_is_as_if_nobody_had_changed_it(key: str) -> None:
    desk = Desk()
    change(desk, keep_days=7, name="bela")
    change(desk, **{key: OTHER[key][1]})
    kept = {"keep_days": desk.core.settings.keep_days, "name": desk.core.settings.name}
    effects = change(desk, reset=[key])
    default = getattr(nouns.Settings(name="anna"), key)
    (logged,) = data(ev.SettingsChanged, effects)
    assert getattr(logged.settings, key) == getattr(result(effects).settings, key) == default
    assert logged.self.name == desk.core.name == logged.settings.name
    kept.pop(key, None)
    assert only(e.PutSettings, effects)[0].saved == desk.core.saved == kept, "nothing else is"
    assert events(change(desk, reset=[key])) == [], "once is enough"
    again = Desk(desk.store).core
    assert (getattr(again.settings, key), again.settings.keep_days) == (default, kept.get("keep_days", 0))


def test_a_value_that_is_the_default_is_no_longer_kept_once_it_is_reset() -> None:
    desk = Desk()
    change(desk, keep_days=7)
    change(desk, keep_days=0)
    effects = change(desk, reset=["keep_days"])
    assert events(effects) == ["SettingsChanged"], "front ends that show where a value comes from ask again"
    assert desk.core.saved == {}


def test_what_the_start_fixed_stays_when_what_was_saved_is_reset() -> None:
    desk = Desk()
    change(desk, keep_days=30)
    again = Desk(desk.store, fixed={"keep_days": Fixed(5, "flag", "--keep-days")})
    assert result(change(again, reset=["keep_days"])).settings.keep_days == 5
    assert Desk(again.store).core.settings.keep_days == 0


def test_a_fixed_name_that_is_reset_is_what_the_start_said() -> None:
    fixed = {"name": Fixed("berta", "flag", "--name")}
    desk = Desk(name="berta", fixed=fixed)
    change(desk, name="carla")
    assert result(change(desk, reset=["name"])).settings.name == "berta"
    assert Desk(desk.store, name="berta", fixed=fixed, started=False).core.settings.name == "berta", "a core made anew"
    assert Desk(desk.store).core.name == "berta", "it stays what it was last time"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reset": ["keep_days", "colour"]}, "colour"),
        ({"reset": ["keep_days"], "keep_days": 3}, "at once"),
        ({"reset": ["reconnect"], "keep_days": -1}, "days"),
    ],
)
def test_a_reset_that_cannot_be_changes_nothing(changes: dict[str, Any], says: str) -> None:
    desk = Desk()
    change(desk, keep_days=30, reconnect=False)
    effects = change(desk, **changes)
    (refused,) = only(e.Refuse, effects)
    assert (refused.code, len(effects)) == ("invalid_args", 1)
    assert says in refused.message
    assert (desk.core.settings.keep_days, desk.core.settings.reconnect) == (30, False)
