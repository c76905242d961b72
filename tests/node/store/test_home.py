"""The home: one node at a time, by a lock that goes with its process."""

from __future__ import annotations

import os
import pathlib
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from node.bus import locate, locks, ownership
from node.errors import ConfigError, HomeInUse, HomeRefused
from node.store import home as homes
from tests.support.processes import PATIENCE

HOLDER = """
import pathlib, sys
from node.store import home
lock = home.claim(pathlib.Path(sys.argv[1]))
print("claimed", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(home: pathlib.Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the home."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == "claimed\n"
        yield process
    finally:
        process.stdin.close()
        process.wait(PATIENCE)
        process.stdout.close()


def test_a_second_process_is_refused_with_the_first_ones_pid(tmp_path: pathlib.Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(HomeInUse, match=rf"\(pid {process.pid}\)"):
            homes.claim(tmp_path)
        # Being refused takes nothing from the one that has it.
        with pytest.raises(HomeInUse, match=rf"\(pid {process.pid}\)"):
            homes.claim(tmp_path)


def test_a_killed_process_leaves_the_home_free_whatever_its_file_says(tmp_path: pathlib.Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        lock = homes.claim(tmp_path)
    assert (tmp_path / locks.NODE_LOCK).read_text() == str(os.getpid())
    lock.release()
    homes.claim(tmp_path).release()


def test_a_new_home_is_its_owners_alone_and_stands_on_the_disk_with_all_above_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[pathlib.Path] = []
    monkeypatch.setattr(locate, "sync_directory", synced.append)
    home = tmp_path / "a" / "b" / "home"
    homes.claim(home).release()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]


def test_a_directory_is_synced_by_its_own_descriptor(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    locate.sync_directory(tmp_path)
    assert synced == [tmp_path.stat().st_ino]


def test_a_home_that_cannot_be_a_directory_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match="can't be used"):
            homes.claim(home)


def test_a_pid_that_does_not_fit_on_the_disk_costs_nothing_but_the_pid(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.open("/dev/full", os.O_RDWR)
    monkeypatch.setattr(ownership, "open_private", lambda path, *_: full)
    monkeypatch.setattr(ownership, "check_contents", lambda home: (home / locks.NODE_LOCK).touch())
    lock = homes.claim(tmp_path)
    lock.release()


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_the_lock_is_its_owners_alone_whatever_the_umask(tmp_path: pathlib.Path, umask: int) -> None:
    home = tmp_path / "above" / "home"
    before = os.umask(umask)
    try:
        homes.claim(home).release()
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home.parent, home, home / locks.NODE_LOCK)] == [
        0o700, 0o700, 0o600,
    ]  # fmt: skip


def test_what_an_older_snicher_left_open_is_closed(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o755)
    for name in (locks.NODE_LOCK, "snicher.db", "bus.json"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o666)
    homes.claim(tmp_path).release()
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_something_else_by_the_name_of_the_lock_is_not_overwritten(tmp_path: pathlib.Path) -> None:
    path = tmp_path / locks.NODE_LOCK
    path.write_text("my notes about locks, which are longer than a number")
    with pytest.raises(HomeRefused, match="isn't the lock of a node"):
        homes.claim(tmp_path)
    assert path.read_text().startswith("my notes")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HomeRefused, match="is a link"):
        homes.claim(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files to somebody else")
@pytest.mark.parametrize("name", ["", locks.NODE_LOCK, "snicher.db", "snicher.db-wal", "bus.json", "config.toml"])
def test_a_home_with_anything_of_somebody_else_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    path = tmp_path / name
    if name:
        path.touch()
    os.chown(path, 12345, 12345)
    with pytest.raises(HomeRefused, match=f"{path} can't be used: it belongs to uid 12345"):
        homes.claim(tmp_path)
    os.chown(path, 0, 0)
    homes.claim(tmp_path).release()


def test_who_only_looks_who_holds_a_home_keeps_nobody_from_it(tmp_path: pathlib.Path) -> None:
    """A look at the lock holds it for an instant."""
    homes.claim(tmp_path).release()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            locks.holder(tmp_path / locks.NODE_LOCK, locks.pid_in)

    looks = threading.Thread(target=look)
    looks.start()
    try:
        for _ in range(50):
            homes.claim(tmp_path).release()
    finally:
        over.set()
        looks.join()


def test_a_lock_that_was_removed_under_a_running_node_is_taken_again(tmp_path: pathlib.Path) -> None:
    lock = homes.claim(tmp_path)
    path = tmp_path / locks.NODE_LOCK
    path.unlink()
    assert not lock.is_ours()
    lock.keep()
    assert lock.is_ours()
    assert locks.holder(path, locks.pid_in) == os.getpid()
    lock.release()
    assert locks.holder(path, locks.pid_in) is None


def test_a_home_that_another_has_by_now_is_left_alone(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    lock = homes.claim(home)
    (home / locks.NODE_LOCK).unlink()
    with holder(home), pytest.raises(HomeInUse):
        lock.keep()
    home.rename(tmp_path / "moved")
    for _ in range(2):
        # Nobody there, then another folder of that name.
        with pytest.raises(ConfigError, match="was removed or moved away"):
            lock.keep()
        home.mkdir(exist_ok=True)
    assert list(home.iterdir()) == []
    lock.release()
