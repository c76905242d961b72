"""What became of one of our own messages, for each of those it is for.

Law of this file: SQL only. It only reads.
"""

from __future__ import annotations

import sqlite3

from node.bus import events as ev
from node.bus import nouns
from node.bus import requests as rq
from node.store import delivery, facts, leaving

#: Events read in the search for the time of a receipt. It takes some 10 ms. Receipts that came later have no time.
MAX_SCANNED = 50_000


def recipients(db: sqlite3.Connection, message: nouns.Message) -> list[rq.Recipient]:
    """The recipients of a message, by id. Their `next_try` is left empty: the store doesn't know it."""
    if message.entry is None:
        rows = db.execute(
            "SELECT peer, state, detail FROM delivery"  # noqa: S608
            f" WHERE entry = ? ORDER BY {delivery.order('delivery')}",
            (message.id,),
        ).fetchall()
        became = leaving.peers(db)
        found: dict[str, rq.Recipient] = {}
        for peer, state, detail in rows:
            peer = became.get(peer, peer)
            # Of two peers that turned out to be one, the row that counts comes first.
            found.setdefault(peer, rq.Recipient(peer=peer, state=state, detail=detail))
        return [found[peer] for peer in sorted(found)]
    place, stream = message.entry, bytes.fromhex(message.entry.stream)
    held = db.execute(
        "SELECT member.peer, receipt.n >= ?, receipt.read >= ? FROM room JOIN member ON member.room = room.number"
        " LEFT JOIN receipt ON receipt.room = room.id AND receipt.member = member.peer"
        " AND receipt.author = ? AND receipt.stream = ? WHERE room.id = ? ORDER BY member.peer",
        (place.n, place.n, message.author, stream, message.room),
    ).fetchall()
    there = _times(db, ev.ReceiptAdvanced, message, place, {member for member, covered, _ in held if covered})
    seen = _times(db, ev.ReadAdvanced, message, place, {member for member, _, read in held if read})
    return [
        rq.Recipient(
            peer=member,
            state="read" if read else "delivered" if covered else "waiting",
            at=there.get(member),
            read_at=seen.get(member),
        )
        for member, covered, read in held
    ]


def _times(
    db: sqlite3.Connection,
    kind: type[ev.ReceiptAdvanced | ev.ReadAdvanced],
    message: nouns.Message,
    place: nouns.Place,
    members: set[str],
) -> dict[str, int]:
    """When the first event of this kind covered the message, for each of these members, as far as the log has it."""
    found: dict[str, int] = {}
    left = set(members)
    start = _first_since(db, message.at) if left else None
    if start is None:
        return found
    # SQLite looks for the stream, so that few are decoded here.
    rows = db.execute(
        "SELECT at, data FROM event WHERE seq >= ? AND seq < ? AND type = ? AND room = ?"
        " AND instr(data, ?) ORDER BY seq",
        (start, start + MAX_SCANNED, kind.__name__, message.room, place.stream),
    )
    for at, data in rows:
        told = facts.structure("event.data", data, kind)
        if told.member in left and told.stream == place.stream and told.n >= place.n:
            found[told.member] = at
            left.remove(told.member)
            if not left:
                rows.close()
                break
    return found


def _first_since(db: sqlite3.Connection, at: int) -> int | None:
    """The first event of the log that isn't older than this time, found by halves.

    None: there is none. If the clock was set back meanwhile, the log isn't in order of time, and this is some event
    with an older one before it.
    """
    low, high = db.execute("SELECT (SELECT min(seq) FROM event), (SELECT max(seq) FROM event)").fetchone()
    if low is None:
        return None
    # The log has no gaps.
    while low < high:
        middle = (low + high) // 2
        row = db.execute("SELECT at FROM event WHERE seq = ?", (middle,)).fetchone()
        if row is None or row[0] < at:
            low = middle + 1
        else:
            high = middle
    row = db.execute("SELECT at FROM event WHERE seq = ?", (low,)).fetchone()
    return low if row is not None and row[0] >= at else None
