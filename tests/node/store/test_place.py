"""A database that is removed, moved or replaced while it is open: nothing is taken for stored until it is back."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from node.errors import StoreDisplaced
from node.store import history
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.story import Story, commit, new_writer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files in use can't be removed there")


FIRST = """
import pathlib, sys
from tests.node.store import test_place as here
home, scratch = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
writer = here.new_writer(home)
story = here.Story()
story.hear(story.meet("127.0.0.2", 5000), "first")
here.commit(writer, story)
getattr(here, sys.argv[3])(home, scratch)
now = (home / "snicher.db").read_bytes()
here.refused(writer)
writer.close()
assert (home / "snicher.db").read_bytes() == now
assert not (home / "snicher.db-wal").exists()
"""
AGAIN = """
import pathlib, sys
from node.store.writer import Writer
writer = Writer(pathlib.Path(sys.argv[1]))
assert writer.prepare("log-3", "instance-3", "run-3") is not None
assert writer._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
writer.close()
"""


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    one = tmp_path / "home"
    one.mkdir()
    return one


@pytest.fixture
def writer(home: pathlib.Path) -> Iterator[Writer]:
    one = new_writer(home)
    story = Story()
    story.hear(story.meet("127.0.0.2", 5000), "first")
    commit(one, story)
    yield one
    one.close()


def refused(writer: Writer) -> str:
    with pytest.raises(StoreDisplaced) as caught:
        writer.probe()
    return str(caught.value)


def texts(home: pathlib.Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(home / "snicher.db")) as db:
        return [text for (text,) in db.execute("SELECT text FROM body")]


def another(home: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A database of another home, closed."""
    other = tmp_path / "other"
    other.mkdir()
    writer = Writer(other)
    writer.prepare("log-other", "instance-other", "run-other")
    writer.close()
    return other / "snicher.db"


def removed(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for path in home.glob("snicher.db*"):
        path.unlink()


def moved(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (home / "snicher.db").rename(tmp_path / "moved.db")


def replaced(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    another(home, tmp_path).replace(home / "snicher.db")


def home_moved(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    home.rename(tmp_path / "elsewhere")


def copied_back(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The same bytes, but another file."""
    shutil.copyfile(home / "snicher.db", tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(home / "snicher.db")


DISPLACED = [removed, moved, replaced, home_moved, copied_back]


@pytest.mark.parametrize("displace", DISPLACED)
def test_nothing_is_stored_and_no_database_made_while_the_file_is_not_at_its_path(
    writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path, displace: Callable[[pathlib.Path, pathlib.Path], None]
) -> None:
    displace(home, tmp_path)
    there = {path.name for path in home.iterdir()} if home.exists() else set()
    for _ in range(2):
        said = refused(writer)
        assert "while the node runs" in said and "stop the node" in said
    now = {path.name for path in home.iterdir()} if home.exists() else set()
    assert ("snicher.db" in now) == ("snicher.db" in there)


@pytest.mark.parametrize("displace", [moved, replaced, home_moved])
def test_it_goes_on_when_the_very_file_is_back(
    writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path, displace: Callable[[pathlib.Path, pathlib.Path], None]
) -> None:
    if displace is replaced:
        (home / "snicher.db").rename(tmp_path / "moved.db")
        another(home, tmp_path).replace(home / "snicher.db")
    else:
        displace(home, tmp_path)
    refused(writer)
    if displace is home_moved:
        (tmp_path / "elsewhere").rename(home)
    else:
        (tmp_path / "moved.db").replace(home / "snicher.db")
    writer.probe()
    assert (home / "snicher.db-wal").exists()
    writer.close()
    assert texts(home) == ["first"]


@pytest.mark.parametrize("displace", ["replaced"])
def test_the_database_that_stands_there_now_stays_whole(
    home: pathlib.Path, tmp_path: pathlib.Path, displace: str
) -> None:
    # In processes of their own, as in real life: SQLite shares what it knows of a file within one.
    for script in (FIRST, AGAIN):
        command = [sys.executable, "-c", script, str(home), str(tmp_path), displace]
        subprocess.run(command, check=True, cwd=pathlib.Path(__file__).parents[3])


def test_closing_removes_no_wal_of_the_database_that_stands_there_now(
    writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    removed(home, tmp_path)
    another(home, tmp_path).replace(home / "snicher.db")
    (home / "snicher.db-wal").write_bytes(b"of the other one")
    refused(writer)
    writer.close()
    assert (home / "snicher.db-wal").read_bytes() == b"of the other one"


def test_a_file_that_was_moved_away_has_all_that_was_stored_once_the_node_has_ended(
    writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    moved(home, tmp_path)
    refused(writer)
    writer.close()
    (home / "snicher.db-wal").unlink(missing_ok=True)
    (tmp_path / "moved.db").replace(home / "snicher.db")
    assert texts(home) == ["first"]


def test_what_stood_in_a_wal_that_was_removed_is_in_the_main_file_at_once(
    writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (home / "snicher.db-wal").unlink()
    assert "snicher.db-wal" in refused(writer)
    shutil.copyfile(home / "snicher.db", tmp_path / "snicher.db")
    assert texts(tmp_path) == ["first"]
    writer.close()
    assert texts(home) == ["first"]


def test_a_file_that_goes_while_a_commit_is_under_way_is_not_acknowledged(
    writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, calls = writer._place.check, iter(range(10))

    def third() -> None:
        # Before it begins, before it is committed, and after.
        if next(calls) == 2:
            removed(home, tmp_path)
        check()

    monkeypatch.setattr(writer._place, "check", third)
    with pytest.raises(StoreDisplaced, match="isn't known"):
        writer.forget_replies(0, 1)


def testfolding_the_wal_and_another_program_thatfolds_it_are_no_displacement(
    writer: Writer, home: pathlib.Path
) -> None:
    writer.probe()
    writer.fold()
    writer.probe()
    with contextlib.closing(sqlite3.connect(home / "snicher.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.probe()


def test_no_snapshot_is_taken_of_another_database(writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    reader = Reader(home)
    replaced(home, tmp_path)
    with pytest.raises(StoreDisplaced):
        reader.pages.first(10)
    reader.close()


def test_the_mark_of_a_displaced_database_is_left_as_it_was(
    writer: Writer, home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    before = (home / history.FILE_NAME).read_bytes()
    removed(home, tmp_path)
    refused(writer)
    writer.close()
    assert (home / history.FILE_NAME).read_bytes() == before
