"""Merging and deleting conversations, and deleting expired messages, with everything that belongs to them.

A large conversation takes seconds to delete or to merge, and everybody's messages would wait. So `delete` and `merge`
take it away at once, by a row in `leaving` (leaving.py says what that means for whoever reads), and `advance` removes
or moves the rows in steps. What is left to do is on disk: after a crash, the next start goes on.

Law of this file: SQL only, within the writer's transaction. Deleted data is overwritten with zeros (`secure_delete`).
All functions may raise IndexBroken and sqlite3.Error.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from node.store import delivery, facts, index, leaving

#: Rows of each kind that are removed or moved at once, in the transaction that takes a conversation away. So a small
#: one never is on its way out.
AT_ONCE = 100
#: Replies that are looked at for each one that a step may blank, where hardly any is.
LOOKS = 20
#: Replies with texts of messages.
WITH_TEXT = '%"text"%'


def merge(db: sqlite3.Connection, gone: int, into: int) -> None:
    """All messages of the conversation `gone` are those of the conversation `into` from now on. Both are numbers."""
    peers = [db.execute("SELECT peer FROM room WHERE number = ?", (number,)).fetchone()[0] for number in (gone, into)]
    db.execute("UPDATE leaving SET into_room = ? WHERE into_room = ?", (into, gone))
    if None in peers:
        peers = [None, None]
    else:
        db.execute("UPDATE leaving SET into_peer = ? WHERE into_peer = ?", (peers[1], peers[0]))
    db.execute("INSERT INTO leaving (room, into_room, peer, into_peer) VALUES (?, ?, ?, ?)", (gone, into, *peers))
    db.execute("DELETE FROM room WHERE number = ?", (gone,))
    _begin(db)


def delete(db: sqlite3.Connection, room_id: str, room: int) -> None:
    """A room, and everything that was said in it, is no more. `room` is its number."""
    facts.put(db, {"last_message": str(index.newest(db)), "blanking": ""})
    # What was becoming part of it goes with it.
    db.execute("UPDATE leaving SET into_room = NULL, peer = NULL, into_peer = NULL WHERE into_room = ?", (room,))
    db.execute("INSERT INTO leaving (room) VALUES (?)", (room,))
    _leave_streams(db, room_id)
    db.execute("DELETE FROM receipt WHERE room = ?", (room_id,))
    # Keep the position in each stream; otherwise the node would request all of it again.
    db.execute("UPDATE vector SET first = n + 1, signature = NULL WHERE room = ?", (room_id,))
    db.execute("DELETE FROM room WHERE number = ?", (room,))
    _begin(db)


def _leave_streams(db: sqlite3.Connection, room_id: str) -> None:
    """Note what authors have signed in a room. It takes two look-ups a stream, however much there is of it."""
    at: tuple[str, bytes] = ("", b"")
    while True:
        row = db.execute(
            "SELECT author, stream FROM signed WHERE room = ? AND (author, stream) > (?, ?)"
            " ORDER BY author, stream LIMIT 1",
            (room_id, *at),
        ).fetchone()
        if row is None:
            return
        at = row
        db.execute(
            "INSERT OR REPLACE INTO leaving_stream SELECT room, author, stream, max(n) FROM signed"
            " WHERE room = ? AND author = ? AND stream = ?",
            (room_id, *at),
        )


def _begin(db: sqlite3.Connection) -> None:
    """Remove or move AT_ONCE rows of each kind. If others are on their way out, this waits behind them."""
    left: dict[leaving.Work, int] = {}
    while (work := leaving.work(db)) is not None and left.get(work, AT_ONCE) > 0:
        left[work] = left.get(work, AT_ONCE) - advance(db, work, AT_ONCE)


def advance(db: sqlite3.Connection, work: leaving.Work, limit: int) -> int:
    """Take the next step, which is of this kind; returns the number of rows that it has removed, moved or looked at.

    At most about `limit` rows are removed or moved.
    """
    if work == "signed":
        return _forget_signed(db, limit)
    if work == "replies":
        return _blank_some(db, limit)
    room, into, peer, into_peer, handed = db.execute("SELECT * FROM leaving ORDER BY room LIMIT 1").fetchone()
    if work == "entries":
        return _delete_some(db, room, limit)
    if work == "moved":
        return index.move(db, room, into, limit)
    count, upto = 0, None
    if peer is not None:
        count, upto = delivery.hand_over(db, peer, into_peer, handed, limit)
    if upto is None:
        db.execute("DELETE FROM leaving WHERE room = ?", (room,))
    else:
        db.execute("UPDATE leaving SET handed = ? WHERE room = ?", (upto, room))
    return max(1, count)


def _forget_signed(db: sqlite3.Connection, limit: int) -> int:
    """Delete headers of deleted conversations, shown or not: also those of messages that have expired."""
    row = db.execute("SELECT * FROM leaving_stream LIMIT 1").fetchone()
    count = db.execute(
        "DELETE FROM signed WHERE (room, author, stream, n) IN (SELECT room, author, stream, n FROM signed"
        " WHERE room = ? AND author = ? AND stream = ? AND n <= ? ORDER BY n LIMIT ?)",
        (*row, limit),
    ).rowcount
    if count < limit:
        db.execute("DELETE FROM leaving_stream WHERE room = ? AND author = ? AND stream = ?", row[:3])
    return max(1, count)


def _delete_some(db: sqlite3.Connection, room: int, limit: int) -> int:
    """Delete messages of a deleted conversation, the oldest ones first."""
    _list_gone(db, "room = ? ORDER BY clock, tie LIMIT ?", (room, limit))
    index.forget_listed(db)
    for table in ("body", "delivery", "signed"):
        db.execute(f"DELETE FROM {table} WHERE entry IN (SELECT id FROM gone)")  # noqa: S608
    count = _delete_listed(db)
    if count < limit:
        db.execute("DELETE FROM leaving WHERE room = ?", (room,))
    return count


def expire(db: sqlite3.Connection, upto: Mapping[int, int]) -> None:
    """Delete messages up to an id, for each room by its number, except those that wait for peers.

    Signed headers stay in `signed`.
    """
    last = index.newest(db)
    db.execute("CREATE TEMP TABLE IF NOT EXISTS expiring (room INTEGER PRIMARY KEY, upto INTEGER NOT NULL)")
    db.execute("DELETE FROM expiring")
    db.executemany("INSERT INTO expiring VALUES (?, ?)", upto.items())
    # By id, not by room: few messages are left below, but a room may have many.
    old = f"id <= (SELECT upto FROM expiring WHERE expiring.room = {leaving.HOME})"  # noqa: S608
    _list_gone(db, f"id <= ? AND {old} AND NOT {delivery.WAITS}", (max(upto.values()),))
    index.forget_listed(db)
    clock = db.execute("SELECT max(clock) FROM entry WHERE id IN (SELECT id FROM gone)").fetchone()[0] or 0
    clock = max(clock, facts.held(db, "clock"))
    for table in ("body", "delivery"):
        db.execute(f"DELETE FROM {table} WHERE entry IN (SELECT id FROM gone)")  # noqa: S608
    db.execute("UPDATE signed SET entry = NULL WHERE entry IN (SELECT id FROM gone)")
    _delete_listed(db)
    facts.put(db, {"last_message": str(last), "clock": str(clock)})


def _list_gone(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    """List the messages that match `where` in the table `gone`."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS gone (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM gone")
    db.execute(f"INSERT INTO gone SELECT id FROM entry WHERE {where}", values)  # noqa: S608


def _delete_listed(db: sqlite3.Connection) -> int:
    """Delete the rows of the messages listed in `gone`, and count them."""
    count = db.execute("DELETE FROM entry WHERE id IN (SELECT id FROM gone)").rowcount
    facts.put(db, {"deleted": str(count + facts.held(db, "deleted"))})
    return count


# -- replies


def _blank_some(db: sqlite3.Connection, limit: int) -> int:
    """Blank the texts of deleted messages in the next replies."""
    after = facts.text(db, "blanking") or ""
    looks = limit * LOOKS
    row = db.execute("SELECT key FROM reply WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?", (after, looks - 1)).fetchone()
    upto = None if row is None else row[0]
    within, values = ("key > ?", (after,)) if upto is None else ("key > ? AND key <= ?", (after, upto))
    found = db.execute(
        f"SELECT key, result FROM reply WHERE {within} AND result LIKE ? ORDER BY key LIMIT ?",  # noqa: S608
        (*values, WITH_TEXT, limit),
    ).fetchall()
    for key, result in found:
        blank = blanked(db, result)
        if blank != result:
            db.execute("UPDATE reply SET result = ? WHERE key = ?", (blank, key))
    if len(found) == limit:
        upto = found[-1][0]
    if upto is None:
        db.execute("DELETE FROM fact WHERE name = 'blanking'")
    else:
        facts.put(db, {"blanking": upto})
    return max(1, len(found))


def blanked(db: sqlite3.Connection, result: str) -> str:
    """A reply without the texts of messages that are no more."""
    if '"text"' not in result:
        return result
    reply = facts.structure("reply", result, dict[str, Any])
    messages = [*reply.get("messages", ()), *([reply["message"]] if "message" in reply else ())]
    for message in messages:
        there = f"SELECT 1 FROM entry WHERE id = ? AND NOT {leaving.DELETED}"  # noqa: S608
        if db.execute(there, (message["id"],)).fetchone() is None:
            message.update(text="", kind="deleted")
    return msgspec.json.encode(reply).decode()
