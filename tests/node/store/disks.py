"""Disks of any size, and read-only ones: in a mount namespace that ends with its thread, so that nothing leaks."""

from __future__ import annotations

import ctypes
import errno
import os
import pathlib
import threading
from collections.abc import Callable

import pytest

#: From linux/sched.h and linux/mount.h.
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 32, 1 << 14, 1 << 18


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments):
        number = ctypes.get_errno()
        raise PermissionError(number, f"{name}: {os.strerror(number)}")


def mount_disk(target: pathlib.Path, size: int) -> None:
    """Mount a file system of `size` bytes, in memory."""
    _call("mount", b"disk", os.fsencode(target), b"tmpfs", 0, f"size={size},mode=700".encode())


def make_read_only(target: pathlib.Path) -> None:
    _call("mount", None, os.fsencode(target), None, MS_REMOUNT | MS_RDONLY, None)


def on_a_disk(size: int, parent: pathlib.Path, scenario: Callable[[pathlib.Path], None]) -> None:
    """Call `scenario` with a directory that is a disk of `size` bytes. Nobody else sees it, and it goes afterwards."""
    disk = parent / "disk"
    disk.mkdir()
    failure: list[BaseException] = []

    def run() -> None:
        try:
            try:
                _call("unshare", CLONE_NEWNS)
                _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
                mount_disk(disk, size)
            except PermissionError as error:
                if os.environ.get("CI"):
                    raise
                pytest.skip(f"mounting is not permitted here ({error})")
            scenario(disk)
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def fill(disk: pathlib.Path, *, leave: int = 0) -> None:
    """Take all free space of a disk but for `leave` bytes."""
    free = os.statvfs(disk)
    count = max(0, free.f_bavail * free.f_frsize - leave)
    with (disk / "ballast").open("wb", buffering=0) as file:
        while count > 0:
            try:
                count -= file.write(bytes(min(count, 65_536)))
            except OSError as error:
                # Somebody else took some of it meanwhile.
                if error.errno != errno.ENOSPC:
                    raise
                break


def free_up(disk: pathlib.Path) -> None:
    """Give the space back that `fill` took."""
    (disk / "ballast").unlink()
