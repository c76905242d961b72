"""`python -m node config` on a terminal; what it says of a running node is tested in tests/e2e."""

from __future__ import annotations

import json
import pathlib

import pytest

from node.bus import nouns
from node.config import OPTIONS
from node.core import effects as e
from node.errors import ConfigError
from node.terminal import columns, config_table, screen
from tests.node.store.story import ME, new_writer


def option(**fields: str) -> nouns.Option:
    given = {"key": "name", "value": "anna", "source": "default", "where": "", "meaning": "", "default": "", **fields}
    return nouns.Option(**given, restart=False)  # type: ignore[arg-type]


def test_the_table_says_who_says_so() -> None:
    found = [
        option(source="flag", where="--name"),
        option(key="keep_days", value="30", source="environment", where="SNICHER_KEEP_DAYS"),
        option(key="quota", value="x" * 60, source="file", where="/h/config.toml"),
        option(key="listen", value="a\x1b[2Jb\nc", source="saved", where="/h/snicher.db"),
        option(key="mandatory", value=""),
    ]
    assert config_table.table(found, None) == [
        "setting    value                                         comes from",
        "name       anna                                          flag --name",
        "keep_days  30                                            environment SNICHER_KEEP_DAYS",
        f"quota      {'x' * 60}  file /h/config.toml",
        "listen     a\N{REPLACEMENT CHARACTER}[2Jb c                                      saved /h/snicher.db",
        "mandatory  (none)                                        default",
    ]


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_on_a_terminal_it_fits_and_nothing_is_lost(width: int) -> None:
    found = [option(key="mandatory", value="10.206.4.122:1255@10.206.0.0/16, 10.206.5.228:6555@10.206.0.0/16"),
             option(source="file", where="/home/日本/config.toml")]  # fmt: skip
    told = [screen.text_of(line) for line in config_table.table(found, width)]
    assert all(columns.cells(line) <= width for line in told)
    for word in ("10.206.4.122:1255@10.206.0.0/16,", "10.206.5.228:6555@10.206.0.0/16", "/home/日本/config.toml"):
        assert any(word in line for line in told), word


def told(capsys: pytest.CaptureFixture[str], *words: str, **environment: str) -> dict[str, dict[str, str]]:
    assert config_table.main([*words, "--json"], environment) == 0
    out, err = capsys.readouterr()
    assert err == "Worked out for a start like this; no running node was asked.\n"
    found = [json.loads(line) for line in out.splitlines()]
    assert [one["key"] for one in found] == ["home", *(option.key for option in OPTIONS)]
    return {one["key"]: one for one in found}


def test_without_a_node_it_is_worked_out_from_all_there_is(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = new_writer(tmp_path)
    saved = {"keep_days": 30, "reconnect": False}
    writer.commit([e.PutSettings(nouns.Settings(name="anna"), ME, saved)])
    writer.close()
    (tmp_path / "config.toml").write_text("reconnect = true\nquota = 7\n")
    found = told(capsys, "--home", str(tmp_path), "--name", "berta", SNICHER_LISTEN="127.0.0.1:1")
    for key, value, source in (
        ("home", str(tmp_path), "flag"),
        ("name", "berta", "flag"),
        ("listen", "127.0.0.1:1", "environment"),
        ("reconnect", "on", "file"),
        ("quota", "7", "file"),
        ("keep_days", "30", "saved"),
        ("keep_events", "1000000", "default"),
    ):
        assert (found[key]["value"], found[key]["source"]) == (value, source), key


def test_an_empty_home_has_defaults_only_and_stays_empty(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "--home", str(tmp_path))
    assert {one["source"] for key, one in found.items() if key != "home"} == {"default"}
    assert list(tmp_path.iterdir()) == []


def test_what_can_t_be_used_is_said_as_at_a_start(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match="keep-days"):
        config_table.main(["--home", str(tmp_path), "--keep-days", "many"], {})
