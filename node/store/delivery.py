"""The delivery states of our own messages, and which state front ends see.

A message to plain peers has a row in `delivery` for each of them. An entry has none: it is delivered when each member
of its room has told that it holds it (`receipt`), waits until then, and is read when each has told that, too.

A message with several recipients shows the state of the least advanced one (ADVANCE in bus/nouns.py), with its detail.
If several are equally advanced, the detail that sorts first is shown; no detail sorts last. So what is shown doesn't
depend on who the recipients are, and it stays the same if two of them turn out to be one peer.

Law of this file: SQL only.
"""

from __future__ import annotations

import sqlite3

from node.bus.nouns import ADVANCE
from node.store import leaving

#: Rows that are looked at for each one that is handed over, where hardly any is.
LOOKS = 20
#: Above every id of a message.
_MAX = 2**63 - 1
#: Detail of a message that waited in a history that was set back.
SET_BACK = "This home was set back to an earlier state (a backup), so it may have been sent since."


def order(row: str) -> str:
    """The sort key for the rows of one message. The row that sorts first is shown."""
    states = " ".join(f"WHEN '{state}' THEN {number}" for number, state in enumerate(ADVANCE))
    # A state that only a newer version knows sorts last. Without a rank, it could make a message show twice.
    rank = f"CASE {row}.state {states} ELSE {len(ADVANCE)} END"
    return f"{rank}, {row}.detail IS NULL, coalesce({row}.detail, ''), {row}.peer"


#: SQL condition: whether a row of `delivery` is the one that is shown for its message. Nearly all messages have one
#: recipient, so looking for a row that sorts before it costs less than sorting.
IS_SHOWN = (
    "NOT EXISTS (SELECT 1 FROM delivery AS other WHERE other.entry = delivery.entry AND other.peer <> delivery.peer"  # noqa: S608
    f" AND ({order('other')}) < ({order('delivery')}))"
)
#: SQL expression, for a query on the table `entry`: what `signed.entry` is for it. None for what was said in clear, so
#: that nothing is looked up.
SIGNED = "CASE WHEN entry.tie <> x'' THEN entry.id END"
#: SQL, for a query on `entry` and `signed`: whether a member of the room (`member`) doesn't hold the entry yet, as far
#: as it has told. `receipt` is asked by its primary key.
_LACKS = (
    "NOT EXISTS (SELECT 1 FROM receipt WHERE receipt.room = signed.room AND receipt.member = member.peer"
    " AND receipt.author = signed.author AND receipt.stream = signed.stream AND receipt.n >= signed.n)"
)
_HAS_NOT_READ = _LACKS.replace("receipt.n >=", "receipt.read >=")
_ANY_HAS_NOT_READ = f"EXISTS (SELECT 1 FROM member WHERE member.room = {leaving.HOME} AND {_HAS_NOT_READ})"  # noqa: S608
_ANY_LACKS = f"EXISTS (SELECT 1 FROM member WHERE member.room = {leaving.HOME} AND {_LACKS})"  # noqa: S608
#: SQL expression: the state that is shown for a message. For a query on `entry`, `signed` and the shown row of
#: `delivery`.
STATE = (
    f"CASE WHEN entry.outgoing AND signed.n IS NOT NULL THEN CASE WHEN {_ANY_LACKS} THEN 'waiting'"
    f" WHEN {_ANY_HAS_NOT_READ} THEN 'delivered' ELSE 'read' END"
    " ELSE delivery.state END"
)
#: SQL condition, for a query on the table `entry`: whether one of our own messages still waits for a peer, or is in
#: flight.
WAITS = (
    "(EXISTS (SELECT 1 FROM delivery WHERE delivery.entry = entry.id AND delivery.state IN ('waiting', 'sending'))"  # noqa: S608
    f" OR entry.outgoing AND EXISTS (SELECT 1 FROM signed WHERE signed.entry = {SIGNED} AND {_ANY_LACKS}))"
)


def hand_over(db: sqlite3.Connection, gone: str, into: str, after: int, limit: int) -> tuple[int, int | None]:
    """Two peers are one: the next messages to `gone`, after this one, become messages to `into`.

    At most `limit` of them; and `limit` times LOOKS rows are looked at, because `gone` may have few. Returns how many
    there were, and the message that they reach, or None at the end. Runs in the caller's transaction.
    """
    last = db.execute(
        "SELECT entry FROM delivery WHERE entry > ? ORDER BY entry LIMIT 1 OFFSET ?", (after, limit * LOOKS - 1)
    ).fetchone()
    upto: int | None = None if last is None else last[0]
    entries = db.execute(
        "SELECT entry FROM delivery WHERE entry > ? AND entry <= ? AND peer = ? ORDER BY entry LIMIT ?",
        (after, _MAX if upto is None else upto, gone, limit),
    ).fetchall()
    for (entry,) in entries:
        hand_over_one(db, gone, into, entry)
    return len(entries), entries[-1][0] if len(entries) == limit else upto


def hand_over_one(db: sqlite3.Connection, gone: str, into: str, entry: int) -> None:
    """Two peers are one: one message to `gone` becomes a message to `into`. Runs in the caller's transaction."""
    (both,) = db.execute(
        "SELECT count(*) FROM delivery WHERE entry = ? AND peer IN (?, ?)", (entry, gone, into)
    ).fetchone()
    if both > 1:
        # Keep the row that is shown: it is the less advanced one, so what is still to be sent is sent.
        db.execute(
            "DELETE FROM delivery WHERE entry = ? AND peer = (SELECT two.peer FROM delivery AS two"  # noqa: S608
            f" WHERE two.entry = ? AND two.peer IN (?, ?) ORDER BY {order('two')} LIMIT 1 OFFSET 1)",
            (entry, entry, gone, into),
        )
    db.execute("UPDATE delivery SET peer = ? WHERE entry = ? AND peer = ?", (into, entry, gone))
