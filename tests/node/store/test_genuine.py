"""A planted database: what our migrations did not make is refused by name, and no byte is changed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3

import pytest

from node.errors import StoreCorrupt
from node.store import database
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.story import Story, commit, new_writer

#: Drops each message and its delivery between "stored" and "told".
THIEF = "CREATE TRIGGER thief AFTER INSERT ON body BEGIN DELETE FROM body WHERE entry = new.entry; END"


def used(home: pathlib.Path) -> pathlib.Path:
    """A database with a conversation; returns its path."""
    writer = new_writer(home)
    story = Story()
    story.hear(story.meet("127.0.0.2", 5000), "hello")
    commit(writer, story)
    writer.index(100)
    writer.close()
    return home / database.FILE_NAME


def plant(path: pathlib.Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            db.execute(statement)


def refused(home: pathlib.Path) -> str:
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    with pytest.raises(StoreCorrupt) as caught:
        Writer(home)
    assert {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()} == before
    assert "Nothing was changed" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (THIEF, "trigger 'thief'"),
        ("CREATE TABLE extra (x)", "table 'extra'"),
        ("CREATE VIEW extra AS SELECT load_extension('x')", "view 'extra'"),
        ("CREATE INDEX extra ON entry (abs(at))", "index 'extra'"),
        ("ALTER TABLE body ADD COLUMN extra AS (hex(text))", "table 'body'"),
        ("DROP TABLE signed", "index 'signed_by_entry', table 'signed'"),
        ("UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'delivery'", "table 'delivery'"),
        ("UPDATE sqlite_schema SET sql = replace(sql, 'sz BLOB', 'sz') WHERE name = 'search_docsize'", "docsize"),
        ("UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'fact')"
         " WHERE name = 'reply'", "share the pages"),
        ("CREATE TRIGGER t AFTER INSERT ON body BEGIN SELECT 1; END; ", "trigger 't'"),
    ],
)  # fmt: skip
def test_a_schema_that_the_migrations_do_not_make_is_refused_by_name(
    tmp_path: pathlib.Path, statement: str, named: str
) -> None:
    plant(used(tmp_path), statement)
    assert named in refused(tmp_path)


def test_a_trigger_that_is_named_like_a_table_of_statistics_is_refused(tmp_path: pathlib.Path) -> None:
    path = used(tmp_path)
    plant(path, THIEF, "UPDATE sqlite_schema SET name = 'sqlite_stat1', sql = replace(sql, 'thief', 'sqlite_stat1')"
                       " WHERE name = 'thief'")  # fmt: skip
    assert "trigger 'sqlite_stat1'" in refused(tmp_path)


def test_only_the_first_objects_are_named_and_their_names_are_cut(tmp_path: pathlib.Path) -> None:
    plant(used(tmp_path), *(f"CREATE TABLE {'x' * 500}{n} (x)" for n in range(5)))
    said = refused(tmp_path)
    assert "and 2 more" in said
    assert len(said) < 700


def test_what_a_rollback_journal_would_bring_in_is_refused(tmp_path: pathlib.Path) -> None:
    """The look that changes nothing passes over a journal; SQLite plays it back when the file is opened to write."""
    (tmp_path / "a").mkdir()
    path = used(tmp_path / "a")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute(THIEF)
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        db.execute("DROP TRIGGER thief")
        db.execute("INSERT INTO fact VALUES ('big', zeroblob(1000000))")
        # As a crash would leave it: the file half-way, the journal with what was there before.
        home = tmp_path / "b"
        home.mkdir()
        for file in (tmp_path / "a").iterdir():
            (home / file.name).write_bytes(file.read_bytes())
    assert (home / "snicher.db-journal").stat().st_size > 512
    with pytest.raises(StoreCorrupt, match="thief"):
        Writer(home)


def test_what_analyze_makes_is_let_be(tmp_path: pathlib.Path) -> None:
    plant(used(tmp_path), "ANALYZE")
    Writer(tmp_path).close()


def test_texts_in_another_encoding_are_refused(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / database.FILE_NAME, isolation_level=None)) as db:
        db.execute("PRAGMA encoding = 'UTF-16'")
        for number, _, sql in database.migrations():
            database.migrate(db, number, sql)
    assert "UTF-16" in refused(tmp_path)


@pytest.mark.parametrize("version", [number for number, _, _ in database.migrations()])
def test_a_database_of_each_earlier_schema_is_ours_and_a_planted_one_is_not(
    tmp_path: pathlib.Path, version: int
) -> None:
    for home in (tmp_path / "good", tmp_path / "planted"):
        home.mkdir()
        with contextlib.closing(sqlite3.connect(home / database.FILE_NAME, isolation_level=None)) as db:
            for number, _, sql in database.migrations()[:version]:
                database.migrate(db, number, sql)
    Writer(tmp_path / "good").close()
    plant(tmp_path / "planted" / database.FILE_NAME, THIEF)
    assert "thief" in refused(tmp_path / "planted")


def test_every_connection_trusts_no_schema_and_search_works(tmp_path: pathlib.Path) -> None:
    used(tmp_path)
    for read_only in (False, True):
        with contextlib.closing(database.connect(tmp_path, read_only=read_only)) as db:
            assert db.execute("PRAGMA trusted_schema").fetchone() == (0,)
            assert db.execute("SELECT text FROM search WHERE search MATCH 'hello'").fetchall() == [("hello",)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", ["snicher.db", "snicher.db-wal", "snicher.db-shm", "snicher.db-journal"])
def test_a_pipe_in_place_of_a_file_does_not_hold_up_the_start(tmp_path: pathlib.Path, name: str) -> None:
    used(tmp_path)
    for leftover in ("snicher.db",) if name == "snicher.db" else ():
        (tmp_path / leftover).unlink()
    os.mkfifo(tmp_path / name)
    assert name in refused(tmp_path)
    with pytest.raises(StoreCorrupt, match="not an ordinary file"):
        Reader(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.timeout(10)
def test_a_link_to_the_database_works_and_its_wal_is_looked_at(tmp_path: pathlib.Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").mkdir()
    path = used(tmp_path / "disk")
    (tmp_path / "home" / database.FILE_NAME).symlink_to(path)
    Writer(tmp_path / "home").close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute(THIEF)
        # The trigger stands in the WAL only, which lies beside the file.
        with pytest.raises(StoreCorrupt, match="thief"):
            Writer(tmp_path / "home")
