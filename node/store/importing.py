"""Giving a home an identity that was exported elsewhere, before a node's first start there."""

from __future__ import annotations

import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.errors import KeptFileError, PlaceTaken
from node.model import PeerId, peer_id, short_code
from node.store import database, history, home, identity
from node.store.reader import Reader


def put(at: pathlib.Path, key: Ed25519PrivateKey, made: str) -> None:
    """Make this key the identity of a home, which is made if there is none.

    Raises HomeInUse when a node runs there, PlaceTaken when it is somebody already, KeptFileError, ConfigError and
    StoreError. Then nothing was changed.
    """
    peer = peer_id(key.public_key().public_bytes_raw())
    lock = home.claim(at)
    try:
        check_free(at, peer)
        try:
            # Without a mark, the first start would miss the database that this identity had elsewhere.
            if not (at / database.FILE_NAME).exists() and history.read_mark(at) is None:
                history.write_new(at)
        except OSError as error:
            raise KeptFileError(f"{at} can't be written: {error.strerror}.") from error
        if not identity.put(at, key, made):
            check_free(at, peer)
    finally:
        lock.release()


def check_free(at: pathlib.Path, peer: PeerId) -> None:
    """Check that a home isn't somebody yet, or was this one and has lost its key. Raises PlaceTaken or StoreError."""
    elsewhere = "Import into a new home with --home DIR, or move this one away."
    if identity.exists(at):
        found = identity.read(at).peer
        if found == peer:
            raise PlaceTaken(f"{at} has this identity already ({short_code(peer)}). There is nothing to do.")
        raise PlaceTaken(f"{at} has another identity already ({short_code(found)}), which stays. {elsewhere}")
    if (at / database.FILE_NAME).exists():
        reader = Reader(at)
        try:
            owner = reader.me()
        finally:
            reader.close()
        if owner not in (None, peer):
            raise PlaceTaken(
                f"{at} holds the conversations of another identity ({short_code(str(owner))}). {elsewhere}"
            )
