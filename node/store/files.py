"""Files that people keep outside of a home (exported identities, backups): each appears whole or not at all.

A file is written in a *workspace*, a folder with mode 0700 beside its place, and gets its name when it is on the disk.
A process that is killed leaves its workspace behind; whoever works in the same folder next removes it. The system's
lock on a file in it tells whether somebody still works there.

Law of this file: it never replaces anything unless it is told to, and then only an ordinary file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from node.bus import locks, ownership
from node.bus.locate import sync_directory
from node.errors import FileUnfit, KeptFileError, PlaceTaken

#: Name of a workspace; random letters stand between.
PREFIX, SUFFIX = ".snicher-", ".part"
#: The file in a workspace that its owner holds locked.
LOCK = "lock"
#: How many workspaces to make until one stays.
TRIES = 3
#: Errors where a file can't have two names. (Android refuses it with EACCES.)
_NO_LINKS = frozenset((errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK))


def name_new(temporary: pathlib.Path, path: pathlib.Path) -> bool:
    """Give a written file its name, and return whether that worked: False if something is there already.

    The file may keep its temporary name as well. Raises OSError.
    """
    try:
        # Unlike a rename, a link never replaces what is there.
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    except FileNotFoundError:
        # Somebody who came first took it for a remainder.
        if os.path.lexists(path):
            return False
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without links, such as FAT.
        if os.path.lexists(path):
            return False
        temporary.rename(path)
    return True


def check_outside(path: pathlib.Path, home: pathlib.Path) -> None:
    """Check that a file that people keep isn't in the home that it saves. Raises PlaceTaken."""
    if home.resolve() in path.resolve().parents:
        raise PlaceTaken(f"{path} would lie in the home itself, and be lost with it. Choose a place outside of {home}.")


def check_free(path: pathlib.Path, *, force: bool) -> None:
    """Check that a new file may get this name. `force`: it may replace an ordinary file. Raises PlaceTaken."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise KeptFileError(f"{path} can't be written: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise PlaceTaken(f"{path} is there already and is no ordinary file. It stays as it is; choose another name.")
    if not force:
        raise PlaceTaken(
            f"{path} is there already and stays as it is. Choose another name, or replace it with --force."
        )


def publish(temporary: pathlib.Path, path: pathlib.Path, *, force: bool) -> None:
    """Give a file that is on the disk its name. Raises PlaceTaken or OSError."""
    check_free(path, force=force)
    if force:
        temporary.replace(path)
    elif not name_new(temporary, path):
        check_free(path, force=False)
    sync_directory(path.parent)


def put(path: pathlib.Path, content: bytes) -> None:
    """Write a new file with mode 0600, and sync it to the disk. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def named(word: str) -> pathlib.Path:
    """The file that a word of the command line names. Raises FileUnfit."""
    if word in ("", "-"):
        raise FileUnfit(f"{word!r} is no name of a file: the file is written and read as a whole. Give it a name.")
    return pathlib.Path(word).absolute()


def open_kept(path: pathlib.Path) -> BinaryIO:
    """Open a file that people kept, for reading. Raises FileUnfit or KeptFileError."""
    try:
        # Without waiting for the other end of a pipe.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        file = os.fdopen(os.open(path, flags), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise FileUnfit(f"{path} is no ordinary file.")
    except (FileNotFoundError, NotADirectoryError):
        raise FileUnfit(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise FileUnfit(f"{path} is a folder, not a file.") from None
    except OSError as error:
        raise KeptFileError(f"{path} can't be read: {error.strerror}.") from error
    return file


def write(path: pathlib.Path, content: bytes, *, force: bool) -> None:
    """Write a small file with mode 0600, whole or not at all. Raises PlaceTaken or KeptFileError."""
    check_free(path, force=force)
    with workspace(path) as folder:
        put(folder / "new", content)
        publish(folder / "new", path, force=force)


@contextlib.contextmanager
def workspace(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder beside `path` to write in; it is removed at the end. An OSError in it becomes a KeptFileError.

    What killed processes left behind in the same place is removed first.
    """
    parent = path.parent
    try:
        if not parent.is_dir():
            raise KeptFileError(f"{path} can't be written: there is no folder {parent}. Make it first.")
        _sweep(parent)
        folder, lock = _make(parent)
    except OSError as error:
        raise KeptFileError(f"{path} can't be written: {error.strerror} ({parent}).") from error
    try:
        yield folder
    except OSError as error:
        raise KeptFileError(f"{path} can't be written: {error.strerror}. Nothing was left behind.") from error
    finally:
        _remove(folder, lock)


def _make(parent: pathlib.Path) -> tuple[pathlib.Path, BinaryIO]:
    """A new workspace, and its lock. Raises OSError."""
    for left in reversed(range(TRIES)):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=parent))
        try:
            lock = (folder / LOCK).open("xb")
            locks.take(lock)
            return folder, lock
        except OSError:
            # Somebody who clears up has taken it for a remainder.
            shutil.rmtree(folder, ignore_errors=True)
            if not left:
                raise
    raise AssertionError("the last try has returned or raised")


def _remove(folder: pathlib.Path, lock: BinaryIO) -> None:
    """Remove a workspace whose lock we hold. The lock goes last: without it, nobody would clear up after a kill."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name == LOCK:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
    lock.close()
    with contextlib.suppress(OSError):
        (folder / LOCK).unlink()
        folder.rmdir()


def _sweep(parent: pathlib.Path) -> None:
    """Remove the workspaces of ours in which nobody works any more."""
    me = ownership.whoami().uid
    for folder in parent.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or (ownership.POSIX and found.st_uid != me):
                continue
            try:
                lock = (folder / LOCK).open("r+b")
            except FileNotFoundError:
                # Without a lock it is empty. (Whoever has just made it makes another one.)
                folder.rmdir()
                continue
            try:
                locks.take(lock)
            except OSError:
                lock.close()
                continue
            _remove(folder, lock)


def need_space(folder: pathlib.Path, needed: int, what: str) -> None:
    """Check that a disk has room, and that the floor which a node leaves free is kept. Raises KeptFileError."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        raise KeptFileError(f"{folder} can't be used: {error.strerror}.") from error
    missing = needed + min(FLOOR, usage.total // 100) - usage.free
    if missing > 0:
        raise KeptFileError(
            f"The disk of {folder} has too little room for {what}: {megabytes(needed)} are needed, "
            f"{megabytes(usage.free)} are free, and some must stay so. Free {megabytes(missing)}, or take another disk."
        )


#: Bytes that stay free on the disk; on a small disk, a hundredth of it. A node takes nothing in below that.
FLOOR = 200_000_000


def megabytes(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1e6:,.1f} MB"
