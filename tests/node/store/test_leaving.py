"""Deleting and merging in steps shows the same as doing it at once, from the first commit on.

Two databases get the same records. One removes and moves everything in the commit itself, the other only in steps. They
come at any moment between other commits, or after a restart. In the end both hold the same.
"""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.errors import CommandRefused, StoreUnavailable
from node.store import backup, database, leaving, removal, shards
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store import story as stories
from tests.node.store.direct import OTHER, ROOM, Direct
from tests.node.store.plans import WORDS, Plan, live

AT_ONCE = mock.patch.object(removal, "AT_ONCE", 10**6)
IN_STEPS = mock.patch.object(removal, "AT_ONCE", 0)


class Disk:
    """One of the two databases."""

    def __init__(self, home: pathlib.Path, way: Any) -> None:
        home.mkdir()
        self.home, self._way = home, way
        self.writer, self.reader = stories.new_writer(home), Reader(home)

    def commit(self, records: list[e.Record]) -> None:
        with self._way:
            self.writer.commit(records)

    def restart(self) -> None:
        """As after a kill: nothing but the files is left."""
        self.reader.close()
        self.writer._db.close()
        self.writer, self.reader = Writer(self.home), Reader(self.home)
        self.writer._look_at_work()

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


def shown(disk: Disk, story: stories.Story) -> dict[str, Any]:
    """Everything that anybody is told of a database."""
    reader = disk.reader
    newest = story.ledger.last_message
    state = reader.snapshot(nouns.Live()).state
    found: dict[str, Any] = {"state": state, "counts": reader.counts()[1:], "events": [], "load": reader.load()}
    # The highest clock, and the newest time, may be those of a message that is on its way out: they never go back.
    found["load"] = replace(found["load"], clock=0, believed=None)
    since = 0
    while page := reader.events(rq.EventsArgs(since=since, limit=9)).events:
        found["events"] += page
        since = page[-1].seq or 0
    for room in ("nowhere", *sorted(state.rooms)):
        with contextlib.suppress(CommandRefused):
            whole = reader.history(rq.HistoryArgs(room=room, limit=500))
            found[f"history {room}"] = whole
            for message in whole.messages[::3]:
                for side in ("before", "after", "around"):
                    args = rq.HistoryArgs(room=room, limit=3, **{side: message.id})
                    found[f"{side} {message.id}"] = reader.history(args)
        found[f"unread {room}"] = reader.answer(q.CountUnread(room, 3, newest - 1, 0, 0))
        for word in WORDS:
            with contextlib.suppress(CommandRefused):
                found[f"{word} in {room}"] = reader.search(rq.SearchArgs(query=word, room=room, limit=2))
    for word in WORDS:
        found[word] = reader.search(rq.SearchArgs(query=word, limit=3))
    for peer in story.contacts.by_id:
        found[f"waits for {peer}"] = reader.answer(q.ReadWaiting(peer, 3)), reader.answer(q.ReadUnsigned(peer, 3))
    for message in range(1, newest + 1):
        with contextlib.suppress(CommandRefused):
            found[f"delivery {message}"] = reader.delivery(message)
        found[f"message {message}"] = reader.answer(q.ReadMessage(1, None, None, message))
    for after in (0, newest // 2):
        old = reader.answer(q.FindOld(story.ledger.now - 5, after, 10_000, 0))
        # Where the walk goes on is a matter of how many rows are there.
        found[f"old {after}"] = sorted(old.rooms, key=lambda one: one.room)  # type: ignore[union-attr]
    found["reply"] = {key: reader.kept_replies.of(key) for key in map(str, range(newest + 1))}
    return found


#: Lives with much to delete and to merge: see plans.py for what each number means. Nobody has rooms of several yet.
lively = st.lists(
    st.tuples(st.sampled_from((0, 1, 1, 1, 3, 3, 4, 5, 7, 11, 11, 12)), st.integers(0, 5), st.integers(0, 60)),
    min_size=25,
    max_size=45,
)
cutting = st.lists(st.tuples(st.integers(3, 12), st.integers(0, 7), st.integers(1, 4)), min_size=5, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=lively, cuts=cutting)
def test_in_steps_shows_the_same_as_at_once_at_every_moment(plan: Plan, cuts: list[tuple[int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        once, steps = Disk(pathlib.Path(folder, "once"), AT_ONCE), Disk(pathlib.Path(folder, "steps"), IN_STEPS)
        for disk in (once, steps):
            stack.callback(disk.close)
        story = stories.Story()
        ours: list[Any] = []
        at = 0
        for length, what, limit in cuts:
            live(story, plan[at : at + length], ours)
            at += length
            records = story.records()
            records += [
                e.SaveReply(q.Key(str(one.message.id), b"f"), rq.ResendResult(message=one.message), 1)
                for one in records
                if type(one) is e.AddMessage
            ]
            once.commit(records)
            steps.commit(records)
            if what == 0:
                steps.restart()
            if what == 1:
                assert steps.writer.index(10 * limit) == once.writer.index(10 * limit)
            if what == 2:
                before, after = story.ledger.now - limit, 0
                for disk in (once, steps):
                    found = disk.reader.answer(q.FindOld(before, after, 10_000, 0))
                    disk.commit([e.ExpireMessages(one.room, one.upto) for one in found.rooms])  # type: ignore[union-attr]
            for _ in range(what - 3):
                if steps.writer.work is not None:
                    steps.writer.advance(steps.writer.work, limit)
            assert shown(steps, story) == shown(once, story)
        while steps.writer.work is not None:
            steps.writer.advance(steps.writer.work, 3)
            assert shown(steps, story) == shown(once, story)
        assert steps.reader.counts() == once.reader.counts()
        for table in ("entry", "body", "delivery", "signed", "receipt", "reply", "alias", "member"):
            count = f"SELECT count(*) FROM {table}"
            assert stories.rows(steps.home, count) == stories.rows(once.home, count), table
        for table in ("leaving", "leaving_stream"):
            assert stories.rows(steps.home, f"SELECT * FROM {table}") == []
        while steps.writer.index(100):
            pass
        for table in shards.KINDS:
            steps.writer._db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 0)")


# ---- single cases ----------------------------------------------------------------------------------------------------


class Store(stories.Store):
    """One database in which everything goes in steps."""

    def step(self, count: int = 1, limit: int = 2) -> None:
        for _ in range(count):
            assert self.writer.work is not None
            self.writer.advance(self.writer.work, limit)

    def texts(self, room: str) -> list[str]:
        return [one.text for one in self.reader.history(rq.HistoryArgs(room=room, limit=500)).messages]


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    with IN_STEPS:
        made = Store(tmp_path)
        yield made
        made.close()


def test_a_conversation_that_is_being_deleted_can_be_read_nowhere_and_a_backup_goes_on_with_it(
    store: Store, tmp_path: pathlib.Path
) -> None:
    goes, stays = store.story.meet("10.0.0.1", 5000), store.story.meet("10.0.0.2", 5000)
    store.story.hear(goes, *(f"unmistakable{number}" for number in range(9)))
    store.story.hear(stays, "unmistakable, too")
    store.commit()
    while store.writer.index(100):
        pass
    store.story.contacts.delete(goes)
    store.commit()
    copy = tmp_path / "copy"
    copy.mkdir()
    backup._copy(store.home, copy / database.FILE_NAME)
    for step in (0, 1, 1):
        store.step(step)
        hits = store.reader.search(rq.SearchArgs(query="unmistakable*", limit=5))
        assert ([hit.text for hit in hits.hits], hits.more) == (["unmistakable, too"], False)
        with pytest.raises(CommandRefused):
            store.texts(goes.peer.room)
    stories.finish(store.writer)
    stories.erase(store.writer)
    assert store.writer.fold()
    content = (store.home / database.FILE_NAME).read_bytes()
    assert b"unmistakable," in content and b"unmistakable0" not in content and b"unmistakable8" not in content
    writer, reader = Writer(copy), Reader(copy)
    writer.prepare(log="another", instance=stories.INSTANCE)
    assert set(reader.snapshot(nouns.Live()).state.rooms) == {stays.peer.room}
    assert writer.work == "entries"
    stories.finish(writer)
    assert stories.rows(copy, "SELECT count(*) FROM entry") == [(1,)]
    reader.close()
    writer.close()


def test_no_room_gets_the_number_of_one_that_is_on_its_way_out(store: Store) -> None:
    goes = store.story.meet("10.0.0.1", 5000)
    store.story.hear(goes, "one", "two", "three")
    store.commit()
    store.story.contacts.delete(goes)
    again = store.story.meet("10.0.0.1", 5000)
    store.story.hear(again, "clean")
    store.commit()
    assert store.texts(again.peer.room) == ["clean"]
    stories.finish(store.writer, 1)
    assert store.texts(again.peer.room) == ["clean"]
    assert stories.rows(store.home, "SELECT text FROM body") == [("clean",)]


def test_what_was_merged_into_a_deleted_conversation_goes_with_it(store: Store) -> None:
    first, second, third = (store.story.meet(f"10.0.0.{number}", 5000) for number in (1, 2, 3))
    for contact in (first, second, third):
        store.story.hear(contact, *(f"{contact.id} {number}" for number in range(5)))
    store.commit()
    store.story.unite(first, second)
    store.commit()
    store.step()
    store.story.unite(second, third)
    store.commit()
    expected = [f"plain-{peer} {number}" for peer in (1, 2, 3) for number in range(5)]
    assert store.texts(third.peer.room) == expected
    store.step()
    assert store.texts(third.peer.room) == expected
    store.story.contacts.delete(third)
    store.commit()
    assert store.reader.snapshot(nouns.Live()).state.rooms == {}
    stories.finish(store.writer)
    assert stories.rows(store.home, "SELECT * FROM entry") == []


def test_a_full_disk_in_the_middle_leaves_everything_as_it_was_and_the_rest_comes_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, into = store.story.meet("10.0.0.1", 5000), store.story.meet("10.0.0.2", 5000)
    store.story.hear(gone, "one", "two", "three")
    store.story.hear(into, "four")
    store.commit()
    store.story.unite(gone, into)
    store.commit()

    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch, pytest.raises(StoreUnavailable, match="full"):
        patch.setattr(removal, "advance", full)
        store.step()
    assert store.texts(into.peer.room) == ["one", "two", "three", "four"]
    assert store.writer.work == "moved"
    stories.finish(store.writer)
    assert store.texts(into.peer.room) == ["one", "two", "three", "four"]


def test_a_broken_index_holds_up_neither_a_merge_nor_a_deletion(store: Store) -> None:
    gone, into, goes = (store.story.meet(f"10.0.0.{number}", 5000) for number in (1, 2, 3))
    for contact in (gone, into, goes):
        store.story.hear(contact, "one", "two", "three")
    store.commit()
    while store.writer.index(100):
        pass
    store.writer._db.execute("DELETE FROM search_data WHERE id > 10")
    store.story.unite(gone, into)
    store.story.contacts.delete(goes)
    store.commit()
    stories.finish(store.writer)
    assert len(store.texts(into.peer.room)) == 6
    assert stories.rows(store.home, "SELECT count(*) FROM entry") == [(6,)]


def test_a_direct_conversation_that_begins_anew_while_the_old_one_goes_keeps_what_is_new(
    tmp_path: pathlib.Path,
) -> None:
    with IN_STEPS, contextlib.closing(Direct(tmp_path)) as store:
        for text in ("old 1", "old 2", "old 3"):
            store.add(store.theirs, text)
        store.commit()
        store.ledger.put(e.DeleteRoom(ROOM))
        store.ledger.put(e.PutRoom(replace(store.room, request=True)))
        store.commit()
        assert store.writer.work == "signed"
        assert store.reader.run_after(ROOM, OTHER, store.theirs.stream, 0) == (None, 0), "what was deleted isn't served"
        store.add(store.theirs, "new 4")
        store.commit()
        places = q.ReadPlaces(ROOM, store.ledger.last_message)
        while True:
            served, upto = store.reader.run_after(ROOM, OTHER, store.theirs.stream, 3)
            assert served is not None and upto == 4
            assert [one.text for one in store.reader.history(rq.HistoryArgs(room=ROOM)).messages] == ["new 4"]
            assert store.reader.answer(places).rows == [(OTHER, store.theirs.stream, 4)]  # type: ignore[union-attr]
            assert store.reader.load().requests[ROOM][0] == 1
            if store.writer.work is None:
                break
            store.writer.advance(store.writer.work, 1)
        assert stories.rows(tmp_path, "SELECT n FROM signed") == [(4,)]


def test_nothing_is_left_to_do_in_a_database_from_which_nothing_goes(store: Store) -> None:
    assert store.writer.work is None
    with contextlib.closing(sqlite3.connect(store.home / database.FILE_NAME)) as db:
        assert leaving.work(db) is None and leaving.numbers(db, 7) == [7] and leaving.peers(db) == {}
