"""What the dashboard is told: every wrong flag and variable ends with one sentence that names it, and no traceback."""

from __future__ import annotations

import os
import pathlib
import re

import pytest

from dashboard import given
from node.errors import ConfigError


@pytest.mark.parametrize(
    "value",
    ["80000", "65536", "-1", "x", "8501x", "1e3", "0x50", "٣", "\uff18501", " ", "8" * 5_000, "+1", "1_0", "8.5"],
)
def test_a_port_in_the_environment_that_is_none_is_named(value: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^PORT in the environment: '.*'(\.\.\.)? is not a port; .* 1 to 65535"
    ) as caught:
        given.read([], {"PORT": value})
    assert caught.value.exit_code == 78
    assert len(str(caught.value)) < 300 and str(caught.value).isascii()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--port", "80000"], "--port: '80000' is not a port; it is a whole number from 1 to 65535"),
        (["--port", "-1"], "--port"),
        (["--port", ""], "--port: '' is not a port"),
        (["--port", "٣"], "--port: '\\u0663' is not a port"),
        (["--port", "\udcff"], "--port: '\\udcff' is not a port"),
        (["--listen", "chat.example.org"], "--listen: 'chat.example.org' is not an address of this machine"),
        (["--listen", "127.0.0.1:8501"], "--listen: '127.0.0.1:8501' is not an address"),
        (["--listen", "127.1"], "--listen: '127.1' is not an address"),
        (["--listen", ""], "--listen: '' is not an address"),
        (["--listen", "\udcff"], "--listen"),
        (["--allow-host", "https://chat.example.org"], "--allow-host: 'https://chat.example.org' is not a host name"),
        (["--allow-host", "a b"], "--allow-host: 'a b' is not a host name"),
        (["--allow-host", ""], "--allow-host: '' is not a host name"),
        (["--allow-host", "a\r\nb"], "--allow-host"),
        (["--allow-host", "bücher.example"], "--allow-host: 'b\\xfccher.example' is not a host name"),
        (["--allow-host", "x" * 300], "--allow-host"),
        (["--allow-host", "-x.org"], "--allow-host"),
        (["--stop", "--listen", "::1"], "--stop and --link each take --home and --port only"),
        (["--por", "1"], "unrecognized arguments"),
    ],
)
def test_a_flag_that_is_wrong_is_named(flags: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        given.read(flags, {})
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "environment", "port", "address", "hosts"),
    [
        ([], {}, 8501, "127.0.0.1", []),
        ([], {"PORT": ""}, 8501, "127.0.0.1", []),
        ([], {"PORT": "5100"}, 5100, "127.0.0.1", []),
        ([], {"PORT": "0"}, 0, "127.0.0.1", []),
        (["--port", "65535"], {"PORT": "nonsense, but the flag goes first"}, 65535, "127.0.0.1", []),
        (["--listen", "[::1]"], {}, 8501, "::1", []),
        (["--listen", "LocalHost"], {}, 8501, "127.0.0.1", []),
        (["--allow-host", "Chat.Example.org", "--allow-host", "::1"], {}, 8501, "127.0.0.1",
         ["chat.example.org", "[::1]"]),
    ],
)  # fmt: skip
def test_what_is_right_is_taken(
    tmp_path: pathlib.Path, flags: list[str], environment: dict[str, str], port: int, address: str, hosts: list[str]
) -> None:
    told = given.read(["--home", str(tmp_path), *flags], environment)
    assert (told.home, told.port, told.address, told.further_hosts) == (tmp_path, port, address, hosts)
    assert not told.stop


def test_the_home_is_checked_as_everywhere(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match=r"^SNICHER_HOME is '~nobody-of-that-name/x'"):
        given.read([], {"SNICHER_HOME": "~nobody-of-that-name/x"})
    with pytest.raises(ConfigError, match=r"^--home is empty"):
        given.read(["--home", ""], {})
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"^--home is '{re.escape(os.fspath(tmp_path))}/file', which is not a folder"):
        given.read(["--home", str(tmp_path / "file")], {})


def test_to_stop_the_port_counts_only_as_a_flag() -> None:
    """Whoever says `--stop` in a shell where PORT is set means all dashboards of the home."""
    assert given.read(["--stop"], {"PORT": "5100"}).only_port is None
    assert given.read(["--stop"], {"PORT": "nonsense"}).only_port is None
    assert given.read(["--stop", "--port", "5100"], {}).only_port == 5100


@pytest.mark.parametrize(("text", "address"), [
    ("localhost", "127.0.0.1"), ("127.0.0.50", "127.0.0.50"), ("[::1]", "::1"), ("::1", "::1"), ("0::0:1", "::1"),
    ("::", "::"), (" 192.168.1.20 ", "192.168.1.20"),
])  # fmt: skip
def test_an_address_to_listen_on_has_one_spelling(text: str, address: str) -> None:
    assert given.address_of(text) == address


def test_an_address_with_a_zone_is_refused_for_that_reason() -> None:
    with pytest.raises(ValueError, match="zone"):
        given.address_of("fe80::1%eth0")


def test_a_further_name_has_one_spelling() -> None:
    assert given.host_of("Chat.Example.") == "chat.example"
    assert given.host_of("fd00::1") == "[fd00::1]"


def test_a_link_and_an_end_are_asked_of_what_runs(capsys: pytest.CaptureFixture[str]) -> None:
    asked = given.read(["--link", "--home", "/tmp"], {"PORT": "1"})
    assert asked.link and not asked.stop and asked.only_port is None
    with pytest.raises(SystemExit):
        given.read(["--link", "--stop"], {})
    assert "--stop and --link each take" in capsys.readouterr().err
