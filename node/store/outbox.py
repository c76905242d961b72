"""The outbox: messages of ours that wait for plain peers, or are being sent to them.

While a peer becomes another one, its messages still stand as its own; here they are those of the other one at once.

Law of this file: SQL only. It only reads.
"""

from __future__ import annotations

import sqlite3

from node.core.loaded import Sending
from node.store import leaving

#: The tables with an open message, the conversation that it belongs to, and its text.
_TABLES = (
    f"delivery JOIN entry ON entry.id = delivery.entry JOIN room ON room.number = {leaving.HOME}"
    " JOIN body ON body.entry = entry.id"
)


def peers(db: sqlite3.Connection) -> set[str]:
    """The peers for whom something waits."""
    became = leaving.peers(db)
    rows = db.execute(f"SELECT DISTINCT peer FROM delivery WHERE state = 'waiting' {_living(db)}")  # noqa: S608
    return {became.get(peer, peer) for (peer,) in rows}


def waiting(db: sqlite3.Connection, peer: str, limit: int) -> list[tuple[int, str, str]]:
    """The first messages that wait for a peer, by id: id, conversation and text."""
    found: list[tuple[int, str, str]] = []
    for one in _were(db, peer):
        found += db.execute(
            f"SELECT delivery.entry, room.id, body.text FROM {_TABLES}"  # noqa: S608
            " WHERE delivery.peer = ? AND delivery.state = 'waiting' ORDER BY delivery.entry LIMIT ?",
            (one, limit),
        )
    return sorted(set(found))[:limit]


def waiting_ids(db: sqlite3.Connection, peer: str, limit: int) -> list[int]:
    """The ids of the first messages that wait for a peer."""
    found: list[int] = []
    for one in _were(db, peer):
        ids = "SELECT entry FROM delivery WHERE peer = ? AND state = 'waiting' ORDER BY entry LIMIT ?"
        found += [id_ for (id_,) in db.execute(ids, (one, limit))]
    return sorted(set(found))[:limit]


def sending(db: sqlite3.Connection) -> list[Sending]:
    """All messages that are being sent, by id."""
    became = leaving.peers(db)
    rows = db.execute(
        f"SELECT delivery.entry, room.id, delivery.peer, body.text FROM {_TABLES}"  # noqa: S608
        " WHERE delivery.state = 'sending' ORDER BY delivery.entry"
    )
    return [Sending(message, room, became.get(peer, peer), text) for message, room, peer, text in rows]


def count(db: sqlite3.Connection) -> int:
    """The number of messages in the outbox. It reads all of them."""
    (found,) = db.execute(
        f"SELECT count(DISTINCT entry) FROM delivery WHERE state IN ('waiting', 'sending') {_living(db)}"  # noqa: S608
    ).fetchone()
    return int(found)


def _living(db: sqlite3.Connection) -> str:
    """SQL, for a query on `delivery`: not of a conversation that was deleted. Nothing while none is on its way out."""
    if not leaving.deleting(db):
        return ""
    gone = f"SELECT 1 FROM entry WHERE entry.id = delivery.entry AND {leaving.DELETED}"  # noqa: S608
    return f"AND NOT EXISTS ({gone})"


def _were(db: sqlite3.Connection, peer: str) -> list[str]:
    """A peer, and those that became it."""
    return [peer, *(gone for gone, into in leaving.peers(db).items() if into == peer)]
