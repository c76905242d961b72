"""The one writer: a batch of records becomes one transaction, on disk when `commit` returns.

Law of this file: SQL only. Which records there are was decided by the core; here they are folded (of several states of
one row only the last is written) and written with as few steps as possible.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import pathlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from node.bus import bounds, encoding, nouns
from node.core import effects as e
from node.errors import IndexBroken, StoreDisplaced, StoreUnavailable
from node.model import PLAIN_PREFIX
from node.store import database, history, index
from node.store.facts import number, structure
from node.store.keeper import Keeper
from node.store.place import Place, WalGone

#: Rows in one INSERT. sqlite3 gives the interpreter lock back and takes it again at each step, which can cost
#: milliseconds while the event loop is busy; many rows a step make that rare.
CHUNKS = (256, 32, 1)
#: What a probe writes. A write of a few pages may fit into what a failed one had already claimed of a full disk; the
#: next batch would then fail again.
PROBE_BYTES = 1024 * 1024
#: Bytes of a WAL that is folded back when nothing else is to be done. A smaller one isn't worth the writes.
LARGE_WAL = 1024 * 1024

_PEER_COLUMNS = (
    "id, room, name, kind, host, port, dialect, dialect_from, link, error, last_seen, wanted, gone, own_name, standing"
)


class Writer:
    """Owns the connection that writes. Use it from one thread at a time."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self.history = history.History(home)
        self._db = database.open_for_writing(home)
        self._place = Place(home / database.FILE_NAME)
        self._rooms: dict[str, int] = {}
        self.keeper = Keeper(lambda: self._db, self._attempt, self.fold)
        self.commits = 0

    def prepare(self, log: str, stream: str, run: str = "run", known: bool = False) -> str | None:
        """Begin a run (its id, like the other two, drawn by the caller at random).

        A database that was never used gets its log id and its stream; so does one whose history was set back, and then
        a sentence says why. `known`: the home had an identity before this start. Notices a broken search index. Raises
        StoreUnavailable.
        """
        now = history.kept(self._db)
        why = self.history.judge(now, known)
        facts = {"run": run, "open": "1"}
        if why is not None or not now.used:
            facts |= {"log": log, "stream": stream}

        def step() -> None:
            self._put_facts(facts)
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
            self._put_facts({"trimmed": str(before - 1)})

        self._transaction(step)

    def tidy(self, now: int) -> None:
        """What is left to do when messages have expired. Raises StoreUnavailable.

        Replies to `resend` may hold their texts; those to `send` are as old as the message, and were gone before it.
        """

        def step() -> None:
            self._db.execute("DELETE FROM reply WHERE at < ?", (now - bounds.KEY_LIFETIME_MS,))
            self._blank_replies('{"message":%')

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

        They were kept so that their numbers aren't given out again: a fact says the highest one.
        """

        nobodies = "gone AND room NOT IN (SELECT id FROM room)"
        if self._db.execute(f"SELECT 1 FROM peer WHERE {nobodies} LIMIT 1").fetchone() is None:  # noqa: S608
            return

        def step() -> None:
            highest = self._db.execute(
                "SELECT max(CAST(substr(id, ?) AS INTEGER)) FROM peer WHERE kind = 'plain'", (len(PLAIN_PREFIX) + 1,)
            ).fetchone()[0]
            self._put_facts({"last_plain": str(max(highest or 0, self._number("last_plain")))})
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
                    self._transaction(lambda: self._put_facts({"open": "0"}))
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
            self._attempt(step)
        except IndexBroken as error:
            why = str(error)

            def without_the_index() -> None:
                index.mark_broken(self._db, why)
                step()

            self._attempt(without_the_index)

    def _attempt(self, step: Callable[[], Any]) -> None:
        try:
            self._place.check()
            self._db.execute("BEGIN IMMEDIATE")
            step()
            self._place.check()
            self._db.execute("COMMIT")
        except BaseException as error:
            self._rooms.clear()
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
        entries: list[tuple[Any, ...]] = []
        bodies: list[tuple[Any, ...]] = []
        deliveries: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        peers: dict[str, e.PutPeer] = {}
        rooms: dict[str, nouns.Room] = {}
        states: dict[int, e.SetState] = {}

        def flush() -> None:
            """Write what has piled up. Called before anything whose order against it matters."""
            self._put_rooms(rooms)
            _insert(self._db, "INSERT INTO entry VALUES", entries)
            _insert(self._db, "INSERT INTO body VALUES", bodies)
            _insert(self._db, "INSERT INTO delivery VALUES", deliveries)
            self._put_states(states.values())
            self._put_peers(peers.values())
            for pile in (entries, bodies, deliveries, peers, rooms, states):
                pile.clear()

        for record in records:
            if type(record) is e.Log:
                events.append(_event_row(record))
            elif type(record) is e.AddMessage:
                message = record.message
                marks = ",".join(message.marks) or None
                room = self._rooms.get(message.room) or self._room_number(message.room, rooms)
                entries.append(
                    (message.id, room, record.clock, message.at, message.direction == "out", message.author,
                     message.name, message.kind, marks)
                )  # fmt: skip
                bodies.append((message.id, message.text, record.raw))
                if record.peer is not None:
                    deliveries.append((message.id, record.peer, message.state, message.detail))
            elif type(record) is e.PutRoom:
                rooms[record.room.id] = record.room
            elif type(record) is e.PutPeer:
                peers[record.peer.id] = record
            elif type(record) is e.SetState:
                earlier = states.get(record.message)
                if earlier is not None and record.marks is None and earlier.marks is not None:
                    record = e.SetState(record.message, record.state, record.detail, earlier.marks)
                states[record.message] = record
            elif type(record) is e.MergeRooms:
                flush()
                self._merge(record)
            elif type(record) is e.DeleteRoom:
                flush()
                self._delete(record.room)
            elif type(record) is e.ExpireMessages:
                flush()
                self._expire(record)
            elif type(record) is e.PutSettings:
                facts = {"settings": encoding.encode(record.settings), "self": encoding.encode(record.self)}
                facts["saved"] = encoding.encode(record.saved)
                self._put_facts({name: value.decode() for name, value in facts.items()})
            elif type(record) is e.PutGreetings:
                self._put_facts({"greetings": encoding.encode(record.greetings).decode()})
            elif type(record) is e.PutShutOut:
                self._put_facts({"shut_out": encoding.encode(record.until).decode()})
            elif type(record) is e.PutBelieved:
                self._put_facts({"believed": str(record.until)})
            elif type(record) is e.PutConsumer:
                one = record.consumer
                self._db.execute(
                    "INSERT OR REPLACE INTO consumer VALUES (?, ?, ?, ?, ?)",
                    (one.name, one.log, one.position, one.created, one.used),
                )
            elif type(record) is e.DropConsumer:
                self._db.execute("DELETE FROM consumer WHERE name = ?", (record.name,))
            elif type(record) is e.SaveReply:
                self._db.execute(
                    "INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?)",
                    _storable(
                        (record.key.key, record.key.fingerprint, encoding.encode(record.reply).decode(), record.at)
                    ),
                )
        flush()
        _insert(self._db, "INSERT INTO event VALUES", events)

    def _put_facts(self, facts: dict[str, str]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())

    def _number(self, fact: str) -> int:
        """A fact that is a number; 0 before there was any."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (fact,)).fetchone()
        return number(fact, row[0]) if row else 0

    def _room_number(self, room_id: str, unwritten: dict[str, nouns.Room]) -> int:
        row = self._db.execute("SELECT number FROM room WHERE id = ?", (room_id,)).fetchone()
        if row is None:
            self._put_rooms({room_id: unwritten.pop(room_id)})
            row = self._db.execute("SELECT number FROM room WHERE id = ?", (room_id,)).fetchone()
        self._rooms[room_id] = row[0]
        return int(row[0])

    def _put_rooms(self, rooms: dict[str, nouns.Room]) -> None:
        self._db.executemany(
            "INSERT INTO room (id, kind, name, peer, encrypted, unread, read_upto, last, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " peer = excluded.peer, encrypted = excluded.encrypted, unread = excluded.unread,"
            " read_upto = excluded.read_upto, last = excluded.last",
            [
                _storable((room.id, room.kind, room.name, room.peer, room.encrypted, room.unread, room.read_upto,
                           None if room.last is None else room.last.id, room.created))
                for room in rooms.values()
            ],
        )  # fmt: skip

    def _put_peers(self, records: Iterable[e.PutPeer]) -> None:
        self._db.executemany(
            f"INSERT OR REPLACE INTO peer ({_PEER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [
                _storable((p.id, p.room, p.name, p.kind, p.host, p.port, p.dialect, p.dialect_from, p.link, p.error,
                           p.last_seen, p.wanted, record.gone, p.own_name, p.standing))
                for record in records
                for p in (record.peer,)
            ],
        )  # fmt: skip

    def _put_states(self, records: Iterable[e.SetState]) -> None:
        for record in records:
            self._db.execute(
                "UPDATE delivery SET state = ?, detail = ? WHERE entry = ?",
                _storable((record.state, record.detail, record.message)),
            )
            if record.marks is not None:
                self._db.execute(
                    "UPDATE entry SET marks = ? WHERE id = ?", (",".join(record.marks) or None, record.message)
                )

    def _merge(self, record: e.MergeRooms) -> None:
        gone = self._room_number(record.gone, {})
        into = self._room_number(record.into, {})
        index.move(self._db, gone, into)
        self._db.execute(
            "UPDATE delivery SET peer = (SELECT peer FROM room WHERE id = ?) WHERE peer ="
            " (SELECT peer FROM room WHERE id = ?)",
            (record.into, record.gone),
        )
        self._db.execute("DELETE FROM room WHERE number = ?", (gone,))
        self._rooms.pop(record.gone, None)

    def _delete(self, room_id: str) -> None:
        """All that was said in a room, wherever it stands; what it took on the disk is overwritten with zeros."""
        db, room = self._db, self._room_number(room_id, {})
        last = index.newest(db)
        index.forget_room(db, room)
        for table in ("body", "delivery", "signed"):
            db.execute(f"DELETE FROM {table} WHERE entry IN (SELECT id FROM entry WHERE room = ?)", (room,))  # noqa: S608
        count = db.execute("DELETE FROM entry WHERE room = ?", (room,)).rowcount
        db.execute("DELETE FROM vector WHERE room = ?", (room_id,))
        db.execute("DELETE FROM room WHERE number = ?", (room,))
        deleted = count + self._number("deleted")
        self._put_facts({"last_message": str(last), "deleted": str(deleted)})
        self._blank_replies()
        self._rooms.pop(room_id, None)

    def _expire(self, record: e.ExpireMessages) -> None:
        """The messages of a room up to one, but for those that wait; signed headers stay in `signed`."""
        db, room = self._db, self._room_number(record.room, {})
        facts = {"last_message": index.newest(db)}
        db.execute("CREATE TEMP TABLE IF NOT EXISTS gone (id INTEGER PRIMARY KEY)")
        db.execute("DELETE FROM gone")
        # By number, not by room: few are left below `upto`, however many a room has.
        db.execute(
            "INSERT INTO gone SELECT id FROM entry WHERE id <= ? AND +room = ? AND NOT EXISTS"
            " (SELECT 1 FROM delivery WHERE entry = entry.id AND state IN ('waiting', 'sending'))",
            (record.upto, room),
        )
        index.forget_old(db)
        clock = db.execute("SELECT max(clock) FROM entry WHERE id IN (SELECT id FROM gone)").fetchone()[0] or 0
        facts["clock"] = max(clock, self._number("clock"))
        for table in ("body", "delivery"):
            db.execute(f"DELETE FROM {table} WHERE entry IN (SELECT id FROM gone)")  # noqa: S608
        count = db.execute("DELETE FROM entry WHERE id IN (SELECT id FROM gone)").rowcount
        facts["deleted"] = count + self._number("deleted")
        self._put_facts({name: str(value) for name, value in facts.items()})

    def _blank_replies(self, like: str = '%"text"%') -> None:
        """Replies kept for keys hold texts as well: those of messages that are no more are taken out."""
        replies = self._db.execute("SELECT key, result FROM reply WHERE result LIKE ?", (like,)).fetchall()
        for key, result in replies:
            reply = structure("reply", result, dict[str, Any])
            messages = [*reply.get("messages", ()), *([reply["message"]] if "message" in reply else ())]
            for message in messages:
                if self._db.execute("SELECT 1 FROM entry WHERE id = ?", (message["id"],)).fetchone() is None:
                    message.update(text="", kind="deleted")
            blanked = msgspec.json.encode(reply).decode()
            if blanked != result:
                self._db.execute("UPDATE reply SET result = ? WHERE key = ?", (blanked, key))


def _event_row(record: e.Log) -> tuple[Any, ...]:
    event = record.event
    cause = event.cause
    return (
        event.seq,
        event.at,
        event.type,
        event.room,
        record.message,
        None if record.message is not None else encoding.encode(event.data).decode(),
        None if cause is None else cause.client,
        None if cause is None else cause.request,
    )


def _storable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row that SQLite takes: one text that isn't Unicode must not cost a whole batch."""
    return tuple(encoding.sound(value) if type(value) is str else value for value in row)


def _insert(db: sqlite3.Connection, insert: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows, many in one step; the statements are few, so that each is prepared once."""
    start = 0
    for size in CHUNKS:
        if len(rows) - start < size:
            continue
        one = "(" + ", ".join("?" * len(rows[0])) + ")"
        statement = f"{insert} {', '.join([one] * size)}"
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            try:
                db.execute(statement, list(itertools.chain.from_iterable(chunk)))
            except UnicodeEncodeError:
                # Found before anything is inserted.
                db.execute(statement, list(itertools.chain.from_iterable(map(_storable, chunk))))
            start += size
