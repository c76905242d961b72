"""Who owns a home: the one rule for directories and small files that only their owner may change. (THREATS.md)

A node keeps every message of its owner in its home, and front ends trust the bus.json in it. So a home is accepted only
if nobody else can have put it, or anything in it, there:

- each directory above it, with links followed, belongs to us or to root, and others can't write to it, unless it is
  sticky as /tmp is (there nobody can rename or remove what belongs to somebody else);
- the home and the files in it belong to us. If others can read or write them, their mode is corrected and logged; if
  that fails, the home is refused;
- files are opened without following a link and without waiting for a FIFO, and are read up to a bound.

root is no exception: a root shell in somebody else's home would leave files behind that their owner can't use.

Law of this file: `fault_above` and `fault_of` decide and touch nothing; the rest asks the file system. On Windows there
are no user ids or permission bits to look at (the user-data folder there is closed to other users): kind and size of
files are checked, and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import pathlib
import stat
from collections.abc import Callable
from typing import NamedTuple, Protocol

from node.errors import HomeRefused

#: Name of the logger that reports corrected modes.
LOGGER = "snicher.home"
ROOT = 0
#: Permission bits forbidden to others: all for a private file or directory, only writing for one they may read.
PRIVATE = 0o077
READABLE = 0o022
#: Links followed in one path; more are refused. Linux stops at the same number.
MAX_LINKS = 40
#: Default limit of a small file in a home, in bytes. A longer one is refused unread.
MAX_BYTES = 64 * 1024
#: Prefixes of the names of our files in a home; other files in the same directory are left alone. Two are missing:
#: `identity`, whose mode is corrected only once it is known to be a key (store/identity.py), and a dashboard's keys,
#: which are replaced if others could have read them.
CONTENTS = ("snicher.db", "bus.json", "node.lock", "history", "dashboard-")
#: This file may be a link, belong to root and be readable by others, because people keep their settings in one place.
CONFIG = "config.toml"
#: Flags with which opening neither follows a link nor waits for the other end of a FIFO. (Windows has only O_BINARY.)
CAREFULLY = 0
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    CAREFULLY |= getattr(os, _flag, 0)
POSIX = os.name != "nt"


class Status(Protocol):
    """The part of os.stat_result that the rule looks at."""

    @property
    def st_mode(self) -> int:
        """Kind and permission bits."""

    @property
    def st_uid(self) -> int:
        """Its owner."""

    @property
    def st_gid(self) -> int:
        """Its group."""


class Who(NamedTuple):
    """The user that the rule is applied for, with the groups that have no members but this user and root."""

    uid: int
    own_groups: frozenset[int]


def fault_above(status: Status, who: Who) -> str | None:
    """What is wrong with a directory (or a link) on the way to a home; None when nothing is. Pure."""
    if status.st_uid not in (ROOT, who.uid):
        return f"belongs to {name_of(status.st_uid)}, who can put another one in its place"
    if stat.S_ISLNK(status.st_mode):
        return None
    if not stat.S_ISDIR(status.st_mode):
        return "is no directory"
    others = status.st_mode & stat.S_IWOTH
    if status.st_mode & stat.S_IWGRP and status.st_gid not in who.own_groups:
        others |= stat.S_IWGRP
    if others and not status.st_mode & stat.S_ISVTX:
        return "can be written to by others, who can put another one in its place"
    return None


def fault_of(status: Status, who: Who, *, of_root: bool = False) -> str | None:
    """What is wrong with a home, or with a file or directory in it; None when nothing is. Pure.

    A mode that is too open isn't a fault here, because it is corrected. `of_root`: it may belong to root as well.
    """
    if status.st_uid == who.uid or (of_root and status.st_uid == ROOT):
        return None
    you = name_of(who.uid)
    return f"belongs to {name_of(status.st_uid)}, not to you ({you})"


def name_of(uid: int) -> str:
    """A user as people know it: "anna (uid 1000)"."""
    if POSIX:
        import pwd

        with contextlib.suppress(KeyError):
            return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    return f"uid {uid}"


def whoami() -> Who:
    """The user of this process. Its groups count as its own only where nobody else is a member."""
    return _who(os.geteuid()) if POSIX else Who(ROOT, frozenset())


@functools.lru_cache(8)
def _who(uid: int) -> Who:
    # Cached: each command of a front end needs it, and the system reads two files for it.
    import grp
    import pwd

    own = {ROOT}
    with contextlib.suppress(KeyError):
        me = pwd.getpwuid(uid)
        # Debian and others give each user a group of the same name, and let group members write by default.
        with contextlib.suppress(KeyError):
            if grp.getgrgid(me.pw_gid).gr_name == me.pw_name:
                own.add(me.pw_gid)
        for gid in tuple(own):
            with contextlib.suppress(KeyError):
                if not {"root", me.pw_name}.issuperset(grp.getgrgid(gid).gr_mem):
                    own.discard(gid)
    return Who(uid, frozenset(own))


# -- directories


def check_above(path: pathlib.Path) -> None:
    """Check every directory and link that leads to `path`, but not `path` itself unless it is a link.

    Directories that don't exist yet are no fault. Raises HomeRefused.
    """
    if not POSIX:
        return
    who = whoami()
    at = pathlib.Path(path.anchor)
    ahead = list(reversed(path.parts[1:]))
    _above(path, at, at.lstat(), who)
    links = 0
    while ahead:
        part = ahead.pop()
        if part == os.pardir:
            at = at.parent
            continue
        at = at / part
        try:
            status = at.lstat()
        except FileNotFoundError:
            return
        if stat.S_ISLNK(status.st_mode):
            _above(path, at, status, who)
            links += 1
            if links > MAX_LINKS:
                raise HomeRefused(f"{path} can't be used: {os.strerror(errno.ELOOP)}.")
            target = at.readlink()
            if target.is_absolute():
                at = pathlib.Path(target.anchor)
                ahead += reversed(target.parts[1:])
            else:
                at = at.parent
                ahead += reversed(target.parts)
        elif ahead:
            _above(path, at, status, who)


def _above(path: pathlib.Path, at: pathlib.Path, status: os.stat_result, who: Who) -> None:
    fault = fault_above(status, who)
    if fault is not None:
        closable = stat.S_ISDIR(status.st_mode) and status.st_uid in (ROOT, who.uid)
        closing = f", or close that one: chmod go-w {at}" if closable else ""
        raise HomeRefused(f"{path} can't be used: {at} {fault}. Choose a --home in a directory of your own{closing}.")


def check_home(home: pathlib.Path, *, mend: bool = True) -> bool:
    """Check the home and all that leads to it, and close it to others. Returns False when there is no home yet.

    `mend`: False where nothing can be logged yet; the mode stays as it is then.

    Raises HomeRefused when it belongs to somebody else, somebody else could put another one in its place, or it can't
    be closed; OSError when it can't be opened.
    """
    try:
        check_above(home)
        descriptor = os.open(home, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return False
    except PermissionError:
        # Windows can't open directories. Elsewhere, an error that names the owner tells more than this one.
        if POSIX:
            _refuse_others(home, home.stat(), whoami())
            raise
        return home.is_dir()
    try:
        _settle(home, descriptor, PRIVATE if mend else 0)
    finally:
        os.close(descriptor)
    return True


def check_contents(home: pathlib.Path) -> None:
    """Check the files of ours in a home, and close them to others. Raises HomeRefused or OSError.

    Never call it while this process has the database open: closing any descriptor of a file drops SQLite's locks on it.
    """
    for path in sorted(home.iterdir()):
        with contextlib.suppress(FileNotFoundError):
            if path.name.startswith(CONTENTS):
                os.close(open_private(path))
            elif path.name == CONFIG:
                os.close(open_private(path, forbidden=READABLE, linked=True))


def make_directory(path: pathlib.Path, made: Callable[[pathlib.Path], object] = lambda _: None) -> None:
    """Make the directory and its missing parents, each closed to others. Existing ones stay as they are.

    Calls `made` with each new directory. Raises OSError.
    """
    # Not `parents=True`: that would leave the parents open to others, if the umask allows it.
    if not path.is_dir():
        make_directory(path.parent, made)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            made(path)


def own_directory(path: pathlib.Path) -> pathlib.Path:
    """Make sure that `path` is a directory of ours, no link, and closed to others.

    It is made if it is missing, with its parents. Raises HomeRefused or OSError.
    """
    make_directory(path)
    if POSIX:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | CAREFULLY)
        except (NotADirectoryError, OSError) as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise HomeRefused(f"{path} must be a directory of your own; it isn't. Move it away.") from error
        try:
            _settle(path, descriptor, PRIVATE)
        finally:
            os.close(descriptor)
    return path


def check_sockets(directory: pathlib.Path) -> None:
    """Check that sockets in this directory can only be ours. Raises HomeRefused, or OSError when it isn't there."""
    if POSIX:
        status = directory.lstat()
        _refuse_others(directory, status, whoami())
        if not stat.S_ISDIR(status.st_mode) or status.st_mode & READABLE:
            raise HomeRefused(f"{directory} can't be used: others can put sockets there. Start the node again.")


# -- files


def open_private(
    path: pathlib.Path, flags: int = os.O_RDONLY, *, forbidden: int = PRIVATE, linked: bool = False
) -> int:
    """Open a regular file of ours, closed to others; returns its descriptor. A new file gets mode 0600.

    `forbidden`: permission bits that others may not have; they are removed, which is logged. `linked`: the file may be
    a link and belong to root. Raises HomeRefused when it isn't regular or belongs to somebody else, FileNotFoundError
    when it is missing, or another OSError.
    """
    flags |= CAREFULLY
    if linked:
        flags &= ~getattr(os, "O_NOFOLLOW", 0)
        if POSIX and path.is_symlink():
            _refuse_others(path, path.lstat(), whoami(), of_root=True)
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if path.is_symlink() and not linked:
            raise HomeRefused(
                f"{path} is a link, and links aren't followed there. Move the file itself to this place, "
                "or make the whole home a link."
            ) from error
        # Opening fails for a socket, for a directory, and for a FIFO to write to that nobody reads.
        if error.errno in (errno.ENXIO, errno.EISDIR, errno.EOPNOTSUPP):
            raise _no_file(path) from error
        if isinstance(error, PermissionError) and POSIX:
            _refuse_others(path, path.lstat(), whoami(), of_root=linked)
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _no_file(path)
        _settle(path, descriptor, forbidden, of_root=linked)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_private(
    path: pathlib.Path, limit: int = MAX_BYTES, *, forbidden: int = PRIVATE, linked: bool = False
) -> bytes:
    """The content of a small file; see `open_private`. One of more than `limit` bytes raises HomeRefused."""
    with os.fdopen(open_private(path, forbidden=forbidden, linked=linked), "rb") as file:
        # Read one byte more than allowed, to notice a longer file.
        content = file.read(limit + 1)
    if len(content) > limit:
        raise HomeRefused(f"{path} has more than {limit:,} bytes, so it can't be what it should be. Move it away.")
    return content


def _no_file(path: pathlib.Path) -> HomeRefused:
    return HomeRefused(f"{path} must be an ordinary file; it isn't. Move it away.")


def _refuse_others(path: pathlib.Path, status: os.stat_result, who: Who, *, of_root: bool = False) -> None:
    fault = fault_of(status, who, of_root=of_root)
    if fault is not None:
        owner = name_of(status.st_uid).partition(" ")[0]
        raise HomeRefused(
            f"{path} can't be used: it {fault}. Choose another --home, or run this as {owner}; if it is yours all the "
            f"same, take it over first (as root: chown {who.uid} {path})."
        )


def _settle(path: pathlib.Path, descriptor: int, forbidden: int, *, of_root: bool = False) -> None:
    """Refuse a file of somebody else, and close ours to others. By descriptor, because a path may change meanwhile."""
    if not POSIX:
        return
    status = os.fstat(descriptor)
    _refuse_others(path, status, whoami(), of_root=of_root)
    if not status.st_mode & forbidden:
        return
    before = stat.S_IMODE(status.st_mode)
    why = "the disk keeps no permissions"
    try:
        os.fchmod(descriptor, before & ~forbidden)
    except OSError as error:
        why = error.strerror or str(error)
    if os.fstat(descriptor).st_mode & forbidden:
        raise HomeRefused(
            f"{path} can't be used: other users can get at it (mode {before:o}), and that can't be changed: {why}. "
            "Choose a --home on a disk of your own that has owners and permissions."
        )
    # Imported late: it is rarely needed, and would delay the start of every verb.
    import logging

    logging.getLogger(LOGGER).warning("%s was open to other users (mode %o); it is closed to them now", path, before)
