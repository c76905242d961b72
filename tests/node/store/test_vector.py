"""What is held and what others hold, as the core gets it; and what waits, without a look at any entry."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from node.core import effects as e
from node.core.loaded import KeptRow, Row
from node.store import vector
from tests.node.store.direct import ME, OTHER, ROOM, THIRD, Author, Direct


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Direct]:
    made = Direct(tmp_path)
    yield made
    made.close()


def waiting(store: Direct) -> int:
    store.commit()
    return vector.waiting(store.reader._db, ME)


def test_a_row_is_loaded_as_it_was_put_also_of_a_room_that_is_not_there(store: Direct) -> None:
    expected = [
        KeptRow("nowhere", THIRD, b"0" * 16, Row(1, 0, bytes(32), -1)),
        KeptRow(ROOM, OTHER, b"1" * 16, Row(4, 9, b"h" * 32, 2**62, (b"b" * 16, 2**62))),
        KeptRow(ROOM, OTHER, b"2" * 16, Row(10, 9, b"i" * 32, 77, None)),
    ]
    for one in expected:
        store.ledger.put(e.PutRow(one.room, one.author, one.stream, one.row))
    store.commit()
    found = vector.rows(store.reader._db)
    assert sorted(found, key=lambda one: one.stream) == expected
    assert found[0].author is not None and len({id(one.room) for one in found if one.room == ROOM}) == 1


def test_what_waits_is_counted_over_all_streams_for_the_member_that_holds_least(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(Direct(tmp_path, (OTHER, THIRD))) as store:
        later = Author(0, ROOM, b"n" * 16)
        for author in (store.mine, later):
            for text in ("one", "two", "three"):
                store.add(author, text)
        assert waiting(store) == 6
        store.receipt(3, OTHER)
        assert waiting(store) == 6
        store.receipt(2, THIRD)
        assert waiting(store) == 4
        store.receipt(3, OTHER, later)
        store.receipt(3, THIRD, later)
        assert waiting(store) == 1


def test_what_others_said_and_what_was_deleted_does_not_wait(store: Direct) -> None:
    store.add(store.theirs, "theirs")
    assert waiting(store) == 0
    store.add(store.mine, "one")
    store.add(store.mine, "two")
    store.ledger.put(e.PutRow(ROOM, ME, store.mine.stream, replace(store.mine.row, first=2)))
    assert waiting(store) == 1
    store.ledger.put(e.DeleteRoom(ROOM))
    assert waiting(store) == 0
    store.ledger.put(e.PutRoom(store.room))
    assert waiting(store) == 0, "what was said before is no part of the new conversation"


def test_counting_what_waits_reads_no_entry_and_no_streams_of_others(store: Direct) -> None:
    store.commit()
    said: list[str] = []
    store.reader._db.set_trace_callback(said.append)
    vector.waiting(store.reader._db, ME)
    store.reader._db.set_trace_callback(None)
    plan = "\n".join(row[3] for row in store.reader._db.execute(f"EXPLAIN QUERY PLAN {said[0]}"))
    assert "SEARCH vector USING PRIMARY KEY (room=? AND author=?)" in plan
    assert "SEARCH receipt USING PRIMARY KEY (room=? AND member=? AND author=? AND stream=?)" in plan
    assert "SCAN vector" not in plan and "entry" not in plan and "signed" not in plan
