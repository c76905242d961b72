"""Merging and deleting conversations, and deleting expired messages, with everything that belongs to them.

Law of this file: SQL only, within the writer's transaction. Deleted data is overwritten with zeros (`secure_delete`).
All functions may raise IndexBroken and sqlite3.Error.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from node.store import delivery, facts, index


def merge(db: sqlite3.Connection, gone: int, into: int) -> None:
    """Move everything from the conversation `gone` to the conversation `into`, and delete `gone`. Both are numbers."""
    index.move(db, gone, into)
    peers = [db.execute("SELECT peer FROM room WHERE number = ?", (number,)).fetchone()[0] for number in (gone, into)]
    if None not in peers:
        delivery.hand_over(db, *peers)
    db.execute("DELETE FROM room WHERE number = ?", (gone,))


def delete(db: sqlite3.Connection, room_id: str, room: int) -> None:
    """Delete a room and everything that was said in it, in all tables. `room` is its number."""
    last = index.newest(db)
    index.forget_room(db, room)
    for table in ("body", "delivery", "signed"):
        db.execute(f"DELETE FROM {table} WHERE entry IN (SELECT id FROM entry WHERE room = ?)", (room,))  # noqa: S608
    count = db.execute("DELETE FROM entry WHERE room = ?", (room,)).rowcount
    # This includes the headers of messages that have expired.
    for table in ("signed", "receipt"):
        db.execute(f"DELETE FROM {table} WHERE room = ?", (room_id,))  # noqa: S608
    # Keep the position in each stream; otherwise the node would request all of it again.
    db.execute("UPDATE vector SET first = n + 1, signature = NULL WHERE room = ?", (room_id,))
    db.execute("DELETE FROM room WHERE number = ?", (room,))
    deleted = count + facts.held(db, "deleted")
    facts.put(db, {"last_message": str(last), "deleted": str(deleted)})
    blank_replies(db)


def expire(db: sqlite3.Connection, room: int, upto: int) -> None:
    """Delete a room's messages up to the id `upto`, except those that wait for peers. Signed headers stay in `signed`.

    `room` is its number.
    """
    last = index.newest(db)
    db.execute("CREATE TEMP TABLE IF NOT EXISTS gone (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM gone")
    # The unary + makes SQLite scan by id, not by room: few messages are left below `upto`, but a room may have many.
    db.execute(
        f"INSERT INTO gone SELECT id FROM entry WHERE id <= ? AND +room = ? AND NOT {delivery.WAITS}",  # noqa: S608
        (upto, room),
    )
    index.forget_old(db)
    clock = db.execute("SELECT max(clock) FROM entry WHERE id IN (SELECT id FROM gone)").fetchone()[0] or 0
    clock = max(clock, facts.held(db, "clock"))
    for table in ("body", "delivery"):
        db.execute(f"DELETE FROM {table} WHERE entry IN (SELECT id FROM gone)")  # noqa: S608
    db.execute("UPDATE signed SET entry = NULL WHERE entry IN (SELECT id FROM gone)")
    count = db.execute("DELETE FROM entry WHERE id IN (SELECT id FROM gone)").rowcount
    deleted = count + facts.held(db, "deleted")
    facts.put(db, {"last_message": str(last), "clock": str(clock), "deleted": str(deleted)})


def blank_replies(db: sqlite3.Connection, like: str = '%"text"%') -> None:
    """Blank the texts of deleted messages in the replies stored for idempotency keys that match `like`."""
    replies = db.execute("SELECT key, result FROM reply WHERE result LIKE ?", (like,)).fetchall()
    for key, result in replies:
        reply = facts.structure("reply", result, dict[str, Any])
        messages = [*reply.get("messages", ()), *([reply["message"]] if "message" in reply else ())]
        for message in messages:
            if db.execute("SELECT 1 FROM entry WHERE id = ?", (message["id"],)).fetchone() is None:
                message.update(text="", kind="deleted")
        blanked = msgspec.json.encode(reply).decode()
        if blanked != result:
            db.execute("UPDATE reply SET result = ? WHERE key = ?", (blanked, key))
