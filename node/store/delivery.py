"""What became of our own messages, a row for each recipient; and which of these rows front ends see.

A message with several recipients shows as the least advanced of them (ADVANCE in bus/nouns.py), with its detail. Of
several equally advanced ones the detail that sorts first is shown, none after all others. So what is shown doesn't
depend on who the recipients are, and stays the same when two of them turn out to be one.

Law of this file: SQL only.
"""

from __future__ import annotations

import sqlite3

from node.bus.nouns import ADVANCE


def _order(row: str) -> str:
    """The columns by which rows of one message are sorted, the one that is shown first."""
    states = " ".join(f"WHEN '{state}' THEN {number}" for number, state in enumerate(ADVANCE))
    # A state of a newer program comes last: it must not make two rows of one message.
    rank = f"CASE {row}.state {states} ELSE {len(ADVANCE)} END"
    return f"{rank}, {row}.detail IS NULL, coalesce({row}.detail, ''), {row}.peer"


#: Whether a row of `delivery` is the one that is shown of its message. Nearly all have one recipient: to look for a row
#: that comes before it costs less than to sort one.
IS_SHOWN = (
    "NOT EXISTS (SELECT 1 FROM delivery AS other WHERE other.entry = delivery.entry AND other.peer <> delivery.peer"  # noqa: S608
    f" AND ({_order('other')}) < ({_order('delivery')}))"
)
#: Whether `entry.id` is still to go to anybody: for a query with the table `entry`.
WAITS = "EXISTS (SELECT 1 FROM delivery WHERE delivery.entry = entry.id AND delivery.state IN ('waiting', 'sending'))"


def hand_over(db: sqlite3.Connection, gone: str, into: str) -> None:
    """Two peers are one: what was for `gone` is for `into`. Within the caller's transaction."""
    both = db.execute(
        "SELECT entry FROM delivery WHERE peer IN (?, ?) GROUP BY entry HAVING count(*) > 1", (gone, into)
    ).fetchall()
    for (entry,) in both:
        # The row that is shown of these two stays: whatever is still to go goes.
        db.execute(
            "DELETE FROM delivery WHERE entry = ? AND peer = (SELECT two.peer FROM delivery AS two"  # noqa: S608
            f" WHERE two.entry = ? AND two.peer IN (?, ?) ORDER BY {_order('two')} LIMIT 1 OFFSET 1)",
            (entry, entry, gone, into),
        )
    db.execute("UPDATE delivery SET peer = ? WHERE peer = ?", (into, gone))
