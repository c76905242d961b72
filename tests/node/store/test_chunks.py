"""Many rows in few statements, whatever their number, and texts that SQLite doesn't take are repaired."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3

import pytest

from node.store.chunks import CHUNKS, insert

LARGEST = CHUNKS[0]


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, LARGEST - 1, LARGEST, LARGEST + 1, 3 * LARGEST + 40])
def test_all_rows_go_in_once_in_order_with_few_statements(count: int) -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        rows = [(number, f"text {number}") for number in range(count)]
        said: list[str] = []
        db.set_trace_callback(said.append)
        insert(db, "INSERT INTO t VALUES", list(rows))
        db.set_trace_callback(None)
        assert db.execute("SELECT a, b FROM t ORDER BY rowid").fetchall() == rows
        # Of each size as many as the next larger one leaves.
        most = count // LARGEST + sum(larger // size - 1 for larger, size in itertools.pairwise(CHUNKS))
        assert len(said) <= most


def test_a_text_that_is_not_unicode_is_repaired_and_costs_no_row() -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        rows = [(number, "a\ud800b" if number == 40 else "fine") for number in range(80)]
        insert(db, "INSERT INTO t VALUES", rows)
        found = dict(db.execute("SELECT a, b FROM t"))
        assert len(found) == 80 and found[40] == "a?b" and found[41] == "fine"
