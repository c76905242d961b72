"""Runs of entries: as long as they may be, with a signature at the end, and one look at the disk."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from node.core import effects as e
from node.errors import StoreCorrupt, StoreUnavailable
from node.protocol.entries import MAX_BODY_BYTES, check_run, text_body
from node.protocol.secure import frames
from node.store import database, serving
from node.store.serving import RUN_BYTES
from tests.node.store.direct import ME, OTHER, ROOM, Author, Direct

STREAM = b"t" * 16


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Direct]:
    made = Direct(tmp_path)
    yield made
    made.close()


def serve(store: Direct, after: int = 0) -> tuple[frames.Run | None, int]:
    store.commit()
    return store.reader.run_after(ROOM, OTHER, STREAM, after)


def hear(store: Direct, *signed: bool, size: int = 0) -> None:
    """Entries come in, each with a signature or without, with texts of this size."""
    for one in signed:
        store.add(store.theirs, "x" * size, signed=one)


def test_a_run_holds_the_authors_exact_bytes_and_anybody_can_check_it(store: Direct) -> None:
    odd = b"\x82\xa4text\xa3odd\xa5extra\x01"
    store.add(store.theirs, "one", signed=False)
    store.add(store.theirs, "odd", signed=False, body=odd)
    store.add_header(store.theirs, signed=False)
    store.add(store.theirs, None, kind="poll", body=b"\x80")
    run, upto = serve(store)
    entries = store.theirs.entries
    assert upto == 4 and run == frames.Run(
        ROOM, [one.header_bytes for one in entries], [text_body("one"), odd, None, b"\x80"], entries[3].signature or b""
    )
    frames.decode(frames.encode(run)[4:])
    checked = check_run(ROOM, run.headers, run.bodies, run.signature, None, -1)
    assert [one.hash for one in checked] == [one.hash for one in entries]


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "two\r\nlines", "😀 上海", "\ufeff", "x" * 65_536])
def test_a_text_gives_its_bytes_back(store: Direct, text: str) -> None:
    store.add(store.theirs, text)
    run, _ = serve(store)
    assert run is not None and run.bodies == [text_body(text)]
    check_run(ROOM, run.headers, run.bodies, run.signature, None, -1)


def test_a_run_begins_after_any_number_and_ends_with_the_stream(store: Direct) -> None:
    hear(store, True, True, True)
    run, upto = serve(store, 1)
    assert run is not None and upto == 3
    assert run.headers == [one.header_bytes for one in store.theirs.entries[1:]]
    assert serve(store, 3) == (None, 3)
    assert serve(store, 2**63 - 1) == (None, 2**63 - 1)


def test_a_run_ends_at_the_last_signature(store: Direct) -> None:
    hear(store, False, True, False)
    run, upto = serve(store)
    assert run is not None and (len(run.headers), len(run.bodies), upto) == (2, 2, 2)
    assert run.signature == store.theirs.entries[1].signature
    assert serve(store, 2) == (None, 2), "nothing covers the third yet"


@pytest.mark.parametrize("gap", [1, 2, 3])
def test_a_run_ends_before_a_number_that_is_not_held(store: Direct, gap: int) -> None:
    hear(store, True, True, True, True)
    store.commit()
    with sqlite3.connect(store.home / database.FILE_NAME) as db:
        db.execute("DELETE FROM signed WHERE n = ?", (gap,))
    assert serve(store)[1] == gap - 1
    assert serve(store, gap - 1) == (None, gap - 1)
    assert serve(store, gap)[1] == 4


def test_a_run_is_of_one_room_one_author_and_one_stream(store: Direct) -> None:
    hear(store, True)
    other = Author(1, ROOM, b"u" * 16)
    store.add(other, "another stream")
    store.add(Author(0, ROOM, STREAM), "another author")
    store.ledger.put(e.PutRoom(replace(store.room, id="another room")))
    store.add(Author(1, "another room", STREAM), "another room")
    run, upto = serve(store)
    assert run is not None and (run.headers, upto) == ([store.theirs.entries[0].header_bytes], 1)
    assert store.reader.run_after(ROOM, ME, STREAM, 0)[1] == 1
    assert store.reader.run_after(ROOM, OTHER, b"u" * 16, 0)[0] is not None
    assert store.reader.run_after("nowhere", OTHER, STREAM, 0) == (None, 0)


def test_a_run_has_at_most_a_thousand_entries() -> None:
    with contextlib.closing(streams([(True, 1, True)] * (frames.MAX_RUN + 1), header=b"h")) as db:
        run, upto = serving.run_after(db, "r", "a", b"\x00", 0)
        assert run is not None and len(run.headers) == upto == frames.MAX_RUN
        assert serving.run_after(db, "r", "a", b"\x00", upto)[1] == frames.MAX_RUN + 1


def test_a_run_has_64_kib_and_more_only_to_reach_a_signature(store: Direct) -> None:
    hear(store, *[True] * 4, size=20_000)
    assert serve(store)[1] == 3
    # Numbers 5 to 9: the signature comes after 100,000 bytes.
    hear(store, False, False, False, False, True, True, size=20_000)
    run, upto = serve(store, 4)
    assert run is not None and upto == 9
    assert RUN_BYTES < weight(run) <= frames.MAX_RUN_BYTES
    frames.decode(frames.encode(run)[4:])


def test_beyond_128_kib_without_a_signature_there_is_no_run(store: Direct) -> None:
    hear(store, False, False, True, size=60_000)
    assert serve(store) == (None, 0)
    assert serve(store, 1)[1] == 3


def test_the_longest_entry_goes_alone(store: Direct) -> None:
    longest = b"\x81\xa1x\xc6" + (MAX_BODY_BYTES - 8).to_bytes(4, "big") + bytes(MAX_BODY_BYTES - 8)
    for _ in range(2):
        store.add(store.theirs, None, kind="blob", body=longest)
    run, upto = serve(store)
    assert run is not None and (run.bodies, upto) == ([longest], 1)


def streams(rows: list[tuple[bool, int, bool]], header: bytes = b"h" * 300) -> sqlite3.Connection:
    """A database with one stream, of rows (signed or not, size of the body, whether its bytes are kept)."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE signed (room, author, stream, n INTEGER PRIMARY KEY, header, signature, entry)")
    db.execute("CREATE TABLE leaving_stream (room, author, stream, upto)")
    db.execute("CREATE TABLE body (entry INTEGER PRIMARY KEY, text, raw)")
    for n, (signed, size, raw) in enumerate(rows, 1):
        signature = b"%d" % n if signed else None
        db.execute("INSERT INTO signed VALUES ('r', 'a', x'00', ?, ?, ?, ?)", (n, header, signature, n))
        db.execute("INSERT INTO body VALUES (?, 'short', ?)", (n, b"\x80" * size if raw else None))
    return db


def weight(run: frames.Run) -> int:
    return sum(map(len, run.headers)) + sum(len(body or b"") for body in run.bodies)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([True, True, False]), st.sampled_from([1, 30_000, 62_000, 66_000]), st.booleans()),
        max_size=12,
    ),
    after=st.integers(0, 13),
)
def test_a_run_is_the_longest_that_keeps_all_bounds(rows: list[tuple[bool, int, bool]], after: int) -> None:
    with contextlib.closing(streams(rows)) as db:
        run, upto = serving.run_after(db, "r", "a", b"\x00", after)
    sizes = [300 + (size if raw else len(text_body("short"))) for _, size, raw in rows]
    ends = [n for n, (signed, _, _) in enumerate(rows, 1) if signed and n > after]
    short = [n for n in ends if sum(sizes[after:n]) <= RUN_BYTES]
    long = [n for n in ends if sum(sizes[after:n]) <= frames.MAX_RUN_BYTES]
    expected = max(short) if short else min(long, default=after)
    assert upto == expected
    assert (run is None) == (upto == after)
    if run is not None:
        assert (len(run.headers), run.signature) == (upto - after, b"%d" % upto)


def test_a_run_takes_one_look_by_the_key_and_leaves_no_transaction_open(store: Direct) -> None:
    hear(store, *[True] * 5, size=30_000)
    store.commit()
    said: list[str] = []
    store.reader._db.set_trace_callback(said.append)
    assert serve(store)[1] == 2
    store.reader._db.set_trace_callback(None)
    assert len(said) == 1
    plan = [row[3] for row in store.reader._db.execute(f"EXPLAIN QUERY PLAN {said[0]}")]
    # What was deleted is looked up in a table that is nearly always empty.
    assert [one.split(" USING ")[0] for one in plan if "leaving" in one] == ["SEARCH leaving_stream"]
    plan = [one for one in plan if "leaving" not in one and "SUBQUERY" not in one]
    assert [one.split(" USING ")[1].split(" (")[0] for one in plan] == ["PRIMARY KEY", "INTEGER PRIMARY KEY"]
    assert store.writer.fold(), "nothing holds up a checkpoint"


def test_a_store_that_can_not_be_read_is_said_so(store: Direct, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(serving, "run_after", broken)
    with pytest.raises((StoreUnavailable, StoreCorrupt), match="disk I/O error"):
        serve(store)
