"""Whether the open database is still the file at its path.

SQLite goes on writing into a file that was removed, moved or replaced, and at the next start all of that is gone. So
nothing is told as stored before the file at the path was seen to be the one that is open.

Law of this file: it looks at files and opens none: closing one would give up SQLite's locks on it, which go with any
descriptor of the process. So what is copied over the very file isn't noticed here. The one thing it moves is the open
WAL, away from a database that isn't its own: the next start would play it into that one.
"""

from __future__ import annotations

import contextlib
import pathlib

from node.errors import StoreDisplaced, StoreUnavailable
from node.store import history

#: Device and number of a file; None: there is none.
_Identity = tuple[int, int] | None


def _identity(path: pathlib.Path) -> _Identity:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be looked at: {error.strerror}.") from error
    return found.st_dev, found.st_ino


class Place:
    """The files of one open database: made right after it was opened, when its WAL exists.

    Raises StoreUnavailable when they can't be looked at.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self.wal = path.resolve().with_name(path.resolve().name + "-wal")
        self._aside = path.resolve().with_name(path.resolve().name + history.ASIDE)
        self._file = _identity(path)
        self._wal = _identity(self.wal)

    def reopened(self) -> None:
        """The same file was opened again; its WAL may be a new one."""
        self._wal = _identity(self.wal)

    @property
    def has_file(self) -> bool:
        """Whether the file at the path is the one that is open, whatever is in it."""
        return self._file == _identity(self._path)

    def part(self) -> None:
        """Move the open WAL away from a file that isn't its database, if it lies beside one."""
        with contextlib.suppress(OSError, StoreUnavailable):
            if self._path.exists() and self._wal is not None and _identity(self.wal) == self._wal:
                self.wal.replace(self._aside)

    def _join(self) -> None:
        """Move the open WAL back beside its database."""
        with contextlib.suppress(OSError, StoreUnavailable):
            if not self.wal.exists() and _identity(self._aside) == self._wal:
                self._aside.replace(self.wal)

    def check_file(self) -> None:
        """As `has_file`. Raises StoreDisplaced."""
        if not self.has_file:
            raise StoreDisplaced(
                f"{self._path} was removed, moved or replaced while the node runs. Nothing more is stored, and nobody "
                "is heard, until that very file is back in its place. To go on with what is there now, stop the node "
                "and start it again."
            )

    def check(self) -> None:
        """Raises StoreDisplaced when what is at the path isn't what is open, the WAL included."""
        self.check_file()
        if self._wal is None or _identity(self.wal) == self._wal:
            return
        self._join()
        if _identity(self.wal) != self._wal:
            raise WalGone(
                f"{self.wal} was removed or replaced while the node runs. What was stored is all in {self._path.name}. "
                "Nothing more is stored until you stop the node and start it again."
            )


class WalGone(StoreDisplaced):
    """The WAL is not at its path any more; what it holds has to go into the main file at once."""
