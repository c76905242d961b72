"""The home: one node at a time, by a lock that goes with its process."""

from __future__ import annotations

import os
import pathlib
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from node.bus import locate
from node.errors import ConfigError, HomeInUse
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
    assert (tmp_path / homes.LOCK_NAME).read_text() == str(os.getpid())
    lock.release()
    homes.claim(tmp_path).release()


def test_a_new_home_is_its_owners_alone_and_stands_on_the_disk_with_all_above_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[pathlib.Path] = []
    monkeypatch.setattr(homes, "sync_directory", synced.append)
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


def test_a_pid_that_does_not_fit_on_the_disk_costs_nothing_but_the_pid(tmp_path: pathlib.Path) -> None:
    (tmp_path / homes.LOCK_NAME).symlink_to("/dev/full")
    lock = homes.claim(tmp_path)
    lock.release()
