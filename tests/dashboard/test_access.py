from __future__ import annotations

import concurrent.futures
import pathlib
import stat

import pytest

from dashboard import access
from node.errors import ConfigError


def test_the_token_is_made_once_and_only_its_owner_reads_it(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "new" / "home"
    token = access.read_or_create_token(home)
    assert len(token) >= access.MIN_TOKEN_CHARS
    assert access.read_or_create_token(home) == token
    assert stat.S_IMODE(access.token_file(home).stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == [access.TOKEN_FILE]


def test_many_starting_at_once_agree(tmp_path: pathlib.Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(access.read_or_create_token, [tmp_path] * 64))) == 1


@pytest.mark.parametrize("content", ["", "short", "x" * 20 + "\n\n", "ü" * 60])
def test_what_is_no_token_is_replaced(tmp_path: pathlib.Path, content: str) -> None:
    path = access.token_file(tmp_path)
    path.write_text(content)
    path.chmod(0o600)
    token = access.read_or_create_token(tmp_path)
    assert token != content.strip() and len(token) >= access.MIN_TOKEN_CHARS


def test_a_token_that_others_could_read_is_replaced(tmp_path: pathlib.Path) -> None:
    old = access.read_or_create_token(tmp_path)
    access.token_file(tmp_path).chmod(0o640)
    assert access.read_or_create_token(tmp_path) != old
    assert stat.S_IMODE(access.token_file(tmp_path).stat().st_mode) == 0o600


def test_an_impossible_home_is_told(tmp_path: pathlib.Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("I am no directory")
    with pytest.raises(ConfigError, match=r"dashboard\.token"):
        access.read_or_create_token(blocked / "home")
    assert blocked.is_file()


def test_a_renewed_token_takes_the_place_of_the_old_one(tmp_path: pathlib.Path) -> None:
    key = access.Key(tmp_path)
    other = access.Key(tmp_path)
    old = key.token
    new = key.renew()
    assert new != old and len(new) >= access.MIN_TOKEN_CHARS
    assert key.token == other.token == access.read_or_create_token(tmp_path) == new
    assert stat.S_IMODE(access.token_file(tmp_path).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [access.TOKEN_FILE]


def test_while_the_file_is_gone_or_spoilt_the_token_stays(tmp_path: pathlib.Path) -> None:
    key = access.Key(tmp_path)
    old = key.token
    access.token_file(tmp_path).unlink()
    assert key.token == old
    access.token_file(tmp_path).write_text("short")
    assert key.token == old
    assert key.renew() != old


def test_a_renewal_that_fails_says_so_and_changes_nothing(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    key = access.Key(home)
    old = key.token
    home.rename(tmp_path / "moved")
    with pytest.raises(ConfigError, match=r"dashboard\.token"):
        key.renew()
    assert key.token == old
