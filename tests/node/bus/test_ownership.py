"""Whose a home is: the rule by itself, and as directories and files of real file systems meet it."""

from __future__ import annotations

import logging
import os
import pathlib
import socket
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from node.bus import ownership
from node.bus.ownership import ROOT, Who
from node.errors import ConfigError, HomeRefused, NodeAway

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither user ids nor permission bits")

ANNA, EVE, ANNAS, STAFF = 1000, 1001, 1000, 50
WHO = Who(ANNA, frozenset({ROOT, ANNAS}))
#: Whose files are somebody else's for whoever runs the tests.
STRANGER = 12345
as_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files to somebody else")


class Fake(NamedTuple):
    st_mode: int
    st_uid: int
    st_gid: int


def folder(uid: int, permissions: int, gid: int = STAFF) -> Fake:
    return Fake(stat.S_IFDIR | permissions, uid, gid)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (folder(ROOT, 0o755), None),
        (folder(ANNA, 0o755), None),
        (folder(ANNA, 0o700), None),
        (folder(ROOT, 0o1777), None),
        (folder(ANNA, 0o1777), None),
        (folder(ANNA, 0o775, ANNAS), None),
        (folder(ROOT, 0o775, ROOT), None),
        (Fake(stat.S_IFLNK | 0o777, ANNA, STAFF), None),
        (Fake(stat.S_IFLNK | 0o777, ROOT, STAFF), None),
        (Fake(stat.S_IFLNK | 0o777, EVE, STAFF), "belongs to"),
        (folder(EVE, 0o700), "belongs to"),
        (folder(EVE, 0o1777), "belongs to"),
        (folder(ANNA, 0o777), "can be written to by others"),
        (folder(ANNA, 0o757, ANNAS), "can be written to by others"),
        (folder(ANNA, 0o775, STAFF), "can be written to by others"),
        (folder(ROOT, 0o777), "can be written to by others"),
        (Fake(stat.S_IFREG | 0o600, ANNA, ANNAS), "no directory"),
    ],
)
def test_who_may_stand_above_a_home(status: Fake, fault: str | None) -> None:
    found = ownership.fault_above(status, WHO)
    assert found is None if fault is None else fault in str(found)


@pytest.mark.parametrize(
    ("uid", "me", "of_root", "fault"),
    [
        (ANNA, ANNA, False, False),
        (EVE, ANNA, False, True),
        (ROOT, ANNA, False, True),
        (ROOT, ANNA, True, False),
        (EVE, ANNA, True, True),
        # root is no exception: it would leave files in there that their owner can't use.
        (ANNA, ROOT, False, True),
    ],
)
def test_whose_a_home_and_what_is_in_it_must_be(uid: int, me: int, of_root: bool, fault: bool) -> None:
    found = ownership.fault_of(folder(uid, 0o700), Who(me, frozenset()), of_root=of_root)
    assert (found is not None) == fault
    assert found is None or (f"uid {uid}" in found and f"uid {me}" in found)


def test_what_is_refused_is_both_an_unusable_setting_and_a_node_that_isn_t_there() -> None:
    assert issubclass(HomeRefused, ConfigError) and issubclass(HomeRefused, NodeAway)
    assert HomeRefused.exit_code == ConfigError.exit_code


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_directories_and_files_are_made_closed_whatever_the_umask(tmp_path: pathlib.Path, umask: int) -> None:
    ownership.own_directory(tmp_path / "a" / "b" / "home")
    path = tmp_path / "a" / "b" / "home" / "file"
    os.close(ownership.open_private(path, os.O_RDWR | os.O_CREAT))
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b"), mode(path.parent), mode(path)] == [0o700] * 3 + [0o600]


def test_a_home_that_is_ours_but_open_is_closed_and_that_is_said_once(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    for name in ("bus.json", "snicher.db", "snicher.db-wal", "dashboard-1.json", "unrelated"):
        (home / name).touch()
        (home / name).chmod(0o666)
    (home / "config.toml").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").touch()
    (tmp_path / "elsewhere").chmod(0o666)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert ownership.check_home(home)
            ownership.check_contents(home)
    assert mode(home) == 0o700
    assert mode(tmp_path / "elsewhere") == 0o644
    assert {path.name: mode(path) for path in home.iterdir()} == {
        "bus.json": 0o600, "snicher.db": 0o600, "snicher.db-wal": 0o600, "dashboard-1.json": 0o600, "unrelated": 0o666,
        "config.toml": 0o644,
    }  # fmt: skip
    assert len(caplog.messages) == 6
    assert f"{home} was open to other users (mode 777); it is closed to them now" in caplog.messages


def test_a_home_stays_as_it_is_while_nothing_can_be_said(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o755)
    assert ownership.check_home(tmp_path, mend=False)
    assert mode(tmp_path) == 0o755


def test_a_home_that_is_not_there_yet_is_no_fault(tmp_path: pathlib.Path) -> None:
    assert not ownership.check_home(tmp_path / "nowhere" / "home")


def test_what_cannot_be_closed_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    with pytest.raises(HomeRefused, match=r"mode 755.*the disk keeps no permissions"):
        ownership.check_home(tmp_path)

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refused)
    with pytest.raises(HomeRefused, match=r"mode 755.*Operation not permitted"):
        ownership.check_home(tmp_path)


def test_a_directory_above_that_others_can_write_to_is_refused_unless_it_is_sticky(tmp_path: pathlib.Path) -> None:
    above = tmp_path / "above"
    (above / "home").mkdir(parents=True)
    above.chmod(0o777)
    with pytest.raises(HomeRefused, match=rf"{above} can be written to by others.*chmod go-w {above}"):
        ownership.check_home(above / "home")
    with pytest.raises(HomeRefused, match="can be written to by others"):
        ownership.check_home(above / "not there")
    above.chmod(0o1777)
    assert ownership.check_home(above / "home")


def test_a_home_may_be_a_link_and_both_ways_to_it_are_checked(tmp_path: pathlib.Path) -> None:
    for name in ("real", "links"):
        (tmp_path / name).mkdir()
    (tmp_path / "real" / "home").mkdir()
    link = tmp_path / "links" / "home"
    link.symlink_to("../real/home")
    assert ownership.check_home(link)
    for name in ("real", "links"):
        (tmp_path / name).chmod(0o777)
        with pytest.raises(HomeRefused, match=f"{tmp_path / name} can be written to"):
            ownership.check_home(link)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "links" / "absolute").symlink_to(tmp_path / "real" / "home")
    assert ownership.check_home(tmp_path / "links" / ".." / "links" / "absolute")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(HomeRefused, match="Too many levels"):
        ownership.check_home(tmp_path / "round")


@as_root
def test_what_belongs_to_somebody_else_is_refused_by_its_name_and_owner(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, STRANGER, STRANGER)
    with pytest.raises(HomeRefused, match=rf"{home} can't be used: it belongs to uid {STRANGER}, not to you .*chown"):
        ownership.check_home(home)
    assert mode(home) == 0o755, "what isn't ours isn't changed"
    with pytest.raises(HomeRefused, match=rf"{home} belongs to uid {STRANGER}"):
        ownership.check_home(home / "below")
    with pytest.raises(HomeRefused, match="belongs to"):
        ownership.own_directory(home)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    with pytest.raises(HomeRefused, match=f"{link} belongs to uid {STRANGER}"):
        ownership.check_home(link / "new")
    path = tmp_path / "snicher.db"
    path.touch()
    os.chown(path, STRANGER, STRANGER)
    with pytest.raises(HomeRefused, match=rf"{path} can't be used: it belongs to uid {STRANGER}"):
        ownership.check_contents(tmp_path)
    for linked in (False, True):
        with pytest.raises(HomeRefused, match="belongs to"):
            ownership.read_private(path, linked=linked)


def fifo(path: pathlib.Path) -> None:
    os.mkfifo(path)


def bound_socket(path: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def device(path: pathlib.Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("make", [fifo, bound_socket, device, pathlib.Path.mkdir], ids=lambda make: make.__name__)
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_ordinary_file_is_refused_at_once(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[pathlib.Path], object], linked: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path = pathlib.Path("file")
    make(path)
    for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT):
        with pytest.raises(HomeRefused, match="Move"):
            ownership.open_private(path, flags, linked=linked)


def test_a_link_in_the_place_of_a_file_is_neither_followed_nor_changed(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "target"
    target.write_text("x")
    target.chmod(0o644)
    (tmp_path / "identity").symlink_to(target)
    with pytest.raises(HomeRefused, match=r"is a link.*Move the file itself"):
        ownership.read_private(tmp_path / "identity")
    assert (target.read_text(), mode(target)) == ("x", 0o644)


def test_a_file_is_read_up_to_its_bound(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert ownership.read_private(path, 10) == b"x" * 10
    with pytest.raises(HomeRefused, match="more than 9 bytes"):
        ownership.read_private(path, 9)
    with pytest.raises(FileNotFoundError):
        ownership.read_private(tmp_path / "none")


@as_root
def test_sockets_are_ours_only_in_a_closed_directory_of_ours(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "bus"
    directory.mkdir(mode=0o700)
    ownership.check_sockets(directory)
    directory.chmod(0o777)
    with pytest.raises(HomeRefused, match="others can put sockets there"):
        ownership.check_sockets(directory)
    directory.chmod(0o700)
    os.chown(directory, STRANGER, STRANGER)
    with pytest.raises(HomeRefused, match="belongs to"):
        ownership.check_sockets(directory)
