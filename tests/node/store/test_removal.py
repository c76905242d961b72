"""What goes takes all with it that hangs on it, signed headers and what is known of streams included."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import pytest

from node.store import database
from tests.node.store import story as stories

STREAM = b"s" * 16


class Store(stories.Store):
    """A conversation of two signed texts, with what the store knows of their stream."""

    def __init__(self, home: pathlib.Path) -> None:
        super().__init__(home)
        self.anna, self.bela = self.story.meet("10.0.0.1", 5000), self.story.meet("10.0.0.2", 5000)
        for contact in (self.anna, self.bela):
            heard = self.story.hear(contact, "one", "two")
            self.commit()
            self.sign(contact.peer.room, heard)

    def sign(self, room: str, messages: list[int]) -> None:
        with contextlib.closing(sqlite3.connect(self.home / database.FILE_NAME)) as db, db:
            for n, message in enumerate(messages, 1):
                row = (room, "author", STREAM, n, bytes([n]) * 32, b"header", None, message)
                db.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            last = bytes([len(messages)]) * 32
            db.execute(
                "INSERT INTO vector VALUES (?, 'author', ?, 1, 2, ?, x'01', 7, NULL, NULL)", (room, STREAM, last)
            )
            db.execute("INSERT INTO receipt VALUES (?, 'member', 'author', ?, 2, ?, NULL, 0)", (room, STREAM, last))

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return stories.rows(self.home, sql)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("expired", [False, True])
def test_a_conversation_is_deleted_with_its_headers_and_receipts_also_of_what_had_expired(
    store: Store, expired: bool
) -> None:
    if expired:
        store.story.expire(store.reader, store.story.ledger.now + 1)
        store.commit()
        assert store.rows("SELECT DISTINCT entry FROM signed") == [(None,)]
    store.story.contacts.delete(store.anna)
    store.commit()
    kept = [(store.bela.peer.room,)]
    for table in ("signed", "receipt"):
        assert store.rows(f"SELECT DISTINCT room FROM {table}") == kept, table


def test_how_far_a_stream_had_come_outlives_its_conversation(store: Store) -> None:
    store.story.contacts.delete(store.anna)
    store.commit()
    rows = store.rows("SELECT room, first, n, hash, signature FROM vector ORDER BY room")
    assert rows == [
        (store.anna.peer.room, 3, 2, b"\x02" * 32, None),
        (store.bela.peer.room, 1, 2, b"\x02" * 32, b"\x01"),
    ]


def test_what_waits_keeps_its_header_shown_when_others_expire(store: Store) -> None:
    ours = store.story.say(store.anna, "waits")
    store.commit()
    with contextlib.closing(sqlite3.connect(store.home / database.FILE_NAME)) as db, db:
        row = (store.anna.peer.room, "me", STREAM, 1, b"h" * 32, b"header", b"signature", ours)
        db.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    store.story.expire(store.reader, store.story.ledger.now + 1)
    store.commit()
    assert store.rows("SELECT author FROM signed WHERE entry IS NOT NULL") == [("me",)]
