"""Making a backup of a home while a node runs on it, or while none does.

SQLite copies the database, page by page, from one read transaction: the copy is the database at one moment. In WAL
mode readers don't hold up the writer; but the write-ahead log can't be cut until the copy is made. The copy is checked
before it becomes part of the backup: a database that is damaged is noticed while there may be an older backup.

Law of this file: it changes nothing in the home.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
from collections.abc import Callable

from node.bus import nouns, ownership
from node.errors import FileUnfit, KeptFileError, StoreCorrupt, StoreError
from node.store import archive, database, facts, files, identity
from node.store.identity import Identity

#: Pages copied at once: 4 MiB. Between them other programs can read and write the file.
STEP = 1024
#: Seals an identity with a passphrase: the content of the part `identity.sealed`.
Seal = Callable[[Identity], bytes]


def make(home: pathlib.Path, path: pathlib.Path, program: str, *, force: bool, seal: Seal | None) -> archive.Manifest:
    """Write a backup of a home to `path`; returns its manifest. Without `seal` the identity in it is in clear.

    Raises FileUnfit when there is nothing to back up, PlaceTaken, KeptFileError, StoreError and HomeRefused.
    """
    files.check_outside(path, home)
    files.check_free(path, force=force)
    check_home(home)
    one = identity.read(home)
    with files.workspace(path) as folder:
        whose = archive.IDENTITY if seal is None else archive.SEALED
        files.put(folder / whose, one.content if seal is None else seal(one))
        names = [whose]
        settings = _settings(home)
        if settings is not None:
            files.put(folder / archive.CONFIG, settings)
            names.append(archive.CONFIG)
        copy = folder / archive.DATABASE
        _copy(home, copy)
        try:
            schema, messages, name = examine(copy)
        except StoreError as error:
            # The copy is as its original was.
            raise type(error)(str(error).replace(str(copy), str(home / database.FILE_NAME))) from error
        names.append(archive.DATABASE)
        with contextlib.ExitStack() as stack:
            sources = {part: stack.enter_context((folder / part).open("rb")) for part in names}
            parts = []
            for part, file in sources.items():
                parts.append(archive.part_of(part, archive.pieces(file)))
                file.seek(0)
            manifest = archive.Manifest(
                archive.FORMAT, program, schema, one.peer, name, identity.now(), messages, tuple(parts)
            )
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(folder / "new", flags, 0o600), "wb") as target:
                archive.write(target, manifest, sources)
                target.flush()
                os.fsync(target.fileno())
        files.publish(folder / "new", path, force=force)
    return manifest


def check_home(home: pathlib.Path) -> None:
    """Check that a home can be backed up. Raises FileUnfit, KeptFileError or HomeRefused.

    Call it before the database is open in this process.
    """
    try:
        if not ownership.check_home(home):
            raise FileUnfit(f"There is no home {home}. Say with --home which one you mean.")
        ownership.check_contents(home)
    except OSError as error:
        raise KeptFileError(f"{home} can't be read: {error.strerror}.") from error
    if not (home / database.FILE_NAME).exists():
        raise FileUnfit(f"There is no database in {home}: no node has run there yet, so there is nothing to back up.")


def _settings(home: pathlib.Path) -> bytes | None:
    """The content of config.toml; None when there is none."""
    path = home / ownership.CONFIG
    try:
        return ownership.read_private(path, archive.MAX_PART[archive.CONFIG], forbidden=0, linked=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeptFileError(f"{path} can't be read: {error.strerror}.") from error


def _copy(home: pathlib.Path, to: pathlib.Path) -> None:
    """Copy the database of a home as it is at this moment."""
    path = home / database.FILE_NAME
    with contextlib.closing(database.connect(home, read_only=True)) as source:
        try:
            # One read transaction: otherwise SQLite begins again whenever the node writes.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            size = source.execute("PRAGMA page_count").fetchone()[0] * source.execute("PRAGMA page_size").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise database.as_store_error(path, error) from error
        # The copy and the archive.
        files.need_space(to.parent, 2 * size + 2 * archive.MAX_MANIFEST, "a backup")
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(to, isolation_level=None)) as target:
            try:
                # If this process ends early, the copy is thrown away.
                target.execute("PRAGMA journal_mode = OFF")
                target.execute("PRAGMA synchronous = OFF")
                # Between two steps, for Ctrl+C to be noticed.
                source.backup(target, pages=STEP, progress=lambda *_: None)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                    raise KeptFileError(f"The disk of {to.parent.parent} is full. Nothing was left behind.") from error
                raise database.as_store_error(path, error) from error


def examine(path: pathlib.Path) -> tuple[int, int, str]:
    """Check a database that nobody has open; returns its schema, how many messages it holds, and the node's name.

    Raises StoreTooNew, StoreCorrupt or StoreUnavailable. Nothing is changed, nor any file made beside it.
    """
    database.examine(path)
    try:
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA cell_size_check = ON")
            said = [str(row[0]) for row in db.execute("PRAGMA integrity_check(20)")]
            # The search index is derived: the node notices that it is broken, and makes it anew.
            wrong = [line for line in said if line != "ok" and "fts5" not in line.lower()]
            if wrong:
                raise StoreCorrupt(f"{path} is damaged: {wrong[0][:200]}.")
            schema: int = db.execute("PRAGMA user_version").fetchone()[0]
            if not schema:
                return 0, 0, ""
            messages: int = db.execute("SELECT count(*) FROM entry WHERE kind = 'text'").fetchone()[0]
            return schema, messages, _name(facts.text(db, "settings"))
    except sqlite3.DatabaseError as error:
        raise database.as_store_error(path, error) from error


def _name(settings: str | None) -> str:
    try:
        return "" if settings is None else facts.structure("settings", settings, nouns.Settings).name
    except StoreError:
        return ""
