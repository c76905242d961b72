"""Write down the database of a home: `python -m tests.node.store.samples HOME > NNNN.sql`."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import sys

from node.store import database
from tests.node.store.samples import written_down

if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1]) / database.FILE_NAME
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        sys.stdout.write(written_down(db))
