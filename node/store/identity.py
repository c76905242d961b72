"""The node's Ed25519 key: one file in the home, mode 0600, made at the first start. Who has it is this node."""

from __future__ import annotations

import os
import pathlib
import stat

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus.locate import sync_directory
from node.errors import StoreCorrupt, StoreUnavailable
from node.model import PeerId, peer_id

FILE_NAME = "identity"


def load_or_create(home: pathlib.Path) -> tuple[Ed25519PrivateKey, PeerId]:
    """The key and the PeerId that follows from it.

    Raises StoreCorrupt when the file is no key (it is never replaced: it may be somebody's only copy), and
    StoreUnavailable when it can't be read or written.
    """
    path = home / FILE_NAME
    try:
        # A link that leads nowhere counts too: perhaps the disk with the key isn't mounted.
        if os.path.lexists(path):
            key = _read(path)
        else:
            key = Ed25519PrivateKey.generate()
            _write(path, key)
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be used: {error.strerror}.") from error
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return key, peer_id(public)


def _read(path: pathlib.Path) -> Ed25519PrivateKey:
    if not stat.S_ISREG(path.stat().st_mode):
        # To open a pipe would wait for ever.
        raise StoreCorrupt(f"{path} is not an ordinary file. Restore it from a backup, or move it away.")
    if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StoreCorrupt(
            f"{path} is not a key. Restore it from a backup, or move it away to be somebody new."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreCorrupt(f"{path} holds another kind of key than Ed25519.")
    return key


def _write(path: pathlib.Path, key: Ed25519PrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)
