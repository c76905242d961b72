"""The writer: a batch is on disk whole or not at all."""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from node.bus import bounds, nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.errors import StoreUnavailable
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.story import INSTANCE, START, Story, commit, contents, erase, new_writer, rows


@pytest.fixture
def writer(tmp_path: pathlib.Path) -> Iterator[Writer]:
    writer = new_writer(tmp_path)
    yield writer
    writer.close()


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


def test_the_reply_to_a_key_commits_with_what_the_command_did_and_can_be_dropped_after_a_day(
    writer: Writer, tmp_path: pathlib.Path
) -> None:
    reader = Reader(tmp_path)
    writer.commit([e.SaveReply(q.Key("old", b"f"), rq.Nothing(), START)])
    assert reader.kept_replies.of("old") == (b"f", "{}")
    writer.commit([e.SaveReply(q.Key("new", b"g"), rq.Nothing(), START + bounds.KEY_LIFETIME_MS + 1)])
    # Its time is this machine's clock, which may be wrong: that it goes is decided elsewhere.
    assert reader.kept_replies.of("old") == (b"f", "{}")
    writer.forget_replies(START + 1, 10)
    assert reader.kept_replies.of("old") is None
    assert reader.kept_replies.of("new") == (b"g", "{}")
    writer.forget_replies(START + 2 * bounds.KEY_LIFETIME_MS, 10)
    assert reader.kept_replies.of("new") is None
    reader.close()


def test_the_ids_of_log_and_database_are_drawn_once(writer: Writer, tmp_path: pathlib.Path) -> None:
    writer.close()
    again = Writer(tmp_path)
    again.prepare(log="another", instance="2b" * 16)
    again.close()
    known = rows(tmp_path, "SELECT * FROM fact WHERE name IN ('instance', 'log') ORDER BY name")
    assert known == [("instance", INSTANCE), ("log", "log-1")]


@pytest.mark.parametrize("held", ["stream-1", "", "1A" * 16, "1a" * 17, None])
def test_an_id_of_the_database_that_can_not_be_read_is_drawn_anew(
    writer: Writer, tmp_path: pathlib.Path, held: str | None
) -> None:
    if held is None:
        writer.connection.execute("DELETE FROM fact WHERE name = 'instance'")
    else:
        writer.connection.execute("UPDATE fact SET value = ? WHERE name = 'instance'", (held,))
    writer.close()
    again = Writer(tmp_path)
    again.prepare(log="another", instance="2b" * 16)
    again.close()
    known = rows(tmp_path, "SELECT * FROM fact WHERE name IN ('instance', 'log') ORDER BY name")
    assert known == [("instance", "2b" * 16), ("log", "log-1")]


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
    me = nouns.Self(id="me", code="", name="", listen="")
    (ours,) = story.rooms.accept(anna.peer.room, anna.id, me, [SECRET + " mine"])
    story.hear(bela, "another text")
    story.ledger.put(e.SaveReply(q.Key("k", b""), rq.SendResult(messages=[ours]), START))
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
    reader = Reader(tmp_path)
    kept = reader.kept_replies.of("k")
    assert kept is not None
    (gone,) = msgspec.json.decode(kept[1], type=rq.SendResult).messages
    assert (gone.id, gone.room, gone.kind, gone.text) == (ours.id, ours.room, "deleted", "")
    reader.close()
    writer.close()


def test_a_list_that_is_repeated_gets_all_its_messages_in_order_as_they_are_by_then(tmp_path: pathlib.Path) -> None:
    writer = new_writer(tmp_path)
    story = Story()
    anna, bela = story.meet("10.0.0.1", 5000, "anna"), story.meet("10.0.0.2", 5000, "bela")
    me = nouns.Self(id="me", code="", name="", listen="")
    ours = [
        story.rooms.accept(to.peer.room, to.id, me, [f"text {n}"])[0] for n, to in enumerate((anna, bela, bela, anna))
    ]
    story.ledger.put(e.SaveReply(q.Key("k", b"f"), rq.SendResult(messages=ours), START))
    story.ledger.put(e.SetState(ours[1].id, bela.id, "sent", None))
    commit(writer, story)
    reader = Reader(tmp_path)
    kept = reader.kept_replies.of("k")
    assert kept is not None and kept[0] == b"f"
    found = msgspec.json.decode(kept[1], type=rq.SendResult).messages
    assert [(one.id, one.room, one.text) for one in found] == [(one.id, one.room, one.text) for one in ours]
    assert [one.state for one in found] == ["waiting", "sent", "waiting", "waiting"]
    assert len(rows(tmp_path, "SELECT result FROM reply")[0][0]) < 80
    reader.close()
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
