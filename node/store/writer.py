"""The one writer: a batch of records becomes one transaction, on disk when `commit` returns.

Law of this file: it owns the connection, its transactions and what is done when one fails. What a record becomes is in
`records`.
"""

from __future__ import annotations

import contextlib
import ctypes
import pathlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from node.bus import bounds
from node.core import effects as e
from node.errors import IndexBroken, StoreDisplaced, StoreUnavailable
from node.model import PLAIN_PREFIX
from node.store import database, facts, history, index, removal
from node.store.keeper import Keeper
from node.store.place import Place, WalGone
from node.store.records import Records

#: What a probe writes. A write of a few pages may fit into what a failed one had already claimed of a full disk; the
#: next batch would then fail again.
PROBE_BYTES = 1024 * 1024
#: Bytes of a WAL that is folded back when nothing else is to be done. A smaller one isn't worth the writes.
LARGE_WAL = 1024 * 1024


class Writer:
    """Owns the connection that writes. Use it from one thread at a time."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self.history = history.History(home)
        self._db = database.open_for_writing(home)
        self._place = Place(home / database.FILE_NAME)
        self._records = Records(lambda: self._db)
        self.keeper = Keeper(self)
        self.commits = 0

    def prepare(self, log: str, stream: str, run: str = "run", known: bool = False) -> str | None:
        """Begin a run (its id, like the other two, drawn by the caller at random).

        A database that was never used gets its log id and its stream; so does one whose history was set back, and then
        a sentence says why. `known`: the home had an identity before this start. Notices a broken search index. Raises
        StoreUnavailable.
        """
        now = history.kept(self._db)
        why = self.history.judge(now, known)
        said = {"run": run, "open": "1"}
        if why is not None or not now.used:
            said |= {"log": log, "stream": stream}

        def step() -> None:
            facts.put(self._db, said)
            if index.broken(self._db) is None:
                index.check(self._db)

        try:
            if why is None:
                self.history.announce(now, run)
            # Set back: the mark goes on disagreeing until the new log is on disk, or a crash would hide it.
            self._transaction(step)
            # Into the main file: a copy of it alone must show that it was open.
            self.history.begin(run, now, folded=self.fold())
            self._place.reopened()
        except OSError as error:
            path = self._home / history.FILE_NAME
            raise StoreUnavailable(f"{path} can't be written: {error.strerror}.") from error
        return why

    def commit(self, records: Sequence[e.Record]) -> None:
        """Write all records in one transaction; they are on the disk when this returns.

        Raises StoreUnavailable when that fails; then none of them is written.
        """
        self._transaction(lambda: self._write(records))
        self.commits += 1
        if any(type(record) is e.DeleteRoom for record in records):
            self.fold()

    def fold(self) -> bool:
        """Fold the WAL back into the database and make it empty; returns whether that was possible.

        What is deleted would stay readable in the WAL. While somebody reads, a part has to wait for a later call.
        """
        folded = False
        with contextlib.suppress(sqlite3.Error):
            # Nobody must wait for a reader that takes its time.
            self._db.execute("PRAGMA busy_timeout = 0")
            folded = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        with contextlib.suppress(sqlite3.Error):
            self._db.execute(f"PRAGMA busy_timeout = {int(database.BUSY_S * 1000)}")
        return folded

    def fold_large(self) -> bool:
        """Fold the WAL back if it takes more than LARGE_WAL on the disk; returns whether it was, or was small."""
        try:
            large = (self._home / f"{database.FILE_NAME}-wal").stat().st_size > LARGE_WAL
        except OSError:
            return True
        return self.fold() if large else True

    def interrupt(self) -> None:
        """End what is being written just now, from any thread: it is undone and raises StoreUnavailable."""
        with contextlib.suppress(sqlite3.ProgrammingError):
            self._db.interrupt()

    def probe(self) -> None:
        """See whether writing works again, for more than a few bytes. Raises StoreUnavailable when not."""
        self._transaction(
            lambda: self._db.execute("INSERT OR REPLACE INTO fact VALUES ('probe', zeroblob(?))", (PROBE_BYTES,))
        )
        self._transaction(lambda: self._db.execute("DELETE FROM fact WHERE name = 'probe'"))

    def index(self, limit: int) -> int:
        """Bring the search index forward by at most `limit` messages; returns how many were left to do before.

        Raises StoreUnavailable.
        """
        return self.keeper.advance(limit)

    def trim(self, before: int) -> None:
        """Drop the events before this one. Numbering goes on, also when none is left. Raises StoreUnavailable."""

        def step() -> None:
            self._db.execute("DELETE FROM event WHERE seq < ?", (before,))
            facts.put(self._db, {"trimmed": str(before - 1)})

        self._transaction(step)

    def tidy(self, now: int) -> None:
        """What is left to do when messages have expired. Raises StoreUnavailable.

        Replies to `resend` may hold their texts; those to `send` are as old as the message, and were gone before it.
        """

        def step() -> None:
            self._db.execute("DELETE FROM reply WHERE at < ?", (now - bounds.KEY_LIFETIME_MS,))
            removal.blank_replies(self._db, '{"message":%')

        self._transaction(step)
        self.fold()

    def forget_replies(self, before: int) -> None:
        """Drop the replies kept for keys that were used before this time. Raises StoreUnavailable."""
        self._transaction(lambda: self._db.execute("DELETE FROM reply WHERE at < ?", (before,)))

    def forget_oldest_replies(self, count: int) -> None:
        """Drop so many of the oldest replies kept for keys. Raises StoreUnavailable."""
        oldest = "SELECT key FROM reply ORDER BY at LIMIT ?"
        self._transaction(lambda: self._db.execute(f"DELETE FROM reply WHERE key IN ({oldest})", (count,)))  # noqa: S608

    def forget_nobodies(self) -> None:
        """Drop the rows of peers that are off the list and have no conversation. Raises StoreUnavailable.

        The highest number is saved first, so that ids are never reused.
        """

        nobodies = "gone AND room NOT IN (SELECT id FROM room) AND id NOT IN (SELECT peer FROM member)"
        if self._db.execute(f"SELECT 1 FROM peer WHERE {nobodies} LIMIT 1").fetchone() is None:  # noqa: S608
            return

        def step() -> None:
            highest = self._db.execute(
                "SELECT max(CAST(substr(id, ?) AS INTEGER)) FROM peer WHERE kind = 'plain'", (len(PLAIN_PREFIX) + 1,)
            ).fetchone()[0]
            facts.put(self._db, {"last_plain": str(max(highest or 0, facts.held(self._db, "last_plain")))})
            self._db.execute(f"DELETE FROM address WHERE peer IN (SELECT id FROM peer WHERE {nobodies})")  # noqa: S608
            self._db.execute(f"DELETE FROM peer WHERE {nobodies}")  # noqa: S608

        self._transaction(step)

    def close(self, *, fold: bool = True) -> None:
        """Fold the WAL back, unless `fold` is False, and close.

        What isn't folded, or can't be, is not lost: the WAL stays and is read at the next start.
        """
        head = -1
        with contextlib.suppress(sqlite3.Error):
            # Where the file was moved or removed, it can't be said any more that it was closed.
            with contextlib.suppress(StoreUnavailable):
                if self.history.run != history.NO_RUN:
                    self._transaction(lambda: facts.put(self._db, {"open": "0"}))
                    head = history.kept(self._db).head
            if fold:
                # Also where the file was moved to: it then has all that was stored.
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._let_go(self._db)
        self.history.end(head)

    def _let_go(self, db: sqlite3.Connection) -> None:
        """Close a connection, but never at the cost of files that aren't its own."""
        try:
            ours = self._place.has_file
            self._place.check()
        except StoreUnavailable as error:
            ours = isinstance(error, WalGone)
        if not ours:
            # Whoever closes a database last removes the WAL at its path, which now belongs to another one.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
            return
        db.close()

    def _transaction(self, step: Callable[[], Any]) -> None:
        """Do a step in one transaction, which is on disk when this returns. Raises StoreUnavailable.

        When the search index fails in it, the step is done again without the index. (A savepoint is not enough: when an
        index is broken, SQLite may roll back the whole transaction.)
        """
        try:
            self.attempt(step)
        except IndexBroken as error:
            why = str(error)

            def without_the_index() -> None:
                index.mark_broken(self._db, why)
                step()

            self.attempt(without_the_index)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection that writes."""
        return self._db

    def attempt(self, step: Callable[[], Any]) -> None:
        """Do a step in one transaction, which is on disk when this returns. Raises IndexBroken and StoreUnavailable."""
        try:
            self._place.check()
            self._db.execute("BEGIN IMMEDIATE")
            step()
            self._place.check()
            self._db.execute("COMMIT")
        except BaseException as error:
            self._records.forget()
            self._roll_back()
            if isinstance(error, WalGone):
                # All that was acknowledged may stand there only, and would go with the process.
                self.fold()
            elif isinstance(error, StoreDisplaced):
                self._place.part()
            # Two rows of one id are our own doing; all else that SQLite raises here is the disk's.
            if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                raise StoreUnavailable(f"The database can't be written: {error}.") from error
            raise
        try:
            # While it was written, too: only now is it on the disk.
            self._place.check()
        except StoreDisplaced as error:
            raise StoreDisplaced(f"{error} Whether the last is stored isn't known.") from error

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            # A disk that fails even here: a fresh connection starts from what was committed. If not even that can be
            # had, this raises StoreUnavailable, and the next transaction comes here again.
            self._let_go(self._db)
            self._place.check_file()
            self._db = database.connect(self._home)
            self._place.check_file()
            # A first look, so that SQLite opens the WAL.
            self._db.execute("SELECT count(*) FROM fact").fetchone()
            self._place.reopened()

    # -- records to rows

    def _write(self, records: Sequence[e.Record]) -> None:
        self._records.write(records)
