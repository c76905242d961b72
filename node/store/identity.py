"""The node's Ed25519 key: a file in the home, mode 0600, created at the first start. Whoever has it is this node.

Above the key stands a line that says when it was made; keys of older versions have none.
"""

from __future__ import annotations

import datetime
import os
import pathlib
import re
import tempfile

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.bus import ownership
from node.bus.locate import sync_directory
from node.errors import FileUnfit, StoreCorrupt, StoreUnavailable
from node.model import PeerId, peer_id
from node.store import files

FILE_NAME = "identity"
#: Most bytes of a key file. A key has 119 bytes, but people may have added text above it. A longer file is refused.
MAX_BYTES = 16 * 1024
#: Ending of the file that a new key is written to first; random letters stand before it.
TEMPORARY = ".new"
#: The line above a key. `load_pem_private_key` passes over it.
MADE = "Made: {} (an identity of Snicher; whoever has this file is this node)\n"
_MADE = re.compile(rb"^Made: ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)", re.MULTILINE)


class Identity(msgspec.Struct, frozen=True):
    """A key with what is known of it."""

    key: Ed25519PrivateKey
    peer: PeerId
    #: When it was made, as 2026-11-27T20:40:19Z (UTC). Of a key that doesn't say so, when its file was written.
    made: str
    #: The file, as it is.
    content: bytes


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
            _put(path, written(Ed25519PrivateKey.generate(), now()))
        # Read also what was just written: if two start at the same moment, both have the key that came first.
        found = _read(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be used: {error.strerror}.") from error
    return found.key, found.peer


def read(home: pathlib.Path) -> Identity:
    """The identity of a home. Raises the errors of `load_or_create`, and FileUnfit when there is none."""
    path = home / FILE_NAME
    try:
        return _read(path)
    except FileNotFoundError:
        raise FileUnfit(f"There is no identity in {home}: a node makes one there when it starts.") from None
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be used: {error.strerror}.") from error


def put(home: pathlib.Path, key: Ed25519PrivateKey, made: str) -> bool:
    """Give a home this identity; returns False, and changes nothing, if it has one. Raises StoreUnavailable."""
    path = home / FILE_NAME
    try:
        return _put(path, written(key, made))
    except OSError as error:
        raise StoreUnavailable(f"{path} can't be written: {error.strerror}.") from error


def now() -> str:
    """The present time, as it stands above a key."""
    return _time(datetime.datetime.now(datetime.UTC))


def _time(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def written(key: Ed25519PrivateKey, made: str) -> bytes:
    """A key as its file."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return MADE.format(made).encode() + pem


def _read(path: pathlib.Path) -> Identity:
    # Read the file first and restrict its mode only afterwards, so that a file that isn't a key stays as it is.
    descriptor = ownership.open_private(path, forbidden=0)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MAX_BYTES + 1)
        modified = os.fstat(descriptor).st_mtime
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
    said = _MADE.search(content)
    at = datetime.datetime.fromtimestamp(modified, datetime.UTC)
    made = _time(at) if said is None else said[1].decode()
    return Identity(key, peer_id(key.public_key().public_bytes_raw()), made, content)


def _put(path: pathlib.Path, content: bytes) -> bool:
    """Put a key at the path, whole and on the disk; returns False if something is there by then."""
    # The name is drawn, because two may start at the same moment. Mode 0600 from the beginning.
    descriptor, name = tempfile.mkstemp(prefix=f"{FILE_NAME}.", suffix=TEMPORARY, dir=path.parent)
    temporary = pathlib.Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        created = files.name_new(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    temporary.unlink(missing_ok=True)
    if created:
        # Keys that a crash left half-way were never used.
        for left in (*path.parent.glob(f"{FILE_NAME}.*{TEMPORARY}"), path.with_suffix(TEMPORARY)):
            left.unlink(missing_ok=True)
    sync_directory(path.parent)
    return created
