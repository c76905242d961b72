"""The index is dealt to shards by message id, and nobody who searches notices. With blocks of a few messages."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.bus import requests as rq
from node.errors import StoreCorrupt
from node.store import database, segments, shards
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store import samples
from tests.node.store.story import INSTANCE, LOG, Story, commit, erase, new_writer

#: Blocks of four messages: 16 shards hold 64 messages in one round.
BITS = 2


@pytest.fixture(autouse=True)
def small_blocks() -> Iterator[None]:
    with mock.patch.object(shards, "BLOCK_BITS", BITS):
        yield


def tables(home: pathlib.Path) -> list[str]:
    """The tables of the index that are in the file."""
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME)) as db:
        return [name for (name,) in db.execute("SELECT name FROM sqlite_schema") if name in shards.TABLES]


def change(home: pathlib.Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            db.execute(statement)


def index_all(writer: Writer) -> None:
    while writer.index(3):
        pass


def found(reader: Reader, query: str, *, before: int | None = None, limit: int = 100) -> list[int]:
    return [hit.id for hit in reader.search(rq.SearchArgs(query=query, before=before, limit=limit)).hits]


class Home:
    """A home with one conversation of many short messages, all indexed."""

    def __init__(self, path: pathlib.Path, count: int) -> None:
        self.path = path
        self.story = Story()
        self.anna, self.bela = self.story.meet("10.0.0.1", 5000), self.story.meet("10.0.0.2", 5000)
        self.story.hear(self.anna, *(f"word w{number} 上海 {number}" for number in range(1, count + 1)))
        self.writer = new_writer(path)
        self.reader = Reader(path)
        self.index()

    def index(self) -> None:
        commit(self.writer, self.story)
        index_all(self.writer)

    def open(self) -> None:
        """Start again."""
        self.writer, self.reader = Writer(self.path), Reader(self.path)
        self.writer.prepare(log=LOG, instance=INSTANCE)

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def home(tmp_path: pathlib.Path) -> Iterator[Home]:
    made = Home(tmp_path, 90)
    yield made
    made.close()


# -- which shard


@given(whole=st.integers(0, 200), further=st.integers(0, 200))
def test_python_and_sql_agree_on_the_shard_of_every_message_and_each_shard_that_holds_one_is_there(
    whole: int, further: int
) -> None:
    layout = shards.Layout(whole, whole + further)
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY)")
        db.executemany("INSERT INTO entry VALUES (?)", ((id_,) for id_ in range(1, layout.upto + 1)))
        dealt = dict(db.execute(f"SELECT id, {layout.sql} FROM entry"))
    assert dealt == {id_: layout.of(id_) for id_ in range(1, layout.upto + 1)}
    last = {shard: id_ for id_, shard in sorted(dealt.items())}
    assert layout.newest() == {0: whole} | last
    assert list(layout.newest().values()) == sorted(layout.newest().values(), reverse=True)
    for id_ in dealt:
        assert len({layout.of(one) for one in range(id_, layout.end(id_) + 1)}) == 1
        assert layout.end(id_) == whole or layout.of(layout.end(id_) + 1) != layout.of(id_)


def test_a_shard_s_tables_are_made_when_the_index_comes_to_its_first_block(tmp_path: pathlib.Path) -> None:
    home = Home(tmp_path, 3)
    assert tables(tmp_path) == ["search", "unspaced"]
    home.story.hear(home.anna, "four", "five")
    home.index()
    assert tables(tmp_path) == ["search", "unspaced", "search_1", "unspaced_1"]
    for name in tables(tmp_path):
        before = segments.structure(home.writer.connection, name)
        assert home.writer.connection.execute(f"SELECT v FROM {name}_config WHERE k = 'automerge'").fetchone() == (0,)
        assert before.levels <= 3
    home.close()


# -- searching


def test_words_and_runs_are_found_in_all_shards_newest_first_and_page_by_page(home: Home) -> None:
    assert set(tables(home.path)) == set(shards.TABLES)
    everything = list(range(90, 0, -1))
    for query in ("word", "wo*", "w*", "上海", "海"):
        assert found(home.reader, query) == everything
        pages, before = [], None
        while page := found(home.reader, query, before=before, limit=7):
            pages += page
            before = page[-1]
        assert pages == everything
    assert [found(home.reader, f"w{number}") for number in (1, 3, 4, 64, 65, 90)] == [[1], [3], [4], [64], [65], [90]]


def test_a_page_is_looked_for_no_further_than_it_takes(home: Home) -> None:
    asked: list[str] = []
    home.reader._db.set_trace_callback(asked.append)
    assert found(home.reader, "word", limit=2) == [90, 89]
    looked = [one for one in asked if "MATCH" in one]
    assert len(looked) < 6, "the newest blocks have enough"


def test_messages_that_are_deleted_moved_or_expired_leave_every_shard(home: Home) -> None:
    story = home.story
    nameless = story.meet("10.0.0.1", None, "anna")
    story.hear(nameless, *(f"moves 搬家 {number}" for number in range(20)))
    story.hear(home.bela, *(f"goes 走 {number}" for number in range(20)))
    home.index()
    story.claim(nameless, 5000)
    story.contacts.delete(home.bela)
    commit(home.writer, story)
    while (work := home.writer.work) is not None:
        home.writer.advance(work, 7)
    assert found(home.reader, "goes") == found(home.reader, "走") == []
    assert found(home.reader, "moves") == found(home.reader, "家") == list(range(110, 90, -1))
    story.rooms.read(home.anna.peer.room, story.ledger.last_message, 0)
    story.expire(home.reader, story.ledger.now + 1, limit=200)
    commit(home.writer, story)
    for query in ("word", "moves", "上海", "家"):
        assert found(home.reader, query) == []
    erase(home.writer)
    db = home.writer.connection
    for name in tables(home.path):
        db.execute(f"INSERT INTO {name} ({name}) VALUES ('integrity-check')")
        blocks = [block for (block,) in db.execute(f"SELECT block FROM {name}_data")]
        assert not any("上海".encode() in block or b"moves" in block for block in blocks), name


# -- faults


@pytest.mark.parametrize("table", ["search_1", "unspaced_15", "search"])
def test_a_shard_that_is_gone_is_noticed_at_the_start_and_the_index_is_built_anew(home: Home, table: str) -> None:
    home.close()
    change(home.path, f"DROP TABLE {table}")
    home.open()
    assert home.writer.keeper.state().broken
    while not home.writer.keeper.discard():
        pass
    assert tables(home.path) == ["search", "unspaced"]
    index_all(home.writer)
    assert found(home.reader, "word") == found(home.reader, "上海") == list(range(90, 0, -1))
    assert set(tables(home.path)) == set(shards.TABLES)


def test_a_shard_that_can_not_be_made_breaks_the_index_and_no_message_is_lost(tmp_path: pathlib.Path) -> None:
    home = Home(tmp_path, 3)
    change(tmp_path, "DELETE FROM sqlite_schema WHERE name = 'unspaced'", "PRAGMA writable_schema = RESET")
    home.story.hear(home.anna, "four", "five")
    home.index()
    assert "missing" in (home.writer.keeper.state().broken or "")
    while not home.writer.keeper.discard():
        pass
    index_all(home.writer)
    assert found(home.reader, "word") == [3, 2, 1] and found(home.reader, "five") == [5]
    home.close()


def test_further_shards_belong_to_the_schema_and_others_like_them_do_not(home: Home) -> None:
    home.close()
    home.open()
    home.close()
    for statement in (
        "UPDATE sqlite_schema SET sql = replace(sql, 'unicode61', 'trigram') WHERE name = 'search_3'",
        "UPDATE sqlite_schema SET sql = replace(sql, 'sz BLOB', 'sz') WHERE name = 'unspaced_3_docsize'",
        "CREATE TABLE search_16 (x)",
        "CREATE TABLE search_03 (x)",
        "CREATE TABLE search_3_more (x)",
        "CREATE TRIGGER search_2_thief AFTER INSERT ON body BEGIN SELECT 1; END",
    ):
        original = (home.path / database.FILE_NAME).read_bytes()
        change(home.path, statement)
        with pytest.raises(StoreCorrupt, match=r"search_|unspaced_"):
            Writer(home.path)
        (home.path / database.FILE_NAME).write_bytes(original)
    home.open()


# -- homes of earlier programs


def test_what_an_earlier_program_indexed_stays_in_shard_0_and_later_messages_go_to_their_own(
    tmp_path: pathlib.Path,
) -> None:
    samples.put(11, tmp_path)
    writer = Writer(tmp_path)
    writer.prepare(log="another", instance="another", known=True)
    layout = shards.layout(writer.connection)
    assert layout.whole == layout.upto > 1 << BITS + 1
    assert tables(tmp_path) == ["search", "unspaced"]
    reader = Reader(tmp_path)
    before = found(reader, "merge*")
    with writer.connection as db:
        newest = db.execute("SELECT max(id) FROM entry").fetchone()[0]
        for id_ in range(newest + 1, newest + 9):
            db.execute(
                "INSERT INTO entry SELECT ?, room, clock, at, 0, author, name, kind, NULL, tie FROM entry LIMIT 1",
                (id_,),
            )
            db.execute("INSERT INTO body VALUES (?, 'merged later 上海', NULL)", (id_,))
    index_all(writer)
    assert found(reader, "merge*") == [*range(newest + 8, newest, -1), *before]
    assert found(reader, "上海") == list(range(newest + 8, newest, -1))
    later = {shards.table("search", layout.of(id_)) for id_ in range(newest + 1, newest + 9)}
    assert later and "search" not in later and later <= set(tables(tmp_path))
    reader.close()
    writer.close()
