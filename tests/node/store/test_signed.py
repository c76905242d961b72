"""Signed entries as rows: what was put is what is read, everywhere, whatever comes in between."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from node.bus import nouns
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core.loaded import KeptReceipt, KeptRow, Row
from node.model import Entry, short_code
from node.protocol.entries import check_run, text_body
from node.store import database
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store.direct import ME, OTHER, ROOM, THIRD, Author, Direct
from tests.node.store.story import contents, rows


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Direct]:
    made = Direct(tmp_path)
    yield made
    made.close()


def shown(store: Direct, room: str = ROOM) -> list[nouns.Message]:
    return store.reader.history(rq.HistoryArgs(room=room)).messages


def test_an_entry_is_read_as_it_was_put_wherever_it_is_read(store: Direct) -> None:
    heard, said = store.add(store.theirs, "zebra of theirs"), store.add(store.mine, "zebra of ours")
    store.ledger.put(e.PutRoom(replace(store.room, last=said)))
    store.commit()
    while store.writer.index(100):
        pass
    assert shown(store) == [heard, said]
    assert store.reader.search(rq.SearchArgs(query="zebra", room=ROOM)).hits == [said, heard]
    assert store.reader.snapshot(nouns.Live()).state.rooms[ROOM].last == said
    assert store.reader.page(rq.SnapshotArgs()).state.rooms[ROOM].last == said
    assert next(room for room in store.reader.load().rooms if room.id == ROOM).last == said
    events = store.reader.events(rq.EventsArgs(since=0)).events
    assert [event.data["message"] for event in events if event.type.startswith("Message")] == [heard, said]


def test_the_exact_bytes_are_kept_only_where_the_text_does_not_give_them(store: Direct) -> None:
    odd = b"\x82\xa4text\xa3odd\xa5extra\x01"
    store.add(store.theirs, "plain")
    store.add(store.theirs, "odd", body=odd)
    store.commit()
    assert rows(store.home, "SELECT text, raw FROM body ORDER BY entry") == [("plain", None), ("odd", odd)]


def test_an_entry_of_an_unknown_kind_shows_without_text_and_keeps_its_kind(store: Direct) -> None:
    message = store.add(store.theirs, None, kind="poll", body=b"\x81\xa4text\xa6secret")
    store.ledger.put(e.PutRoom(store.room))
    store.commit()
    assert shown(store) == [message]
    assert (message.kind, message.text) == ("unknown", "")
    store.ledger.put(e.AddMessage(replace(message, id=99, kind="poll", text="x", entry=None), 2**62))
    store.commit()
    assert [(one.kind, one.text) for one in shown(store)] == [("unknown", "")] * 2
    assert rows(store.home, "SELECT kind FROM entry ORDER BY id") == [("unknown",), ("poll",)]


def test_a_header_without_a_body_shows_nowhere_and_is_served(store: Direct) -> None:
    entry = store.add_header(store.theirs)
    store.commit()
    assert shown(store) == []
    run, upto = store.reader.run_after(ROOM, OTHER, b"t" * 16, 0)
    assert run is not None and (run.headers, run.bodies, upto) == ([entry.header_bytes], [None], 1)


def test_what_waited_in_clear_becomes_an_entry_and_keeps_its_id(store: Direct) -> None:
    waits = store.wait("for an old client")
    store.commit()
    assert store.reader.counts()[1] == 1
    now = store.sign(waits)
    store.ledger.put(e.PutRoom(replace(store.room, last=now)))
    store.commit()
    assert shown(store) == [now]
    assert rows(store.home, "SELECT * FROM delivery") == []
    assert store.reader.counts()[1] == 1
    changed = store.reader.events(rq.EventsArgs(since=0)).events[-1]
    assert (changed.type, changed.data["message"]) == ("MessageChanged", now)
    assert store.reader.snapshot(nouns.Live()).state.rooms[ROOM].last == now
    store.receipt(1)
    store.commit()
    assert [one.state for one in shown(store)] == ["delivered"]
    assert store.reader.counts()[1] == 0


def test_a_message_may_be_added_and_signed_in_one_batch_and_states_in_between_do_not_come_back(store: Direct) -> None:
    waits = store.wait("quick")
    store.ledger.put(e.SetState(waits.id, OTHER, "sending", None, ["altered"]))
    now = store.sign(waits)
    store.ledger.put(e.SetState(waits.id, OTHER, "failed", "no route"))
    store.commit()
    assert shown(store) == [now]


def test_a_message_that_becomes_an_entry_of_another_room_is_found_there_and_only_there(store: Direct) -> None:
    plain = store.story.meet("10.0.0.9", 5000)
    waits = store.wait("zebra 上海", plain.id, plain.peer.room)
    other = store.wait("zebra stays", plain.id, plain.peer.room)
    store.commit()
    while store.writer.index(100):
        pass
    store.sign(waits)
    store.commit()

    def found(query: str, room: str) -> list[int]:
        return [hit.id for hit in store.reader.search(rq.SearchArgs(query=query, room=room)).hits]

    assert (found("zebra", ROOM), found("zebra", plain.peer.room)) == ([waits.id], [other.id])
    assert (found("上海", ROOM), found("上海", plain.peer.room)) == ([waits.id], [])
    assert [one.id for one in shown(store)] == [waits.id]


def test_of_rows_and_receipts_the_last_counts_and_a_receipt_never_goes_back(store: Direct) -> None:
    for text in ("one", "two", "three"):
        store.add(store.mine, text)
    for n in (1, 3, 2):
        store.receipt(n)
    store.commit()
    expected = [KeptReceipt(ROOM, OTHER, store.mine.stream, 3)]
    assert store.reader.load().receipts == expected
    store.receipt(2)
    store.commit()
    loaded = store.reader.load()
    assert loaded.receipts == expected
    assert loaded.rows == [KeptRow(ROOM, ME, store.mine.stream, store.mine.row)]
    assert rows(store.home, "SELECT hash FROM receipt") == [(store.mine.entries[2].hash,)]
    store.ledger.put(e.PutRow(ROOM, ME, store.mine.stream, Row(4, 3, store.mine.entries[2].hash, -1, (b"b" * 16, 7))))
    store.commit()
    assert store.reader.load().rows[0].row == Row(4, 3, store.mine.entries[2].hash, -1, (b"b" * 16, 7))


def test_a_signature_of_ours_under_a_row_goes_with_the_row(store: Direct) -> None:
    store.add(store.mine, "one")
    store.commit()
    with contextlib.closing(sqlite3.connect(store.home / database.FILE_NAME)) as db, db:
        db.execute("UPDATE vector SET signature = x'01'")
    store.add(store.mine, "two")
    store.commit()
    assert rows(store.home, "SELECT n, signature FROM vector") == [(2, None)]


def test_only_receipts_of_our_own_streams_are_loaded(store: Direct) -> None:
    store.add(store.theirs, "one")
    store.receipt(1, THIRD, store.theirs)
    store.commit()
    assert rows(store.home, "SELECT member FROM receipt") == [(THIRD,)]
    assert store.reader.load().receipts == []


def test_a_message_is_delivered_when_every_member_holds_it(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(Direct(tmp_path, (OTHER, THIRD))) as store:
        first, second = store.add(store.mine, "one"), store.add(store.mine, "two")
        store.receipt(2, OTHER)
        store.commit()
        assert shown(store) == [first, second]
        assert store.reader.counts()[1] == 2
        store.receipt(1, THIRD)
        store.commit()
        assert shown(store) == [replace(first, state="delivered"), second]
        assert store.reader.counts()[1] == 1
        store.receipt(2, THIRD)
        store.commit()
        assert [one.state for one in shown(store)] == ["delivered"] * 2
        assert store.reader.counts()[1] == 0


def test_an_entry_of_ours_from_another_machine_waits_and_is_delivered_in_the_same_way(store: Direct) -> None:
    elsewhere = Author(0, ROOM, b"e" * 16)
    message = store.add(elsewhere, "said elsewhere", signed=False)
    store.commit()
    assert shown(store) == [message] and message.state == "waiting"
    assert store.reader.counts()[1] == 1
    store.receipt(1, author=elsewhere)
    store.commit()
    assert shown(store) == [replace(message, state="delivered")]


def test_an_entry_of_somebody_else_has_no_state(store: Direct) -> None:
    store.add(store.theirs, "one")
    store.receipt(1, THIRD, store.theirs)
    store.commit()
    assert [one.state for one in shown(store)] == [None]
    assert store.reader.counts()[1] == 0


# -- what goes


def expire(store: Direct, upto: int) -> None:
    store.ledger.put(e.ExpireMessages(ROOM, upto))
    store.commit()


def test_what_a_member_does_not_hold_yet_does_not_expire_and_headers_stay(store: Direct) -> None:
    messages = [store.add(author, "old") for author in (store.mine, store.theirs, store.mine)]
    store.receipt(1)
    store.commit()
    expire(store, messages[-1].id)
    assert shown(store) == [messages[2]]
    kept = {(author, n): entry for author, n, entry in rows(store.home, "SELECT author, n, entry FROM signed")}
    assert kept == {(ME, 1): None, (ME, 2): messages[2].id, (OTHER, 1): None}
    assert store.reader.counts()[1] == 1
    run, upto = store.reader.run_after(ROOM, ME, store.mine.stream, 0)
    assert run is not None and (run.bodies, upto) == ([None, text_body("old")], 2)
    store.receipt(2)
    store.commit()
    expire(store, messages[-1].id)
    assert shown(store) == []


def test_expired_messages_are_found_but_for_those_that_wait(store: Direct) -> None:
    store.add(store.mine, "covered")
    store.receipt(1)
    store.commit()
    query = q.FindOld(store.ledger.now + 1, 0, 10, 0)
    found: Any = store.reader.answer(query)
    assert [(one.room, one.empty) for one in found.rooms] == [(ROOM, True)]
    store.add(store.mine, "waits")
    store.commit()
    found = store.reader.answer(replace(query, before=store.ledger.now + 1))
    assert [(one.room, one.empty) for one in found.rooms] == [(ROOM, False)]
    expire(store, store.ledger.last_message)
    found = store.reader.answer(replace(query, before=store.ledger.now + 1))
    assert found.rooms == []


def test_of_a_deleted_conversation_only_how_far_its_streams_had_come_stays(store: Direct) -> None:
    store.add(store.mine, "ours")
    store.add(store.theirs, "theirs")
    store.add_header(store.theirs)
    store.receipt(1)
    store.ledger.put(e.PutRoom(replace(store.room, aliases=["plain-7"])))
    store.commit()
    store.ledger.put(e.DeleteRoom(ROOM))
    store.commit()
    for table in ("signed", "receipt", "entry", "body", "alias", "member"):
        assert rows(store.home, f"SELECT * FROM {table}") == [], table
    loaded = store.reader.load()
    assert {(one.author, one.row) for one in loaded.rows} == {
        (ME, replace(store.mine.row, first=2)), (OTHER, replace(store.theirs.row, first=3)),
    }  # fmt: skip
    assert loaded.receipts == []
    assert loaded.clock == store.theirs.entries[-1].header.clock, "the next clock is above all before"
    assert store.reader.counts()[1] == 0
    assert store.reader.run_after(ROOM, ME, store.mine.stream, 0) == (None, 0)
    old = [event for event in store.reader.events(rq.EventsArgs(since=0)).events if event.type == "MessageAccepted"]
    assert [(event.data["message"].kind, event.data["message"].direction) for event in old] == [("deleted", "out")]
    # The other one says something again.
    store.ledger.put(e.PutRoom(store.room))
    again = store.add(store.theirs, "again")
    store.commit()
    assert shown(store) == [again]


def test_a_message_that_changed_and_was_deleted_shows_as_one_of_ours(store: Direct) -> None:
    store.sign(store.wait("secret"))
    store.ledger.put(e.DeleteRoom(ROOM))
    store.commit()
    changed = store.reader.events(rq.EventsArgs(since=0)).events[-1]
    assert (changed.data["message"].kind, changed.data["message"].direction) == ("deleted", "out")


# -- a plain conversation becomes part of a direct one


def test_what_was_said_in_clear_moves_into_the_direct_room_and_its_id_becomes_an_alias(store: Direct) -> None:
    plain = store.story.meet("10.0.0.9", 5000)
    older = store.story.meet("10.0.0.8", 5000)
    room, oldest = plain.peer.room, older.peer.room
    (heard,) = store.story.hear(plain, "before")
    store.commit()
    store.ledger.put(e.PutRoom(replace(store.story.rooms.by_id[room], aliases=[oldest])))
    store.ledger.put(e.DeleteRoom(oldest))
    store.commit()
    waits = store.wait("waits", plain.id, room)
    entry = store.add(store.theirs, "encrypted")
    store.ledger.put(e.MergeRooms(room, ROOM))
    now = store.sign(waits)
    store.commit()
    assert [one.id for one in shown(store)] == [heard, entry.id, now.id]
    assert [one.entry is None for one in shown(store)] == [True, False, False]
    assert rows(store.home, "SELECT id, tie FROM entry WHERE tie = x''") == [(heard, b"")]
    merged = next(one for one in store.reader.load().rooms if one.id == ROOM)
    assert merged.aliases == [oldest]
    store.ledger.put(e.PutRoom(replace(store.room, aliases=[room, oldest])))
    store.commit()
    assert next(one for one in store.reader.load().rooms if one.id == ROOM).aliases == [room, oldest]
    assert store.reader.snapshot(nouns.Live()).state.rooms[ROOM].aliases == [room, oldest]
    while store.writer.index(100):
        pass
    for id_ in (room, oldest):
        assert shown(store, id_) == shown(store)
        hits = store.reader.search(rq.SearchArgs(query="before", room=id_)).hits
        assert [(hit.id, hit.room) for hit in hits] == [(heard, ROOM)]
        counted: Any = store.reader.answer(q.CountRead(1, None, None, id_, 0, heard))
        assert counted.count == 1
    store.ledger.put(e.PutRoom(replace(store.room, aliases=[oldest])))
    store.commit()
    assert next(one for one in store.reader.load().rooms if one.id == ROOM).aliases == [oldest]


def test_an_alias_that_another_room_takes_is_that_rooms(store: Direct) -> None:
    first, second = (store.story.meet(f"10.0.0.{number}", 5000) for number in (1, 2))
    one, two = (store.story.rooms.by_id[contact.peer.room] for contact in (first, second))
    store.ledger.put(e.PutRoom(replace(one, aliases=["plain-7", "plain-8"])))
    store.commit()
    store.ledger.put(e.PutRoom(replace(two, aliases=["plain-7"])))
    store.commit()
    found = {room.id: room.aliases for room in store.reader.load().rooms}
    assert (found[one.id], found[two.id]) == (["plain-8"], ["plain-7"])
    store.ledger.put(e.PutRoom(replace(one, aliases=["plain-7", "plain-8"])))
    store.commit()
    found = {room.id: room.aliases for room in store.reader.load().rooms}
    assert (found[one.id], found[two.id]) == (["plain-7", "plain-8"], [])


def test_what_is_in_doubt_about_a_peer_is_kept_and_its_code_is_computed(store: Direct) -> None:
    peer = nouns.Peer(id=OTHER, room=ROOM, name="bela", kind="node", code=short_code(OTHER),
                      warning="Another key answered.", rival=THIRD)  # fmt: skip
    store.ledger.put(e.PutPeer(peer))
    store.commit()
    assert [one.peer for one in store.reader.load().peers] == [peer]
    assert store.reader.snapshot(nouns.Live()).state.peers == {OTHER: peer}
    store.ledger.put(e.PutPeer(replace(peer, warning=None, rival=None)))
    store.commit()
    assert [one.peer for one in store.reader.load().peers] == [replace(peer, warning=None, rival=None)]


# -- crashes


def test_a_batch_that_fails_in_its_middle_leaves_nothing(store: Direct, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = store.wait("waits")
    store.commit()
    before = contents(store.home)
    store.add(store.mine, "lost")
    store.add_header(store.theirs)
    store.sign(waits)
    store.receipt(1)
    # One number twice is a bug of ours: the batch fails after most of its rows were written.
    records = store.story.records()
    store.ledger.put(e.AddHeader(ROOM, OTHER, b"t" * 16, 1, b"h" * 32, b"", None))
    with pytest.raises(sqlite3.IntegrityError):
        store.writer.commit([*records, *store.story.records()])
    assert contents(store.home) == before
    store.writer.commit(records)
    assert [one.text for one in shown(store)] == ["lost", "waits"]


KILLED = """
import os, sys, pathlib, pickle
from node.store import signed
from tests.node.store.direct import Direct, ROOM
store = Direct(pathlib.Path(sys.argv[1]))
store.add(store.mine, "kept")
store.commit()
store.add(store.mine, "in flight")
store.receipt(1)
store.add_header(store.theirs)
if sys.argv[2] == "before":
    signed.Signed.write = lambda self, db: os._exit(9)
else:
    whole = signed.Signed.write
    signed.Signed.write = lambda self, db: (whole(self, db), os._exit(9))
store.commit()
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_node_killed_in_the_middle_of_a_batch_has_all_before_it_and_nothing_of_it(
    when: str, tmp_path: pathlib.Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), when], check=False, timeout=60)
    assert done.returncode == 9
    writer = Writer(tmp_path)
    reader = Reader(tmp_path)
    assert [one.text for one in reader.history(rq.HistoryArgs(room=ROOM)).messages] == ["kept"]
    loaded = reader.load()
    assert [(one.author, one.row.n) for one in loaded.rows] == [(ME, 1)]
    assert loaded.receipts == []
    reader.close()
    writer.close()


# -- properties

steps = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 7)), min_size=12, max_size=40)


class Model:
    """What should be on the disk, in plain lists."""

    def __init__(self, store: Direct) -> None:
        self.store = store
        self.messages: dict[int, nouns.Message] = {}
        self.held: dict[tuple[str, bytes], Row] = {}
        self.receipts: dict[tuple[str, bytes], int] = {}
        self.chains: dict[tuple[str, bytes], list[tuple[Entry, bytes | None]]] = {}
        #: The numbers that came with a signature.
        self.signed: dict[tuple[str, bytes], set[int]] = {}
        self.mine = [store.mine]

    def covered(self, message: nouns.Message) -> bool:
        place = message.entry
        assert place is not None
        stream = bytes.fromhex(place.stream)
        return all(self.receipts.get((member, stream), 0) >= place.n for member in self.store.room.members)

    def seen(self, message: nouns.Message) -> nouns.Message:
        if message.direction == "in" or message.entry is None:
            return message
        return replace(message, state="delivered" if self.covered(message) else "waiting")

    def wrote(self, author: Author, message: nouns.Message | None, signed: bool = True) -> None:
        entry = author.entries[-1]
        key = (author.id, author.stream)
        numbers = self.signed.setdefault(key, set())
        if signed:
            numbers.add(entry.header.n)
        self.chains.setdefault(key, []).append((entry, None if message is None else entry.body))
        row = self.held.get(key)
        self.held[key] = author.row if row is None else replace(author.row, first=row.first)
        self.store.ledger.put(e.PutRow(ROOM, author.id, author.stream, self.held[key]))
        if message is not None:
            self.messages[message.id] = message

    def step(self, what: int, detail: int) -> None:
        store = self.store
        mine = self.mine[-1]
        if what in (0, 1):
            self.wrote(mine, store.add(mine, f"mine {detail}", signed=detail > 2), detail > 2)
        elif what in (2, 3):
            body = b"\x82\xa4text\xa1x\xa1y\x01" if detail == 0 else None
            text = "x" if detail == 0 else f"theirs {detail}"
            self.wrote(store.theirs, store.add(store.theirs, text, signed=detail > 2, body=body), detail > 2)
        elif what == 4:
            self.wrote(store.theirs, store.add(store.theirs, None, kind="poll", body=b"\x81\x01" + bytes([detail])))
        elif what == 5:
            store.add_header(store.theirs, signed=detail > 2)
            self.wrote(store.theirs, None, detail > 2)
        elif what == 6:
            message = store.wait(f"clear {detail}")
            self.messages[message.id] = message
        elif what == 7:
            waits = [one for one in self.messages.values() if one.direction == "out" and one.entry is None]
            if waits:
                store.mine = mine
                self.wrote(mine, store.sign(waits[detail % len(waits)]))
        elif what == 8 and mine.entries:
            member = store.room.members[detail % len(store.room.members)]
            n = 1 + detail % len(mine.entries)
            store.receipt(n, member, mine)
            key = (member, mine.stream)
            self.receipts[key] = max(n, self.receipts.get(key, 0))
        elif what == 9:
            self.mine.append(Author(0, ROOM, bytes([len(self.mine)]) * 16, mine.entries[-1] if mine.entries else None))
        elif what == 10 and self.messages:
            upto = list(self.messages)[detail % len(self.messages)]
            store.ledger.put(e.ExpireMessages(ROOM, upto))
            for id_, one in list(self.messages.items()):
                waits_still = one.direction == "out" and (one.entry is None or not self.covered(one))
                if id_ <= upto and not waits_still:
                    self.drop_body(self.messages.pop(id_))
        elif what == 11 and detail == 0:
            store.ledger.put(e.DeleteRoom(ROOM))
            store.ledger.put(e.PutRoom(store.room))
            self.messages.clear()
            self.receipts.clear()
            self.chains.clear()
            self.held = {key: replace(row, first=row.n + 1) for key, row in self.held.items()}

    def drop_body(self, message: nouns.Message) -> None:
        for chain in self.chains.values():
            for index, (entry, _) in enumerate(chain):
                place = message.entry
                if place is not None and (entry.header.stream.hex(), entry.header.n) == (place.stream, place.n):
                    chain[index] = (entry, None)

    def check(self) -> None:
        reader = self.store.reader
        expected = sorted((self.seen(one) for one in self.messages.values()), key=lambda one: (one.order, one.id))
        assert shown(self.store) == expected
        loaded = reader.load()
        assert {(one.author, one.stream): one.row for one in loaded.rows} == self.held
        assert {(one.member, one.stream): one.n for one in loaded.receipts} == self.receipts
        waiting = [one for one in expected if one.state == "waiting"]
        assert reader.counts()[1] == len(waiting)
        for (author, stream), chain in self.chains.items():
            first = chain[0][0].header.n
            served: list[tuple[bytes, bytes | None]] = []
            after = first - 1
            while True:
                run, after = reader.run_after(ROOM, author, stream, after)
                if run is None:
                    break
                served += zip(run.headers, run.bodies, strict=True)
                if len(served) == len(run.headers):
                    # Whoever holds nothing yet can check it.
                    check_run(ROOM, run.headers, run.bodies, run.signature, None, -1, begins=first)
            whole = [(entry.header_bytes, body) for entry, body in chain]
            covered = max(
                (n for n, (entry, _) in enumerate(chain, 1) if entry.header.n in self.signed[author, stream]), default=0
            )
            assert served == whole[:covered], "all up to the last signature"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=steps, size=st.integers(1, 9), members=st.sampled_from([(OTHER,), (OTHER, THIRD)]))
def test_what_is_read_is_what_was_put(plan: list[tuple[int, int]], size: int, members: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Direct(pathlib.Path(folder), members)) as store:
        model = Model(store)
        for number, (what, detail) in enumerate(plan):
            model.step(what, detail)
            if number % size == 0:
                store.commit()
                model.check()
        store.commit()
        model.check()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=steps, size=st.integers(1, 9))
def test_how_records_of_entries_fall_into_batches_makes_no_difference(plan: list[tuple[int, int]], size: int) -> None:
    found = []
    for step in (1000, size):
        with tempfile.TemporaryDirectory() as folder, contextlib.closing(Direct(pathlib.Path(folder))) as store:
            model = Model(store)
            for what, detail in plan:
                model.step(what, detail)
            records = store.story.records()
            for start in range(0, len(records), step):
                store.writer.commit(records[start : start + step])
            found.append(contents(store.home))
    assert found[0] == found[1]
