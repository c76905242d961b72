"""The reader: pages are bounded and of one moment, and what doesn't fit is refused with its code."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from node.bus import bounds
from node.bus import consumers as cn
from node.bus import events as ev
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core.loaded import KeptConsumer
from node.errors import CommandRefused, StoreCorrupt, StoreError
from node.store import database, reader
from node.store.reader import Reader
from tests.node.store.story import LOG, Store


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def code(refused: pytest.ExceptionInfo[CommandRefused]) -> str:
    return refused.value.code


# -- the event log


def test_events_come_in_order_a_page_at_a_time_and_say_when_there_are_more(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    for number in range(20):
        store.story.hear(anna, str(number))
    store.commit()
    seen: list[int | None] = []
    since = 0
    while True:
        page = store.reader.events(rq.EventsArgs(since=since, limit=7))
        assert len(page.events) <= 7
        seen += [event.seq for event in page.events]
        since = seen[-1] or 0
        if not page.more:
            break
    assert seen == list(range(1, store.story.ledger.head + 1))
    assert (page.log, page.head, page.oldest) == (LOG, store.story.ledger.head, 1)
    assert store.reader.events(rq.EventsArgs(since=page.head)).events == []


@pytest.mark.parametrize(
    ("asked", "given"), [(-5, 1), (0, 1), (3, 3), (10**9, bounds.MAX_EVENTS), (2**80, bounds.MAX_EVENTS)]
)
def test_a_page_of_events_has_at_least_one_and_at_most_its_bound(store: Store, asked: int, given: int) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, *map(str, range(bounds.MAX_EVENTS)))
    store.commit()
    page = store.reader.events(rq.EventsArgs(since=0, limit=asked))
    assert (len(page.events), page.more) == (given, True)


def test_pages_of_long_texts_end_early_and_lose_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_PAGE_BYTES", 10_000)
    anna = store.story.meet("10.0.0.1", 5000)
    ids = store.story.hear(anna, *("long " * 400 for _ in range(30)))
    store.commit()
    room = anna.peer.room
    since, heard = 0, 0
    while (page := store.reader.events(rq.EventsArgs(since=since))).events:
        assert sum(event.type == "MessageReceived" for event in page.events) <= 8
        since, heard = page.events[-1].seq or 0, heard + sum(event.type == "MessageReceived" for event in page.events)
    assert heard == 30
    backwards: list[int] = []
    before = None
    while True:
        older = store.reader.history(rq.HistoryArgs(room=room, before=before, limit=200))
        assert 0 < len(older.messages) <= 8
        backwards[:0] = [message.id for message in older.messages]
        before = backwards[0]
        if not older.more_before:
            break
    assert backwards == ids
    found = store.reader.search(rq.SearchArgs(query="long", limit=100))
    assert found.hits == [] and found.pending == 30
    store.writer.index(100)
    found = store.reader.search(rq.SearchArgs(query="long", limit=100))
    assert 0 < len(found.hits) <= 8 and found.more


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (rq.EventsArgs(since=0, log="another"), "log_changed"),
        (rq.EventsArgs(since=10**6), "cursor_ahead"),
        (rq.EventsArgs(since=2**80), "cursor_ahead"),
        (rq.EventsArgs(since=-1), "cursor_too_old"),
        (rq.EventsArgs(since=-(2**80)), "cursor_too_old"),
    ],
)
def test_a_cursor_that_does_not_fit_is_refused(store: Store, args: rq.EventsArgs, expected: str) -> None:
    store.commit()
    with pytest.raises(CommandRefused) as refused:
        store.reader.events(args)
    assert code(refused) == expected


def test_a_cursor_before_the_oldest_kept_event_is_too_old(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, "a", "b", "c")
    store.commit()
    with sqlite3.connect(store.home / database.FILE_NAME) as db:
        db.execute("DELETE FROM event WHERE seq < 3")
    assert [event.seq for event in store.reader.events(rq.EventsArgs(since=2, limit=1)).events] == [3]
    with pytest.raises(CommandRefused) as refused:
        store.reader.events(rq.EventsArgs(since=1))
    assert code(refused) == "cursor_too_old"
    assert refused.value.details == {"oldest": 3}


def test_a_replay_shows_a_message_as_it_is_now_in_the_room_it_was_in_then(store: Store) -> None:
    story = store.story
    nameless = story.meet("10.0.0.1", None, "anna")
    old_room = nameless.peer.room
    message = story.say(nameless, "hello")
    known = story.meet("10.0.0.1", 5000, "anna")
    story.recognising.claim(nameless, 5000)
    story.rooms.state(known.peer.room, message, known.id, "sent")
    store.commit()
    events = store.reader.events(rq.EventsArgs(since=0)).events
    (accepted,) = (event for event in events if event.type == "MessageAccepted")
    shown = accepted.data["message"]
    assert (accepted.room, shown.room, shown.state) == (old_room, old_room, "sent")
    assert store.reader.history(rq.HistoryArgs(room=known.peer.room)).messages[0].room == known.peer.room


# -- history


@pytest.fixture(scope="module")
def long_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, str, list[int]]]:
    """A room whose clocks run against the ids and stand still at times, as entries of other nodes' clocks will."""
    home = tmp_path_factory.mktemp("history")
    store = Store(home)
    anna, berta = store.story.meet("10.0.0.1", 5000), store.story.meet("10.0.0.2", 5000)
    for number in range(40):
        store.story.hear(anna, str(number))
        store.story.hear(berta, "another room")
    scrambled = {}
    records: list[e.Record] = []
    for record in store.story.records():
        if isinstance(record, e.AddMessage):
            record = replace(record, clock=1_000 + (record.message.id * 7 % 23))
            if record.message.room == anna.peer.room:
                scrambled[record.message.id] = record.clock
        records.append(record)
    store.writer.commit(records)
    yield store.reader, anna.peer.room, sorted(scrambled, key=lambda id_: (scrambled[id_], id_))
    store.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=st.integers(0, 39), limit=st.integers(-1, 60), mark=st.sampled_from(["none", "before", "after", "around"]))
def test_history_is_a_window_on_the_room_in_its_order(
    long_room: tuple[Reader, str, list[int]], index: int, limit: int, mark: str
) -> None:
    source, room, order = long_room
    marks = {} if mark == "none" else {mark: order[index]}
    page = source.history(rq.HistoryArgs(room=room, limit=limit, **marks))
    ids = [message.id for message in page.messages]
    count = max(1, limit)
    if mark == "none":
        expected = order[-count:]
    elif mark == "before":
        expected = order[max(0, index - count) : index]
    elif mark == "after":
        expected = order[index + 1 : index + 1 + count]
    else:
        older = order[max(0, index - count // 2) : index + 1]
        expected = older + order[index + 1 : index + 1 + count - len(older)]
    assert ids == expected
    at = order.index(ids[0]) if ids else (index if mark == "before" else index + 1)
    assert page.more_before == (at > 0)
    assert page.more_after == (at + len(ids) < len(order))


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 17), forwards=st.booleans())
def test_paging_shows_each_message_once(long_room: tuple[Reader, str, list[int]], limit: int, forwards: bool) -> None:
    source, room, order = long_room
    seen = [order[0 if forwards else -1]]
    while True:
        args = rq.HistoryArgs(room=room, limit=limit)
        page = source.history(replace_mark(args, "after" if forwards else "before", seen[-1]))
        ids = [message.id for message in page.messages]
        seen += ids if forwards else ids[::-1]
        if not (page.more_after if forwards else page.more_before):
            break
    assert seen == (order if forwards else order[::-1])


def replace_mark(args: rq.HistoryArgs, name: str, message: int) -> rq.HistoryArgs:
    setattr(args, name, message)
    return args


def test_of_one_clock_the_headers_hash_and_then_the_id_give_the_order_to_show(store: Store) -> None:
    story = store.story
    anna = story.meet("10.0.0.1", 5000)
    plain, low, other, high, last = story.hear(anna, *"abcde")
    clock = story.ledger.clock.last
    store.commit()
    with contextlib.closing(sqlite3.connect(store.home / database.FILE_NAME)) as db, db:
        # Arrived in another order than that of their hashes.
        for id_, tie in ((plain, b""), (high, b"\x01" * 32), (low, b"\xff" * 32), (other, b"")):
            db.execute("UPDATE entry SET clock = ?, tie = ? WHERE id = ?", (clock - 1, tie, id_))
    expected = [plain, other, high, low, last]
    whole = store.reader.history(rq.HistoryArgs(room=anna.peer.room)).messages
    assert [one.id for one in whole] == expected
    assert sorted(whole, key=lambda one: (one.order, one.id)) == whole
    for at, one in enumerate(expected):
        before = store.reader.history(rq.HistoryArgs(room=anna.peer.room, before=one, limit=2)).messages
        after = store.reader.history(rq.HistoryArgs(room=anna.peer.room, after=one, limit=2)).messages
        around = store.reader.history(rq.HistoryArgs(room=anna.peer.room, around=one, limit=2)).messages
        assert [x.id for x in before] == expected[max(0, at - 2) : at]
        assert [x.id for x in after] == expected[at + 1 : at + 3]
        assert one in [x.id for x in around]


def test_history_has_at_most_its_bound(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, *map(str, range(bounds.MAX_HISTORY + 20)))
    store.commit()
    page = store.reader.history(rq.HistoryArgs(room=anna.peer.room, limit=2**80))
    assert (len(page.messages), page.more_before) == (bounds.MAX_HISTORY, True)


@pytest.mark.parametrize("message", [0, -1, 2, 2**62, 2**63, 2**80, -(2**80)])
@pytest.mark.parametrize("mark", ["before", "after", "around"])
def test_a_message_that_is_not_in_the_room_is_not_found(store: Store, mark: str, message: int) -> None:
    anna, berta = store.story.meet("10.0.0.1", 5000), store.story.meet("10.0.0.2", 5000)
    store.story.hear(anna, "1")
    store.story.hear(berta, "2")
    store.commit()
    with pytest.raises(CommandRefused) as refused:
        store.reader.history(replace_mark(rq.HistoryArgs(room=anna.peer.room), mark, message))
    assert code(refused) == "not_found"


def test_history_takes_one_mark_and_a_room_that_is_there(store: Store) -> None:
    store.commit()
    with pytest.raises(CommandRefused) as refused:
        store.reader.history(rq.HistoryArgs(room="plain-1", before=1, after=1))
    assert code(refused) == "invalid_args"
    with pytest.raises(CommandRefused) as refused:
        store.reader.history(rq.HistoryArgs(room="plain-1"))
    assert code(refused) == "not_found"


# -- one moment


def test_what_is_committed_during_a_read_is_not_in_it(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, "before")
    store.commit()
    with store.reader._moment() as db:
        before = db.execute("SELECT max(seq) FROM event").fetchone()
        store.story.hear(anna, "meanwhile")
        store.commit()
        assert db.execute("SELECT max(seq) FROM event").fetchone() == before
        assert db.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    assert len(store.reader.history(rq.HistoryArgs(room=anna.peer.room)).messages) == 2


def test_a_refused_read_leaves_no_moment_open(store: Store) -> None:
    store.commit()
    for _ in range(2):
        with pytest.raises(CommandRefused):
            store.reader.events(rq.EventsArgs(since=10**6))
    assert not store.reader._db.in_transaction


def test_damage_that_shows_late_is_an_error_that_names_the_file(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, *("x" * 3_000 for _ in range(50)))
    store.commit()
    store.close()
    path = store.home / database.FILE_NAME
    with sqlite3.connect(path) as db:
        roots = [root for (root,) in db.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 1")]
    db.close()
    content = bytearray(path.read_bytes())
    for root in roots:
        content[(root - 1) * 4096 : root * 4096] = b"\x05" * 4096
    path.write_bytes(content)
    damaged = Reader(store.home)
    with pytest.raises(StoreError) as caught:
        damaged.load()
    assert isinstance(caught.value, StoreCorrupt)
    assert str(path) in str(caught.value)
    damaged.close()


# -- consumers


def keep(store: Store, name: str, position: int, log: str = LOG, used: int = 5) -> None:
    row = KeptConsumer(name=name, log=log, position=position, created=1, used=used)
    store.writer.commit([e.PutConsumer(row)])


def test_consumers_are_kept_changed_and_dropped(store: Store) -> None:
    store.commit()
    keep(store, "b", 0)
    keep(store, "a", 1)
    keep(store, "b", 1, used=9)
    assert [(one.name, one.position) for one in store.reader.load().consumers] == [("a", 1), ("b", 1)]
    assert [(one.name, one.used) for one in store.reader.consumers({"a": 7, "b": 7})] == [("a", 7), ("b", 9)]
    store.writer.commit([e.DropConsumer("a")])
    assert [one.name for one in store.reader.consumers({})] == ["b"]


def test_what_is_next_for_a_consumer_stays_the_same_until_it_moves(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, "one", "two", "three")
    store.commit()
    keep(store, "bot", 3)
    for _ in range(2):
        page = store.reader.consumer_next(cn.ConsumerNextArgs(name="bot", limit=2))
        assert [event.seq for event in page.events] == [4, 5]
        assert (page.log, page.head, page.more, page.consumer.lag) == (LOG, store.story.ledger.head, True, 3)
    keep(store, "bot", 5)
    page = store.reader.consumer_next(cn.ConsumerNextArgs(name="bot"))
    assert ([event.seq for event in page.events], page.more) == ([6], False)
    keep(store, "bot", 6)
    page = store.reader.consumer_next(cn.ConsumerNextArgs(name="bot"))
    assert (page.events, page.more, page.consumer.lag) == ([], False, 0)


def test_what_was_deleted_or_merged_leaves_a_consumer_where_it_is(store: Store) -> None:
    anna, bela = store.story.meet("10.0.0.1", 5000), store.story.meet("10.0.0.2", 5000)
    store.story.hear(anna, "one")
    store.story.hear(bela, "two")
    store.commit()
    keep(store, "bot", 1)
    before = store.reader.consumer_next(cn.ConsumerNextArgs(name="bot"))
    store.story.contacts.unite(anna, bela)
    store.story.contacts.delete(bela)
    store.commit()
    after = store.reader.consumer_next(cn.ConsumerNextArgs(name="bot"))
    assert after.consumer.position == 1
    assert [event.seq for event in after.events][: len(before.events)] == [event.seq for event in before.events]
    said = [event.data["message"] for event in after.events if event.type == "MessageReceived"]
    assert [one.kind for one in said] == ["deleted", "deleted"]


@pytest.mark.parametrize(("position", "log"), [(1, LOG), (3, "another log")], ids=["too old", "another log"])
def test_a_consumer_that_has_lapsed_is_told_so(store: Store, position: int, log: str) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, "one", "two", "three")
    store.commit()
    keep(store, "bot", position, log)
    with sqlite3.connect(store.home / database.FILE_NAME) as db:
        db.execute("DELETE FROM event WHERE seq < 3")
    with pytest.raises(CommandRefused) as refused:
        store.reader.consumer_next(cn.ConsumerNextArgs(name="bot"))
    assert code(refused) == "consumer_lapsed"
    assert refused.value.details == {"position": position, "oldest": 3}
    assert [one.lapsed for one in store.reader.consumers({})] == [True]
    keep(store, "bot", 2)
    assert store.reader.consumer_next(cn.ConsumerNextArgs(name="bot")).events[0].seq == 3


def test_a_consumer_that_is_not_there_is_not_found(store: Store) -> None:
    store.commit()
    with pytest.raises(CommandRefused) as refused:
        store.reader.consumer_next(cn.ConsumerNextArgs(name="x" * 1000))
    assert code(refused) == "not_found"
    assert len(str(refused.value)) < 200


# -- what the core asks


def test_the_core_gets_back_what_waits_was_read_and_was_under_way(store: Store) -> None:
    story = store.story
    anna = story.meet("10.0.0.1", 5000)
    heard = story.hear(anna, "a", "b", "c")
    story.notice(anna, "said hello")
    first, second, third = (story.say(anna, text) for text in ("one", "two", "three"))
    story.rooms.state(anna.peer.room, first, anna.id, "sending")
    store.commit()
    room, cause = anna.peer.room, ev.Cause(client="c", request="r")
    answer = store.reader.answer
    assert answer(q.ReadWaiting(anna.id, 10)).rows == [(second, room, "two"), (third, room, "three")]
    assert answer(q.ReadWaiting(anna.id, 1)).rows == [(second, room, "two")]
    assert answer(q.CountRead(1, cause, None, room, heard[0], third)).count == 2
    assert answer(q.CountUnread(room, heard[1], third, 0, 3)).count == 1
    message, peer = answer(q.ReadMessage(1, cause, None, first)).found
    assert (message.text, message.state, peer) == ("one", "sending", anna.id)
    for other in (heard[0], 10**6, 2**80, -(2**80)):
        assert answer(q.ReadMessage(1, cause, None, other)).found is None
    loaded = store.reader.load()
    assert [(one.message, one.text) for one in loaded.sending] == [(first, "one")]
    assert (loaded.head, loaded.last_message, loaded.clock) == (story.ledger.head, third, story.ledger.clock.last)
    assert [(row.peer.id, row.gone, row.waiting) for row in loaded.peers] == [(anna.id, False, True)]
    assert store.reader.counts() == (third, 3, 1, 1)


def test_a_count_that_takes_long_is_not_made_again_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(reader.time, "monotonic", lambda: clock[0])
    counted = []

    def count(db: sqlite3.Connection) -> int:
        counted.append(db)
        clock[0] += 1.0
        return len(counted)

    monkeypatch.setattr(reader.outbox, "count", count)
    assert store.reader.counts()[1] == 1
    clock[0] += reader.COUNT_SHARE - 1
    assert store.reader.counts()[1] == 1
    clock[0] += 2
    assert store.reader.counts()[1] == 2


def test_nothing_that_is_read_at_the_start_or_counted_goes_through_all_messages(store: Store) -> None:
    anna = store.story.meet("10.0.0.1", 5000)
    store.story.hear(anna, *map(str, range(200)))
    store.commit()
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    def cost(what: Callable[[], object]) -> int:
        steps[0] = 0
        store.reader._db.set_progress_handler(count, 1)
        what()
        store.reader._db.set_progress_handler(None, 1)
        return steps[0]

    few = cost(store.reader.load), cost(store.reader.counts)
    store.story.hear(anna, *map(str, range(2_000)))
    store.commit()
    assert cost(store.reader.load) <= few[0] + 50
    assert cost(store.reader.counts) <= few[1] + 50
