"""Finding messages that have expired: which rooms have some, and what is left of them. (core/keeping.py decides.)

Law of this file: SQL only. It only reads; it writes to a temporary table of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from node.core import queries as q
from node.core import stimuli as s
from node.store import delivery, leaving

#: Messages scanned in one read when looking for the next expired one. It takes a millisecond or two.
LOOK_AHEAD = 5_000


def find_old(db: sqlite3.Connection, query: q.FindOld) -> s.OldFound:
    """The rooms with old messages among the next ones after a message."""
    rows = db.execute(
        f"SELECT id, at, {leaving.HOME}, {leaving.DELETED} FROM entry WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
        (query.after, query.limit),
    )
    newest: dict[int, int] = {}
    last = query.after
    for id_, at, room, deleted in rows.fetchall():
        last = id_
        if at < query.before and not deleted:
            newest[room] = id_
    found = [] if not newest else _rooms(db, newest)
    return s.OldFound(query, found, last if newest else _next_old(db, query, last))


def _rooms(db: sqlite3.Connection, newest: Mapping[int, int]) -> list[q.OldOf]:
    """What expires of each room (by its number), up to its newest old message."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS upto (room INTEGER PRIMARY KEY, id INTEGER NOT NULL)")
    db.execute("DELETE FROM upto")
    db.executemany("INSERT INTO upto VALUES (?, ?)", newest.items())
    rows = db.execute(
        # The cross join makes SQLite scan by id, not by room: few messages are left below, but a room may have many.
        "SELECT room.number, room.id,"  # noqa: S608
        " count(*) FILTER (WHERE entry.id > room.read_upto AND NOT entry.outgoing AND entry.kind = 'text'),"
        f" max(NOT {delivery.WAITS})"
        f" FROM entry CROSS JOIN upto ON upto.room = {leaving.HOME} AND entry.id <= upto.id"
        " JOIN room ON room.number = upto.room"
        " WHERE entry.id <= ? GROUP BY room.number",
        (max(newest.values()),),
    )
    found = []
    for number, id_, unread, goes in rows.fetchall():
        if not goes:
            continue
        numbers = leaving.listed(leaving.numbers(db, number))
        stays = _one(
            db,
            f"SELECT 1 FROM entry WHERE room IN {numbers} AND (id > ? OR {delivery.WAITS}) LIMIT 1",  # noqa: S608
            newest[number],
        )
        found.append(q.OldOf(id_, newest[number], unread, not stays))
    return found


def _next_old(db: sqlite3.Connection, query: q.FindOld, after: int) -> int | None:
    """The message after which a scan that found nothing expired continues; None at the end.

    Ids follow the order of arrival, but times need not: after the clock was set back, later messages have earlier
    times. So the scan has to read all messages, LOOK_AHEAD at a time.
    """
    ids = f"SELECT id, at, {leaving.DELETED} AS gone FROM entry WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
    first, last = db.execute(
        f"SELECT min(id) FILTER (WHERE at < ? AND NOT gone), max(id) FROM ({ids})",  # noqa: S608
        (query.before, after, LOOK_AHEAD),
    ).fetchone()
    after_this: int | None = last if first is None else first - 1
    return after_this


def _one(db: sqlite3.Connection, sql: str, *values: Any) -> Any:
    row = db.execute(sql, values).fetchone()
    return None if row is None else row[0]
