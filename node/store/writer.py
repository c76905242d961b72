"""The one writer: a batch of records becomes one transaction, on disk when `commit` returns.

Law of this file: SQL only. Which records there are was decided by the core; here they are folded (of several states of
one row only the last is written) and written with as few steps as possible.
"""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from node.bus import messages as m
from node.core import effects as e
from node.errors import StoreUnavailable
from node.store import database, search

#: Rows in one INSERT. sqlite3 gives the interpreter lock back and takes it again at each step, which can cost
#: milliseconds while the event loop is busy; many rows a step make that rare.
CHUNKS = (256, 32, 1)

_PEER_COLUMNS = "id, room, name, kind, host, port, dialect, dialect_from, link, error, last_seen, wanted, gone"

_json = msgspec.json.Encoder()


class Writer:
    """Owns the connection that writes. Use it from one thread at a time."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._db = database.open_for_writing(home)
        self._rooms: dict[str, int] = {}
        self.commits = 0

    def prepare(self, log: str, stream: str) -> None:
        """Give a database that was never used its log id and its stream (both drawn by the caller at random)."""
        self._transaction(
            lambda: self._db.executemany(
                "INSERT OR IGNORE INTO fact (name, value) VALUES (?, ?)", [("log", log), ("stream", stream)]
            )
        )

    def commit(self, records: Sequence[e.Record]) -> None:
        """Write all records in one transaction; they are on the disk when this returns.

        Raises StoreUnavailable when that fails; then none of them is written.
        """
        self._transaction(lambda: self._write(records))
        self.commits += 1

    def probe(self) -> None:
        """See whether a write works again. Raises StoreUnavailable when not."""
        self._transaction(lambda: self._db.execute("INSERT OR REPLACE INTO fact VALUES ('probe', '')"))

    def index(self, limit: int) -> int:
        """Bring the search index forward by at most `limit` messages; returns how many were left to do before.

        Raises StoreUnavailable.
        """
        left = 0

        def step() -> None:
            nonlocal left
            left = search.advance(self._db, limit)

        if search.behind(self._db):
            self._transaction(step)
        return left

    def forget_replies(self, before: int) -> None:
        """Drop the replies kept for keys that were used before this time. Raises StoreUnavailable."""
        self._transaction(lambda: self._db.execute("DELETE FROM reply WHERE at < ?", (before,)))

    def close(self) -> None:
        """Fold the WAL back and close."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            # Nothing is lost: the WAL stays and is read at the next start.
            pass
        finally:
            self._db.close()

    def _transaction(self, step: Any) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            step()
            self._db.execute("COMMIT")
        except BaseException as error:
            self._rooms.clear()
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise StoreUnavailable(f"The database can't be written: {error}.") from error
            raise

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            # A disk that fails even here: a fresh connection starts from what was committed.
            self._db.close()
            self._db = database.connect(self._home)

    # -- records to rows

    def _write(self, records: Sequence[e.Record]) -> None:
        entries: list[tuple[Any, ...]] = []
        bodies: list[tuple[Any, ...]] = []
        deliveries: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        peers: dict[str, e.PutPeer] = {}
        rooms: dict[str, m.Room] = {}
        states: dict[int, e.SetState] = {}

        def flush() -> None:
            """Write what has piled up. Called before anything whose order against it matters."""
            self._put_rooms(rooms)
            _insert(self._db, "INSERT INTO entry VALUES", entries)
            _insert(self._db, "INSERT INTO body VALUES", bodies)
            _insert(self._db, "INSERT INTO delivery VALUES", deliveries)
            self._put_states(states.values())
            self._put_peers(peers.values())
            for pile in (entries, bodies, deliveries, peers, rooms, states):
                pile.clear()

        for record in records:
            if type(record) is e.Log:
                events.append(_event_row(record))
            elif type(record) is e.AddMessage:
                message = record.message
                marks = ",".join(message.marks) or None
                room = self._rooms.get(message.room) or self._room_number(message.room, rooms)
                entries.append(
                    (message.id, room, record.clock, message.at, message.direction == "out", message.author,
                     message.name, message.kind, marks)
                )  # fmt: skip
                bodies.append((message.id, message.text.encode(errors="replace").decode(), record.raw))
                if record.peer is not None:
                    deliveries.append((message.id, record.peer, message.state, message.detail))
            elif type(record) is e.PutRoom:
                rooms[record.room.id] = record.room
            elif type(record) is e.PutPeer:
                peers[record.peer.id] = record
            elif type(record) is e.SetState:
                earlier = states.get(record.message)
                if earlier is not None and record.marks is None and earlier.marks is not None:
                    record = e.SetState(record.message, record.state, record.detail, earlier.marks)
                states[record.message] = record
            elif type(record) is e.MergeRooms:
                flush()
                self._merge(record)
            elif type(record) is e.PutSettings:
                facts = {"settings": record.settings, "self": record.self}
                self._put_facts({name: _json.encode(value).decode() for name, value in facts.items()})
            elif type(record) is e.SaveReply:
                self._db.execute(
                    "INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?)",
                    (record.key.key, record.key.fingerprint, _json.encode(record.reply).decode(), record.at),
                )
        flush()
        _insert(self._db, "INSERT INTO event VALUES", events)

    def _put_facts(self, facts: dict[str, str]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())

    def _room_number(self, room_id: str, unwritten: dict[str, m.Room]) -> int:
        row = self._db.execute("SELECT number FROM room WHERE id = ?", (room_id,)).fetchone()
        if row is None:
            self._put_rooms({room_id: unwritten.pop(room_id)})
            row = self._db.execute("SELECT number FROM room WHERE id = ?", (room_id,)).fetchone()
        self._rooms[room_id] = row[0]
        return int(row[0])

    def _put_rooms(self, rooms: dict[str, m.Room]) -> None:
        self._db.executemany(
            "INSERT INTO room (id, kind, name, peer, encrypted, unread, read_upto, last, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " peer = excluded.peer, encrypted = excluded.encrypted, unread = excluded.unread,"
            " read_upto = excluded.read_upto, last = excluded.last",
            [
                (room.id, room.kind, room.name, room.peer, room.encrypted, room.unread, room.read_upto,
                 None if room.last is None else room.last.id, room.created)
                for room in rooms.values()
            ],
        )  # fmt: skip

    def _put_peers(self, records: Iterable[e.PutPeer]) -> None:
        self._db.executemany(
            f"INSERT OR REPLACE INTO peer ({_PEER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [
                (p.id, p.room, p.name, p.kind, p.host, p.port, p.dialect, p.dialect_from, p.link, p.error,
                 p.last_seen, p.wanted, record.gone)
                for record in records
                for p in (record.peer,)
            ],
        )  # fmt: skip

    def _put_states(self, records: Iterable[e.SetState]) -> None:
        for record in records:
            self._db.execute(
                "UPDATE delivery SET state = ?, detail = ? WHERE entry = ?",
                (record.state, record.detail, record.message),
            )
            if record.marks is not None:
                self._db.execute(
                    "UPDATE entry SET marks = ? WHERE id = ?", (",".join(record.marks) or None, record.message)
                )

    def _merge(self, record: e.MergeRooms) -> None:
        gone = self._room_number(record.gone, {})
        into = self._room_number(record.into, {})
        search.forget_room(self._db, gone)
        self._db.execute("UPDATE entry SET room = ? WHERE room = ?", (into, gone))
        search.add_room_since(self._db, into, gone)
        self._db.execute(
            "UPDATE delivery SET peer = (SELECT peer FROM room WHERE id = ?) WHERE peer ="
            " (SELECT peer FROM room WHERE id = ?)",
            (record.into, record.gone),
        )
        self._db.execute("DELETE FROM room WHERE number = ?", (gone,))
        self._rooms.pop(record.gone, None)


def _event_row(record: e.Log) -> tuple[Any, ...]:
    event = record.event
    cause = event.cause
    return (
        event.seq,
        event.at,
        event.type,
        event.room,
        record.message,
        None if record.message is not None else _json.encode(event.data).decode(),
        None if cause is None else cause.client,
        None if cause is None else cause.request,
    )


def _insert(db: sqlite3.Connection, insert: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows, many in one step; the statements are few, so that each is prepared once."""
    start = 0
    for size in CHUNKS:
        if len(rows) - start < size:
            continue
        one = "(" + ", ".join("?" * len(rows[0])) + ")"
        statement = f"{insert} {', '.join([one] * size)}"
        while len(rows) - start >= size:
            db.execute(statement, [value for row in rows[start : start + size] for value in row])
            start += size
