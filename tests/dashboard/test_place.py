from __future__ import annotations

import pathlib
import re
import stat

import pytest

from dashboard import place
from dashboard.place import Place
from node.errors import ConfigError

HOST = "snicher-x.localhost:8501"


def test_a_place_keeps_its_name_key_and_browsers_and_only_its_owner_reads_them(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    first = Place(home, "127.0.0.1", 8501)
    id_ = first.register(HOST, "a key", 100)
    again = Place(home, "127.0.0.1", 8501)
    assert (again.name, again.public_key) == (first.name, first.public_key)
    found = again.find(id_, HOST)
    assert found is not None and (found.key, found.registered) == ("a key", 100)
    assert again.find(id_, "127.0.0.1:8501") is None and again.find("", HOST) is None
    assert re.fullmatch(r"snicher-[a-z0-9]{16}\.localhost", first.name)
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600 and first.path.name == "door-8501.json"


def test_each_address_and_port_has_a_name_and_a_key_of_its_own(tmp_path: pathlib.Path) -> None:
    made = [Place(tmp_path, *where) for where in (("127.0.0.1", 1), ("127.0.0.1", 2), ("::1", 1), ("127.0.0.50", 1))]
    for values in ({one.name for one in made}, {one.public_key for one in made}, {one.path for one in made}):
        assert len(values) == 4
    found = {(one.address, one.port): one.name for one in place.places(tmp_path)}
    assert found == {(one.address, one.port): one.name for one in made}


@pytest.mark.parametrize(
    "spoil",
    ["", "{}", "[1]", "\x00\xff", "[" * 60_000, "x" * 70_000, '{"name": 1}', "wrong key", "wrong name"],
    ids=["empty", "object", "list", "bytes", "brackets", "too long", "another", "wrong key", "wrong name"],
)
def test_what_is_no_such_file_is_made_anew(
    tmp_path: pathlib.Path, spoil: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = Place(tmp_path, "127.0.0.1", 8501)
    text = first.path.read_text()
    if spoil == "wrong key":
        spoil = re.sub(r"-----BEGIN[^\"]*", "nothing", text)
    elif spoil == "wrong name":
        spoil = text.replace(first.name, "127.0.0.1")
    first.path.write_text(spoil, "latin-1")
    assert place.places(tmp_path) == []
    again = Place(tmp_path, "127.0.0.1", 8501)
    assert again.name != first.name and again.public_key != first.public_key
    assert "isn't complete" in caplog.text and "new link" in caplog.text


def test_a_key_that_others_could_read_is_made_anew(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Place(tmp_path, "127.0.0.1", 8501)
    first.path.chmod(0o644)
    again = Place(tmp_path, "127.0.0.1", 8501)
    assert again.public_key != first.public_key and stat.S_IMODE(again.path.stat().st_mode) == 0o600
    assert "others could have read it" in caplog.text


def test_a_home_that_can_not_be_used_is_told(tmp_path: pathlib.Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ConfigError, match="can't be used"):
        Place(blocked / "home", "127.0.0.1", 8501)
    made = Place(tmp_path / "home", "127.0.0.1", 8501)
    made.path.unlink()
    made.path.parent.rmdir()
    with pytest.raises(ConfigError, match="can't be written"):
        made.register(HOST, "key", 1)


def test_a_browser_is_known_once_and_the_one_used_least_recently_makes_room(tmp_path: pathlib.Path) -> None:
    made = Place(tmp_path, "127.0.0.1", 8501)
    first = made.register(HOST, "key 0", 0)
    assert made.register(HOST, "key 0", 1) == first
    others = [made.register(HOST, f"key {number}", 10 + number) for number in range(1, place.MAX_BROWSERS)]
    browser = made.find(first, HOST)
    assert browser is not None
    made.used(browser, place.USED_EVERY_S * 2)
    made.register(HOST, "one more", place.USED_EVERY_S * 3)
    again = Place(tmp_path, "127.0.0.1", 8501)
    assert again.find(first, HOST) and not again.find(others[0], HOST) and again.find(others[1], HOST)


def test_the_others_are_forgotten_for_good(tmp_path: pathlib.Path) -> None:
    made = Place(tmp_path, "127.0.0.1", 8501)
    mine, other = made.register(HOST, "mine", 1), made.register(HOST, "other", 1)
    made.forget_others(mine)
    again = Place(tmp_path, "127.0.0.1", 8501)
    assert again.find(mine, HOST) and not again.find(other, HOST)
    again.forget_others(None)
    assert not Place(tmp_path, "127.0.0.1", 8501).find(mine, HOST)


def test_the_token_of_an_older_version_goes(tmp_path: pathlib.Path) -> None:
    place.remove_old_token(tmp_path)
    (tmp_path / "dashboard.token").write_text("old")
    place.remove_old_token(tmp_path)
    assert not (tmp_path / "dashboard.token").exists()
