"""Search: nothing that is typed acts as syntax, hits come newest first, and the index follows what is on disk."""

from __future__ import annotations

import pathlib
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from node.bus import bounds
from node.bus import requests as rq
from node.errors import CommandRefused
from node.store import database, index, search, shards, unspaced
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.plans import WORDS, Plan, live, plans
from tests.node.store.story import Story, commit, new_writer

#: Letters of FTS5's own language, and what breaks quoting.
HOSTILE = st.lists(
    st.sampled_from(
        [*"ab \"*^():{}+-,.;'\\%_\0\n\tÄé漢が\u3099\u0e35\u200b\ufe0f😀\ud800", "AND ", "OR ", "NOT ", "NEAR"]
    ),
    max_size=40,
).map("".join)


class Shelf:
    """A story on disk, with its index and a reader."""

    def __init__(self, home: pathlib.Path) -> None:
        self.writer: Writer = new_writer(home)
        self.story = Story()
        self.reader = Reader(home)

    def index(self) -> None:
        commit(self.writer, self.story)
        while self.writer.index(7):
            pass

    def found(self, query: str, **how: object) -> list[str]:
        result = self.reader.search(rq.SearchArgs(query=query, **how))  # type: ignore[arg-type]
        return [hit.text for hit in result.hits]

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def shelf(tmp_path: pathlib.Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.close()


@pytest.fixture(scope="module")
def fts() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    made = [sql for _, _, script in database.migrations() for sql in database.statements(script)]
    for sql in made:
        if "CREATE VIRTUAL TABLE" in sql:
            db.execute(sql.replace("content = 'searchable', content_rowid = 'id',", ""))
    for table in shards.KINDS:
        db.execute(f"INSERT INTO {table} (rowid, text, room) VALUES (1, 'a b', 'r1')")
    yield db
    db.close()


def matches(fts: sqlite3.Connection, query: str, room: int | None) -> list[tuple[int]]:
    found = []
    for table, expression in search.match_expressions(query, None if room is None else [room]).items():
        found += fts.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH ?", (expression,)).fetchall()
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=HOSTILE | st.text(max_size=60), room=st.none() | st.integers(1, 9))
@example(query='text : "a" OR room : "r1"', room=None)
@example(query='"', room=1)
@example(query='a" OR "b', room=1)
@example(query="a*b*", room=None)
@example(query="x" * 501, room=None)
def test_a_query_is_an_expression_or_is_refused_and_nothing_else(
    fts: sqlite3.Connection, query: str, room: int | None
) -> None:
    try:
        matches(fts, query, room)
    except CommandRefused as refused:
        assert refused.code == "invalid_args"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=HOSTILE)
def test_a_word_that_is_nowhere_is_never_found_whatever_is_typed_around_it(fts: sqlite3.Connection, query: str) -> None:
    unquoted = query.replace('"', "")
    assert matches(fts, f"zzz {unquoted}", None) == []


@pytest.mark.parametrize("query", ["", "  ", '""', "*", "_ - _", "😀", "\0", '"***"'])
def test_a_query_without_a_word_is_refused(query: str) -> None:
    with pytest.raises(CommandRefused, match="at least one word"):
        search.match_expressions(query, None)


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("north", ["North-west gate", "the north gate"]),
        ("gate north", ["North-west gate", "the north gate"]),
        ('"north gate"', ["the north gate"]),
        ("nor*", ["North-west gate", "the north gate"]),
        ("nor", []),
        ('"nor*"', []),
        ("north-west", ["North-west gate"]),
        ("apfel*", ["Äpfel"]),
        ("ÄPFEL", ["Äpfel"]),
        ("gate _ 😀", ["North-west gate", "the north gate"]),
        ("gate NOT north", []),
        ("room", []),
        ("r1", []),
    ],
)
def test_words_prefixes_and_phrases_find_what_they_say_newest_first(shelf: Shelf, query: str, hits: list[str]) -> None:
    anna = shelf.story.meet("10.0.0.1", 5000)
    shelf.story.hear(anna, "the north gate", "Äpfel", "North-west gate")
    shelf.story.notice(anna, "north notices aren't found")
    shelf.index()
    assert shelf.found(query) == hits


@pytest.mark.parametrize(
    "word",
    [
        "Jos\u00e9",
        "Vi\u1ec7t",
        "\ud55c\uae00",
        "\u304c\u304e",
        "\u03ac\u03bd\u03b8\u03c1\u03c9\u03c0\u03bf\u03c2",
        "\u0419\u043e\u0434",
        "\u0644\u0623",
    ],
)
def test_a_word_is_found_however_its_accents_are_stored(shelf: Shelf, word: str) -> None:
    anna = shelf.story.meet("10.0.0.1", 5000)
    composed, decomposed = (f"a {unicodedata.normalize(form, word)} b" for form in ("NFC", "NFD"))
    assert composed != decomposed
    shelf.story.hear(anna, composed, decomposed, "a b")
    shelf.index()
    for form in ("NFC", "NFD"):
        typed = unicodedata.normalize(form, word)
        for query in (typed, f"{typed}*", f'"a {typed}"', typed.upper()):
            assert shelf.found(query) == [decomposed, composed], query


def test_pages_go_back_in_time_without_a_gap_and_within_one_room(shelf: Shelf) -> None:
    anna, berta = shelf.story.meet("10.0.0.1", 5000), shelf.story.meet("10.0.0.2", 5000)
    mine = []
    for number in range(25):
        mine += shelf.story.hear(anna, f"word {number}")
        shelf.story.hear(berta, f"word {number}")
    shelf.index()
    seen: list[int] = []
    before = None
    while True:
        page = shelf.reader.search(rq.SearchArgs(query="word", room=anna.peer.room, before=before, limit=4))
        seen += [hit.id for hit in page.hits]
        before = seen[-1]
        if not page.more:
            break
    assert seen == mine[::-1]
    assert len(shelf.found("word", limit=10**9)) == 50


@pytest.mark.parametrize(("before", "count"), [(2**80, 1), (2**63, 1), (0, 0), (-(2**80), 0)])
def test_any_number_may_be_asked_before(shelf: Shelf, before: int, count: int) -> None:
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), "word")
    shelf.index()
    assert len(shelf.found("word", before=before)) == count


def test_a_page_of_hits_has_at_most_its_bound(shelf: Shelf) -> None:
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), *(f"word {n}" for n in range(bounds.MAX_HITS + 5)))
    shelf.index()
    page = shelf.reader.search(rq.SearchArgs(query="word", limit=2**80))
    assert (len(page.hits), page.more) == (bounds.MAX_HITS, True)


def test_a_room_that_is_not_there_is_not_found(shelf: Shelf) -> None:
    shelf.index()
    with pytest.raises(CommandRefused) as refused:
        shelf.reader.search(rq.SearchArgs(query="word", room="plain-9"))
    assert refused.value.code == "not_found"


def test_what_is_not_indexed_yet_is_counted_and_found_later(shelf: Shelf) -> None:
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), *("word" for _ in range(10)))
    commit(shelf.writer, shelf.story)
    assert shelf.reader.search(rq.SearchArgs(query="word")).pending == 10
    assert shelf.writer.index(4) == 6
    result = shelf.reader.search(rq.SearchArgs(query="word"))
    assert (len(result.hits), result.pending) == (4, 6)
    assert (shelf.writer.index(100), shelf.writer.index(100)) == (0, 0)
    assert len(shelf.found("word")) == 10


def test_the_index_goes_on_where_a_crash_left_it(tmp_path: pathlib.Path) -> None:
    live_home, crashed = tmp_path / "live", tmp_path / "crashed"
    live_home.mkdir()
    crashed.mkdir()
    shelf = Shelf(live_home)
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), *(f"word {number}" for number in range(10)))
    commit(shelf.writer, shelf.story)
    shelf.writer.index(4)
    # A step that was under way when the machine stopped: in the WAL, but not committed.
    shelf.writer._db.execute("BEGIN IMMEDIATE")
    index.advance(shelf.writer._db, 3)
    for path in live_home.iterdir():
        if not path.name.endswith("-shm"):
            (crashed / path.name).write_bytes(path.read_bytes())
    shelf.writer._db.execute("ROLLBACK")
    shelf.close()
    after = Shelf(crashed)
    while after.writer.index(3):
        pass
    assert sorted(after.found("word")) == sorted(f"word {number}" for number in range(10))
    after.close()


def test_merged_messages_are_found_once_and_in_their_new_room_only(shelf: Shelf) -> None:
    known = shelf.story.meet("10.0.0.1", 5000, "anna")
    nameless = shelf.story.meet("10.0.0.1", None, "anna")
    gone = nameless.peer.room
    shelf.story.hear(nameless, "word indexed before")
    shelf.index()
    db = shelf.writer._db
    (number,) = db.execute("SELECT number FROM room WHERE id = ?", (gone,)).fetchone()
    shelf.story.hear(nameless, "word not indexed yet")
    shelf.story.recognising.claim(nameless, 5000)
    commit(shelf.writer, shelf.story)
    # The new room's messages alone are found in it, and only what had been indexed.
    assert shelf.found("word", room=known.peer.room) == ["word indexed before"]
    shelf.index()
    assert shelf.found("word", room=known.peer.room) == ["word not indexed yet", "word indexed before"]
    with pytest.raises(CommandRefused):
        shelf.found("word", room=gone)
    assert db.execute(f"SELECT count(*) FROM search WHERE search MATCH 'room : r{number}'").fetchone() == (0,)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans, done=st.integers(0, 40), bits=st.sampled_from([1, shards.BLOCK_BITS]))
# One says 上海, is indexed and deleted; and one is merged.
@example(plan=[(0, 0, 0), (1, 0, 3), (12, 0, 0)], done=2, bits=shards.BLOCK_BITS)
@example(plan=[(0, 0, 0), (0, 0, 1), (1, 1, 3), (7, 1, 0)], done=3, bits=1)
def test_search_finds_exactly_what_reading_everything_finds_also_after_merges(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, done: int, bits: int
) -> None:
    with mock.patch.object(shards, "BLOCK_BITS", bits):
        compare_with_reading(Shelf(tmp_path_factory.mktemp("shelf")), plan, done)


def compare_with_reading(shelf: Shelf, plan: Plan, done: int) -> None:
    live(shelf.story, plan[:done])
    commit(shelf.writer, shelf.story)
    # Only a part is in the index when the rest, with its merges, comes.
    shelf.writer.index(5)
    live(shelf.story, plan[done:])
    shelf.index()
    for word in WORDS:
        for room in shelf.story.rooms.by_id:
            said = shelf.reader.history(rq.HistoryArgs(room=room, limit=200)).messages
            expected = [x.id for x in said if x.kind == "text" and word in re.findall(r"\w+", x.text)]
            hits = shelf.reader.search(rq.SearchArgs(query=word, room=room, limit=100)).hits
            assert [hit.id for hit in hits] == sorted(expected, reverse=True)
    db = shelf.writer._db
    held = []
    # Nothing of what is no more, or was in another room, is left in the tables that can't be compared with the texts.
    for shard in shards.layout(db).newest():
        for table in (shards.table(kind, shard) for kind in shards.KINDS):
            db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 0)")
        db.execute(f"CREATE VIRTUAL TABLE temp.held_{shard} USING fts5vocab(main, {table}, instance)")
        held += db.execute(f"SELECT doc, term FROM held_{shard}").fetchall()
    texts = db.execute("SELECT entry.id, 'r' || room, text FROM entry JOIN body ON entry = id WHERE text LIKE '%上海%'")
    said = sorted((id_, word) for id_, room, text in texts for word in (room, *unspaced.indexed(text.lower()).split()))
    assert sorted(held) == said
    shelf.close()
