"""Settings of a real node: where each comes from, what fixes it, and that a change is kept."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from node.errors import CommandRefused
from tests.support.processes import NodeProcess, Nodes, printed, verb


def run(node: NodeProcess, *words: str) -> subprocess.CompletedProcess[str]:
    return printed(verb(*words, "--home", node.home))


def told(node: NodeProcess, *words: str) -> dict[str, dict[str, Any]]:
    done = run(node, "config", "--json", *words)
    assert done.returncode == 0, done.stderr
    return {one["key"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_a_node_says_where_each_setting_comes_from_and_keeps_what_is_changed(nodes: Nodes) -> None:
    anna = nodes.make("anna", arguments=["--quota", "7"], environment={"SNICHER_RECONNECT": "off"})
    anna.home.mkdir()
    (anna.home / "config.toml").write_text("keep_events = 20_000\n")
    anna.start()
    expected = {
        "home": (str(anna.home), "flag", "--home"),
        "name": ("anna", "flag", "--name"),
        "quota": ("7", "flag", "--quota"),
        "reconnect": ("off", "environment", "SNICHER_RECONNECT"),
        "mandatory": ("", "environment", "SNICHER_MANDATORY"),
        "keep_events": ("20000", "file", str(anna.home / "config.toml")),
        "keep_days": ("0", "default", ""),
    }
    found = told(anna)
    assert {key: (found[key]["value"], found[key]["source"], found[key]["where"]) for key in expected} == expected
    assert anna.client.snapshot().state.settings.keep_events == 20_000

    done = run(anna, "set", "keep_days", "30")
    assert (done.returncode, done.stdout, done.stderr) == (0, "keep_days is now 30.\n", "")
    done = run(anna, "set", "mandatory_greeting", "good day")
    assert done.stdout == "mandatory_greeting is now good day. It counts from the next start on.\n"
    done = run(anna, "set", "name", "Änne")
    assert done.stdout.splitlines() == [
        "name is now Änne.", "It is so until the node ends; at each start --name says 'anna'."
    ]  # fmt: skip
    for words, sentence in (
        (("reconnect", "on"), "`reconnect` is fixed by SNICHER_RECONNECT; change it there."),
        (("keep_events", "10000"), f"`keep_events` is fixed by {anna.home / 'config.toml'}; change it there."),
        (("keep_days", "many"), "keep_days is a whole number."),
        (("keep_days", "99999"), "Messages are kept for 0 (for ever) to 36,500 days, not 99,999."),
    ):
        done = run(anna, "set", *words)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence + "\n")
    with pytest.raises(CommandRefused) as refused:
        anna.client.settings(reconnect=True)
    assert refused.value.code == "setting_fixed"
    assert refused.value.details == {"key": "reconnect", "source": "environment", "where": "SNICHER_RECONNECT"}
    anna.check_disk()

    assert anna.stop() == 0
    found = told(anna)
    assert (found["keep_days"]["value"], found["keep_days"]["source"]) == ("30", "saved")
    anna.start()
    found = told(anna)
    assert (found["keep_days"]["value"], found["keep_days"]["source"]) == ("30", "saved")
    assert found["keep_days"]["where"] == str(anna.home / "snicher.db")
    assert (found["name"]["value"], found["name"]["source"]) == ("anna", "flag")
    settings = anna.client.snapshot().state.settings
    assert (settings.keep_days, settings.mandatory_greeting, settings.name) == (30, "good day", "anna")
    assert told(anna, "--keep-days", "5")["keep_days"]["source"] == "flag", "as a start like that would have it"
    table = run(anna, "config")
    assert table.returncode == 0
    rows = [line.split() for line in table.stdout.splitlines()]
    assert ["keep_days", "30", "saved", str(anna.home / "snicher.db")] in rows


def test_a_change_is_undone_and_the_setting_is_again_what_the_start_says(nodes: Nodes) -> None:
    anna = nodes.make("anna")
    anna.start()
    first = anna.client.snapshot().state.settings
    for words in (("keep_days", "30"), ("name", "Änne"), ("mandatory_greeting", "good day")):
        assert run(anna, "set", *words).returncode == 0
    done = run(anna, "set", "keep_days", "--default")
    assert (done.returncode, done.stdout, done.stderr) == (0, "keep_days is now 0, its default.\n", "")
    done = run(anna, "set", "--default", "name")
    assert (done.returncode, done.stdout, done.stderr) == (0, "name is now anna, as --name says.\n", "")
    assert anna.client.settings(reset=["mandatory_greeting"]) == first
    found = told(anna)
    assert {found[key]["source"] for key in ("keep_days", "mandatory_greeting")} == {"default"}
    assert (found["name"]["source"], found["name"]["where"]) == ("flag", "--name")
    anna.check_disk()
    assert anna.stop() == 0
    assert told(anna)["keep_days"]["source"] == "default"
    anna.start()
    assert anna.client.snapshot().state.settings == first


def test_an_unknown_setting_is_a_wrong_usage_that_names_those_there_are(nodes: Nodes) -> None:
    done = run(nodes.make("anna"), "set", "colour", "red")
    assert done.returncode == 2
    assert "keep_days" in done.stderr
