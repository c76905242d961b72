"""The search index is derived: no fault of it fails a write, and it is built anew. With the SQLite that is here."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from node.bus import requests as rq
from node.errors import IndexBroken, StoreUnavailable
from node.store import database, index, segments, shards
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.story import LOG, Story, commit, erase, finish, new_writer

#: What breaks an index, by name: SQL on its own tables, and what the damage is noticed by.
DAMAGES = {
    "levels": "UPDATE search_data SET block = x'0000000000cfa10000' WHERE id = 10",
    "garbage": "UPDATE search_data SET block = randomblob(300)",
    "too large": "UPDATE search_data SET block = x'0444f8cd2c65c73a1faea7a29bb75d2dd15cfe8c513a9f95' WHERE id = 10",
    "no structure": "DELETE FROM search_data WHERE id = 10",
    "no table": "DROP TABLE search_idx",
    "newer format": "UPDATE search_config SET v = 99 WHERE k = 'version'",
}


class Shelf:
    """A story on disk, with its index and a reader."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.writer: Writer = new_writer(home)
        # These tests are about many commits, not about power cuts.
        self.writer._db.execute("PRAGMA synchronous = OFF")
        self.reader = Reader(home)
        self.story = Story()

    def commit(self) -> None:
        commit(self.writer, self.story)

    def index(self) -> None:
        self.commit()
        while self.writer.index(400):
            pass

    def tend(self) -> bool:
        """All that upkeep does, at once; returns whether the index had to be thrown away."""
        erase(self.writer)
        thrown = self.writer.keeper.state().broken is not None
        while self.writer.keeper.state().broken is not None:
            self.writer.keeper.discard()
        self.index()
        return thrown

    def found(self, query: str) -> list[str]:
        return [hit.text for hit in self.reader.search(rq.SearchArgs(query=query, limit=100)).hits]

    def damage(self, sql: str) -> None:
        with sqlite3.connect(self.home / database.FILE_NAME) as other:
            other.execute(sql)
        other.close()

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def shelf(tmp_path: pathlib.Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.close()


def schema(home: pathlib.Path) -> list[tuple[str, str, str]]:
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


# -- many steps


def test_two_thousand_deletions_leave_an_index_that_works(shelf: Shelf) -> None:
    keeps = shelf.story.meet("10.0.0.1", 5000)
    shelf.story.hear(keeps, *(f"stays {number} " + "and more words " * 5 for number in range(60)))
    shelf.index()
    thrown = 0
    for number in range(2_000):
        gone = shelf.story.meet("10.0.0.2", 5000)
        shelf.story.hear(gone, f"goes 走 {number}")
        shelf.index()
        shelf.story.contacts.delete(gone)
        shelf.commit()
        # Far more often than upkeep would: a pass of erasing for every deletion.
        thrown += shelf.tend()
        for table in shards.KINDS:
            assert segments.structure(shelf.writer._db, table).levels <= index.MAX_LEVELS + 2
    assert (shelf.found("goes"), shelf.found("走"), len(shelf.found("stays"))) == ([], [], 60)
    assert not shelf.writer.keeper.state().rebuilding
    if sqlite3.sqlite_version_info < (3, 42):
        assert 1 <= thrown <= 5, "it is built anew before SQLite's limit, and not often"
    shelf.writer._db.execute("INSERT INTO search (search) VALUES ('integrity-check')")


def test_two_thousand_expiries_and_five_hundred_merges_leave_an_index_that_works(shelf: Shelf) -> None:
    story = shelf.story
    keeps = story.meet("10.0.0.1", 5000)
    for number in range(2_000):
        story.hear(keeps, f"old 旧 {number}")
        shelf.index()
        story.expire(shelf.reader, story.ledger.now + 1)
        shelf.commit()
        if number % 20 == 0:
            shelf.tend()
    for number in range(500):
        nameless = story.meet("10.0.0.1", None, f"anna {number}")
        story.hear(nameless, f"moves {number} 搬家")
        shelf.index()
        story.recognising.claim(nameless, 5000)
        shelf.commit()
        assert shelf.found(f'"moves {number}"') == [f"moves {number} 搬家"]
    shelf.tend()
    assert shelf.found("old") == shelf.found("旧") == []
    for query in ("moves", "家"):
        hits = shelf.reader.search(rq.SearchArgs(query=query, room=keeps.peer.room, limit=100)).hits
        assert [hit.text for hit in hits[:2]] == ["moves 499 搬家", "moves 498 搬家"]
    shelf.writer._db.execute("INSERT INTO search (search) VALUES ('integrity-check')")


def test_a_word_that_is_no_more_is_gone_from_the_bytes_of_the_index_after_a_pass(shelf: Shelf) -> None:
    stays, goes = shelf.story.meet("10.0.0.1", 5000), shelf.story.meet("10.0.0.2", 5000)
    shelf.story.hear(stays, *(f"stays 还在 {number}" for number in range(2_000)))
    shelf.story.hear(goes, "unmistakable", "不会弄错")
    shelf.index()
    shelf.story.contacts.delete(goes)
    shelf.commit()
    # Said while the pass is due: it goes with it, too.
    shelf.story.hear(stays, "joins later")
    shelf.index()
    erase(shelf.writer)
    assert not shelf.writer.keeper.state().owes
    blocks = shelf.writer._db.execute("SELECT block FROM search_data").fetchall()
    blocks += shelf.writer._db.execute("SELECT block FROM unspaced_data").fetchall()
    for goes_not in (b"istakable", "弄错".encode()):
        assert not any(goes_not in block for (block,) in blocks)
        for path in shelf.home.glob("snicher.db*"):
            assert goes_not not in path.read_bytes(), path
    assert (len(shelf.found("stays")), shelf.found("joins")) == (100, ["joins later"])


@pytest.mark.skipif(sqlite3.sqlite_version_info >= (3, 42), reason="words go with the deletion there")
def test_a_deletion_during_a_pass_is_for_the_next_one(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "STEP_PAGES", 1)
    stays, goes = shelf.story.meet("10.0.0.1", 5000), shelf.story.meet("10.0.0.2", 5000)
    late = shelf.story.meet("10.0.0.3", 5000)
    shelf.story.hear(late, "unmistakable")
    shelf.story.hear(goes, "first")
    shelf.story.hear(stays, *(f"word{number} other{number}" for number in range(4_000)))
    shelf.index()
    shelf.story.contacts.delete(goes)
    shelf.commit()
    steps, more = 1, shelf.writer.keeper.erase(begin=True)
    assert more
    shelf.story.contacts.delete(late)
    shelf.commit()
    while more:
        more = shelf.writer.keeper.erase(begin=False)
        steps += 1
    assert steps > 3, "a large index takes many small steps"
    assert shelf.writer.keeper.state().owes
    erase(shelf.writer)
    assert not shelf.writer.keeper.state().owes
    assert not any(b"istakable" in block for (block,) in shelf.writer._db.execute("SELECT block FROM search_data"))


# -- faults


# A newer format matters at the start only: while it runs, SQLite doesn't look at it.
@pytest.mark.parametrize("damage", ["levels", "garbage", "too large", "no structure", "no table"])
@pytest.mark.parametrize("table", shards.KINDS)
def test_a_broken_index_fails_no_write_and_is_built_anew(shelf: Shelf, damage: str, table: str) -> None:
    story = shelf.story
    anna, bela = story.meet("10.0.0.1", 5000, "anna"), story.meet("10.0.0.2", 5000)
    nameless = story.meet("10.0.0.1", None, "anna")
    story.hear(bela, *(f"bela says 我说 {number}" for number in range(50)))
    story.hear(anna, "anna says this", "她说这个")
    story.hear(nameless, "anna moves")
    shelf.index()
    before = schema(shelf.home)
    shelf.damage(DAMAGES[damage].replace("search_", f"{table}_"))
    story.contacts.delete(bela)
    story.recognising.claim(nameless, 5000)
    story.hear(anna, "said after")
    shelf.index()
    assert [one.text for one in shelf.reader.history(rq.HistoryArgs(room=anna.peer.room)).messages][-1] == "said after"
    try:
        result = shelf.reader.search(rq.SearchArgs(query="says"))
    except IndexBroken as error:
        # Not every damage is met by a write.
        shelf.writer.keeper.give_up(str(error))
        result = shelf.reader.search(rq.SearchArgs(query="says"))
    assert (result.hits, result.rebuilding) == ([], True) and result.pending > 0
    assert shelf.tend()
    assert (shelf.found("says"), shelf.found("said")) == (["anna says this"], ["said after"])
    assert shelf.found("说") == ["她说这个"]
    assert shelf.found("moves") == ["anna moves"]
    assert not shelf.reader.search(rq.SearchArgs(query="says")).rebuilding
    assert schema(shelf.home) == before
    assert shelf.writer._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for table in shards.KINDS:
        shelf.writer._db.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")


@pytest.mark.parametrize("table", shards.KINDS)
@pytest.mark.parametrize("damage", ["levels", "no structure", "no table", "newer format"])
def test_a_broken_index_is_noticed_at_the_start(shelf: Shelf, damage: str, table: str) -> None:
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), "still there 还在")
    shelf.index()
    shelf.damage(DAMAGES[damage].replace("search_", f"{table}_"))
    shelf.close()
    shelf.writer, shelf.reader = Writer(shelf.home), Reader(shelf.home)
    shelf.writer.prepare(log=LOG, instance="s")
    assert shelf.writer.keeper.state().broken
    assert shelf.reader.search(rq.SearchArgs(query="still")).rebuilding
    assert shelf.tend()
    assert shelf.found("still") == shelf.found("在") == ["still there 还在"]


def test_an_index_with_as_many_levels_as_it_may_have_is_built_anew(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), "word")
    shelf.index()
    count = segments.structure(shelf.writer._db, "search").levels
    monkeypatch.setattr(index, "MAX_LEVELS", count)
    shelf.writer.prepare(log=LOG, instance="s")
    assert shelf.writer.keeper.state().broken is None
    monkeypatch.setattr(index, "MAX_LEVELS", count - 1)
    shelf.writer.prepare(log=LOG, instance="s")
    assert "levels" in (shelf.writer.keeper.state().broken or "")
    assert shelf.tend()
    assert shelf.found("word") == ["word"]


def test_what_a_broken_index_held_is_overwritten_when_it_is_thrown_away(shelf: Shelf) -> None:
    goes = shelf.story.meet("10.0.0.1", 5000)
    shelf.story.hear(goes, *(f"unmistakable{number} 不会弄错{number}" for number in range(3_000)))
    shelf.index()
    shelf.damage(DAMAGES["levels"])
    shelf.story.contacts.delete(goes)
    shelf.commit()
    finish(shelf.writer)
    steps = 1
    while not shelf.writer.keeper.discard():
        steps += 1
    assert steps > 1
    assert shelf.writer.fold()
    for goes_not in (b"istakable", "弄错".encode()):
        assert goes_not not in (shelf.home / database.FILE_NAME).read_bytes()


@pytest.mark.parametrize("table", shards.KINDS)
def test_an_index_whose_pages_can_t_be_read_is_replaced_all_the_same(shelf: Shelf, table: str) -> None:
    texts = [f"word word{number} 不会弄错{number}" for number in range(2_000)]
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), *texts)
    shelf.index()
    assert shelf.writer.fold()
    (page,) = shelf.writer._db.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = ?", (f"{table}_data",)
    ).fetchone()
    shelf.close()
    with (shelf.home / database.FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    shelf.writer, shelf.reader = Writer(shelf.home), Reader(shelf.home)
    shelf.writer.prepare(log=LOG, instance="s")
    assert shelf.tend()
    assert len(shelf.found("word")) == len(shelf.found("弄错")) == 100


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR | 1 << 8, sqlite3.SQLITE_READONLY])
def test_a_disk_that_fails_is_not_taken_for_a_broken_index(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    goes = shelf.story.meet("10.0.0.1", 5000)
    shelf.story.hear(goes, "word")
    shelf.index()
    shelf.story.contacts.delete(goes)

    def fail(*_: object) -> None:
        error = sqlite3.OperationalError("the disk fails")
        error.sqlite_errorcode = code
        with index.used(shelf.writer._db):
            raise error

    monkeypatch.setattr(index, "_take_out", fail)
    records = shelf.story.records()
    with pytest.raises(StoreUnavailable):
        shelf.writer.commit(records)
    assert shelf.writer.keeper.state().broken is None
    monkeypatch.undo()
    shelf.writer.commit(records)
    assert shelf.found("word") == []


def test_messages_that_can_t_be_read_are_not_taken_for_a_broken_index(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), "word")
    shelf.commit()

    def corrupt(what: type[Exception]) -> Callable[..., None]:
        def fail(*_: object) -> None:
            raise what("malformed")

        return fail

    monkeypatch.setattr(index, "_add", corrupt(IndexBroken))
    monkeypatch.setattr(index, "readable", corrupt(sqlite3.DatabaseError))
    with pytest.raises(StoreUnavailable, match="can't be read"):
        shelf.writer.index(10)
    assert shelf.writer.keeper.state().broken is None
