"""Databases of every earlier schema, as SQL text: `NNNN.sql` is one that a program of schema NNNN has filled.

`python -m tests.node.store.samples HOME > tests/node/store/samples/NNNN.sql` writes down the database of a home. Before
a schema file is added, let the present program fill a home (a few conversations, states, a merge, a deletion, a reply
kept for a key), stop it, and keep its database so. A sample is never changed: it is what people have. (No program that
was handed out knew schema 1 alone; that one was made by its schema file, with rows of the next.)
"""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3

import msgspec

from node.store import database, history

FOLDER = pathlib.Path(__file__).parent
#: Homes of nodes that have talked with other nodes: what they say differs from sample to sample.
DIRECT = FOLDER / "direct"


def numbers() -> list[int]:
    """The schemas of which there is a sample."""
    return sorted(int(path.stem) for path in FOLDER.glob("*.sql"))


def put(number: int, home: pathlib.Path, folder: pathlib.Path = FOLDER) -> None:
    """Put a sample into a home."""
    with contextlib.closing(sqlite3.connect(home / database.FILE_NAME, isolation_level=None)) as db:
        db.executescript((folder / f"{number:04}.sql").read_text("utf-8"))
        run = db.execute("SELECT value FROM fact WHERE name = 'run'").fetchone()
    if run is not None:
        # What its program kept beside it.
        (home / history.FILE_NAME).write_bytes(msgspec.json.encode(history.Mark(run, 1)))


def written_down(db: sqlite3.Connection) -> str:
    """A database as SQL that makes it again. Of the search index only which messages are in it."""
    objects = db.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    own = [one for one in objects if not one[1].startswith(("sqlite_", "search_", "unspaced_"))]
    marks = ("application_id", "user_version")
    lines = [f"PRAGMA {name} = {db.execute(f'PRAGMA {name}').fetchone()[0]};" for name in marks]
    lines += ["BEGIN;", *(f"{sql};" for _, _, sql in own)]
    for kind, name, _ in own:
        if kind != "table" or name in ("search", "unspaced"):
            continue
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
        quoted = " || ', ' || ".join(f"quote({column})" for column in columns)
        rows = db.execute(f"SELECT {quoted} FROM {name} ORDER BY 1").fetchall()
        lines += [f"INSERT INTO {name} VALUES ({row});" for (row,) in rows]
    if any(name == "unspaced" for _, name, _ in own):
        # What that table of the index holds is computed: it is taken in anew.
        lines.append("DELETE FROM fact WHERE name = 'indexed_unspaced';")
    lines.append(
        "INSERT INTO search (rowid, text, room) SELECT id, text, room FROM searchable WHERE id IN (SELECT id FROM entry"
        " WHERE kind = 'text') AND id <= (SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'indexed');"
    )
    return "\n".join([*lines, "COMMIT;", ""])
