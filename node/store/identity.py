"""The node's Ed25519 key: a file in the home, mode 0600, created at the first start. Whoever has it is this node."""

from __future__ import annotations

import os
import pathlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus import ownership
from node.bus.locate import sync_directory
from node.errors import StoreCorrupt, StoreUnavailable
from node.model import PeerId, peer_id

FILE_NAME = "identity"
#: Most bytes of a key file. A key has 119 bytes, but people may have added text above it. A longer file is refused.
MAX_BYTES = 16 * 1024


def exists(home: pathlib.Path) -> bool:
    """Whether the home has an identity file. A broken link counts, too."""
    return os.path.lexists(home / FILE_NAME)


def load_or_create(home: pathlib.Path) -> tuple[Ed25519PrivateKey, PeerId]:
    """The key and the PeerId derived from it.

    Raises StoreCorrupt if the file isn't a key (it is never replaced: it may be the only copy), HomeRefused if it is a
    link or belongs to somebody else, and StoreUnavailable if it can't be read or written.
    """
    path = home / FILE_NAME
    try:
        # A broken link must not be replaced with a new key: perhaps the disk with the key isn't mounted.
        if exists(home):
            key = _read(path)
        else:
            key = Ed25519PrivateKey.generate()
            _write(path, key)
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be used: {error.strerror}.") from error
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return key, peer_id(public)


def _read(path: pathlib.Path) -> Ed25519PrivateKey:
    # Read the file first and restrict its mode only afterwards, so that a file that isn't a key stays as it is.
    descriptor = ownership.open_private(path, forbidden=0)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        if len(content) > MAX_BYTES:
            raise ValueError("It is too long for a key.")
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StoreCorrupt(
            f"{path} is not a key. Restore it from a backup, or move it away to be somebody new."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreCorrupt(f"{path} holds another kind of key than Ed25519.")
    os.close(ownership.open_private(path))
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
