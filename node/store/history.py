"""Detecting at the start whether the database was set back to an older state, with a mark in a second file.

A backup restores everything inside the database, including its log id. So each run of the node draws a random id and
stores it twice: as a fact in the database, and in the file `history` in the home, together with the newest event of the
log. If the two disagree at the start, the history was set back, and everybody who follows the log must begin anew.

The main file of the database also says whether a node has the database open. If it says so and has no WAL beside it, it
was copied without its newest part.
"""

from __future__ import annotations

import contextlib
import logging
import pathlib
import sqlite3
import threading

import msgspec

from node.bus.locate import write_private

log = logging.getLogger("snicher.store")

FILE_NAME = "history"
#: "No run" in a mark: the database was new, or was written by a version without marks.
NO_RUN = ""
#: Most bytes read from a mark's file. A mark is some hundred bytes.
MAX_MARK_BYTES = 4096
#: New ending of a WAL that belongs to another database than the one beside it. The WAL is kept, because it may be the
#: only copy of its data.
ASIDE = "-wal.set-aside"


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of the file `history`."""

    #: The runs that the database may name. There are several while a new run is being stored, and as long as the main
    #: file may name an earlier run than the WAL.
    runs: tuple[str, ...]
    #: The database contained at least the events up to this one.
    head: int
    #: Whether the home was restored from a backup and not started since.
    restored: bool = False


class Kept(msgspec.Struct, frozen=True):
    """The facts in a database about its history."""

    #: Whether a node has ever used it.
    used: bool = False
    run: str = NO_RUN
    open: bool = False
    head: int = 0


def read_mark(home: pathlib.Path) -> Mark | str | None:
    """Read the mark of a home. Returns None if there is none, and a text that says why if it can't be read."""
    path = home / FILE_NAME
    try:
        if not path.exists():
            return None
        if not path.is_file():
            return f"{path} is not an ordinary file"
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MAX_MARK_BYTES), type=Mark)
    except OSError as error:
        return f"{path} can't be read ({error.strerror})"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"{path} is damaged"


def write_restored(home: pathlib.Path) -> None:
    """Mark a home whose database was put there from a backup: no run of it goes on. Raises OSError."""
    write_private(home / FILE_NAME, msgspec.json.encode(Mark((), 0, restored=True)))


def write_new(home: pathlib.Path) -> None:
    """Mark a home that has an identity and no database yet, so that the first start misses none. Raises OSError."""
    write_private(home / FILE_NAME, msgspec.json.encode(Mark((NO_RUN,), 0)))


def kept(db: sqlite3.Connection) -> Kept:
    """Read the facts in the database about its history. Raises sqlite3.DatabaseError."""
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'fact'").fetchone() is None:
        return Kept()
    facts = dict(db.execute("SELECT name, value FROM fact WHERE name IN ('log', 'run', 'open', 'trimmed')"))
    newest = db.execute("SELECT max(seq) FROM event").fetchone()[0]
    head = newest if newest is not None else int(facts.get("trimmed", 0))
    return Kept("log" in facts, facts.get("run", NO_RUN), facts.get("open") == "1", head)


def folded(path: pathlib.Path) -> Kept | None:
    """Read the same facts from the main file alone, without its WAL; None if that is impossible."""
    try:
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            return kept(db)
    except (sqlite3.Error, ValueError):
        return None


def judge(mark: Mark | str | None, now: Kept, *, wal_missing: bool, known: bool) -> str | None:
    """Why the history isn't the one that this home had last, as a sentence; None if it is. Pure.

    `wal_missing`: the database existed and had no WAL beside it. `known`: the home had an identity before this start.
    """
    if isinstance(mark, Mark) and mark.restored:
        return "This home was restored from a backup."
    if not now.used:
        adopted = isinstance(mark, Mark) and NO_RUN in mark.runs
        if adopted or (mark is None and not known):
            return None
        return (
            "The database is empty, though this home was used before: its conversations are not in it. If they should "
            "be, stop the node and put snicher.db back, together with snicher.db-wal where there is one."
        )
    if now.open and wal_missing:
        return (
            "snicher.db was copied from a running node, and snicher.db-wal is not beside it. Unless the copy was made "
            "with sqlite3's .backup or VACUUM INTO, the newest messages are missing. To have them, stop the node and "
            "copy both files from where they came, while no node runs there."
        )
    if mark is None:
        if now.run == NO_RUN:
            return None
        return "The file `history` beside snicher.db is missing: the database seems to come from another place or time."
    if isinstance(mark, str):
        return f"{mark}: whether snicher.db is the newest can't be known."
    if now.run not in mark.runs or now.head < mark.head:
        return "snicher.db is another or an older one than this home had last; it seems to come from a backup."
    return None


class History:
    """Maintains the mark of one home during one run of a node. `keep` may be called from any thread."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._path = (home / "snicher.db").resolve()
        self._lock = threading.Lock()
        self._marked = -1
        #: Earlier runs that the main file may still name.
        self._before: tuple[str, ...] = ()
        #: This run's id; NO_RUN before `begin` and after `end`.
        self.run = NO_RUN
        self.mark = read_mark(home)
        self._wal = self._path.with_name(self._path.name + "-wal")
        self.wal_missing = False
        #: The facts in the main file before SQLite opened it.
        self._main: Kept | None = None
        self._look()

    def _look(self) -> None:
        """Check whether there is a WAL and whether it can belong to this database. If not, set it aside.

        Must run before SQLite opens the database, because SQLite creates a WAL.
        """
        if not self._path.exists() or not self._path.stat().st_size:
            return
        self.wal_missing = not self._wal.exists()
        # Read the file now: once SQLite has it open, closing another descriptor of it would drop SQLite's locks.
        main = self._main = folded(self._path)
        if main is None or not main.used or main.open or not isinstance(self.mark, Mark) or self.wal_missing:
            return
        if main.run not in self.mark.runs and self._wal.stat().st_size:
            # A database that was closed has no WAL. This WAL is left from the database that was here before. SQLite
            # would apply its pages to the restored backup and damage it.
            aside = self._path.with_name(self._path.name + ASIDE)
            self._wal.replace(aside)
            log.warning("%s belongs to another database than %s; it is now %s", self._wal, self._path.name, aside.name)

    def judge(self, now: Kept, known: bool) -> str | None:
        """Call the function `judge` for this home."""
        return judge(self.mark, now, wal_missing=self.wal_missing, known=known)

    def announce(self, now: Kept, run: str) -> None:
        """Add a new run to the mark before it is stored in the database. Raises OSError.

        From now on the mark accepts the database with the old run and with the new one, whichever a crash leaves. Call
        it only if the history wasn't set back.
        """
        self._write(Mark((*self._named_before(now), run), now.head))

    def _named_before(self, now: Kept) -> tuple[str, ...]:
        """The runs that the database names. After a crash, the main file may name an older one than the WAL."""
        main = self._main
        return (now.run,) if main is None or main.run == now.run else (main.run, now.run)

    def begin(self, run: str, now: Kept, *, folded: bool) -> None:
        """Write the mark of a run whose id is stored in the database. Raises OSError.

        `now`: the facts in the database before that. `folded`: the WAL was checkpointed, so the main file has the id,
        too.
        """
        self._before = () if folded else self._named_before(now)
        self.run, self._marked = run, now.head
        self._write(self._current(now.head))

    def keep(self, head: int) -> None:
        """Update the newest event in the mark. If the disk refuses, the next call tries again."""
        with self._lock:
            if self.run == NO_RUN or head <= self._marked:
                return
            try:
                self._write(self._current(head))
            except OSError as error:
                log.debug("the mark of the history can't be written: %s", error)
            else:
                self._marked = head

    def _current(self, head: int) -> Mark:
        # If a reader blocked the checkpoint at the start, the run is only in the WAL, and the main file may still name
        # an earlier one.
        return Mark((*self._before, self.run), head)

    def end(self, head: int) -> None:
        """The database was closed. `head` is its newest event; -1: unknown, so the mark stays as it is."""
        self.keep(head)
        with self._lock:
            self.run = NO_RUN

    def _write(self, mark: Mark) -> None:
        write_private(self._home / FILE_NAME, msgspec.json.encode(mark))
