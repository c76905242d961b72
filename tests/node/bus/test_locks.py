"""Locks that say who holds them."""

from __future__ import annotations

import os
import pathlib

import pytest

from node.bus import locks
from node.store import home as homes


def holder(path: pathlib.Path) -> int | None:
    return locks.holder(path, locks.pid_in)


def test_who_holds_a_lock_is_known_while_it_is_held(tmp_path: pathlib.Path) -> None:
    path = tmp_path / locks.NODE_LOCK
    assert holder(path) is None
    lock = homes.claim(tmp_path)
    assert holder(path) == os.getpid()
    lock.release()
    assert path.exists() and holder(path) is None


@pytest.mark.parametrize("content", ["", "nonsense", "-1", "0", "1e3", "9" * 400, str(os.getppid())])
def test_a_process_that_cannot_hold_it_is_never_named(tmp_path: pathlib.Path, content: str) -> None:
    """What the file says may be old, or anybody's: nobody is ended for it."""
    lock = homes.claim(tmp_path)
    path = tmp_path / locks.NODE_LOCK
    path.write_text(content)
    assert holder(path) == locks.UNKNOWN
    lock.release()


def test_looking_doesnt_take_a_lock_from_anybody(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    assert holder(path) is None
    with path.open("rb+") as file:
        locks.take(file)
        assert holder(path) == locks.UNKNOWN
        with path.open("rb+") as second, pytest.raises(OSError):
            locks.take(second)
