"""The full-text index: what it holds, how words leave it, and how it is thrown away and built anew when it is broken.

It has two tables: `search` has the words of all messages, `unspaced` what unspaced.py makes of those in scripts without
spaces. When one of them is broken, both are thrown away.

Law of this file: the index is derived. All of it can be built again from the messages, so no fault of it ever fails a
write: whoever writes meets IndexBroken, marks the index as broken, and writes again without it.

Facts, each moved in the same transaction as the index:
- `indexed`: the last message in `search`. Notices aren't indexed.
- `indexed_unspaced`: the last message that `unspaced` has seen. Never beyond `indexed`; far behind it after schema 6
  was brought in.
- `index_broken`: why the index can't be used. Until it has been thrown away nothing reads or writes it.
- `index_rebuilt`: up to which message the index has to get before it is complete again after it was thrown away.
- `index_owes`: words of messages that are no more may still stand in the index. "deleted": since the last pass of
  erasing began; "erasing": a pass is under way.

Taking a message out of an FTS5 index adds a marker; the words go when the pieces of the index (its segments) are
merged. SQLite 3.42 and later remove them at once ("secure-delete"). For earlier ones a pass of erasing merges all
segments into one, in small steps (https://sqlite.org/fts5.html#the_merge_command). Each pass adds up to two levels to
the index, and one with more than 2,000 levels counts as corrupt (FTS5_MAX_SEGMENT in SQLite's fts5_index.c). So a pass
serves many deletions, and an index that comes near that number is built anew.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator

from node.errors import IndexBroken
from node.store import database, facts, unspaced

#: Levels at which the index is built anew: half of what SQLite takes, so some 500 passes of erasing.
MAX_LEVELS = 1_000
#: Pages of about 4 KB that one step of erasing writes, and rows of such pages that one step of throwing away removes.
STEP_PAGES = 128
#: Messages that one step looks through for those in scripts without spaces, when most are none: some 10 ms.
STEP_LOOK = 4_000

#: Primary result codes that are the disk's, the machine's or our own doing, never the index's: READONLY, BUSY, LOCKED,
#: NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, CONSTRAINT, NOTADB.
_NOT_THE_INDEX = frozenset((
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_NOTADB,
))  # fmt: skip
#: FTS5's own tables behind the virtual one; `data` holds the words.
_SHADOWS = ("data", "idx", "content", "docsize", "config")
TABLES = ("search", "unspaced")
_TEXTS = "entry JOIN body ON body.entry = entry.id WHERE entry.kind = 'text'"
_COLUMNS = "entry.id, body.text, 'r' || entry.room"
#: True of every text with a character beyond ASCII. SQLite looks at that with the interpreter lock given back.
_BEYOND_ASCII = "length(CAST(body.text AS BLOB)) > length(body.text)"


# -- facts


def _fact(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def _number(db: sqlite3.Connection, name: str) -> int:
    """A fact that is a number; 0 before there was any. Raises StoreCorrupt when it is none."""
    value = _fact(db, name)
    return 0 if value is None else facts.number(name, value)


def _put(db: sqlite3.Connection, name: str, value: str | None) -> None:
    if value is None:
        db.execute("DELETE FROM fact WHERE name = ?", (name,))
    else:
        db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))


def indexed_upto(db: sqlite3.Connection) -> int:
    """The last message that the whole index has seen."""
    return min(_upto(db, table) for table in TABLES)


def _upto(db: sqlite3.Connection, table: str) -> int:
    return _number(db, "indexed" if table == "search" else "indexed_unspaced")


def newest(db: sqlite3.Connection) -> int:
    """The highest message id that was ever given out: those of deleted messages aren't used again."""
    on_disk = db.execute("SELECT max(id) FROM entry").fetchone()[0] or 0
    return max(int(on_disk), _number(db, "last_message"))


def behind(db: sqlite3.Connection) -> int:
    """How many message ids the index is behind."""
    return newest(db) - indexed_upto(db)


def broken(db: sqlite3.Connection) -> str | None:
    """Why the index can't be used; None when it can."""
    return _fact(db, "index_broken")


def rebuilding(db: sqlite3.Connection) -> bool:
    """Whether the index was thrown away, or will be, and isn't complete again."""
    return broken(db) is not None or _fact(db, "index_rebuilt") is not None


def owes(db: sqlite3.Connection) -> bool:
    """Whether words of messages that are no more may still stand in the index."""
    return _fact(db, "index_owes") is not None


# -- faults


@contextlib.contextmanager
def used(db: sqlite3.Connection) -> Iterator[None]:
    """The index is read or written within. Raises IndexBroken when it can't be, and whatever else SQLite raises.

    A transaction in which this raises must be rolled back: SQLite itself does so in some cases.
    """
    try:
        yield
        if db.in_transaction:
            # FTS5 keeps what was written in memory until a savepoint or the commit; the commit would be too late.
            db.execute("SAVEPOINT written")
            db.execute("RELEASE written")
    except MemoryError as error:
        # It says of itself that it is larger than any memory. If the memory really is too small, building it anew is no
        # harm.
        raise IndexBroken("it takes more memory than there is") from error
    except sqlite3.Error as error:
        if is_of_the_index(error):
            raise IndexBroken(str(error)) from error
        raise


def is_of_the_index(error: sqlite3.Error) -> bool:
    """Whether an error that came up while the index was used is the index's own, and not the disk's."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) not in _NOT_THE_INDEX


def mark_broken(db: sqlite3.Connection, why: str) -> None:
    """From now on nothing uses the index until it has been thrown away. Within the caller's transaction."""
    _put(db, "index_broken", why)
    _put(db, "indexed", "0")
    _put(db, "indexed_unspaced", "0")


def levels(db: sqlite3.Connection, table: str = "search") -> int:
    """How many levels a table of the index has. Raises IndexBroken when that can't be read."""
    with used(db):
        row = db.execute(f"SELECT block FROM {table}_data WHERE id = 10").fetchone()  # noqa: S608
    # The structure record: a cookie of 4 bytes, since 3.43 perhaps a version of 4, then the number of levels.
    record = bytes(row[0]) if row is not None and isinstance(row[0], bytes) else b""
    count, start = 0, 8 if record[4:8] == b"\xff\x00\x00\x01" else 4
    for byte in record[start : start + 9]:
        count = count << 7 | byte & 0x7F
        if byte < 0x80:
            return count
    raise IndexBroken("its structure record can't be read")


def check(db: sqlite3.Connection) -> None:
    """See whether the index can be used: its structure, not every page. Takes the same short time for any size.

    Raises IndexBroken.
    """
    for table in TABLES:
        with used(db):
            db.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH '\"a\"' LIMIT 1").fetchone()  # noqa: S608
        count = levels(db, table)
        if count > MAX_LEVELS:
            raise IndexBroken(f"it has {count} levels, and {MAX_LEVELS} are as many as it may have")


# -- words in


def advance(db: sqlite3.Connection, limit: int) -> int:
    """Index the next messages, at most `limit`; returns how many are left. Within the caller's transaction.

    Raises IndexBroken.
    """
    if broken(db) is not None:
        return 0
    done = _upto(db, "search")
    last = newest(db)
    upto = min(done + limit, last)
    if upto > done:
        _add(db, "entry.id > ? AND entry.id <= ?", (done, upto))
        _put(db, "indexed", str(upto))
    upto = _advance_unspaced(db, upto, limit)
    rebuilt = _fact(db, "index_rebuilt")
    if rebuilt is not None and upto >= facts.number("index_rebuilt", rebuilt):
        _put(db, "index_rebuilt", None)
    return last - upto


def _advance_unspaced(db: sqlite3.Connection, last: int, limit: int) -> int:
    """Take in the next messages up to `last`, at most `limit` of those in scripts without spaces; returns how far."""
    done = _upto(db, "unspaced")
    upto = min(done + max(limit, STEP_LOOK), last)
    if upto > done:
        rows = list(itertools.islice(_unspaced(db, "entry.id > ? AND entry.id <= ?", (done, upto)), limit))
        if len(rows) == limit:
            upto = rows[-1][0]
        _add_unspaced(db, rows)
        _put(db, "indexed_unspaced", str(upto))
    return upto


def readable(db: sqlite3.Connection, limit: int) -> None:
    """Read what `advance` would index next. What that raises isn't the index's fault."""
    for table, count in (("search", limit), ("unspaced", max(limit, STEP_LOOK))):
        done = _upto(db, table)
        db.execute(
            f"SELECT sum(length(body.text)), count({_COLUMNS.split(', ')[2]}) FROM {_TEXTS}"  # noqa: S608
            " AND entry.id > ? AND entry.id <= ?",
            (done, done + count),
        ).fetchone()


def _unspaced(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> Iterator[tuple[int, str, str]]:
    """The rows of `unspaced` for some messages, in order: those in scripts without spaces."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM {_TEXTS} AND {_BEYOND_ASCII} AND {where} ORDER BY entry.id",  # noqa: S608
        values,
    )
    return ((id_, unspaced.indexed(text), room) for id_, text, room in found if unspaced.has_run(text))


def _add(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    with used(db):
        db.execute(f"INSERT INTO search (rowid, text, room) SELECT {_COLUMNS} FROM {_TEXTS} AND {where}", values)  # noqa: S608


def _add_unspaced(db: sqlite3.Connection, rows: Iterable[tuple[int, str, str]]) -> None:
    with used(db):
        db.executemany("INSERT INTO unspaced (rowid, text, room) VALUES (?, ?, ?)", rows)


# -- words out


def _take_out(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    """Take messages out, as far as they are in it."""
    where += " AND entry.id <= ?"
    with used(db):
        if sqlite3.sqlite_version_info >= (3, 42):
            for table in TABLES:
                db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 1)")  # noqa: S608
        db.execute(
            f"INSERT INTO search (search, rowid, text, room) SELECT 'delete', {_COLUMNS} FROM {_TEXTS} AND {where}",  # noqa: S608
            (*values, _upto(db, "search")),
        )
        db.executemany(
            "INSERT INTO unspaced (unspaced, rowid, text, room) VALUES ('delete', ?, ?, ?)",
            _unspaced(db, where, (*values, _upto(db, "unspaced"))),
        )


def move(db: sqlite3.Connection, room: int, into: int) -> None:
    """A room's messages move to another one, here and in `entry`. Raises IndexBroken."""
    if broken(db) is not None:
        db.execute("UPDATE entry SET room = ? WHERE room = ?", (into, room))
        return
    _take_out(db, "entry.room = ?", (room,))
    db.execute("CREATE TEMP TABLE IF NOT EXISTS moved (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM moved")
    db.execute("INSERT INTO moved SELECT id FROM entry WHERE room = ? AND id <= ?", (room, _upto(db, "search")))
    db.execute("UPDATE entry SET room = ? WHERE room = ?", (into, room))
    _add(db, "entry.id IN (SELECT id FROM moved)", ())
    seen = _upto(db, "unspaced")
    _add_unspaced(db, _unspaced(db, "entry.id IN (SELECT id FROM moved) AND entry.id <= ?", (seen,)))
    db.execute("DELETE FROM moved")


def forget_room(db: sqlite3.Connection, room: int) -> None:
    """Take a room's messages out of the index, before they go. Raises IndexBroken."""
    _forget(db, "entry.room = ?", (room,))


def forget_old(db: sqlite3.Connection) -> None:
    """Take the messages in `gone` out of the index, before they go. Raises IndexBroken."""
    _forget(db, "entry.id IN (SELECT id FROM gone)", ())


def _forget(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    # A broken index goes whole, with all words that are in it.
    if broken(db) is None:
        _take_out(db, where, values)
        if sqlite3.sqlite_version_info < (3, 42):
            _put(db, "index_owes", "deleted")


def begin_erasing(db: sqlite3.Connection) -> None:
    """Begin a pass of erasing. Words taken out from now on are for the next one. Raises IndexBroken."""
    _put(db, "index_owes", "erasing")
    # A negative number puts all segments on one level first, so that what is merged is the whole index.
    for table in TABLES:
        _merge(db, table, -STEP_PAGES)


def erase(db: sqlite3.Connection) -> bool:
    """A step of the pass that was begun; returns whether there is more to do. Raises IndexBroken."""
    if any(_merge(db, table, STEP_PAGES) for table in TABLES):
        return True
    if _fact(db, "index_owes") == "erasing":
        _put(db, "index_owes", None)
    return False


def _merge(db: sqlite3.Connection, table: str, pages: int) -> bool:
    """Merge segments, writing about so many pages; returns whether anything was done."""
    before = db.total_changes
    with used(db):
        db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,))  # noqa: S608
    # The statement itself counts as one (https://sqlite.org/fts5.html#the_merge_command).
    return db.total_changes - before >= 2


# -- throwing it away


def empty(db: sqlite3.Connection, table: str) -> bool:
    """A step of emptying a table of a broken index: a few of its pages are overwritten and freed.

    Returns whether any are left. Within a transaction for this table alone: SQLite may roll it back. Raises IndexBroken
    when they can't be read either: then they can only be left to lie.
    """
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (f"{table}_data",)).fetchone() is None:
        return False
    with used(db):
        gone = db.execute(
            f"DELETE FROM {table}_data WHERE id IN (SELECT id FROM {table}_data ORDER BY id DESC LIMIT ?)",  # noqa: S608
            (STEP_PAGES,),
        )
    return gone.rowcount > 0


def discard(db: sqlite3.Connection, *, tables: bool) -> None:
    """Put an empty index in the place of a broken one. Within the caller's transaction.

    DROP TABLE asks the index itself, and fails when it is broken, so its row in the schema is deleted. `tables` False:
    the tables behind it can't be read; only their rows in the schema are deleted, and what they took in the file stays.
    Raises IndexBroken.
    """
    with used(db):
        _replace(db, tables)
    _put(db, "index_broken", None)
    _put(db, "index_owes", None)
    _put(db, "index_rebuilt", str(newest(db)))


def _replace(db: sqlite3.Connection, tables: bool) -> None:
    shadows = [f"{table}_{name}" for table in TABLES for name in _SHADOWS]
    names = list(TABLES) if tables else [*TABLES, *shadows]
    marks = ", ".join("?" * len(names))
    db.execute("PRAGMA writable_schema = ON")
    try:
        db.execute(f"DELETE FROM sqlite_schema WHERE tbl_name IN ({marks})", names)  # noqa: S608
    finally:
        # Also forgets what this connection knows of the schema, the broken table included.
        db.execute("PRAGMA writable_schema = RESET")
    for name in shadows:
        db.execute(f"DROP TABLE IF EXISTS {name}")
    # Exactly as the migrations made them, so that the schema is the same as before.
    for _, _, script in database.migrations():
        for sql in database.statements(script):
            made = sql.find("CREATE VIRTUAL TABLE ")
            if made >= 0:
                db.execute(sql[made:])
