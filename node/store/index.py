"""The full-text index: adding words, removing words, and rebuilding the index when it is broken.

The index has tables of two kinds. `search` holds the words of all messages. `unspaced` holds what unspaced.py makes of
messages in scripts without spaces. Each shard has a table of each kind (shards.py). If one table is broken, all are
thrown away.

Law of this file: the index is derived data and can always be rebuilt from the messages. So a fault of the index never
fails a write. The writer catches IndexBroken, marks the index as broken, and repeats the write without it.

These facts change in the same transaction as the index:
- `indexed`: the last message in `search`. Notices aren't indexed.
- `index_whole`: up to this message everything is in shard 0.
- `indexed_unspaced`: the last message that `unspaced` has processed. It is never beyond `indexed`. After the migration
  to schema 6 it starts far behind.
- `index_broken`: why the index can't be used. Nothing reads or writes the index until it has been thrown away.
- `index_rebuilt`: the message that a rebuild has to reach for the index to be complete again.
- `index_owes`: the index may still contain words of deleted messages. "deleted": messages were deleted since the last
  erasing pass began. "erasing": a pass is under way.

Removing a message from an FTS5 index only adds a marker. Its words disappear when the segments of the index are merged.
SQLite 3.42 and later can remove them at once ("secure-delete"). For earlier versions an erasing pass merges all
segments into one, in small steps (https://sqlite.org/fts5.html#the_merge_command). Each pass adds up to two levels to
the index, and SQLite treats an index with more than 2,000 levels as corrupt (FTS5_MAX_SEGMENT in its fts5_index.c). So
one pass serves many deletions, and an index that comes near this limit is rebuilt.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

from node.errors import IndexBroken
from node.store import database, facts, segments, shards, unspaced

#: An index with more levels is rebuilt. It is half of SQLite's limit and allows some 500 erasing passes.
MAX_LEVELS = 1_000
#: Pages (about 4 KB each) that one erasing step writes. Also the rows, one per page, that one step of emptying removes.
STEP_PAGES = 128
#: Messages that one step scans for scripts without spaces, if few of them are in one. It takes some 10 ms.
STEP_LOOK = 4_000

#: Primary result codes caused by the disk, the machine or our own code, never by the index: READONLY, BUSY, LOCKED,
#: NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, CONSTRAINT, NOTADB.
_NOT_THE_INDEX = frozenset((
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_NOTADB,
))  # fmt: skip
_TEXTS = "entry JOIN body ON body.entry = entry.id WHERE entry.kind = 'text'"
_COLUMNS = "entry.id, body.text, 'r' || entry.room"
#: In conditions for `find`: the message.
ROWID = "hit.rowid"
#: Whether a text has a character beyond ASCII. SQLite evaluates this without holding Python's interpreter lock.
_BEYOND_ASCII = "length(CAST(body.text AS BLOB)) > length(body.text)"


# -- facts


def _put(db: sqlite3.Connection, name: str, value: str | None) -> None:
    if value is None:
        db.execute("DELETE FROM fact WHERE name = ?", (name,))
    else:
        db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))


def indexed_upto(db: sqlite3.Connection) -> int:
    """The last message that tables of both kinds have processed."""
    return min(_upto(db, kind) for kind in shards.KINDS)


def _upto(db: sqlite3.Connection, kind: str) -> int:
    return facts.held(db, "indexed" if kind == "search" else "indexed_unspaced")


def newest(db: sqlite3.Connection) -> int:
    """The highest message id ever assigned, including those of deleted messages: ids are never reused."""
    on_disk = db.execute("SELECT max(id) FROM entry").fetchone()[0] or 0
    return max(int(on_disk), facts.held(db, "last_message"))


def behind(db: sqlite3.Connection) -> int:
    """How many message ids the index is behind."""
    return newest(db) - indexed_upto(db)


def broken(db: sqlite3.Connection) -> str | None:
    """Why the index can't be used; None if it can."""
    return facts.text(db, "index_broken")


def rebuilding(db: sqlite3.Connection) -> bool:
    """Whether the index is incomplete because it was thrown away, or will be because it is broken."""
    return broken(db) is not None or facts.text(db, "index_rebuilt") is not None


def owes(db: sqlite3.Connection) -> bool:
    """Whether the index may still contain words of deleted messages."""
    return facts.text(db, "index_owes") is not None


# -- faults


@contextlib.contextmanager
def used(db: sqlite3.Connection) -> Iterator[None]:
    """Wrap every read or write of the index. Raises IndexBroken for a fault of the index; other errors pass through.

    After an error the caller must roll the transaction back. In some cases SQLite has already done so.
    """
    try:
        yield
        if db.in_transaction:
            # FTS5 buffers writes in memory until a savepoint or the commit. A savepoint makes a fault show up here;
            # at the commit it would be too late.
            db.execute("SAVEPOINT written")
            db.execute("RELEASE written")
    except segments.Unreadable as error:
        raise IndexBroken(str(error)) from error
    except MemoryError as error:
        # A damaged index may claim a size larger than any memory. If memory really is short, a rebuild does no harm.
        raise IndexBroken("it takes more memory than there is") from error
    except sqlite3.Error as error:
        if is_of_the_index(error):
            raise IndexBroken(str(error)) from error
        raise


@contextlib.contextmanager
def _written(db: sqlite3.Connection, tables: Sequence[str]) -> Iterator[None]:
    """Wrap every write of words to these tables, and merge on its behalf. Raises as `used` does."""
    with used(db):
        before = [segments.structure(db, table) for table in tables]
        yield
    with used(db):
        for table, structure in zip(tables, before, strict=True):
            segments.keep_up(db, table, structure)


def is_of_the_index(error: sqlite3.Error) -> bool:
    """Whether an error raised while the index was in use is a fault of the index, not of the disk."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) not in _NOT_THE_INDEX


def mark_broken(db: sqlite3.Connection, why: str) -> None:
    """Mark the index as broken: nothing uses it until it has been thrown away. Runs in the caller's transaction."""
    _put(db, "index_broken", why)
    _put(db, "indexed", "0")
    _put(db, "indexed_unspaced", "0")


def check(db: sqlite3.Connection) -> None:
    """Check the structure of the index, not every page, and have it merged by steps from now on.

    Takes the same short time for any size. Runs in the caller's transaction. Raises IndexBroken if the index can't be
    used or has too many levels.
    """
    for table in shards.layout(db).tables():
        with used(db):
            db.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH '\"a\"' LIMIT 1").fetchone()  # noqa: S608
            segments.merge_by_steps(db, table)
            count = segments.structure(db, table).levels
        if count > MAX_LEVELS:
            raise IndexBroken(f"it has {count} levels, and {MAX_LEVELS} are as many as it may have")


# -- finding


def find(db: sqlite3.Connection, expressions: Mapping[str, str], before: int, count: int, shown: str) -> list[int]:
    """The newest messages below the id `before` that match, at most `count`, newest first. Raises IndexBroken.

    `expressions`: what is asked of each kind of table. `shown`: further conditions, for the row with id ROWID.
    """
    found: set[int] = set()
    for shard, upto in shards.layout(db).newest().items():
        if len(found) >= count and sorted(found)[-count] > upto:
            break
        for kind, expression in expressions.items():
            table = shards.table(kind, shard)
            with used(db):
                rows = db.execute(
                    f"SELECT {ROWID} FROM {table} AS hit WHERE {table} MATCH ? AND {ROWID} < ? {shown}"  # noqa: S608
                    f" ORDER BY {ROWID} DESC LIMIT ?",
                    (expression, before, count),
                )
                found.update(id_ for (id_,) in rows)
    return sorted(found, reverse=True)[:count]


# -- words in


def advance(db: sqlite3.Connection, limit: int) -> int:
    """Index the next messages, at most `limit`; returns how many are left. Runs in the caller's transaction.

    Does nothing and returns 0 if the index is marked as broken. Raises IndexBroken if it turns out to be.
    """
    if broken(db) is not None:
        return 0
    done = _upto(db, "search")
    last = newest(db)
    where = shards.layout(db)
    upto = min(done + limit, last, where.end(done + 1))
    if upto > done:
        _make(db, where, where.of(upto))
        _add(db, where.of(upto), "entry.id > ? AND entry.id <= ?", (done, upto))
        _put(db, "indexed", str(upto))
    upto = _advance_unspaced(db, where, upto, limit)
    rebuilt = facts.text(db, "index_rebuilt")
    if rebuilt is not None and upto >= facts.number("index_rebuilt", rebuilt):
        _put(db, "index_rebuilt", None)
    return last - upto


def _make(db: sqlite3.Connection, where: shards.Layout, shard: int) -> None:
    """Make the tables of a shard when the index comes to it for the first time."""
    if shard not in where.newest():
        with used(db):
            for table in shards.make(db, shard):
                segments.merge_by_steps(db, table)


def _advance_unspaced(db: sqlite3.Connection, where: shards.Layout, last: int, limit: int) -> int:
    """Add the next messages up to `last` to `unspaced`, `limit` rows at most; returns the last one processed."""
    done = _upto(db, "unspaced")
    upto = min(done + max(limit, STEP_LOOK), last, where.end(done + 1))
    if upto > done:
        rows = list(itertools.islice(_unspaced(db, "entry.id > ? AND entry.id <= ?", (done, upto)), limit))
        if len(rows) == limit:
            upto = rows[-1][0]
        _add_unspaced(db, where.of(upto), rows)
        _put(db, "indexed_unspaced", str(upto))
    return upto


def readable(db: sqlite3.Connection, limit: int) -> None:
    """Read the messages that `advance` would index next. An error raised here is not a fault of the index."""
    for table, count in (("search", limit), ("unspaced", max(limit, STEP_LOOK))):
        done = _upto(db, table)
        db.execute(
            f"SELECT sum(length(body.text)), count({_COLUMNS.split(', ')[2]}) FROM {_TEXTS}"  # noqa: S608
            " AND entry.id > ? AND entry.id <= ?",
            (done, done + count),
        ).fetchone()


def _unspaced(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> Iterator[tuple[int, str, str]]:
    """The rows of `unspaced` for the messages that match `where`, ordered by id. Other scripts are skipped."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM {_TEXTS} AND {_BEYOND_ASCII} AND {where} ORDER BY entry.id",  # noqa: S608
        values,
    )
    return ((id_, unspaced.indexed(text), room) for id_, text, room in found if unspaced.has_run(text))


def _add(db: sqlite3.Connection, shard: int, where: str, values: tuple[int, ...]) -> None:
    table = shards.table("search", shard)
    with _written(db, [table]):
        db.execute(f"INSERT INTO {table} (rowid, text, room) SELECT {_COLUMNS} FROM {_TEXTS} AND {where}", values)  # noqa: S608


def _add_unspaced(db: sqlite3.Connection, shard: int, rows: Iterable[tuple[int, str, str]]) -> None:
    table = shards.table("unspaced", shard)
    with _written(db, [table]):
        db.executemany(f"INSERT INTO {table} (rowid, text, room) VALUES (?, ?, ?)", rows)  # noqa: S608


def _each_shard(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    """The shards of the indexed messages that match `where`, each with a condition that these messages fulfil."""
    layout = shards.layout(db)
    where += f" AND entry.id <= {layout.upto:d}"
    for (shard,) in db.execute(f"SELECT DISTINCT {layout.sql} FROM entry WHERE {where}", values).fetchall():  # noqa: S608
        yield shard, f"{where} AND {layout.sql} = {shard:d}"


# -- words out


def _take_out(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    """Remove the messages that match `where` from the index. Those that aren't indexed yet are skipped."""
    for shard, these in _each_shard(db, where, values):
        of_words, of_runs = tables = [shards.table(kind, shard) for kind in shards.KINDS]
        with _written(db, tables):
            if sqlite3.sqlite_version_info >= (3, 42):
                for table in tables:
                    db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 1)")  # noqa: S608
            db.execute(
                f"INSERT INTO {of_words} ({of_words}, rowid, text, room)"  # noqa: S608
                f" SELECT 'delete', {_COLUMNS} FROM {_TEXTS} AND {these}",
                values,
            )
            db.executemany(
                f"INSERT INTO {of_runs} ({of_runs}, rowid, text, room) VALUES ('delete', ?, ?, ?)",  # noqa: S608
                _unspaced(db, f"{these} AND entry.id <= ?", (*values, _upto(db, "unspaced"))),
            )


def _put_back(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    """Index the messages that match `where` again, as far as the index had them."""
    for shard, these in _each_shard(db, where, values):
        _add(db, shard, these, values)
        _add_unspaced(db, shard, _unspaced(db, f"{these} AND entry.id <= ?", (*values, _upto(db, "unspaced"))))


def move(db: sqlite3.Connection, room: int, into: int, limit: int) -> int:
    """Move messages of a room to another one, in the index and in `entry`, at most `limit`; returns how many.

    Raises IndexBroken.
    """
    db.execute("CREATE TEMP TABLE IF NOT EXISTS moved (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM moved")
    db.execute("INSERT INTO moved SELECT id FROM entry WHERE room = ? ORDER BY clock, tie LIMIT ?", (room, limit))
    return _move(db, into, "entry.id IN (SELECT id FROM moved)", ())


def move_message(db: sqlite3.Connection, id_: int, into: int) -> None:
    """Move one message to another room, in the index and in `entry`; none where it is in that room already.

    Raises IndexBroken.
    """
    if db.execute("SELECT 1 FROM entry WHERE id = ? AND room <> ?", (id_, into)).fetchone() is not None:
        _move(db, into, "entry.id = ?", (id_,))


def _move(db: sqlite3.Connection, into: int, where: str, values: tuple[int, ...]) -> int:
    unbroken = broken(db) is None
    if unbroken:
        _take_out(db, where, values)
    count = db.execute(f"UPDATE entry SET room = ? WHERE {where}", (into, *values)).rowcount  # noqa: S608
    if unbroken:
        _put_back(db, where, values)
    return count


def forget_listed(db: sqlite3.Connection) -> None:
    """Remove the messages listed in the table `gone` from the index, before they are deleted. Raises IndexBroken."""
    # A broken index will be thrown away with all its words, so there is nothing to remove.
    if broken(db) is None:
        _take_out(db, "entry.id IN (SELECT id FROM gone)", ())
        if sqlite3.sqlite_version_info < (3, 42):
            _put(db, "index_owes", "deleted")


def begin_erasing(db: sqlite3.Connection) -> None:
    """Begin an erasing pass. Words that are removed from now on wait for the next pass. Raises IndexBroken."""
    _put(db, "index_owes", "erasing")
    # A negative number first puts all segments on one level, so that the whole index is merged.
    for table in shards.layout(db).tables():
        _merge(db, table, -STEP_PAGES)


def erase(db: sqlite3.Connection) -> bool:
    """Do one step of the current erasing pass; returns whether there is more to do. Raises IndexBroken."""
    if any(_merge(db, table, STEP_PAGES) for table in shards.layout(db).tables()):
        return True
    if facts.text(db, "index_owes") == "erasing":
        _put(db, "index_owes", None)
    return False


def _merge(db: sqlite3.Connection, table: str, pages: int) -> bool:
    with used(db):
        return segments.merge(db, table, pages)


# -- throwing it away


def empty(db: sqlite3.Connection, table: str) -> bool:
    """Do one step of emptying a table of a broken index: overwrite and free a few of its pages.

    Returns whether pages may be left. Needs a transaction of its own for each table, because SQLite may roll it back.
    Raises IndexBroken if the pages can't be read; then they have to stay in the file.
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
    """Replace a broken index with an empty one of one shard. Runs in the caller's transaction. Raises IndexBroken.

    DROP TABLE reads the index and fails if it is broken, so the tables' rows in the schema are deleted instead.
    `tables`: whether the shadow tables can be read and so be dropped. If not, only their rows in the schema are
    deleted, and their pages stay in the file.
    """
    with used(db):
        _replace(db, tables)
        for table in shards.KINDS:
            segments.merge_by_steps(db, table)
    _put(db, "index_broken", None)
    _put(db, "index_whole", None)
    _put(db, "index_owes", None)
    _put(db, "index_rebuilt", str(newest(db)))


def _replace(db: sqlite3.Connection, tables: bool) -> None:
    shadows = [f"{table}_{name}" for table in shards.TABLES for name in shards.SHADOWS]
    names = list(shards.TABLES) if tables else [*shards.TABLES, *shadows]
    marks = ", ".join("?" * len(names))
    db.execute("PRAGMA writable_schema = ON")
    try:
        db.execute(f"DELETE FROM sqlite_schema WHERE tbl_name IN ({marks})", names)  # noqa: S608
    finally:
        # This also makes the connection drop its cached schema, with the broken tables.
        db.execute("PRAGMA writable_schema = RESET")
    for name in shadows:
        db.execute(f"DROP TABLE IF EXISTS {name}")
    # Run the statements of the migrations again, so that the schema is the same as before.
    for _, _, script in database.migrations():
        for sql in database.statements(script):
            made = sql.find("CREATE VIRTUAL TABLE ")
            if made >= 0:
                db.execute(sql[made:])
