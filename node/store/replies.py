"""The replies kept for idempotency keys. (removal.py takes the texts of deleted messages out of them.)

The reply to a `send` is kept as the ids of its messages: their texts are on disk already, and a key is seldom used
again. When it is, the messages are read as they are by then.

Law of this file: SQL only; it only reads. What is kept is made by `as_kept`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec

from node.bus import encoding, nouns
from node.bus import requests as rq
from node.store import facts, removal

#: How the JSON of a kept `send` begins. All other replies are objects.
_SENT = "["


def as_kept(reply: msgspec.Struct) -> str:
    """What is kept of a reply, as JSON: itself, or for a `send` a list of [room, id, ...] in the order of its texts."""
    if not isinstance(reply, rq.SendResult):
        return encoding.encode(reply).decode()
    runs: list[list[str | int]] = []
    for message in reply.messages:
        if not runs or runs[-1][0] != message.room:
            runs.append([message.room])
        runs[-1].append(message.id)
    return msgspec.json.encode(runs).decode()


class Replies:
    """Reads from one connection. Use it from the thread that owns it.

    `moment` begins a transaction; `message` reads a message that is still there.
    """

    def __init__(
        self,
        moment: Callable[[], AbstractContextManager[sqlite3.Connection]],
        message: Callable[[int], nouns.Message | None],
    ) -> None:
        self._moment = moment
        self._message = message

    def of(self, key: str) -> tuple[bytes, str] | None:
        """The fingerprint and the reply of a key; None if none is kept. Raises StoreCorrupt and StoreUnavailable."""
        with self._moment() as db:
            row = db.execute("SELECT fingerprint, result, at FROM reply WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            fingerprint, kept, at = row
            if kept.startswith(_SENT):
                return fingerprint, encoding.encode(self._sent(db, kept, at)).decode()
            return fingerprint, removal.blanked(db, kept)

    def _sent(self, db: sqlite3.Connection, kept: str, at: int) -> rq.SendResult:
        me = facts.structure("self", facts.text(db, "self") or "", nouns.Self)
        messages = []
        for room, *ids in facts.structure("reply", kept, list[list[str | int]]):
            for id_ in map(int, ids):
                gone = nouns.Message(
                    id=id_, room=str(room), order="", at=at, direction="out", author=me.id, name=me.name, kind="deleted"
                )
                messages.append(self._message(id_) or gone)
        return rq.SendResult(messages=messages)

    def count(self) -> int:
        """The number of replies."""
        with self._moment() as db:
            return int(db.execute("SELECT count(*) FROM reply").fetchone()[0])

    def keys(self, after: str, limit: int) -> list[str]:
        """The next keys behind `after` in their order, at most `limit`; none at the end."""
        with self._moment() as db:
            found = db.execute("SELECT key FROM reply WHERE key > ? ORDER BY key LIMIT ?", (after, limit))
            return [row[0] for row in found]
