"""The node's Ed25519 key: a file in the home, mode 0600, created at the first start. Whoever has it is this node."""

from __future__ import annotations

import errno
import os
import pathlib
import tempfile

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
#: Ending of the file that a new key is written to first; random letters stand before it.
TEMPORARY = ".new"
#: Errors where a file can't have two names. (Android refuses it with EACCES.)
_NO_LINKS = frozenset((errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK))


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
        if not exists(home):
            _create(path)
        # Read also what was just written: if two start at the same moment, both have the key that came first.
        key = _read(path)
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


def _create(path: pathlib.Path) -> None:
    """Put a new key at the path, whole and on the disk, unless something is there by then."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # The name is drawn, because two may start at the same moment. Mode 0600 from the beginning.
    descriptor, name = tempfile.mkstemp(prefix=f"{FILE_NAME}.", suffix=TEMPORARY, dir=path.parent)
    temporary = pathlib.Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        created = _publish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    temporary.unlink(missing_ok=True)
    if created:
        # Keys that a crash left half-way were never used.
        for left in (*path.parent.glob(f"{FILE_NAME}.*{TEMPORARY}"), path.with_suffix(TEMPORARY)):
            left.unlink(missing_ok=True)
    sync_directory(path.parent)


def _publish(temporary: pathlib.Path, path: pathlib.Path) -> bool:
    """Give a written file its name, and return whether that worked: False if something is there already."""
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
        # A file system without links, such as FAT. The lock on the home keeps a second node away meanwhile.
        if os.path.lexists(path):
            return False
        temporary.rename(path)
    return True
