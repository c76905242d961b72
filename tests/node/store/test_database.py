"""Opening: what isn't ours, too new or damaged is refused, no byte changed; migrations go whole or not at all."""

from __future__ import annotations

import pathlib
import sqlite3
import stat

import pytest

from node.errors import StoreCorrupt, StoreError, StoreTooNew, StoreUnavailable
from node.store import database
from tests.node.store.story import Story, commit, new_writer

Contents = dict[str, bytes]


def contents(home: pathlib.Path) -> Contents:
    """All files of a home but SQLite's index of a WAL, which holds no data."""
    return {path.name: path.read_bytes() for path in home.iterdir() if not path.name.endswith("-shm")}


def refused(home: pathlib.Path, error: type[StoreError]) -> str:
    """Opening is refused with this error and changes nothing; returns what is said."""
    before = contents(home)
    with pytest.raises(error) as caught:
        database.open_for_writing(home)
    assert contents(home) == before
    return str(caught.value)


def used(home: pathlib.Path) -> None:
    writer = new_writer(home)
    commit(writer, Story())
    writer.close()


def test_a_new_database_is_ours_and_its_owners_alone(tmp_path: pathlib.Path) -> None:
    db = database.open_for_writing(tmp_path)
    newest = database.migrations()[-1][0]
    assert db.execute("PRAGMA application_id").fetchone()[0] == database.APPLICATION_ID
    assert db.execute("PRAGMA user_version").fetchone()[0] == newest
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    db.close()


def test_a_database_that_was_made_and_never_filled_is_taken_for_new(tmp_path: pathlib.Path) -> None:
    (tmp_path / database.FILE_NAME).touch()
    database.open_for_writing(tmp_path).close()
    used(tmp_path)


def test_a_connection_that_reads_cannot_write(tmp_path: pathlib.Path) -> None:
    used(tmp_path)
    db = database.connect(tmp_path, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM event")
    db.close()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_of_another_program_is_refused_unchanged(tmp_path: pathlib.Path, mode: str) -> None:
    with sqlite3.connect(tmp_path / database.FILE_NAME) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute("CREATE TABLE bookmarks (url)")
    db.close()
    assert "another program" in refused(tmp_path, StoreCorrupt)


def test_an_empty_database_with_a_mark_of_another_program_is_refused_unchanged(tmp_path: pathlib.Path) -> None:
    for pragma in ("application_id = 7", "user_version = 7"):
        path = tmp_path / database.FILE_NAME
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as db:
            db.execute(f"PRAGMA {pragma}")
        db.close()
        refused(tmp_path, StoreCorrupt)


def newer(home: pathlib.Path) -> sqlite3.Connection:
    used(home)
    db = sqlite3.connect(home / database.FILE_NAME, isolation_level=None)
    db.execute(f"PRAGMA user_version = {database.migrations()[-1][0] + 1}")
    return db


def test_a_database_of_a_newer_snicher_is_refused_unchanged(tmp_path: pathlib.Path) -> None:
    newer(tmp_path).close()
    assert "newer Snicher" in refused(tmp_path, StoreTooNew)


def test_a_database_of_a_newer_snicher_that_crashed_is_refused_unchanged(tmp_path: pathlib.Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    (tmp_path / "live").mkdir()
    db = newer(tmp_path / "live")
    # What a crash leaves: the newer number stands in the WAL only.
    for path in (tmp_path / "live").iterdir():
        if not path.name.endswith("-shm"):
            (crashed / path.name).write_bytes(path.read_bytes())
    db.close()
    assert (crashed / "snicher.db-wal").stat().st_size
    refused(crashed, StoreTooNew)


def test_what_is_no_database_is_refused_unchanged(tmp_path: pathlib.Path) -> None:
    (tmp_path / database.FILE_NAME).write_bytes(b"These are my notes, not a database. " * 300)
    assert "not a Snicher database, or is damaged" in refused(tmp_path, StoreCorrupt)


@pytest.mark.parametrize("keep", [100, 4096, 8192])
def test_a_database_that_was_cut_short_is_refused_unchanged(tmp_path: pathlib.Path, keep: int) -> None:
    used(tmp_path)
    path = tmp_path / database.FILE_NAME
    path.write_bytes(path.read_bytes()[:keep])
    refused(tmp_path, StoreCorrupt)


def test_a_damaged_schema_is_refused_unchanged(tmp_path: pathlib.Path) -> None:
    used(tmp_path)
    path = tmp_path / database.FILE_NAME
    content = bytearray(path.read_bytes())
    content[100:600] = b"\xff" * 500
    path.write_bytes(content)
    refused(tmp_path, StoreCorrupt)


def test_something_else_than_a_file_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / database.FILE_NAME).mkdir()
    with pytest.raises(StoreCorrupt, match="not an ordinary file"):
        database.open_for_writing(tmp_path)


def test_schema_files_are_numbered_from_one_without_gaps() -> None:
    assert [number for number, _, _ in database.migrations()] == list(range(1, len(database.migrations()) + 1))


def test_a_migration_and_its_record_are_one_transaction(tmp_path: pathlib.Path) -> None:
    used(tmp_path)
    db = database.connect(tmp_path)
    before = list(db.iterdump())
    version = db.execute("PRAGMA user_version").fetchone()
    with pytest.raises(sqlite3.OperationalError):
        database.migrate(db, 99, "CREATE TABLE extra (x);\nDELETE FROM fact;\nINSERT INTO nowhere VALUES (1);")
    assert (list(db.iterdump()), db.execute("PRAGMA user_version").fetchone()) == (before, version)
    database.migrate(db, 99, "CREATE TABLE extra (x);\nDELETE FROM fact;")
    assert db.execute("PRAGMA user_version").fetchone() == (99,)
    assert db.execute("SELECT count(*) FROM extra").fetchone() == (0,)
    db.close()


def test_a_failing_migration_leaves_the_database_as_the_older_program_knew_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(tmp_path)
    known = database.migrations()
    newest = known[-1][0]
    broken = [*known, (newest + 1, "x", "CREATE TABLE half (x);"), (newest + 2, "y", "CREATE TABLE half (x);")]
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations", lambda: broken)
        with pytest.raises(StoreUnavailable):
            database.open_for_writing(tmp_path)
        db = database.connect(tmp_path, read_only=True)
        # The first of the two is whole and recorded; the second left nothing.
        assert db.execute("PRAGMA user_version").fetchone() == (newest + 1,)
        db.close()
    with pytest.raises(StoreTooNew):
        database.open_for_writing(tmp_path)


TRIGGER = """-- A comment; with a semicolon.
CREATE TABLE a (x TEXT DEFAULT 'one; two'); CREATE TABLE b (x);
/* And; another
   one; */
CREATE TRIGGER a_to_b AFTER INSERT ON a BEGIN
    INSERT INTO b VALUES (new.x);  -- first; of two
    UPDATE b SET x = CASE WHEN x IS NULL THEN 'end;' ELSE x END;
END;
CREATE INDEX b_by_x ON b (x); -- done; really
"""


def test_statements_keep_triggers_texts_and_comments_whole() -> None:
    found = database.statements(TRIGGER)
    assert len(found) == 4
    db = sqlite3.connect(":memory:", isolation_level=None)
    for statement in found:
        db.execute(statement)
    db.execute("INSERT INTO a DEFAULT VALUES")
    assert db.execute("SELECT x FROM b").fetchall() == [("one; two",)]
    db.close()


@pytest.mark.parametrize("script", ["CREATE TABLE a (x)", "CREATE TABLE a (x);\nCREATE TRIGGER t BEGIN SELECT 1;"])
def test_a_script_that_breaks_off_is_no_script(script: str) -> None:
    with pytest.raises(ValueError, match="no end"):
        database.statements(script)


def test_peers_of_an_older_database_stand_as_what_was_done_with_them(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = [one for one in database.migrations() if one[0] < 4]
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations", lambda: older)
        db = database.open_for_writing(tmp_path)
    row = "INSERT INTO peer VALUES (?, ?, 'n', 'plain', 'h', 1, 'std', ?, 'unknown', NULL, 1, ?, 0, ?)"
    for id_, dialect_from, wanted, own_name in (
        ("stranger", "seen", 0, None), ("answered", "seen", 0, None), ("named", "seen", 0, "own"),
        ("wanted", "seen", 1, None), ("asked", "guess", 0, None),
    ):  # fmt: skip
        db.execute(row, (id_, id_, dialect_from, wanted, own_name))
    db.execute("INSERT INTO delivery VALUES (1, 'answered', 'sent', NULL)")
    db.close()
    db = database.open_for_writing(tmp_path)
    stands = dict(db.execute("SELECT id, standing FROM peer").fetchall())
    db.close()
    assert stands == {
        "stranger": "stranger", "answered": "known", "named": "known", "wanted": "asked", "asked": "asked",
    }  # fmt: skip
