"""Opening the database of a home: settings that promises rest on, and migrations."""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import pathlib
import re
import sqlite3

from node.errors import StoreCorrupt, StoreTooNew, StoreUnavailable
from node.store import genuine

FILE_NAME = "snicher.db"
#: "Snch" in ASCII: tells our files from other SQLite databases (PRAGMA application_id).
APPLICATION_ID = 0x536E6368
#: How long a connection waits for a lock before it gives up, in seconds. There is one writer, so only a checkpoint or
#: somebody's backup can hold one.
BUSY_S = 5.0
#: The WAL is folded back into the database at about this many pages of 4 KiB.
CHECKPOINT_PAGES = 4_000
#: What stays of the WAL's file once it was folded back: about what it grows to in ordinary use, so that it isn't cut
#: and grown again each time. Beyond is what was written while somebody read for long. (A frame's header has 24 bytes.)
WAL_BYTES = CHECKPOINT_PAGES * (4096 + 24) + 32


def migrations() -> list[tuple[int, str, str]]:
    """All schema files as (number, name, SQL), in order."""
    found = []
    for file in importlib.resources.files("node.store").joinpath("schema").iterdir():
        match = re.fullmatch(r"(\d{4})_\w+\.sql", file.name)
        if match is not None:
            found.append((int(match[1]), file.name, file.read_text("utf-8")))
    return sorted(found)


def connect(home: pathlib.Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the settings that every one must have. Transactions are begun and ended by hand.

    Raises StoreUnavailable or StoreCorrupt.
    """
    path = home / FILE_NAME
    db = None
    try:
        genuine.check_files(path)
        # Never "rwc": a database that is gone must not come back as an empty one.
        db = _open(f"{path.as_uri()}?mode={'ro' if read_only else 'rw'}")
        if not read_only:
            if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise sqlite3.OperationalError("this disk can't keep a write-ahead log (WAL)")
            # NORMAL may lose the last commits in a power cut, and would then reuse numbers that others have seen.
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            # What is deleted is overwritten with zeros, also where the search index moves words to another page.
            # Debian's SQLite does so anyway.
            db.execute("PRAGMA secure_delete = ON")
            db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -16000")
        db.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.DatabaseError as error:
        if db is not None:
            db.close()
        raise as_store_error(path, error) from error
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be used: {error.strerror}.") from error
    return db


def _open(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    # What SQLite advises for a file that somebody else may have written (https://sqlite.org/security.html): nothing in
    # its schema calls functions that do more than compute, and damaged pages are noticed when they are read.
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def as_store_error(path: pathlib.Path, error: sqlite3.DatabaseError) -> StoreCorrupt | StoreUnavailable:
    """What SQLite found, as one of our errors."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(f"{path} can't be used: {error}.")
    return StoreCorrupt(f"{path} is not a Snicher database, or is damaged: {error}.")


def open_for_writing(home: pathlib.Path) -> sqlite3.Connection:
    """The writer's connection, with all migrations applied.

    Raises StoreTooNew when a newer Snicher wrote the database, StoreCorrupt when it isn't ours, was changed by another
    program or is damaged, and StoreUnavailable when it can't be written; nothing is changed then.
    """
    path = home / FILE_NAME
    try:
        genuine.check_files(path)
        if path.exists():
            _look(path)
        else:
            # Only its owner may read it, also in a home that others can look into; SQLite gives the WAL the same mode.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be used: {error.strerror}.") from error
    db = connect(home)
    try:
        # Once more: a rollback journal beside the file, which was not looked at, may have changed it.
        version = _check(path, db)
        for number, _, sql in migrations():
            if number > version:
                migrate(db, number, sql)
    except sqlite3.DatabaseError as error:
        db.close()
        raise as_store_error(path, error) from error
    except BaseException:
        db.close()
        raise
    return db


def _look(path: pathlib.Path) -> None:
    """Make sure, without changing a byte, that a database is ours and not too new.

    `connect` would change it: it switches the file to WAL. Raises as `open_for_writing`.
    """
    # SQLite keeps the WAL beside the file itself, not beside a link to it.
    file = path.resolve()
    wal = file.with_name(file.name + "-wal")
    # Without a WAL, "immutable" keeps SQLite from leaving files of its own beside what may be somebody else's.
    immutable = "" if wal.exists() and wal.stat().st_size else "&immutable=1"
    try:
        with contextlib.closing(_open(f"{path.as_uri()}?mode=ro{immutable}")) as db:
            _check(path, db)
    except sqlite3.DatabaseError as error:
        raise as_store_error(path, error) from error


def _check(path: pathlib.Path, db: sqlite3.Connection) -> int:
    """The schema's number in a database that is ours, not too new, and unchanged by others. Raises as `_look`."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application not in (APPLICATION_ID, 0) or (application == 0 and (tables or version)) or version < 0:
        raise StoreCorrupt(f"{path} is a database of another program. Nothing was changed.")
    newest = migrations()[-1][0]
    if version > newest:
        raise StoreTooNew(
            f"{path} was written by a newer Snicher (schema {version}; this program knows {newest}). "
            "Nothing was changed. Start the newer program, or use another --home."
        )
    genuine.check(path, db, _made(version))
    return version


def _made(version: int) -> genuine.Schema:
    """What our migrations up to a number make in an empty database."""
    with contextlib.closing(_open("file::memory:")) as db:
        for number, _, sql in migrations():
            if number <= version:
                migrate(db, number, sql)
        return genuine.schema(db)


def migrate(db: sqlite3.Connection, number: int, sql: str) -> None:
    """Apply one schema file in one transaction, with its number as its record."""
    db.execute("BEGIN IMMEDIATE")
    try:
        # Not executescript: that commits first, and one transaction would become many.
        for statement in statements(sql):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {number:d}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def statements(sql: str) -> list[str]:
    """The statements of a script, in order; a trigger with all of its body is one. Raises ValueError."""
    found, current = [], ""
    for piece in sql.split(";")[:-1]:
        current += piece + ";"
        # SQLite itself knows which semicolons stand in a text, a comment or a trigger.
        if sqlite3.complete_statement(current):
            found.append(current.strip())
            current = ""
    current += sql.rpartition(";")[2]
    if re.sub(r"--[^\n]*|/\*.*?\*/", "", current, flags=re.DOTALL).strip():
        raise ValueError("The last statement of a schema file has no end.")
    return found
