"""Whether the history in a database is the one that this home had last, told by a second mark beside it.

A backup brings back everything inside the database, its log id too. So each run of the node draws a random id; the
database keeps it as a fact, and the file `history` in the home keeps it as well, with how far the event log had come.
When the two disagree at the start, the history was set back: whoever followed the old one must begin anew.

The database also says in its main file whether a node has it open. One that does, without a WAL beside it, was copied
without its newest part.
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
#: Stands for "no run" in a mark: the database was new, or from before there were marks.
NO_RUN = ""
#: A mark is some hundred bytes; of a longer file no more than this is read.
MAX_MARK_BYTES = 4096
#: What a WAL is called that belongs to another database than the one beside it. It is kept: it may be somebody's only
#: copy of what it holds.
ASIDE = "-wal.set-aside"


class Mark(msgspec.Struct, frozen=True):
    """What the file beside the database says."""

    #: The runs that the database may name: one; two while a new run is being written into it.
    runs: tuple[str, ...]
    #: The database had this event at least.
    head: int


class Kept(msgspec.Struct, frozen=True):
    """What a database says about its history."""

    #: Whether a node has ever used it.
    used: bool = False
    run: str = NO_RUN
    open: bool = False
    head: int = 0


def read_mark(home: pathlib.Path) -> Mark | str | None:
    """The mark of a home; None when there is none, and in words why one can't be read."""
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


def kept(db: sqlite3.Connection) -> Kept:
    """What the database says about its history. Raises sqlite3.DatabaseError."""
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'fact'").fetchone() is None:
        return Kept()
    facts = dict(db.execute("SELECT name, value FROM fact WHERE name IN ('log', 'run', 'open', 'trimmed')"))
    newest = db.execute("SELECT max(seq) FROM event").fetchone()[0]
    head = newest if newest is not None else int(facts.get("trimmed", 0))
    return Kept("log" in facts, facts.get("run", NO_RUN), facts.get("open") == "1", head)


def folded(path: pathlib.Path) -> Kept | None:
    """What the main file says without its WAL; None when it can't be read like that."""
    try:
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            return kept(db)
    except (sqlite3.Error, ValueError):
        return None


def judge(mark: Mark | str | None, now: Kept, *, wal_missing: bool, known: bool) -> str | None:
    """Why the history is another than the one this home had last, as a sentence; None when it is the same. Pure.

    `wal_missing`: the database existed and had no WAL beside it. `known`: the home had an identity before this start.
    """
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
    """The mark of one home during one run of a node. `keep` may be called from any thread."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._path = (home / "snicher.db").resolve()
        self._lock = threading.Lock()
        self._marked = -1
        #: The runs before, as long as the main file may name one.
        self._before: tuple[str, ...] = ()
        #: This run's id; NO_RUN before `begin` and after `end`.
        self.run = NO_RUN
        self.mark = read_mark(home)
        self._wal = self._path.with_name(self._path.name + "-wal")
        self.wal_missing = False
        #: What the main file said before SQLite opened it.
        self._main: Kept | None = None
        self._look()

    def _look(self) -> None:
        """Before SQLite opens the file and makes a WAL: is there one, and can it be this database's own?"""
        if not self._path.exists() or not self._path.stat().st_size:
            return
        self.wal_missing = not self._wal.exists()
        # Not later: once SQLite has the file open, closing another descriptor of it would give up SQLite's locks.
        main = self._main = folded(self._path)
        if main is None or not main.used or main.open or not isinstance(self.mark, Mark) or self.wal_missing:
            return
        if main.run not in self.mark.runs and self._wal.stat().st_size:
            # A database that was closed has no WAL. This one is left from the database that stood here before: played
            # into a backup, its pages would damage it.
            aside = self._path.with_name(self._path.name + ASIDE)
            self._wal.replace(aside)
            log.warning("%s belongs to another database than %s; it is now %s", self._wal, self._path.name, aside.name)

    def judge(self, now: Kept, known: bool) -> str | None:
        """As the function, for this home."""
        return judge(self.mark, now, wal_missing=self.wal_missing, known=known)

    def announce(self, now: Kept, run: str) -> None:
        """Before a run is written into a database whose history is right: from now on both are. Raises OSError."""
        self._write(Mark((*self._named_before(now), run), now.head))

    def _named_before(self, now: Kept) -> tuple[str, ...]:
        """The runs that the database names: after a crash, the main file may name an older one than the WAL."""
        main = self._main
        return (now.run,) if main is None or main.run == now.run else (main.run, now.run)

    def begin(self, run: str, now: Kept, *, folded: bool) -> None:
        """The run stands in the database, which said this before; `folded`: in its main file, too. Raises OSError."""
        self._before = () if folded else self._named_before(now)
        self.run, self._marked = run, now.head
        self._write(self._current(now.head))

    def keep(self, head: int) -> None:
        """Write down how far the event log has come. Should the disk refuse, the next call tries again."""
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
        # Somebody read at the start, so that the run stood in the WAL only: the main file may name the one before.
        return Mark((*self._before, self.run), head)

    def end(self, head: int) -> None:
        """The database was closed with this newest event."""
        self.keep(head)
        with self._lock:
            self.run = NO_RUN

    def _write(self, mark: Mark) -> None:
        write_private(self._home / FILE_NAME, msgspec.json.encode(mark))
