"""The replies kept for idempotency keys, as they are read. (records.py writes them, and removal.py blanks texts.)

Law of this file: SQL only, on the reader's connection.
"""

from __future__ import annotations

import sqlite3

from node.store import removal


class Replies:
    """Reads from one connection. Use it from the thread that owns it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of(self, key: str) -> tuple[bytes, str] | None:
        """The fingerprint and the reply kept for a key; None if there is none."""
        row = self._db.execute("SELECT fingerprint, result FROM reply WHERE key = ?", (key,)).fetchone()
        # What was deleted may still wait to be blanked on disk.
        return None if row is None else (row[0], removal.blanked(self._db, row[1]))

    def count(self) -> int:
        """The number of replies."""
        return int(self._db.execute("SELECT count(*) FROM reply").fetchone()[0])

    def keys(self, after: str, limit: int) -> list[str]:
        """The next keys behind `after` in their order, at most `limit`; none at the end."""
        found = self._db.execute("SELECT key FROM reply WHERE key > ? ORDER BY key LIMIT ?", (after, limit))
        return [row[0] for row in found]
