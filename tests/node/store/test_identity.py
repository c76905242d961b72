"""The key: drawn once, its owner's alone, never overwritten."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from node.errors import StoreCorrupt, StoreUnavailable
from node.model import public_key
from node.store import identity


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
    with pytest.raises(StoreUnavailable):
        identity.load_or_create(tmp_path)
    assert path.is_symlink()


def test_what_a_crash_left_half_written_is_passed_over(tmp_path: pathlib.Path) -> None:
    (tmp_path / "identity.new").write_bytes(b"half a k")
    _, peer = identity.load_or_create(tmp_path)
    assert identity.load_or_create(tmp_path)[1] == peer
