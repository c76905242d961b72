"""The one writer: it commits each batch of records as one transaction, which is on disk when `commit` returns.

Law of this file: it owns the connection, its transactions and the recovery when one fails. records.py turns records
into rows.
"""

from __future__ import annotations

import contextlib
import ctypes
import pathlib
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from node.core import effects as e
from node.errors import IndexBroken, StoreDisplaced, StoreUnavailable
from node.model import PLAIN_PREFIX
from node.store import database, delivery, facts, history, index, leaving, removal
from node.store.keeper import Keeper
from node.store.place import Place, WalGone
from node.store.records import Records

#: Bytes that a probe writes. On a full disk, a few pages may still fit into space that a failed write has already
#: allocated. A probe of that size would succeed, and the next batch would fail again.
PROBE_BYTES = 1024 * 1024
#: When the writer is idle, it checkpoints a WAL above this size in bytes. A smaller one isn't worth the writes.
LARGE_WAL = 1024 * 1024
#: Records after which something may be on its way out.
_TAKE_AWAY = (e.DeleteRoom, e.MergeRooms)
#: The fact `instance`.
_INSTANCE = re.compile("[0-9a-f]{32}")


class Writer:
    """Owns the writing connection. Use it from one thread at a time."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self.history = history.History(home)
        self._db = database.open_for_writing(home)
        self._place = Place(home / database.FILE_NAME)
        self._records = Records(lambda: self._db)
        self.keeper = Keeper(self)
        self.commits = 0
        #: What the next step of `advance` does; None: nothing is on its way out. Any thread may read it.
        self.work: leaving.Work | None = None
        #: How long the last transaction took that removed, moved or expired something, in seconds: until its COMMIT,
        #: and with it.
        self.spent = (0.0, 0.0)

    def prepare(self, log: str, instance: str, run: str = "run", known: bool = False) -> str | None:
        """Begin a run of the node. The caller draws all three ids at random. Raises StoreUnavailable.

        `log` and `instance` (16 bytes in hexadecimal; what the protocol calls this database) are stored if the database
        was never used, or if its history was set back. In the second case this returns a sentence that says why;
        otherwise None. What waited for plain peers in a history that was set back becomes unconfirmed, because it may
        have been sent since. `instance` is also stored where none can be read. `known`: the home had an identity before
        this start. A broken search index is detected and marked.
        """
        now = history.kept(self._db)
        why = self.history.judge(now, known)
        said = {"run": run, "open": "1"}
        if why is not None or not now.used:
            said |= {"log": log, "instance": instance}
        elif _INSTANCE.fullmatch(facts.text(self._db, "instance") or "") is None:
            # Somebody has edited it. Nothing hangs on it but that it is this database's alone.
            said |= {"instance": instance}

        def step() -> None:
            facts.put(self._db, said)
            if why is not None:
                # Never sent again by itself: an old client would show it twice. Entries need no such care.
                unsure = (delivery.SET_BACK,)
                self._db.execute(
                    "UPDATE delivery SET state = 'unconfirmed', detail = ? WHERE state = 'waiting'", unsure
                )
            if index.broken(self._db) is None:
                index.check(self._db)

        try:
            if why is None:
                self.history.announce(now, run)
            # If the history was set back, the mark must keep disagreeing until the new log id is on disk. Otherwise a
            # crash in between would hide it.
            self._transaction(step)
            # Checkpoint "open" into the main file, so that a copy of that file alone shows that it was open.
            self.history.begin(run, now, folded=self.fold())
            self._place.reopened()
            self._look_at_work()
        except OSError as error:
            path = self._home / history.FILE_NAME
            raise StoreUnavailable(f"{path} can't be written: {error.strerror}.") from error
        return why

    def commit(self, records: Sequence[e.Record]) -> None:
        """Write all records in one transaction. They are on disk when this returns.

        Raises StoreUnavailable if that fails. Then none of them is written, unless StoreDisplaced says that it can't be
        known.
        """
        if any(type(record) is e.ExpireMessages for record in records):
            self._measured(lambda: self._write(records))
        else:
            self._transaction(lambda: self._write(records))
        self.commits += 1
        taken_away = [type(record) for record in records if type(record) in _TAKE_AWAY]
        if taken_away:
            self._look_at_work()
            if self.work is None and e.DeleteRoom in taken_away:
                self.fold()

    def advance(self, work: leaving.Work, limit: int) -> int:
        """Take the next step of removing what is on its way out, if it is of this kind. Raises StoreUnavailable.

        Returns the number of rows that it has removed or moved, at most about `limit`.
        """
        count = 0

        def step() -> None:
            nonlocal count
            count = removal.advance(self._db, work, limit) if leaving.work(self._db) == work else 0

        self._measured(step)
        self._look_at_work()
        if self.work is None:
            # Until now, what was deleted could still be read in the WAL.
            self.fold()
        return count

    def _measured(self, step: Callable[[], Any]) -> None:
        """Run a step in one transaction, and measure it."""
        began = time.perf_counter()
        done = began

        def measured() -> None:
            nonlocal done
            step()
            done = time.perf_counter()

        self._transaction(measured)
        self.spent = (done - began, time.perf_counter() - began)

    def _look_at_work(self) -> None:
        self.work = leaving.work(self._db)

    def fold(self) -> bool:
        """Checkpoint the WAL into the main file and truncate it; returns whether that was possible.

        Until then, deleted data stays readable in the WAL. An open read transaction can hold back a part of the WAL,
        which then waits for a later call.
        """
        folded = False
        with contextlib.suppress(sqlite3.Error):
            # Don't wait for a slow reader: everybody would have to wait for the writer.
            self._db.execute("PRAGMA busy_timeout = 0")
            folded = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        with contextlib.suppress(sqlite3.Error):
            self._db.execute(f"PRAGMA busy_timeout = {int(database.BUSY_S * 1000)}")
        return folded

    def fold_large(self) -> bool:
        """Checkpoint the WAL if it is larger than LARGE_WAL; returns False only if that wasn't possible."""
        try:
            large = (self._home / f"{database.FILE_NAME}-wal").stat().st_size > LARGE_WAL
        except OSError:
            return True
        return self.fold() if large else True

    def interrupt(self) -> None:
        """Abort the write in progress, from any thread. It is rolled back and raises StoreUnavailable in its thread."""
        with contextlib.suppress(sqlite3.ProgrammingError):
            self._db.interrupt()

    def probe(self) -> None:
        """Check whether writing works again, for PROBE_BYTES. Raises StoreUnavailable if not."""
        self._transaction(
            lambda: self._db.execute("INSERT OR REPLACE INTO fact VALUES ('probe', zeroblob(?))", (PROBE_BYTES,))
        )
        self._transaction(lambda: self._db.execute("DELETE FROM fact WHERE name = 'probe'"))

    def index(self, limit: int) -> int:
        """Index the next messages, at most `limit`; returns how many are left. Raises StoreUnavailable."""
        return self.keeper.advance(limit)

    def trim(self, before: int) -> None:
        """Delete the events before `before`. Numbering continues even if none is left. Raises StoreUnavailable."""

        def step() -> None:
            self._db.execute("DELETE FROM event WHERE seq < ?", (before,))
            facts.put(self._db, {"trimmed": str(before - 1)})

        self._transaction(step)

    def tidy(self) -> None:
        """Have what messages that expired left behind removed in steps (`advance`). Raises StoreUnavailable.

        Stored replies to `resend` may still contain the expired texts.
        """
        self._transaction(lambda: facts.put(self._db, {"blanking": ""}))
        self._look_at_work()

    def forget_replies(self, before: int, limit: int) -> int:
        """Delete replies whose idempotency key was used before this time (ms), at most `limit`; returns how many.

        Raises StoreUnavailable.
        """
        count = 0

        def step() -> None:
            nonlocal count
            old = "SELECT key FROM reply WHERE at < ? ORDER BY at LIMIT ?"
            count = self._db.execute(f"DELETE FROM reply WHERE key IN ({old})", (before, limit)).rowcount  # noqa: S608

        self._transaction(step)
        return count

    def forget_oldest_replies(self, count: int) -> None:
        """Delete the `count` oldest replies stored for idempotency keys. Raises StoreUnavailable."""
        oldest = "SELECT key FROM reply ORDER BY at LIMIT ?"
        self._transaction(lambda: self._db.execute(f"DELETE FROM reply WHERE key IN ({oldest})", (count,)))  # noqa: S608

    def forget_nobodies(self) -> None:
        """Delete the rows of peers that are off the list and have no conversation. Raises StoreUnavailable.

        The highest number of a plain peer is saved first, so that ids are never reused.
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
        """Checkpoint the WAL, unless `fold` is False, and close.

        Nothing is lost without a checkpoint: the WAL stays and is read at the next start.
        """
        head = -1
        with contextlib.suppress(sqlite3.Error):
            # If the file was moved or removed, it can't be marked as closed any more.
            with contextlib.suppress(StoreUnavailable):
                if self.history.run != history.NO_RUN:
                    self._transaction(lambda: facts.put(self._db, {"open": "0"}))
                    head = history.kept(self._db).head
            if fold:
                # A file that was moved is checkpointed too, so that it contains everything that was stored.
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._let_go(self._db)
        self.history.end(head)

    def _let_go(self, db: sqlite3.Connection) -> None:
        """Close a connection, unless that would delete the WAL of another database."""
        try:
            ours = self._place.has_file
            self._place.check()
        except StoreUnavailable as error:
            ours = isinstance(error, WalGone)
        if not ours:
            # SQLite's last connection to a database deletes the WAL at its path when it closes. That WAL now belongs to
            # another database. So leak the connection: the extra reference keeps it open.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
            return
        db.close()

    def _transaction(self, step: Callable[[], Any]) -> None:
        """Run a step in one transaction. It is on disk when this returns. Raises StoreUnavailable.

        If the search index fails, the step is repeated without the index. (A savepoint would not be enough: if an index
        is broken, SQLite may roll back the whole transaction.)
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
        """The writing connection. After a failed rollback it is a new one."""
        return self._db

    def attempt(self, step: Callable[[], Any]) -> None:
        """Run a step in one transaction. It is on disk when this returns. Raises IndexBroken and StoreUnavailable."""
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
                # Acknowledged data may exist only in the deleted WAL, which would vanish when this process ends.
                self.fold()
            elif isinstance(error, StoreDisplaced):
                self._place.part()
            # Two rows with one id are a bug of ours. Every other SQLite error here is the disk's.
            if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
                raise StoreUnavailable(f"The database can't be written: {error}.") from error
            raise
        try:
            # The file may have been replaced during the COMMIT. Only after this check is the data known to be on disk.
            self._place.check()
        except StoreDisplaced as error:
            raise StoreDisplaced(f"{error} Whether the last is stored isn't known.") from error

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            # The disk fails even the rollback. A new connection starts from what was committed. If it can't be opened
            # either, this raises StoreUnavailable, and the next transaction comes here again.
            self._let_go(self._db)
            self._place.check_file()
            self._db = database.connect(self._home)
            self._place.check_file()
            # Read once, so that SQLite opens the WAL.
            self._db.execute("SELECT count(*) FROM fact").fetchone()
            self._place.reopened()

    # -- records to rows

    def _write(self, records: Sequence[e.Record]) -> None:
        self._records.write(records)
