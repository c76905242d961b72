"""What goes for good in the store: events, old messages with all that hangs on them, replies, rows of nobody."""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterator

import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.errors import CommandRefused
from node.store import database, expired
from tests.node.store import story as stories


class Store(stories.Store):
    def expire(self) -> None:
        """All that was said up to now goes."""
        self.story.expire(self.reader, self.story.ledger.now + 1)
        self.commit()

    def column(self, sql: str) -> list[object]:
        return [row[0] for row in stories.rows(self.home, sql)]


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


# -- events


def test_the_oldest_events_go_and_who_asks_for_them_is_told(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, *map(str, range(20)))
    store.commit()
    head = store.story.ledger.head
    store.writer.trim(11)
    page = store.reader.events(rq.EventsArgs(since=10))
    assert (page.oldest, page.head, page.events[0].seq) == (11, head, 11)
    assert store.reader.log_ends() == (11, head)
    with pytest.raises(CommandRefused) as refused:
        store.reader.events(rq.EventsArgs(since=9))
    assert (refused.value.code, refused.value.details) == ("cursor_too_old", {"oldest": 11})
    assert store.reader.load().oldest == 11


def test_numbering_goes_on_over_a_restart_when_no_event_is_left(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.commit()
    head = store.story.ledger.head
    store.writer.trim(head + 1)
    assert store.column("SELECT seq FROM event") == []
    loaded = store.reader.load()
    assert (loaded.head, loaded.oldest) == (head, head + 1)
    page = store.reader.events(rq.EventsArgs(since=head))
    assert (page.events, page.head, page.oldest, page.more) == ([], head, head + 1, False)
    assert store.reader.snapshot(nouns.Live()).seq == head
    store.story.hear(anna, "on it goes")
    store.commit()
    assert [event.seq for event in store.reader.events(rq.EventsArgs(since=head)).events] == [head + 1]


def test_pages_that_events_leave_are_used_again(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    sizes = []
    for _ in range(8):
        for number in range(500):
            store.story.contacts.change(anna, name=f"name {number}" + "x" * 40)
        store.commit()
        store.writer.trim(store.story.ledger.head - 400)
        sizes.append(store.column("PRAGMA page_count")[0])
    assert sizes[-1] == sizes[3], sizes


# -- messages


def test_an_old_message_goes_with_all_that_hangs_on_it(store: Store) -> None:
    story = store.story
    anna = story.meet("10.0.0.1", 5000, "anna")
    story.hear(anna, "zebra one", "zebra two")
    sent, waiting = story.say(anna, "zebra sent"), story.say(anna, "zebra waits")
    story.rooms.state(anna.peer.room, sent, anna.id, "sent")
    message = nouns.Message(id=sent, room="r", order="0", at=0, direction="out", author="", name="", text="zebra sent")
    again = rq.ResendResult(message=message)
    story.ledger.put(e.SaveReply(q.Key("k", b"f"), again, story.ledger.now))
    store.commit()
    store.writer.index(100)
    clock = store.reader.load().clock
    store.expire()
    store.writer.tidy()
    stories.finish(store.writer)
    for sql in ("SELECT id FROM entry", "SELECT entry FROM body", "SELECT entry FROM delivery"):
        assert store.column(sql) == [waiting], sql
    found = store.reader.search(rq.SearchArgs(query="zebra"))
    assert [hit.id for hit in found.hits] == [waiting]
    with sqlite3.connect(store.home / database.FILE_NAME) as db:
        assert db.execute("SELECT count(*) FROM search WHERE search MATCH 'zebra'").fetchone() == (1,)
        db.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")
    kept = store.reader.kept_replies.of("k")
    assert kept is not None and "zebra" not in kept[1]
    assert [one.id for one in store.reader.history(rq.HistoryArgs(room=anna.peer.room)).messages] == [waiting]
    loaded = store.reader.load()
    assert (loaded.clock, loaded.last_message) == (clock, waiting)
    assert store.reader.counts()[0] == 1


def test_of_each_room_goes_what_is_old_there(store: Store) -> None:
    story = store.story
    anna, bela, cem = (
        story.meet(f"10.0.0.{number}", 5000, name) for number, name in enumerate(("anna", "bela", "cem"))
    )
    for number in range(3):
        for contact in (anna, bela, cem):
            story.hear(contact, f"{contact.peer.name} {number}")
    store.commit()
    ids = store.column("SELECT id FROM entry ORDER BY id")
    # Up to anna's second text and bela's third.
    for contact, upto in ((anna, ids[3]), (bela, ids[7])):
        assert isinstance(upto, int)
        assert story.rooms.expire(contact.peer.room, upto, 0)
    store.commit()
    left = store.column("SELECT text FROM body ORDER BY entry")
    assert left == ["cem 0", "cem 1", "anna 2", "cem 2"]


def test_what_waits_when_its_room_expires_stays_and_what_waits_no_longer_goes(store: Store) -> None:
    story = store.story
    anna, bela = story.meet("10.0.0.1", 5000), story.meet("10.0.0.2", 5000)
    stays, goes = story.say(anna, "sent later"), story.say(bela, "sent before")
    story.hear(anna, "old")
    store.commit()
    # All in one commit.
    assert story.rooms.expire(anna.peer.room, goes + 1, 0)
    story.rooms.state(anna.peer.room, stays, anna.id, "sent")
    story.rooms.state(bela.peer.room, goes, bela.id, "sent")
    assert story.rooms.expire(bela.peer.room, goes + 1, 0)
    store.commit()
    assert store.column("SELECT text FROM body") == ["sent later"]
    assert store.column("SELECT state FROM delivery") == ["sent"]


def test_ids_and_the_clock_go_on_when_no_message_is_left(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    last = store.story.hear(anna, "a", "b")[-1]
    store.story.ledger.clock.last += 10_000_000
    last = store.story.hear(anna, "from a clock ahead")[-1]
    store.commit()
    before = store.reader.load()
    store.expire()
    after = store.reader.load()
    assert store.column("SELECT id FROM entry") == []
    assert (after.last_message, after.clock) == (before.last_message, before.clock)
    assert after.last_message == last
    assert store.reader.counts()[0] == 0


def test_what_the_index_has_not_seen_yet_does_not_harm_it(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, "red one", "red two", "red three")
    store.commit()
    store.writer.index(1)
    store.expire()
    store.story.hear(anna, "red four")
    store.commit()
    while store.writer.index(100):
        pass
    assert [hit.text for hit in store.reader.search(rq.SearchArgs(query="red")).hits] == ["red four"]
    with sqlite3.connect(store.home / database.FILE_NAME) as db:
        db.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")


@pytest.mark.parametrize("look_ahead", [10, 5_000])
def test_old_messages_are_found_behind_any_number_of_newer_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch, look_ahead: int
) -> None:
    monkeypatch.setattr(expired, "LOOK_AHEAD", look_ahead)
    anna, bela = store.story.meet("10.0.0.1", 5000), store.story.meet("10.0.0.2", 5000)
    start = store.story.ledger.now
    # The clock was ahead for a while, and is right again.
    store.story.ledger.now = start + 10_000_000
    store.story.hear(anna, *map(str, range(250)))
    store.story.ledger.now = start
    store.story.hear(bela, *(f"old {number}" for number in range(20)))
    store.commit()
    old, at, steps = store.story.ledger.now + 1, 0, 0
    while (after := store.story.expire(store.reader, old, at)) is not None:
        assert after >= at and (steps := steps + 1) < 100
        at = after
        store.commit()
    assert store.column("SELECT count(*) FROM body WHERE text LIKE 'old %'") == [0]
    assert store.column("SELECT count(*) FROM body") == [250]


def test_what_an_author_signed_stays(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    (heard,) = store.story.hear(anna, "signed")
    store.commit()
    with sqlite3.connect(store.home / database.FILE_NAME) as db:
        db.execute("INSERT INTO signed VALUES (?, 'a', x'00', 1, x'01', x'02', x'03', ?)", (anna.peer.room, heard))
    store.expire()
    assert store.column("SELECT text FROM body") == []
    assert store.column("SELECT header FROM signed WHERE entry IS NULL") == [b"\x02"]


def test_nothing_that_expired_can_be_read_in_the_files_any_more(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, *(f"unmistakable-{number} " + "y" * 300 for number in range(50)))
    store.commit()
    store.expire()
    store.writer.tidy()
    stories.finish(store.writer)
    for path in store.home.glob("snicher.db*"):
        assert b"unmistakable-" not in path.read_bytes(), path


# -- replies and peers


def test_the_oldest_replies_go_first(store: Store) -> None:
    for number in range(5):
        store.story.ledger.put(e.SaveReply(q.Key(f"k{number}", b"f"), rq.Nothing(), 1_000 + number))
    store.commit()
    assert store.reader.replies() == 5
    store.writer.forget_oldest_replies(2)
    assert [store.reader.kept_replies.of(f"k{number}") is not None for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_rows_of_nobody_go_and_their_numbers_are_not_given_out_again(store: Store) -> None:
    story = store.story
    anna, bela, cian = (story.meet(f"10.0.0.{number}", 5000) for number in (1, 2, 3))
    story.hear(bela, "stays")
    story.contacts.forget(bela)
    story.contacts.delete(anna)
    story.contacts.delete(cian)
    store.commit()
    assert store.column("SELECT count(*) FROM peer") == [3]
    store.writer.forget_nobodies()
    assert store.column("SELECT id FROM peer") == [bela.id]
    assert store.reader.load().last_plain == 3
    store.writer.forget_nobodies()
    assert store.reader.load().last_plain == 3


def test_a_member_of_a_room_is_not_nobody_and_nobody_has_no_address(store: Store) -> None:
    story = store.story
    anna, bela = story.meet("10.0.0.1", 5000), story.meet("10.0.0.2", 5000)
    for one in (anna, bela):
        story.contacts.forget(one)
        story.ledger.put(e.DeleteRoom(one.peer.room))
    story.ledger.put(e.PutRoom(nouns.Room(id="group", kind="open", name="all", members=[anna.id])))
    store.commit()
    store.writer.forget_nobodies()
    assert store.column("SELECT id FROM peer") == [anna.id]
    assert store.column("SELECT peer FROM address") == [anna.id]
