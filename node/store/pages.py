"""Paged snapshots. All pages of a snapshot show the same moment, because it holds a read transaction of its own.

Such a transaction blocks a full checkpoint of the WAL, so there may be only a few, for a short time. A snapshot whose
client stops asking is given up. A later request for its next page is refused with `snapshot_gone`.
"""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import sqlite3
import time
from collections.abc import Callable

import msgspec

from node.bus import bounds, nouns
from node.bus import requests as rq
from node.errors import CommandRefused
from node.store import database, snapshot
from node.store.place import Place

#: Most snapshots that are open at once. A further one is refused with `busy`.
MAX_OPEN = 4
#: A snapshot is given up this long after the last request for it, and this long after its first page, in seconds.
IDLE_S = 10.0
WHOLE_S = 60.0


class _Open(msgspec.Struct):
    """A snapshot with pages that weren't read yet. `began` and `asked` (its last request) are times of the clock."""

    db: sqlite3.Connection
    began: float
    asked: float


class Pages:
    """All open snapshots, by name. Use it from one thread at a time."""

    def __init__(
        self, home: pathlib.Path, place: Place | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._home = home
        self._place = place or Place(home / database.FILE_NAME)
        self._clock = clock
        self._open: dict[str, _Open] = {}

    def __len__(self) -> int:
        return len(self._open)

    def first(self, limit: int) -> rq.SnapshotResult:
        """The first page of a new snapshot. Raises CommandRefused (`busy`: too many are open) or StoreUnavailable."""
        self.give_up()
        if len(self._open) >= MAX_OPEN:
            raise CommandRefused("busy", f"{MAX_OPEN} others are taking a snapshot; try again in a moment.")
        name, now = secrets.token_hex(8), self._clock()
        # The file at the path may be another database by now.
        self._place.check_file()
        db = database.connect(self._home, read_only=True)
        self._open[name] = _Open(db, now, now)
        return self._page(name, snapshot.START, limit)

    def next(self, token: str, limit: int) -> rq.SnapshotResult:
        """The page for a token. Raises CommandRefused (`snapshot_gone`) if its snapshot was given up."""
        self.give_up()
        name, _, position = token.partition(".")
        one = self._open.get(name)
        if one is None or not snapshot.is_position(position):
            raise CommandRefused("snapshot_gone", "That snapshot was given up; begin a new one.")
        one.asked = self._clock()
        return self._page(name, position, limit)

    def give_up(self) -> None:
        """Close the snapshots that have been open, or without a request, for too long."""
        now = self._clock()
        for name, one in list(self._open.items()):
            if now - one.asked > IDLE_S or now - one.began > WHOLE_S:
                self._close(name)

    def interrupt(self) -> None:
        """Abort the read in progress, from any thread."""
        for one in list(self._open.values()):
            with contextlib.suppress(sqlite3.Error):
                one.db.interrupt()

    def close(self) -> None:
        """Close all snapshots."""
        for name in list(self._open):
            self._close(name)

    def _close(self, name: str) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._open.pop(name).db.close()

    def _page(self, name: str, position: str, limit: int) -> rq.SnapshotResult:
        db = self._open[name].db
        limit = max(1, min(limit, bounds.MAX_SNAPSHOT))
        try:
            if not db.in_transaction:
                db.execute("BEGIN")
            state, after = snapshot.page(db, position, limit)
            log = db.execute("SELECT value FROM fact WHERE name = 'log'").fetchone()
            _, head = snapshot.log_ends(db)
        except BaseException as error:
            self._close(name)
            if isinstance(error, sqlite3.DatabaseError):
                raise database.as_store_error(self._home / database.FILE_NAME, error) from error
            raise
        if after is None:
            self._close(name)
        token = None if after is None else f"{name}.{after}"
        return rq.SnapshotResult(log=log[0] if log else "", seq=head, state=state, live=nouns.Live(), next=token)
