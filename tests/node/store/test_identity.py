"""The key: drawn once, its owner's alone, never overwritten."""

from __future__ import annotations

import errno
import os
import pathlib
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from node.errors import HomeRefused, StoreCorrupt, StoreUnavailable
from node.model import public_key
from node.store import identity
from tests.node.store.disks import fill, free_up, make_read_only, on_a_disk


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_once_and_names_the_node(tmp_path: pathlib.Path) -> None:
    before = os.umask(0)
    try:
        key, peer = identity.load_or_create(tmp_path)
    finally:
        os.umask(before)
    assert mode(tmp_path / identity.FILE_NAME) == 0o600
    assert key.public_key().public_bytes_raw() == public_key(peer)
    again, same = identity.load_or_create(tmp_path)
    assert (again.private_bytes_raw(), same) == (key.private_bytes_raw(), peer)
    assert [path.name for path in tmp_path.iterdir()] == [identity.FILE_NAME]


def test_a_new_key_and_its_name_are_on_the_disk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    identity.load_or_create(tmp_path)
    assert synced == [(tmp_path / identity.FILE_NAME).stat().st_ino, tmp_path.stat().st_ino]


def test_a_key_that_others_can_read_is_closed_to_them(tmp_path: pathlib.Path) -> None:
    _, peer = identity.load_or_create(tmp_path)
    (tmp_path / identity.FILE_NAME).chmod(0o644)
    assert identity.load_or_create(tmp_path)[1] == peer
    assert mode(tmp_path / identity.FILE_NAME) == 0o600


OTHER_KIND = X25519PrivateKey.generate().private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff\x00" * 50, OTHER_KIND], ids=["empty", "text", "bytes", "x"])
def test_what_is_no_key_is_refused_and_never_replaced(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / identity.FILE_NAME
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match=str(path)):
        identity.load_or_create(tmp_path)
    assert path.read_bytes() == content


def test_a_link_to_a_disk_that_is_not_there_is_not_replaced_by_a_new_key(tmp_path: pathlib.Path) -> None:
    path = tmp_path / identity.FILE_NAME
    path.symlink_to(tmp_path / "unmounted" / "identity")
    with pytest.raises(HomeRefused, match="Move the file itself"):
        identity.load_or_create(tmp_path)
    assert path.is_symlink()


def test_what_a_crash_left_half_written_is_passed_over_and_goes(tmp_path: pathlib.Path) -> None:
    for name in ("identity.new", "identity.a8f3k2.new"):
        (tmp_path / name).write_bytes(b"half a k")
    _, peer = identity.load_or_create(tmp_path)
    assert identity.load_or_create(tmp_path)[1] == peer
    assert [path.name for path in tmp_path.iterdir()] == [identity.FILE_NAME]


DYING = """
import os, pathlib, sys
from node.store import identity
from tests.node.store.disks import fill, free_up, make_read_only, on_a_disk
pathlib.Path.hardlink_to = lambda self, target: os._exit(9)
identity.load_or_create(pathlib.Path(sys.argv[1]))
"""


def test_a_crash_between_writing_a_key_and_naming_it_leaves_no_identity(tmp_path: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == 9
    (left,) = tmp_path.iterdir()
    assert mode(left) == 0o600
    assert not identity.exists(tmp_path)
    _, peer = identity.load_or_create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [identity.FILE_NAME]
    assert identity.load_or_create(tmp_path)[1] == peer


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_key_that_appears_meanwhile_stays_and_is_the_identity(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    (tmp_path / "first").mkdir()
    _, first = identity.load_or_create(tmp_path / "first")
    made = os.fsync

    def somebody_comes_first(descriptor: int) -> None:
        if not identity.exists(tmp_path):
            (tmp_path / "first" / identity.FILE_NAME).rename(tmp_path / identity.FILE_NAME)
        made(descriptor)

    monkeypatch.setattr(os, "fsync", somebody_comes_first)
    if not links:
        monkeypatch.setattr(pathlib.Path, "hardlink_to", _no_links)
    content = (tmp_path / "first" / identity.FILE_NAME).read_bytes()
    assert identity.load_or_create(tmp_path)[1] == first
    assert (tmp_path / identity.FILE_NAME).read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", identity.FILE_NAME]


def _no_links(self: pathlib.Path, target: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_key_is_made_where_a_file_has_only_one_name(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathlib.Path, "hardlink_to", _no_links)
    _, peer = identity.load_or_create(tmp_path)
    assert identity.load_or_create(tmp_path)[1] == peer
    assert mode(tmp_path / identity.FILE_NAME) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [identity.FILE_NAME]


STARTING = """
import pathlib, sys
from node.store import identity
from tests.node.store.disks import fill, free_up, make_read_only, on_a_disk
print("ready", flush=True)
sys.stdin.readline()
print(identity.load_or_create(pathlib.Path(sys.argv[1]))[1])
"""


def test_all_that_start_at_the_same_moment_have_one_identity(tmp_path: pathlib.Path) -> None:
    nodes = [
        subprocess.Popen(
            [sys.executable, "-c", STARTING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for node in nodes:
        assert node.stdout is not None and node.stdout.readline() == "ready\n"
    for node in nodes:
        assert node.stdin is not None
        node.stdin.write("go\n")
        node.stdin.flush()
    found = {node.communicate(timeout=60)[0] for node in nodes}
    assert [node.returncode for node in nodes] == [0] * 6
    assert found == {identity.load_or_create(tmp_path)[1] + "\n"}
    assert [path.name for path in tmp_path.iterdir()] == [identity.FILE_NAME]


def test_on_a_disk_that_takes_nothing_an_identity_is_read_and_none_is_made(tmp_path: pathlib.Path) -> None:
    def scenario(disk: pathlib.Path) -> None:
        _, peer = identity.load_or_create(disk)
        (disk / "empty").mkdir()
        make_read_only(disk)
        assert identity.load_or_create(disk)[1] == peer
        with pytest.raises(StoreUnavailable, match="Read-only file system"):
            identity.load_or_create(disk / "empty")

    on_a_disk(1 << 20, tmp_path, scenario)


def test_on_a_full_disk_no_identity_is_made_and_none_half(tmp_path: pathlib.Path) -> None:
    def scenario(disk: pathlib.Path) -> None:
        fill(disk)
        with pytest.raises(StoreUnavailable, match="No space left"):
            identity.load_or_create(disk)
        assert [path.name for path in disk.iterdir()] == ["ballast"]
        free_up(disk)
        identity.load_or_create(disk)

    on_a_disk(1 << 20, tmp_path, scenario)


def test_what_is_no_key_is_not_touched(tmp_path: pathlib.Path) -> None:
    path = tmp_path / identity.FILE_NAME
    path.write_text("no key")
    path.chmod(0o644)
    with pytest.raises(StoreCorrupt):
        identity.load_or_create(tmp_path)
    assert mode(path) == 0o644


def test_a_link_to_somebody_elses_file_is_neither_read_nor_closed_to_others(tmp_path: pathlib.Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / identity.FILE_NAME
    identity.load_or_create(target.parent)
    target.chmod(0o644)
    (tmp_path / identity.FILE_NAME).symlink_to(target)
    with pytest.raises(HomeRefused, match="is a link"):
        identity.load_or_create(tmp_path)
    assert mode(target) == 0o644


@pytest.mark.timeout(20)
def test_a_pipe_by_its_name_does_not_hold_up_the_start(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / identity.FILE_NAME)
    with pytest.raises(HomeRefused, match="must be an ordinary file"):
        identity.load_or_create(tmp_path)


def test_a_file_of_a_gigabyte_is_no_key_and_is_not_read(tmp_path: pathlib.Path) -> None:
    with (tmp_path / identity.FILE_NAME).open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(StoreCorrupt, match="is not a key"):
        identity.load_or_create(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_key_of_somebody_else_is_refused(tmp_path: pathlib.Path) -> None:
    identity.load_or_create(tmp_path)
    os.chown(tmp_path / identity.FILE_NAME, 12345, 12345)
    with pytest.raises(HomeRefused, match="belongs to uid 12345"):
        identity.load_or_create(tmp_path)
