"""A history that was set back gets a new log id and says why; one that was not keeps it, wherever a crash falls."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator

import pytest

from node.bus import events as ev
from node.core import effects as e
from node.store import database, history
from node.store.history import Kept, Mark
from node.store.reader import Reader
from node.store.writer import Writer

_names = itertools.count()


def start(home: pathlib.Path, *, known: bool = False) -> tuple[Writer, str | None]:
    """A start, as the node does it with fresh random ids; and what it says about the history."""
    home.mkdir(exist_ok=True)
    n = next(_names)
    writer = Writer(home)
    return writer, writer.prepare(f"log-{n}", f"{n:032x}", f"run-{n}", known)


def facts(home: pathlib.Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME)) as db:
        return dict(db.execute("SELECT name, value FROM fact"))


def log_of(home: pathlib.Path) -> str:
    reader = Reader(home)
    try:
        return reader.fact("log") or ""
    finally:
        reader.close()


def talk(writer: Writer, home: pathlib.Path) -> None:
    """One more event in the log."""
    reader = Reader(home)
    head = reader.log_ends()[1]
    reader.close()
    data = ev.NodeStopped(reason="Said.")
    writer.commit([e.Log(ev.Event(v=1, log="", seq=head + 1, at=1, type="NodeStopped", data=data))])


def run(home: pathlib.Path) -> str | None:
    """A whole run, with something said and a graceful end; returns what it said about the history."""
    writer, said = start(home)
    talk(writer, home)
    writer.close()
    return said


def copy(home: pathlib.Path, to: pathlib.Path, *names: str) -> pathlib.Path:
    """The named files of a home as they are now (all: none named), as a crash or a person would copy them."""
    to.mkdir(exist_ok=True)
    for path in home.iterdir():
        if path.is_file() and (not names or path.name in names):
            shutil.copyfile(path, to / path.name)
    return to


def killed(home: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A home whose node was killed after it had said something: all files of it, as they were then."""
    writer, _ = start(home)
    talk(writer, home)
    left = copy(home, tmp_path / f"killed-{next(_names)}")
    writer.close()
    return left


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    one = tmp_path / "home"
    assert run(one) is None
    return one


def test_a_graceful_end_and_a_start_keep_the_log(home: pathlib.Path) -> None:
    log = log_of(home)
    assert [run(home), run(home)] == [None, None]
    assert log_of(home) == log
    assert stat.S_IMODE((home / history.FILE_NAME).stat().st_mode) == 0o600


def test_a_kill_and_a_start_keep_the_log(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    log = log_of(home)
    left = killed(home, tmp_path)
    left = killed(left, tmp_path)
    assert run(left) is None
    assert log_of(left) == log


def test_a_backup_from_an_earlier_run_is_a_history_set_back(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    before = facts(home)
    backup = copy(home, tmp_path / "backup", database.FILE_NAME)
    run(home)
    copy(backup, home)
    said = run(home)
    assert said is not None and "backup" in said
    after = facts(home)
    assert after["log"] != before["log"]
    assert after["instance"] != before["instance"]
    assert run(home) is None
    assert facts(home)["log"] == after["log"]


def test_a_backup_of_the_run_that_was_put_back_after_it_is_a_history_set_back(
    home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    writer, _ = start(home)
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME)) as db:
        db.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    talk(writer, home)
    writer.close()
    log = log_of(home)
    shutil.copyfile(tmp_path / "backup.db", home / database.FILE_NAME)
    assert run(home) is not None
    assert log_of(home) != log


def test_a_backup_with_its_wal_is_read_whole_and_is_a_history_set_back(
    home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    backup = killed(home, tmp_path)
    head = Reader(backup).log_ends()[1]
    run(home)
    for name in ("snicher.db", "snicher.db-wal"):
        shutil.copyfile(backup / name, home / name)
    writer, said = start(home)
    assert said is not None
    assert history.kept(writer._db).head == head
    writer.close()


def test_a_backup_put_beside_the_wal_of_a_killed_node_is_not_damaged_by_it(
    home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    backup = copy(home, tmp_path / "backup", database.FILE_NAME)
    head = history.folded(backup / database.FILE_NAME)
    assert head is not None
    run(home)
    left = killed(home, tmp_path)
    wal = (left / "snicher.db-wal").read_bytes()
    assert wal
    copy(backup, left)
    writer, said = start(left)
    assert said is not None
    assert history.kept(writer._db).head == head.head
    assert writer._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    writer.close()
    assert (left / f"snicher.db{history.ASIDE}").read_bytes() == wal


def test_a_database_without_a_mark_from_before_there_were_any_is_adopted_quietly(home: pathlib.Path) -> None:
    log = log_of(home)
    (home / history.FILE_NAME).unlink()
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME)) as db, db:
        db.execute("DELETE FROM fact WHERE name IN ('run', 'open')")
    assert [run(home), run(home)] == [None, None]
    assert log_of(home) == log


def test_a_mark_that_is_gone_or_damaged_makes_a_new_log_once(home: pathlib.Path) -> None:
    path = home / history.FILE_NAME
    breaks: list[Callable[[], object]] = [
        path.unlink,
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(b'{"runs": ["\xff"]}'),
        lambda: path.write_bytes(b"[" * 100_000),
        lambda: path.write_bytes(b'{"runs": 7, "head": 1}'),
        lambda: (path.unlink(), path.mkdir()),
    ]
    for damage in breaks:
        log = log_of(home)
        damage()
        if path.is_dir():
            # The start can't write its mark there: refused, and nothing is half-way.
            path.rmdir()
        assert run(home) is not None
        assert log_of(home) != log
        assert run(home) is None


def test_a_home_that_was_copied_whole_is_the_same_history(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    other = copy(home, tmp_path / "other")
    assert run(other) is None
    assert log_of(other) == log_of(home)


def test_a_database_that_was_copied_without_its_wal_says_so(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    log = log_of(home)
    left = killed(home, tmp_path)
    for name, files in (("fresh", ["snicher.db"]), ("with mark", ["snicher.db", history.FILE_NAME])):
        other = copy(left, tmp_path / name, *files)
        said = run(other)
        assert said is not None and "snicher.db-wal" in said
        assert log_of(other) != log
        assert run(other) is None


def test_the_first_run_of_a_database_copied_without_its_wal_is_not_an_empty_one(tmp_path: pathlib.Path) -> None:
    writer, _ = start(tmp_path / "home")
    other = copy(tmp_path / "home", tmp_path / "other", database.FILE_NAME)
    writer.close()
    said = run(other)
    assert said is not None and "snicher.db-wal" in said


@pytest.mark.parametrize("empty", [True, False])
def test_an_empty_database_in_a_home_that_was_used_says_so(home: pathlib.Path, empty: bool) -> None:
    (home / database.FILE_NAME).unlink()
    if empty:
        (home / database.FILE_NAME).touch()
    said = run(home)
    assert said is not None and "empty" in said
    assert run(home) is None


def test_an_empty_database_beside_an_identity_says_so_and_a_fresh_home_does_not(tmp_path: pathlib.Path) -> None:
    writer, said = start(tmp_path / "a", known=True)
    writer.close()
    assert said is not None
    writer, said = start(tmp_path / "b", known=False)
    writer.close()
    assert said is None


def test_a_reader_that_keeps_the_wal_from_beingfolded_costs_nothing(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    log = log_of(home)
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME, isolation_level=None)) as db:
        writer, _ = start(home)
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM fact").fetchone()
        talk(writer, home)
        left = copy(home, tmp_path / "left")
        db.execute("COMMIT")
        writer.close()
    assert run(left) is None
    assert log_of(left) == log


# -- a crash at every point


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of the files stand for what a crash leaves, so that nothing has to wait for the disk."""
    connect = database.connect

    def unsynced(home: pathlib.Path, *, read_only: bool = False) -> sqlite3.Connection:
        db = connect(home, read_only=read_only)
        db.execute("PRAGMA synchronous = OFF")
        return db

    monkeypatch.setattr(database, "connect", unsynced)
    monkeypatch.setattr(os, "fsync", lambda _: None)


class Crash(BaseException):
    """The process is gone."""


@contextlib.contextmanager
def crashing(home: pathlib.Path, at: int, to: pathlib.Path, patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count what start and end put on disk; before number `at` of it, the disk is kept as it is in `to`."""
    steps = [0]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **options: object) -> object:
            if steps[0] == at:
                copy(home, to)
                raise Crash
            steps[0] += 1
            return real(*args, **options)

        return step

    with patch.context() as patched:
        patched.setattr(history, "write_private", counted(history.write_private))
        patched.setattr(Writer, "_transaction", counted(Writer._transaction))
        patched.setattr(Writer, "fold", counted(Writer.fold))
        yield steps


def after_crash(home: pathlib.Path, at: int, tmp_path: pathlib.Path, patch: pytest.MonkeyPatch) -> pathlib.Path | None:
    """What a crash before the step `at` of a run leaves; None when there are fewer steps."""
    to = tmp_path / f"crash-{next(_names)}"
    work = copy(home, tmp_path / f"work-{next(_names)}")
    with crashing(work, at, to, patch):
        try:
            run(work)
        except Crash:
            return to
    return None


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("restored", [False, True])
def test_two_crashes_in_a_row_at_any_point_neither_hide_nor_invent_a_history_set_back(
    home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, restored: bool
) -> None:
    old = log_of(home)
    backup = copy(home, tmp_path / "backup", database.FILE_NAME)
    run(home)
    if restored:
        copy(backup, home)
    tried = 0
    for first in itertools.count():
        once = after_crash(home, first, tmp_path, monkeypatch)
        if once is None:
            break
        for second in itertools.count():
            twice = after_crash(once, second, tmp_path, monkeypatch)
            if twice is None:
                break
            tried += 1
            said = run(twice)
            assert (log_of(twice) != old) == restored, (first, second)
            assert restored or said is None, (first, second)
            log = log_of(twice)
            assert run(twice) is None, (first, second)
            assert log_of(twice) == log, (first, second)
    assert tried >= 25


@pytest.mark.usefixtures("fast")
def test_a_crash_at_any_point_of_the_first_start_is_no_history_set_back(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for at in itertools.count():
        left = after_crash(empty, at, tmp_path, monkeypatch)
        if left is None:
            break
        assert run(left) is None, at
    assert at >= 5


# -- the decision, by itself


@pytest.mark.parametrize(
    ("mark", "now", "fine"),
    [
        (Mark(("a",), 5), Kept(True, "a", False, 5), True),
        (Mark(("a",), 5), Kept(True, "a", False, 9), True),
        (Mark(("a",), 5), Kept(True, "a", False, 4), False),
        (Mark(("a", "b"), 5), Kept(True, "b", True, 5), True),
        (Mark(("a", "b"), 5), Kept(True, "c", True, 9), False),
        (Mark(("a",), 5), Kept(True, "", False, 9), False),
        (Mark(("", "a"), 5), Kept(True, "", False, 5), True),
        (None, Kept(True, "", False, 5), True),
        (None, Kept(True, "a", False, 5), False),
        ("damaged", Kept(True, "", False, 5), False),
        (None, Kept(), True),
        (Mark(("", "a"), 0), Kept(), True),
        (Mark(("a",), 0), Kept(), False),
    ],
)
def test_judge(mark: Mark | str | None, now: Kept, fine: bool) -> None:
    assert (history.judge(mark, now, wal_missing=False, known=False) is None) == fine
