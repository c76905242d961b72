"""Checking that a database has exactly the schema that our migrations create.

A trigger in a planted file runs at each write: it could drop a message that the node then reports as stored. So the
schema of each file that is opened is compared with the schema that the same migrations create in an empty database. The
tables of SQLite's ANALYZE are allowed: they change the speed of a query, never its result.

Law of this file: it only reads.
"""

from __future__ import annotations

import pathlib
import sqlite3
import stat

from node.errors import StoreCorrupt
from node.store import shards

#: The tables that ANALYZE creates. They are allowed only with exactly this type, name and SQL.
_STATISTICS = {
    ("table", "sqlite_stat1", "sqlite_stat1"): "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    ("table", "sqlite_stat4", "sqlite_stat4"): "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}
#: Most differing objects that the error names. A few are enough to show what has changed.
MAX_NAMED = 3
#: Most characters of a name in the error: whoever planted an object chose its name.
MAX_NAME_CHARS = 60

#: Maps the type, name and table of an object in `sqlite_schema` to the SQL that created it.
Schema = dict[tuple[str, str, str], str]


def schema(db: sqlite3.Connection) -> Schema:
    """Every table, index, view and trigger with the SQL that created it. Raises sqlite3.DatabaseError."""
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    found = {(str(kind), str(name), str(table)): _plain(sql) for kind, name, table, sql in rows}
    return {key: sql for key, sql in found.items() if _STATISTICS.get(key) != sql}


def _plain(sql: object) -> str:
    """SQL with single blanks: SQLite writes the SQL of shadow tables itself, and blanks differ between versions."""
    return "" if sql is None else " ".join(str(sql).split())


def check(path: pathlib.Path, db: sqlite3.Connection, expected: Schema) -> None:
    """Compare the schema of an open database with the expected one. Raises StoreCorrupt or sqlite3.DatabaseError."""
    found = schema(db)
    expected = expected | _further(expected, found)
    # Missing tables of the search index are no reason to refuse: the index is derived and can be rebuilt (index.py).
    derived = tuple(f"{name}_" for name in shards.KINDS)
    missing = {key for key in expected.keys() - found.keys() if f"{key[2]}_".startswith(derived)}
    compared = (found.keys() | expected.keys()) - missing
    differing = sorted(key for key in compared if found.get(key) != expected.get(key))
    if differing:
        named = ", ".join(f"{kind} {_shown(name)}" for kind, name, _ in differing[:MAX_NAMED])
        more = f" and {len(differing) - MAX_NAMED} more" if len(differing) > MAX_NAMED else ""
        raise _refusal(path, f"differs from what Snicher makes ({named}{more})")
    shared = db.execute(
        "SELECT name FROM sqlite_schema WHERE rootpage > 0 GROUP BY rootpage HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if shared is not None:
        raise _refusal(path, f"differs from what Snicher makes (two objects share the pages of {_shown(shared[0])})")
    encoding = db.execute("PRAGMA encoding").fetchone()[0]
    if encoding != "UTF-8":
        raise _refusal(path, f"has texts in {encoding} instead of UTF-8")


def _further(expected: Schema, found: Schema) -> Schema:
    """The tables of further shards among those found, as Snicher makes them: like those of shard 0."""
    made: Schema = {}
    for kind, name, table in found:
        base = shards.base_of(name)
        if base is not None:
            of_shard_0 = base[0] + name[len(base[1]) :]
            sql = expected.get((kind, of_shard_0, of_shard_0))
            if sql is not None:
                made[kind, name, table] = shards.renamed(sql, *base)
    return made


def _shown(name: object) -> str:
    return repr(str(name)[:MAX_NAME_CHARS])


def _refusal(path: pathlib.Path, what: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{path} {what}. Another program has changed this file, or somebody has put it there. Nothing was changed. "
        "Put a backup in its place, or use another --home."
    )


def check_files(path: pathlib.Path) -> None:
    """Refuse anything but ordinary files at the paths that SQLite opens: opening a pipe would block for ever.

    Raises StoreCorrupt or OSError.
    """
    # SQLite keeps its other files beside the file itself, not beside a link to it.
    file = path.resolve()
    for name in (file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        if name.exists() and not stat.S_ISREG(name.stat().st_mode):
            raise StoreCorrupt(f"{name} is not an ordinary file. Nothing was changed. Move it away and start again.")
