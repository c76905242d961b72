"""Checking that the open database is still the file at its path.

SQLite goes on writing into a file that was removed, moved or replaced, and at the next start these writes are lost. So
nothing is reported as stored before a check that the file at the path is the one that is open.

Law of this file: it only looks at files and never opens one. Closing any descriptor of the database would drop the
locks that SQLite holds on it in this process. So a copy written over the same file isn't noticed here. The only file
that it moves is the open WAL, away from a database that isn't its own: the next start would apply it to that database.
"""

from __future__ import annotations

import contextlib
import os
import pathlib

from node.errors import StoreDisplaced, StoreUnavailable
from node.store import history

#: Device and inode number of a file; None: there is no file.
_Identity = tuple[int, int] | None


def _identity(path: str | pathlib.Path) -> _Identity:
    try:
        found = os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be looked at: {error.strerror}.") from error
    return found.st_dev, found.st_ino


class Place:
    """The files of one open database. Create it right after the database was opened, when the WAL exists.

    Raises StoreUnavailable if the files can't be examined.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self.wal = path.resolve().with_name(path.resolve().name + "-wal")
        #: As texts, because they are looked at three times a commit: with paths that takes half as long again.
        self._path_text, self._wal_text = str(path), str(self.wal)
        self._aside = path.resolve().with_name(path.resolve().name + history.ASIDE)
        self._file = _identity(path)
        self._wal = _identity(self.wal)

    def reopened(self) -> None:
        """Call this after the same file was opened again: its WAL may be a new one."""
        self._wal = _identity(self.wal)

    @property
    def has_file(self) -> bool:
        """Whether the file at the path is the one that is open, regardless of its content."""
        return self._file == _identity(self._path_text)

    def part(self) -> None:
        """Move the open WAL away if the file beside it is another database."""
        with contextlib.suppress(OSError, StoreUnavailable):
            if self._path.exists() and self._wal is not None and _identity(self.wal) == self._wal:
                self.wal.replace(self._aside)

    def _join(self) -> None:
        """Undo `part`: move the open WAL back beside its database."""
        with contextlib.suppress(OSError, StoreUnavailable):
            if not self.wal.exists() and _identity(self._aside) == self._wal:
                self._aside.replace(self.wal)

    def check_file(self) -> None:
        """Raises StoreDisplaced if the file at the path isn't the one that is open (`has_file`)."""
        if not self.has_file:
            raise StoreDisplaced(
                f"{self._path} was removed, moved or replaced while the node runs. Nothing more is stored, and nobody "
                "is heard, until that very file is back in its place. To go on with what is there now, stop the node "
                "and start it again."
            )

    def check(self) -> None:
        """Raises StoreDisplaced if the file at the path isn't the one that is open, and WalGone if its WAL isn't."""
        self.check_file()
        if self._wal is None or _identity(self._wal_text) == self._wal:
            return
        self._join()
        if _identity(self.wal) != self._wal:
            raise WalGone(
                f"{self.wal} was removed or replaced while the node runs. What was stored is all in {self._path.name}. "
                "Nothing more is stored until you stop the node and start it again."
            )


class WalGone(StoreDisplaced):
    """The WAL isn't at its path any more. The writer must checkpoint its content into the main file at once."""
