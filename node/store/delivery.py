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

#: Detail of a message that waited in a history that was set back.
SET_BACK = "This home was set back to an earlier state (a backup), so it may have been sent since."


def _order(row: str) -> str:
    """The sort key for the rows of one message. The row that sorts first is shown."""
    states = " ".join(f"WHEN '{state}' THEN {number}" for number, state in enumerate(ADVANCE))
    # A state that only a newer version knows sorts last. Without a rank, it could make a message show twice.
    rank = f"CASE {row}.state {states} ELSE {len(ADVANCE)} END"
    return f"{rank}, {row}.detail IS NULL, coalesce({row}.detail, ''), {row}.peer"


#: SQL condition: whether a row of `delivery` is the one that is shown for its message. Nearly all messages have one
#: recipient, so looking for a row that sorts before it costs less than sorting.
IS_SHOWN = (
    "NOT EXISTS (SELECT 1 FROM delivery AS other WHERE other.entry = delivery.entry AND other.peer <> delivery.peer"  # noqa: S608
    f" AND ({_order('other')}) < ({_order('delivery')}))"
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
_ANY_HAS_NOT_READ = f"EXISTS (SELECT 1 FROM member WHERE member.room = entry.room AND {_HAS_NOT_READ})"  # noqa: S608
_ANY_LACKS = f"EXISTS (SELECT 1 FROM member WHERE member.room = entry.room AND {_LACKS})"  # noqa: S608
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


def hand_over(db: sqlite3.Connection, gone: str, into: str) -> None:
    """Two peers are one: messages to `gone` become messages to `into`. Runs in the caller's transaction."""
    both = db.execute(
        "SELECT entry FROM delivery WHERE peer IN (?, ?) GROUP BY entry HAVING count(*) > 1", (gone, into)
    ).fetchall()
    for (entry,) in both:
        # Keep the row that is shown: it is the less advanced one, so what is still to be sent is sent.
        db.execute(
            "DELETE FROM delivery WHERE entry = ? AND peer = (SELECT two.peer FROM delivery AS two"  # noqa: S608
            f" WHERE two.entry = ? AND two.peer IN (?, ?) ORDER BY {_order('two')} LIMIT 1 OFFSET 1)",
            (entry, entry, gone, into),
        )
    db.execute("UPDATE delivery SET peer = ? WHERE peer = ?", (into, gone))
