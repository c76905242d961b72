"""Segments of the search index are merged in small steps, and there are never many of them."""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterator

import pytest

from node.store import database, segments
from node.store.segments import Structure, Unreadable, structure
from tests.node.store.story import Story, commit, finish, new_writer


@pytest.fixture
def table() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, content = '')")
    segments.merge_by_steps(db, "words")
    yield db
    db.close()


def add(db: sqlite3.Connection, first: int, count: int) -> None:
    """One write of so many texts; the merging is left to the caller."""
    texts = ((number, f"word{number} other{number % 1000} and a few more") for number in range(first, first + count))
    db.execute("BEGIN")
    db.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", texts)
    db.execute("COMMIT")


def test_a_table_that_merges_by_steps_merges_nothing_by_itself(table: sqlite3.Connection) -> None:
    for number in range(12):
        before = structure(table, "words")
        add(table, number * 1_000, 1_000)
        assert structure(table, "words").filled == 1
        assert structure(table, "words").pages > before.pages


def test_the_setting_is_written_once(table: sqlite3.Connection) -> None:
    before = table.total_changes
    segments.merge_by_steps(table, "words")
    assert table.total_changes == before


def test_keeping_up_leaves_few_segments_and_every_word(table: sqlite3.Connection) -> None:
    for number in range(300):
        before = structure(table, "words")
        add(table, number * 300, 300)
        segments.keep_up(table, "words", before)
    # Levels of four segments each, of which a few wait to be merged. Without merging there would be one level.
    assert 3 <= structure(table, "words").filled <= 6
    table.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    found = [row[0] for row in table.execute("SELECT rowid FROM words WHERE words MATCH 'word89999'")]
    assert found == [89_999]


def test_nothing_is_merged_where_nothing_was_written(table: sqlite3.Connection) -> None:
    for number in range(5):
        add(table, number * 1_000, 1_000)
    now, changes = structure(table, "words"), table.total_changes
    segments.keep_up(table, "words", now)
    assert (structure(table, "words"), table.total_changes) == (now, changes)


@pytest.mark.parametrize("record", [
    b"", b"\0\0\0\1", b"\0\0\0\1\2",
    b"\0\0\0\1\1\1\1\0\1\1\1", b"\0\0\0\1\1\1\1\0\1\1\2\1", b"\0\0\0\1\1\1\1\0\1\1\0\1",
    b"\0\0\0\1" + b"\xff" * 40, b"\0\0\0\1\1\1\1\0\1\1\1" + b"\xff" * 9,
])  # fmt: skip
def test_a_structure_that_makes_no_sense_is_refused(table: sqlite3.Connection, record: bytes) -> None:
    table.execute("UPDATE words_data SET block = ? WHERE id = 10", (record,))
    with pytest.raises(Unreadable):
        structure(table, "words")


def test_a_missing_structure_is_refused(table: sqlite3.Connection) -> None:
    table.execute("DELETE FROM words_data WHERE id = 10")
    with pytest.raises(Unreadable):
        structure(table, "words")


def test_the_structure_of_a_later_format_is_read(table: sqlite3.Connection) -> None:
    # One level with two segments, of pages 1 to 3 and 2 to 2, in the format of SQLite 3.43.
    more = b"\1\1\0\0\x09"
    record = b"\0\0\0\1" + b"\xff\0\0\1" + b"\1\2\5" + b"\0\2" + b"\7\1\3" + more + b"\x08\2\2" + more
    table.execute("UPDATE words_data SET block = ? WHERE id = 10", (record,))
    assert structure(table, "words") == Structure(levels=1, filled=1, pages=4)


def test_no_step_of_a_large_deletion_writes_much_more_than_the_others(tmp_path: pathlib.Path) -> None:
    writer, story = new_writer(tmp_path), Story()
    goes = story.meet("10.0.0.1", 5000)
    for start in range(0, 20_000, 500):
        story.hear(goes, *(f"word{number} other{number % 700} and more" for number in range(start, start + 500)))
        commit(writer, story)
        while writer.index(500):
            pass
    wal = tmp_path / f"{database.FILE_NAME}-wal"
    db = writer._db
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("PRAGMA synchronous = OFF")
    writer.fold()
    story.contacts.delete(goes)
    commit(writer, story)
    grown = []
    while writer.work is not None:
        before = wal.stat().st_size
        work = writer.work
        writer.advance(work, 200)
        if writer.work is not None and work == "entries":
            grown.append(wal.stat().st_size - before)
    finish(writer)
    writer.close()
    assert len(grown) > 50
    # SQLite's own merging writes ten times the usual, each time that 64 pages have gathered.
    assert max(grown) < 4 * sorted(grown)[len(grown) // 2]
