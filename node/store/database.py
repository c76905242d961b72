"""Opening the database of a home: the SQLite settings that our guarantees depend on, and migrations."""

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
#: "Snch" in ASCII. It distinguishes our files from other SQLite databases (PRAGMA application_id).
APPLICATION_ID = 0x536E6368
#: How long a connection waits for a lock, in seconds. There is only one writer, so only a checkpoint or somebody's
#: backup can hold a lock.
BUSY_S = 5.0
#: SQLite checkpoints the WAL at about this many pages of 4 KiB.
CHECKPOINT_PAGES = 4_000
#: A longer WAL file is cut to this many bytes after a checkpoint. This is about its size in ordinary use, so that it
#: isn't cut and grown again each time. It grows longer while somebody reads for long. (A frame's header is 24 bytes.)
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
    """Open a connection with the settings that every connection needs. The caller begins and ends transactions.

    Raises StoreUnavailable or StoreCorrupt.
    """
    path = home / FILE_NAME
    db = None
    try:
        genuine.check_files(path)
        # Never use "rwc": it would replace a missing database with an empty one.
        db = _open(f"{path.as_uri()}?mode={'ro' if read_only else 'rw'}")
        if not read_only:
            if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise sqlite3.OperationalError("this disk can't keep a write-ahead log (WAL)")
            # NORMAL may lose the last commits in a power cut, and would then reuse numbers that others have seen.
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            # Overwrite deleted data with zeros, also where the search index moves words to another page. Debian's
            # SQLite does so by default.
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
    # SQLite's advice for a file that somebody else may have written (https://sqlite.org/security.html). Its schema
    # can't call functions with side effects, and damaged pages are detected when they are read.
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def as_store_error(path: pathlib.Path, error: sqlite3.DatabaseError) -> StoreCorrupt | StoreUnavailable:
    """Convert an error of SQLite into one of ours."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(f"{path} can't be used: {error}.")
    return StoreCorrupt(f"{path} is not a Snicher database, or is damaged: {error}.")


def open_for_writing(home: pathlib.Path) -> sqlite3.Connection:
    """Open the writer's connection and apply all migrations. Creates the database if there is none.

    Raises StoreTooNew if a newer Snicher wrote the database, StoreCorrupt if it isn't ours, was changed by another
    program or is damaged, and StoreUnavailable if it can't be written. Nothing is changed in these cases.
    """
    path = home / FILE_NAME
    try:
        genuine.check_files(path)
        if path.exists():
            examine(path)
        else:
            # Only the owner may read the file, even in a home that others can read. SQLite gives the WAL the same mode.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be used: {error.strerror}.") from error
    db = connect(home)
    try:
        # Check again: the first check ignores a rollback journal beside the file, which may have changed it now.
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


def examine(path: pathlib.Path) -> None:
    """Check that a database is ours and not too new, without changing a byte.

    `connect` would change the file: it switches it to WAL mode. Raises the same errors as `open_for_writing`.
    """
    # SQLite keeps the WAL beside the file itself, not beside a link to it.
    file = path.resolve()
    wal = file.with_name(file.name + "-wal")
    # If there is no WAL, "immutable" keeps SQLite from creating files beside a database that may be somebody else's.
    immutable = "" if wal.exists() and wal.stat().st_size else "&immutable=1"
    try:
        with contextlib.closing(_open(f"{path.as_uri()}?mode=ro{immutable}")) as db:
            _check(path, db)
    except sqlite3.DatabaseError as error:
        raise as_store_error(path, error) from error


def _check(path: pathlib.Path, db: sqlite3.Connection) -> int:
    """Check that a database is ours, not too new and unchanged by others; returns its schema number.

    Raises the same errors as `examine`.
    """
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
    """The schema that our migrations up to a number create in an empty database."""
    with contextlib.closing(_open("file::memory:")) as db:
        for number, _, sql in migrations():
            if number <= version:
                migrate(db, number, sql)
        return genuine.schema(db)


def migrate(db: sqlite3.Connection, number: int, sql: str) -> None:
    """Apply one schema file and record its number, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        # Don't use executescript: it commits first, so this would not be one transaction.
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
    """Split a script into its statements; a trigger with its body is one. Raises ValueError if the last has no end."""
    found, current = [], ""
    for piece in sql.split(";")[:-1]:
        current += piece + ";"
        # SQLite itself knows which semicolons are inside a text, a comment or a trigger.
        if sqlite3.complete_statement(current):
            found.append(current.strip())
            current = ""
    current += sql.rpartition(";")[2]
    if re.sub(r"--[^\n]*|/\*.*?\*/", "", current, flags=re.DOTALL).strip():
        raise ValueError("The last statement of a schema file has no end.")
    return found
