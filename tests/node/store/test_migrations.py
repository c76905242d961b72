"""Databases of every earlier schema come forward: what was in them is in them still, and front ends see it."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from typing import Any

import pytest

from node.bus import nouns
from node.bus import requests as rq
from node.core.loaded import KeptRow, Row
from node.store import database, genuine, index
from node.store.reader import Reader
from node.store.writer import Writer
from tests.node.store import samples

EARLIER = [number for number, _, _ in database.migrations()][:-1]

Table = tuple[list[str], list[tuple[Any, ...]]]


def open_database(home: pathlib.Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(home / database.FILE_NAME, isolation_level=None))


def tables(db: sqlite3.Connection, columns: dict[str, list[str]]) -> dict[str, Table]:
    """What these columns of these tables hold."""
    found = {}
    for table, names in columns.items():
        rows = db.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
        found[table] = names, sorted(rows, key=repr)
    return found


def columns_of(db: sqlite3.Connection) -> dict[str, list[str]]:
    """All columns of the tables that people's things stand in."""
    named = ("fact", "peer", "room", "entry", "body", "delivery", "event", "reply", "consumer", "signed")
    known = {name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")] for name in named}
    return {name: columns for name, columns in known.items() if columns}


def written_by_a_start(table: Table) -> Table:
    """What stays the same over a start: each has its run, and says that the database is open.

    The database's id was called `stream` before schema 7, and in the samples it is none: a start draws another. Schema
    12 writes down what is in the index's first shard."""
    return table[0], [row for row in table[1] if row[0] not in ("run", "open", "stream", "instance", "index_whole")]


def test_there_is_a_sample_of_every_earlier_schema() -> None:
    assert samples.numbers() == EARLIER


@pytest.mark.parametrize("number", EARLIER)
def test_a_sample_has_the_schema_that_its_migrations_make(number: int, tmp_path: pathlib.Path) -> None:
    samples.put(number, tmp_path)
    with open_database(tmp_path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (number,)
        assert genuine.schema(db) == database._made(number), "a schema file that people's databases rest on was changed"


@pytest.mark.parametrize("number", EARLIER)
def test_an_earlier_database_comes_forward_with_all_that_is_in_it(number: int, tmp_path: pathlib.Path) -> None:
    samples.put(number, tmp_path)
    with open_database(tmp_path) as db:
        columns = columns_of(db)
        before = tables(db, columns)
    assert before["entry"][1] and before["event"][1] and before["delivery"][1]
    writer = Writer(tmp_path)
    assert writer.prepare(log="another", instance="another", known=True) is None
    reader = Reader(tmp_path)
    with open_database(tmp_path) as db:
        after = tables(db, columns)
        for held in (before, after):
            held["fact"] = written_by_a_start(held["fact"])
        assert after == before
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 0)")
    loaded = reader.load()
    assert {(one.peer.id, tuple(one.peer.addresses)) for one in loaded.peers} == {
        ("plain-1", ("10.0.0.1:5000",)), ("plain-2", ()), ("plain-3", ("[2001:db8::7]:6000",)),
        ("plain-4", ("10.0.0.4:5000",)), ("plain-5", ()), ("plain-6", ("10.0.0.2:5001",)),
    }  # fmt: skip
    rooms = {room.id: room for room in loaded.rooms}
    assert {room.id: (room.peer, room.members) for room in rooms.values()} == {
        id_: (id_, [id_]) for id_ in ("plain-1", "plain-3", "plain-4", "plain-6")
    }
    assert [(one.message, one.peer) for one in loaded.sending] == [(10, "plain-3")]
    shown = reader.history(rq.HistoryArgs(room="plain-1")).messages
    assert [one.text for one in shown] == ["good morning", 'Äpfel & "quotes"', "two\nlines", "sent", "failed"]
    assert [one.order for one in shown] == [f"{clock:016x}" for clock in range_of(before["entry"], room=1)]
    assert [(one.state, one.detail, one.marks) for one in shown[3:]] == [
        ("sent", None, ["parts"]), ("failed", "no route to host", []),
    ]  # fmt: skip
    while writer.index(100):
        pass
    found = {word: [hit.id for hit in reader.search(rq.SearchArgs(query=word)).hits] for word in ("apfel", "merge*")}
    assert found == {"apfel": [2], "merge*": [13, 11]}
    assert set(reader.snapshot(nouns.Live()).state.peers) == {"plain-1", "plain-3", "plain-6"}
    assert len(reader.events(rq.EventsArgs(since=0)).events) == len(before["event"][1])
    assert reader.kept_replies.of("key 1") == (b"fingerprint", '{"messages":[]}')
    reader.close()
    writer.close()


def test_messages_from_before_schema_6_are_found_within_a_run_once_the_index_has_come_to_them(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "STEP_LOOK", 10)
    samples.put(5, tmp_path)
    with open_database(tmp_path) as db:
        for id_ in range(101, 131):
            text = "我家在上海" if id_ % 10 == 1 else "see you"
            db.execute(
                "INSERT INTO entry SELECT ?, room, clock, at, 0, author, name, kind, NULL, tie FROM entry LIMIT 1",
                (id_,),
            )
            db.execute("INSERT INTO body VALUES (?, ?, NULL)", (id_, text))
            db.execute(
                "INSERT INTO search (rowid, text, room) SELECT id, text, room FROM searchable WHERE id = ?", (id_,)
            )
        db.execute("INSERT OR REPLACE INTO fact VALUES ('indexed', '130')")
    writer = Writer(tmp_path)
    writer.prepare(log="another", instance="another", known=True)
    reader = Reader(tmp_path)

    def found(query: str) -> tuple[list[int], int]:
        result = reader.search(rq.SearchArgs(query=query))
        return [hit.id for hit in result.hits], result.pending

    assert found("上海") == ([], 130)
    assert (len(found("see")[0]), found("see")[1]) == (20, 130), "the words are in the index as before"
    # A step goes through ten messages, or as far as it finds two.
    steps = 1
    while writer.index(2):
        steps += 1
    assert found("上海") == ([121, 111, 101], 0)
    assert steps == 13
    reader.close()
    writer.close()


def range_of(entry: Table, room: int) -> list[int]:
    """The clocks of a room's messages, in order."""
    names, rows = entry
    return sorted(row[names.index("clock")] for row in rows if row[names.index("room")] == room)


def test_signed_entries_receipts_and_what_is_held_come_forward(tmp_path: pathlib.Path) -> None:
    samples.put(4, tmp_path)
    me, stream = "me" * 26, b"s" * 16
    with open_database(tmp_path) as db:
        for n, entry in ((1, 1), (2, 999), (3, 2)):
            row = (entry, "r", "anna", stream, n, bytes([n]) * 32, b"header", b"signature")
            db.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        for member in (me, "bela"):
            db.execute("INSERT INTO vector VALUES ('r', ?, 'anna', ?, 3, ?)", (member, stream, b"\x03" * 32))
    database.open_for_writing(tmp_path).close()
    with open_database(tmp_path) as db:
        found = db.execute("SELECT room, author, stream, n, hash, header, signature, entry FROM signed ORDER BY n")
        assert found.fetchall() == [
            ("r", "anna", stream, n, bytes([n]) * 32, b"header", b"signature", entry)
            for n, entry in ((1, 1), (2, None), (3, 2))
        ], "what had expired has no entry"
        assert db.execute("SELECT id, tie FROM entry WHERE tie <> x'' ORDER BY id").fetchall() == [
            (1, b"\x01" * 32), (2, b"\x03" * 32),
        ]  # fmt: skip
        row = ("r", "anna", stream, 1, 3, b"\x03" * 32, None)
        assert db.execute("SELECT room, author, stream, first, n, hash, signature FROM vector").fetchall() == [row]
        receipt = ("r", "bela", "anna", stream, 3, b"\x03" * 32, None, 0)
        assert db.execute("SELECT * FROM receipt").fetchall() == [receipt]
    with contextlib.closing(Reader(tmp_path)) as reader:
        # Nobody knows the clock of a header that an earlier program kept, nor what was before its stream.
        assert reader.load().rows == [KeptRow("r", "anna", stream, Row(1, 3, b"\x03" * 32, -1))]


@pytest.mark.parametrize("number", [number for number in EARLIER if number < 7])
def test_the_id_of_an_earlier_database_stays_under_its_new_name(number: int, tmp_path: pathlib.Path) -> None:
    samples.put(number, tmp_path)
    before = "3c" * 16
    with open_database(tmp_path) as db:
        assert db.execute("UPDATE fact SET value = ? WHERE name = 'stream'", (before,)).rowcount == 1
    writer = Writer(tmp_path)
    writer.prepare(log="another", instance="another", known=True)
    with contextlib.closing(Reader(tmp_path)) as reader:
        assert reader.fact("instance") == before
        assert reader.fact("stream") is None
    writer.close()


def test_what_is_written_down_makes_the_same_database_again(tmp_path: pathlib.Path) -> None:
    samples.put(4, tmp_path)
    with open_database(tmp_path) as db:
        assert samples.written_down(db) == (samples.FOLDER / "0004.sql").read_text("utf-8")


def test_a_home_with_direct_rooms_comes_forward_from_schema_7(tmp_path: pathlib.Path) -> None:
    samples.put(7, tmp_path, samples.DIRECT)
    writer = Writer(tmp_path)
    writer.prepare(log="another", instance="another", known=True)
    reader = Reader(tmp_path)
    loaded = reader.load()
    assert {receipt.read for receipt in loaded.receipts} == {0}
    bela, carl = (next(room for room in loaded.rooms if room.name == name) for name in ("bela", "carl"))
    shown = reader.history(rq.HistoryArgs(room=bela.id)).messages
    assert [(one.text, one.state) for one in shown if one.direction == "out"] == [
        ("hello bela, encrypted from the first word", "delivered"),
        ("with a key", "delivered"),
        ("waiting for bela", "waiting"),
    ]
    assert len(carl.aliases) == 1
    plain = reader.history(rq.HistoryArgs(room=carl.aliases[0])).messages
    assert [(one.text, one.entry is not None) for one in plain if one.kind == "text"] == [
        ("in clear", False), ("answer in clear", False), ("now encrypted", True),
    ]  # fmt: skip
    reader.close()
    writer.close()


def test_conversations_from_before_there_were_requests_stay_what_they_are(tmp_path: pathlib.Path) -> None:
    samples.put(8, tmp_path, samples.DIRECT)
    with open_database(tmp_path) as db:
        row = ("x" * 52, "direct:new", "eve", "node", "10.0.0.9", 5, "snicher", "seen", "offline", None, 1, 0, 0)
        columns = "id, room, name, kind, host, port, dialect, dialect_from, link, error, last_seen, wanted, gone"
        db.execute(f"INSERT INTO peer ({columns}) VALUES ({', '.join('?' * 13)})", row)
        db.execute(
            "INSERT INTO room (id, kind, name, peer, encrypted, unread, read_upto, created)"
            " VALUES ('direct:new', 'direct', 'eve', ?, 1, 0, 0, 1)",
            row[:1],
        )
        db.execute("UPDATE peer SET standing = 'stranger'")
    writer = Writer(tmp_path)
    writer.prepare(log="another", instance="another", known=True)
    with contextlib.closing(Reader(tmp_path)) as reader:
        state = reader.snapshot(nouns.Live()).state
        assert {room.name for room in state.rooms.values() if room.request} == {"eve"}, "nothing was said there yet"
        assert not any(room.hidden for room in state.rooms.values())
        assert not any(peer.verified or peer.refusal for peer in state.peers.values())
        assert state.blocked == {}
    writer.close()


def test_addresses_from_before_schema_10_keep_when_they_were_good_and_nodes_have_a_presence(
    tmp_path: pathlib.Path,
) -> None:
    samples.put(9, tmp_path, samples.DIRECT)
    with open_database(tmp_path) as db:
        db.execute("UPDATE address SET at = 77 WHERE rank = 0")
    writer = Writer(tmp_path)
    writer.prepare(log="another", instance="another", known=True)
    with contextlib.closing(Reader(tmp_path)) as reader:
        loaded = reader.load().peers
        nodes = [one for one in loaded if one.peer.kind == "node"]
        assert nodes
        for one in nodes:
            assert [str(path.address) for path in one.paths] == one.peer.addresses
            assert {(path.how, path.learnt, path.good) for path in one.paths} <= {("seen", 0, 77)}
        assert {(one.peer.kind, one.peer.presence == "") for one in loaded} == {("node", False), ("plain", True)}
        assert {(tuple(one.peer.hostnames), one.peer.status) for one in loaded} == {((), "")}
    writer.close()
