"""Turning a batch of records into rows, with as few SQL statements as possible.

If a batch changes one row several times, only its last state is written.

Law of this file: SQL only, within the writer's transaction. The core decides which records there are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from node.bus import encoding, nouns
from node.core import effects as e
from node.store import delivery, facts, leaving, removal
from node.store.beside import Kept
from node.store.chunks import insert, storable
from node.store.replies import as_kept
from node.store.signed import Signed

_PEER_COLUMNS = (
    "id, room, name, kind, host, port, dialect, dialect_from, link, error, last_seen, wanted, gone, own_name, standing,"
    " warning, rival, verified, refusal, hostnames, presence, status"
)
#: Records that don't touch messages: it is all the same whether they come before an ExpireMessages or after it.
_BESIDE_EXPIRY = (e.ExpireMessages, e.PutRoom, e.Log)
_ENTRY_COLUMNS = "id, room, clock, at, outgoing, author, name, kind, marks"


class Records:
    """Writes records on the connection that `connection` returns. It caches room numbers and lists that are on disk."""

    def __init__(self, connection: Callable[[], sqlite3.Connection]) -> None:
        self._connection = connection
        #: The numbers of rooms, by id.
        self._rooms: dict[str, int] = {}
        self._lists = Kept()

    @property
    def _db(self) -> sqlite3.Connection:
        return self._connection()

    def forget(self) -> None:
        """Clear the caches after a rollback: they may name rows that are not on disk."""
        self._rooms.clear()
        self._lists.forget()

    def write(self, records: Sequence[e.Record]) -> None:
        """Write all records, in order, within the caller's transaction. Raises IndexBroken, or sqlite3.Error."""
        db = self._db
        entries: list[tuple[Any, ...]] = []
        tied: list[tuple[Any, ...]] = []
        bodies: list[tuple[Any, ...]] = []
        deliveries: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        replies: list[tuple[Any, ...]] = []
        expiring: dict[int, int] = {}
        peers: dict[str, e.PutPeer] = {}
        rooms: dict[str, nouns.Room] = {}
        states: dict[tuple[int, str], e.SetState] = {}
        changed: dict[int, list[str]] = {}
        signed = Signed()

        def flush() -> None:
            """Write all buffered rows. Called before every record that must come after them."""
            self._put_rooms(rooms)
            insert(db, f"INSERT INTO entry ({_ENTRY_COLUMNS}) VALUES", entries)
            insert(db, f"INSERT INTO entry ({_ENTRY_COLUMNS}, tie) VALUES", tied)
            insert(db, "INSERT INTO body VALUES", bodies)
            insert(db, "INSERT INTO delivery VALUES", deliveries)
            self._hand_over(states)
            _put_states(db, states.values(), changed)
            signed.write(db)
            self._put_peers(peers.values())
            for pile in (entries, tied, bodies, deliveries, peers, rooms, states, changed):
                pile.clear()

        def expire() -> None:
            """Expire what was collected: of all rooms at once, because many take hardly longer than one."""
            removal.expire(db, expiring)
            expiring.clear()

        for record in records:
            if expiring and type(record) not in _BESIDE_EXPIRY:
                expire()
            if type(record) is e.Log:
                events.append(_event_row(record))
            elif type(record) is e.AddMessage:
                message = record.message
                room = self._rooms.get(message.room) or self._room_number(message.room, rooms)
                entries.append(_entry_row(message, room, record.clock))
                bodies.append((message.id, message.text, record.raw))
                for peer in record.recipients:
                    deliveries.append((message.id, peer, message.state, message.detail))
            elif type(record) is e.AddEntry:
                message = record.message
                room = self._rooms.get(message.room) or self._room_number(message.room, rooms)
                tied.append((*_entry_row(message, room, record.clock), record.hash))
                bodies.append((message.id, message.text, record.body))
                signed.add_entry(record)
            elif type(record) is e.PutRow:
                signed.put_row(record)
            elif type(record) is e.PutReceipt:
                signed.put_receipt(record)
            elif type(record) is e.PutRead:
                signed.put_read(record)
            elif type(record) is e.PutRoom:
                rooms[record.room.id] = record.room
            elif type(record) is e.PutPeer:
                peers[record.peer.id] = record
            elif type(record) is e.SetState:
                states[record.message, record.peer] = record
                if record.marks is not None:
                    changed[record.message] = record.marks
            elif type(record) is e.AddHeader:
                signed.add_header(record)
            elif type(record) is e.SignMessage:
                room_id = record.message.room
                signed.sign(record, self._rooms.get(room_id) or self._room_number(room_id, rooms))
            elif type(record) is e.MergeRooms:
                flush()
                gone, into = self._room_number(record.gone), self._room_number(record.into)
                self._lists.move_aliases(db, gone, into)
                self._let_go(record.gone, gone)
                removal.merge(db, gone, into)
            elif type(record) is e.DeleteRoom:
                flush()
                gone = self._room_number(record.room)
                self._let_go(record.room, gone)
                removal.delete(db, record.room, gone)
            elif type(record) is e.ExpireMessages:
                if not expiring:
                    flush()
                number = self._room_number(record.room)
                expiring[number] = max(record.upto, expiring.get(number, 0))
            elif type(record) is e.PutSettings:
                said = {"settings": encoding.encode(record.settings), "self": encoding.encode(record.self)}
                said["saved"] = encoding.encode(record.saved)
                facts.put(db, {name: value.decode() for name, value in said.items()})
            elif type(record) is e.PutGreetings:
                facts.put(db, {"greetings": encoding.encode(record.greetings).decode()})
            elif type(record) is e.PutShutOut:
                facts.put(db, {"shut_out": encoding.encode(record.until).decode()})
            elif type(record) is e.PutBlocked:
                one_blocked = record.blocked
                db.execute(
                    "INSERT OR REPLACE INTO blocked VALUES (?, ?, ?)",
                    storable((one_blocked.id, one_blocked.name, one_blocked.at)),
                )
            elif type(record) is e.DropBlocked:
                db.execute("DELETE FROM blocked WHERE id = ?", (record.id,))
            elif type(record) is e.PutRefused:
                facts.put(db, {"refused": encoding.encode(record.until).decode()})
            elif type(record) is e.PutBelieved:
                facts.put(db, {"believed": str(record.until)})
            elif type(record) is e.PutConsumer:
                one = record.consumer
                db.execute(
                    "INSERT OR REPLACE INTO consumer VALUES (?, ?, ?, ?, ?)",
                    (one.name, one.log, one.position, one.created, one.used),
                )
            elif type(record) is e.DropConsumer:
                db.execute("DELETE FROM consumer WHERE name = ?", (record.name,))
            elif type(record) is e.SaveReply:
                replies.append((record.key.key, record.key.fingerprint, as_kept(record.reply), record.at))
        if expiring:
            expire()
        flush()
        insert(db, "INSERT OR REPLACE INTO reply VALUES", replies)
        insert(db, "INSERT INTO event VALUES", events)

    def _room_number(self, room_id: str, unwritten: dict[str, nouns.Room] | None = None) -> int:
        row = self._db.execute("SELECT number FROM room WHERE id = ?", (room_id,)).fetchone()
        if row is None and unwritten is not None:
            self._put_rooms({room_id: unwritten.pop(room_id)})
            row = self._db.execute("SELECT number FROM room WHERE id = ?", (room_id,)).fetchone()
        self._rooms[room_id] = row[0]
        return int(row[0])

    def _let_go(self, room_id: str, room: int) -> None:
        del self._rooms[room_id]
        self._lists.drop_room(self._db, room)

    def _hand_over(self, states: Collection[tuple[int, str]]) -> None:
        """Messages in `states` may still stand as those to a peer that became part of theirs."""
        if states:
            for gone, into in leaving.peers(self._db).items():
                for message, peer in states:
                    if peer == into:
                        delivery.hand_over_one(self._db, gone, into, message)

    def _put_rooms(self, rooms: dict[str, nouns.Room]) -> None:
        self._db.executemany(
            # Numbers of rooms that are on their way out still stand in `entry`.
            "INSERT INTO room"
            " (number, id, kind, name, peer, encrypted, unread, read_upto, last, created, request, hidden)"
            " VALUES ((SELECT 1 + max(coalesce((SELECT max(number) FROM room), 0),"
            " coalesce((SELECT max(room) FROM leaving), 0))),"
            " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " peer = excluded.peer, encrypted = excluded.encrypted, unread = excluded.unread,"
            " read_upto = excluded.read_upto, last = excluded.last, request = excluded.request,"
            " hidden = excluded.hidden",
            [
                storable((room.id, room.kind, room.name, room.peer, room.encrypted, room.unread, room.read_upto,
                           None if room.last is None else room.last.id, room.created, room.request,
                           room.hidden))
                for room in rooms.values()
            ],
        )  # fmt: skip
        for room in rooms.values():
            number = self._rooms.get(room.id) or self._room_number(room.id)
            self._lists.put_members(self._db, number, room.members)
            self._lists.put_aliases(self._db, number, room.aliases)

    def _put_peers(self, records: Collection[e.PutPeer]) -> None:
        self._db.executemany(
            f"INSERT OR REPLACE INTO peer ({_PEER_COLUMNS}) VALUES ({', '.join('?' * 22)})",  # noqa: S608
            [
                storable((p.id, p.room, p.name, p.kind, p.host, p.port, p.dialect, p.dialect_from, p.link, p.error,
                           p.last_seen, p.wanted, record.gone, p.own_name, p.standing, p.warning, p.rival,
                           p.verified, p.refusal, " ".join(p.hostnames), p.presence, p.status))
                for record in records
                for p in (record.peer,)
            ],
        )  # fmt: skip
        for record in records:
            self._lists.put_addresses(self._db, record.peer.id, record.peer.addresses, record.paths)
            if record.gone:
                self._lists.forget_peer(record.peer.id)


def _entry_row(message: nouns.Message, room: int, clock: int) -> tuple[Any, ...]:
    marks = ",".join(message.marks) or None
    outgoing = message.direction == "out"
    return (message.id, room, clock, message.at, outgoing, message.author, message.name, message.kind, marks)


def _put_states(db: sqlite3.Connection, records: Iterable[e.SetState], marks: dict[int, list[str]]) -> None:
    db.executemany(
        "UPDATE delivery SET state = ?, detail = ? WHERE entry = ? AND peer = ?",
        [storable((record.state, record.detail, record.message, record.peer)) for record in records],
    )
    db.executemany(
        "UPDATE entry SET marks = ? WHERE id = ?", [(",".join(found) or None, id_) for id_, found in marks.items()]
    )


def _event_row(record: e.Log) -> tuple[Any, ...]:
    event = record.event
    cause = event.cause
    return (
        event.seq,
        event.at,
        event.type,
        event.room,
        record.message,
        None if record.message is not None else encoding.encode(event.data).decode(),
        None if cause is None else cause.client,
        None if cause is None else cause.request,
    )
