"""The writer: a batch is on disk whole or not at all, and folding records changes nothing of what they mean."""

from __future__ import annotations

import pathlib
import sqlite3
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from node.bus import bounds, nouns
from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.errors import StoreUnavailable
from node.store import database
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.plans import Plan, live, plans
from tests.node.store.story import START, Story, commit, erase, new_writer

#: Text that came from bytes of the system that aren't UTF-8: half of a surrogate pair.
HALF = "a\ud800b"


@pytest.fixture
def writer(tmp_path: pathlib.Path) -> Iterator[Writer]:
    writer = new_writer(tmp_path)
    yield writer
    writer.close()


def rows(home: pathlib.Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / database.FILE_NAME) as db:
        return db.execute(sql).fetchall()


def contents(home: pathlib.Path) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("fact", "peer", "room", "entry", "body", "delivery", "event", "reply")
    return {table: rows(home, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}


def pragma(writer: Writer, name: str) -> Any:
    return writer._db.execute(f"PRAGMA {name}").fetchone()[0]


def break_connection(writer: Writer) -> None:
    """As after an I/O error that SQLite can't roll back from: nothing works on this connection any more."""
    writer._db.close()


def test_every_connection_that_writes_waits_for_the_disk_also_after_a_failure(writer: Writer) -> None:
    assert (pragma(writer, "journal_mode"), pragma(writer, "synchronous")) == ("wal", 2)
    break_connection(writer)
    with pytest.raises(StoreUnavailable):
        commit(writer, Story())
    assert (pragma(writer, "journal_mode"), pragma(writer, "synchronous")) == ("wal", 2)


def test_after_a_failure_the_next_commit_works_and_numbers_rooms_anew(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    commit(writer, story)
    story.hear(anna, "kept")
    kept = story.records()
    break_connection(writer)
    with pytest.raises(StoreUnavailable):
        writer.commit(kept)
    writer.commit(kept)
    assert rows(tmp_path, "SELECT text FROM body") == [("kept",)]


def test_a_home_that_is_gone_does_not_come_back_empty(writer: Writer, tmp_path: pathlib.Path) -> None:
    break_connection(writer)
    for file in tmp_path.glob("snicher.db*"):
        file.unlink()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            commit(writer, Story())
    assert [path.name for path in tmp_path.iterdir()] == ["history"]


def test_nothing_of_a_batch_with_a_bug_in_it_stays(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    story.say(anna, "one")
    commit(writer, story)
    before = contents(tmp_path)
    story.say(anna, "two")
    twice = story.records()
    with pytest.raises(sqlite3.IntegrityError):
        writer.commit([*twice, *twice])
    assert contents(tmp_path) == before
    writer.commit(twice)
    assert len(rows(tmp_path, "SELECT * FROM entry")) == 2


def test_a_room_of_a_batch_that_failed_is_numbered_anew(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    story.hear(anna, "to anna")
    lost = story.records()
    with pytest.raises(sqlite3.IntegrityError):
        writer.commit([*lost, *lost])
    # Its number is taken by another one now.
    writer.commit([e.PutRoom(nouns.Room(id="first", kind="plain", name="first"))])
    writer.commit(lost)
    assert rows(tmp_path, "SELECT room.id FROM entry JOIN room ON room.number = entry.room") == [(anna.peer.room,)]


def test_the_last_state_of_a_peer_and_a_room_wins(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000, "first")
    for name in ("second", "third"):
        story.contacts.change(anna, name=name)
    story.contacts.forget(anna)
    commit(writer, story)
    assert rows(tmp_path, "SELECT name, gone FROM peer") == [("third", 1)]
    assert rows(tmp_path, "SELECT name FROM room") == [("third",)]


def test_a_message_and_its_states_may_come_in_one_batch(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    message = story.say(anna, "quick")
    story.rooms.state(anna.peer.room, message, anna.id, "sending", None, ["altered"])
    story.rooms.state(anna.peer.room, message, anna.id, "failed", "no route")
    commit(writer, story)
    assert rows(tmp_path, "SELECT state, detail FROM delivery") == [("failed", "no route")]
    assert rows(tmp_path, "SELECT marks FROM entry") == [("altered",)]


def test_what_is_said_before_and_after_a_merge_in_one_batch_ends_in_one_room(
    writer: Writer, tmp_path: pathlib.Path
) -> None:
    story = Story()
    known = story.meet("10.0.0.1", 5000, "anna")
    nameless = story.meet("10.0.0.1", None, "anna")
    story.hear(nameless, "before")
    ours = story.say(nameless, "mine")
    merged = story.recognising.claim(nameless, 5000)
    assert merged is known
    story.rooms.state(known.peer.room, ours, known.id, "sent")
    story.hear(known, "after")
    commit(writer, story)
    assert rows(tmp_path, "SELECT id FROM room") == [(known.peer.room,)]
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT room) FROM entry") == [(3, 1)]
    assert rows(tmp_path, "SELECT peer, state FROM delivery") == [(known.id, "sent")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans, size=st.integers(1, 9))
def test_how_records_fall_into_batches_makes_no_difference(plan: Plan, size: int) -> None:
    story = Story()
    live(story, plan)
    records = story.records()
    found = []
    for step in (len(records), size):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            writer = new_writer(home)
            for start in range(0, len(records), step):
                writer.commit(records[start : start + step])
            writer.close()
            found.append(_without_room_numbers(home))
    assert found[0] == found[1]


def _without_room_numbers(home: pathlib.Path) -> dict[str, list[tuple[Any, ...]]]:
    found = contents(home)
    found["room"] = rows(home, "SELECT id, kind, name, peer, encrypted, unread, read_upto, last, created FROM room")
    found["room"].sort()
    found["entry"] = rows(
        home, "SELECT entry.*, room.id FROM entry JOIN room ON room.number = entry.room ORDER BY entry.id"
    )
    found["entry"] = [(*row[:1], *row[2:]) for row in found["entry"]]
    return found


def test_a_text_that_is_not_unicode_costs_no_batch_in_any_column(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    story.ledger.cause = ev.Cause(client=HALF, request=HALF)
    story.ledger.put(e.PutSettings(nouns.Settings(name=HALF), replace_name(HALF)))
    anna = story.meet("10.0.0.1", 5000, HALF)
    story.contacts.change(anna, error=HALF)
    story.hear(anna, HALF)
    message = story.say(anna, HALF)
    story.rooms.state(anna.peer.room, message, anna.id, "failed", HALF)
    reply = rq.SendResult(messages=[story.rooms.by_id[anna.peer.room].last or pytest.fail("no last")])
    story.ledger.put(e.SaveReply(e.Key(HALF, b"f"), reply, START))
    commit(writer, story)
    assert rows(tmp_path, "SELECT name, error FROM peer") == [("a?b", "a?b")]
    assert rows(tmp_path, "SELECT name FROM room") == [("a?b",)]
    assert rows(tmp_path, "SELECT DISTINCT text FROM body") == [("a?b",)]
    assert rows(tmp_path, "SELECT detail FROM delivery") == [("a?b",)]
    assert rows(tmp_path, "SELECT key FROM reply") == [("a?b",)]
    reader = Reader(tmp_path)
    assert reader.snapshot(nouns.Live()).state.settings.name == "a?b"
    assert reader.events(rq.EventsArgs(since=0)).events[-1].cause == ev.Cause(client="a?b", request="a?b")
    reader.close()


def replace_name(name: str) -> nouns.Self:
    return replace(nouns.Self(id="x", code="c", name="n", listen="l"), name=name)


def test_a_number_too_large_for_a_column_is_refused_whole(writer: Writer, tmp_path: pathlib.Path) -> None:
    story = Story()
    anna = story.meet("10.0.0.1", 5000)
    commit(writer, story)
    before = contents(tmp_path)
    with pytest.raises(OverflowError):
        writer.commit([e.PutPeer(replace(anna.peer, name="new")), e.PutPeer(replace(anna.peer, id="b", port=2**70))])
    assert contents(tmp_path) == before


def test_the_reply_to_a_key_commits_with_what_the_command_did_and_can_be_dropped_after_a_day(
    writer: Writer, tmp_path: pathlib.Path
) -> None:
    reader = Reader(tmp_path)
    writer.commit([e.SaveReply(e.Key("old", b"f"), rq.Nothing(), START)])
    assert reader.reply("old") == (b"f", "{}")
    writer.commit([e.SaveReply(e.Key("new", b"g"), rq.Nothing(), START + bounds.KEY_LIFETIME_MS + 1)])
    # Its time is this machine's clock, which may be wrong: that it goes is decided elsewhere.
    assert reader.reply("old") == (b"f", "{}")
    writer.forget_replies(START + 1)
    assert reader.reply("old") is None
    assert reader.reply("new") == (b"g", "{}")
    writer.forget_replies(START + 2 * bounds.KEY_LIFETIME_MS)
    assert reader.reply("new") is None
    reader.close()


def test_log_and_stream_are_drawn_once(writer: Writer, tmp_path: pathlib.Path) -> None:
    writer.close()
    again = Writer(tmp_path)
    again.prepare(log="another", stream="another")
    again.close()
    known = rows(tmp_path, "SELECT * FROM fact WHERE name IN ('log', 'stream') ORDER BY name")
    assert known == [("log", "log-1"), ("stream", "stream-1")]


def test_a_probe_leaves_nothing(writer: Writer, tmp_path: pathlib.Path) -> None:
    before = contents(tmp_path)
    writer.probe()
    assert contents(tmp_path) == before


def test_a_graceful_end_leaves_the_database_as_one_file_and_the_mark(tmp_path: pathlib.Path) -> None:
    writer = new_writer(tmp_path)
    commit(writer, Story())
    writer.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history", "snicher.db"]


SECRET = "Xylographischerbeweis"


def test_what_is_deleted_is_nowhere_in_the_files(tmp_path: pathlib.Path) -> None:
    writer = new_writer(tmp_path)
    story = Story()
    anna, bela = story.meet("10.0.0.1", 5000, "anna"), story.meet("10.0.0.2", 5000, "bela")
    story.hear(anna, *(f"{SECRET} {number}" for number in range(50)))
    ours = story.rooms.accept(
        anna.peer.room, anna.id, nouns.Self(id="me", code="", name="", listen=""), SECRET + " mine"
    )
    story.hear(bela, "another text")
    story.ledger.put(e.SaveReply(e.Key("k", b""), rq.SendResult(messages=[ours]), START))
    commit(writer, story)
    while writer.index(1_000):
        pass
    files = list(tmp_path.glob("snicher.db*"))
    assert any(SECRET.encode() in file.read_bytes() for file in files)
    last = story.ledger.last_message
    story.contacts.delete(anna)
    commit(writer, story)
    assert not any(SECRET.encode() in file.read_bytes() for file in files), "the texts go with the commit"
    erase(writer)
    for file in files:
        content = file.read_bytes().lower()
        assert SECRET.lower().encode() not in content, file
        assert SECRET.lower()[:12].encode() not in content, f"a word of the index in {file}"
    assert rows(tmp_path, "SELECT id FROM entry") == [(last,)]
    assert rows(tmp_path, "SELECT entry FROM body") == [(last,)]
    assert rows(tmp_path, "SELECT count(*) FROM delivery") == [(0,)]
    assert '"kind":"deleted"' in rows(tmp_path, "SELECT result FROM reply")[0][0]
    writer.close()


def test_ids_of_deleted_messages_and_peers_are_not_given_out_again(tmp_path: pathlib.Path) -> None:
    writer = new_writer(tmp_path)
    story = Story()
    story.hear(story.meet("10.0.0.1", 5000), "stays")
    anna = story.meet("10.0.0.2", 5000)
    newest = story.hear(anna, "one", "two")[-1]
    commit(writer, story)
    story.contacts.delete(anna)
    commit(writer, story)
    reader = Reader(tmp_path)
    loaded = reader.load()
    assert (loaded.last_message, loaded.last_plain) == (newest, 2)
    assert reader.counts()[0] == 1, "messages on disk"
    assert reader.search(rq.SearchArgs(query="stays")).pending == 3
    while writer.index(1_000):
        pass
    assert reader.search(rq.SearchArgs(query="stays")).pending == 0
    assert writer.index(1_000) == 0
    reader.close()
    writer.close()
