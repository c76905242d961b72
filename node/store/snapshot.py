"""The state of everything, computed from SQL alone: what a fresh snapshot is."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from node.bus import messages as m
from node.core.clock import order_text

#: The columns from which `message` is made.
MESSAGE_COLUMNS = (
    "entry.id, entry.room, entry.clock, entry.at, entry.outgoing, entry.author, entry.name, entry.kind, entry.marks,"
    " body.text, delivery.state, delivery.detail"
)
MESSAGE_TABLES = (
    "entry LEFT JOIN body ON body.entry = entry.id LEFT JOIN delivery ON entry.outgoing AND delivery.entry = entry.id"
)
PEER_COLUMNS = "id, room, name, kind, host, port, dialect, dialect_from, link, error, last_seen, wanted, gone, own_name"


def message(row: tuple[Any, ...], room: str) -> m.Message:
    """A message from a row of MESSAGE_COLUMNS."""
    return m.Message(
        id=row[0],
        room=room,
        order=order_text(row[2]),
        at=row[3],
        direction="out" if row[4] else "in",
        author=row[5],
        name=row[6],
        kind=row[7],
        marks=row[8].split(",") if row[8] else [],
        text=row[9] or "",
        state=row[10],
        detail=row[11],
    )


def deleted(id_: int, room: str, at: int, event: str) -> m.Message:
    """What an old event shows of a message that is no more: that there was one."""
    direction: m.Direction = "out" if event == "MessageAccepted" else "in"
    return m.Message(
        id=id_, room=room, order=order_text(0), at=at, direction=direction, author="", name="", kind="deleted"
    )


def peer(row: tuple[Any, ...]) -> m.Peer:
    """A peer from a row of PEER_COLUMNS."""
    return m.Peer(
        id=row[0],
        room=row[1],
        name=row[2],
        kind=row[3],
        host=row[4],
        port=row[5],
        dialect=row[6],
        dialect_from=row[7],
        link=row[8],
        error=row[9],
        last_seen=row[10],
        wanted=bool(row[11]),
        own_name=row[13],
    )


def rooms(db: sqlite3.Connection) -> list[m.Room]:
    """All conversations with their newest text."""
    found = []
    tables = MESSAGE_TABLES.replace("entry LEFT", "entry ON entry.id = room.last LEFT", 1)
    rows = db.execute(
        "SELECT room.id, room.kind, room.name, room.peer, room.encrypted, room.unread, room.read_upto, room.created,"  # noqa: S608
        f" {MESSAGE_COLUMNS} FROM room LEFT JOIN {tables} ORDER BY room.number"
    )
    for row in rows:
        last = m.preview(message(row[8:], row[0])) if row[8] is not None else None
        found.append(
            m.Room(
                id=row[0],
                kind=row[1],
                name=row[2],
                peer=row[3],
                encrypted=bool(row[4]),
                unread=row[5],
                read_upto=row[6],
                created=row[7],
                last=last,
            )
        )
    return found


def state(db: sqlite3.Connection) -> m.State:
    """The whole state. Within the caller's read transaction, so that it is of one moment."""
    facts = dict(db.execute("SELECT name, value FROM fact WHERE name IN ('self', 'settings', 'greetings')"))
    peers = [peer(row) for row in db.execute(f"SELECT {PEER_COLUMNS} FROM peer WHERE NOT gone ORDER BY id")]  # noqa: S608
    return m.State(
        self=msgspec.json.decode(facts["self"], type=m.Self),
        settings=msgspec.json.decode(facts["settings"], type=m.Settings),
        rooms={room.id: room for room in rooms(db)},
        peers={one.id: one for one in peers},
        greetings=greetings(facts.get("greetings")),
    )


def greetings(fact: str | None) -> dict[str, m.Greeting]:
    """What became of the mandatory peers, from the fact that holds it."""
    return {} if fact is None else msgspec.json.decode(fact, type=dict[str, m.Greeting])
