"""An author for tests: writes and signs entries with a key."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.model import Entry, PeerId, Position, peer_id
from node.protocol.entries import NO_PREVIOUS, header_hash, next_header, sign


def author_of(key: Ed25519PrivateKey) -> PeerId:
    """The PeerId of a key."""
    return peer_id(key.public_key().public_bytes_raw())


def write_entry(
    key: Ed25519PrivateKey,
    room: str,
    stream: bytes,
    last: Position | None,
    clock: int,
    kind: str,
    body: bytes,
    *,
    before: tuple[bytes, int] | None = None,
    before_hash: bytes = NO_PREVIOUS,
) -> Entry:
    """The key's next entry after `last`, signed."""
    header, data = next_header(
        author_of(key), room, stream, last, clock, kind, body, before=before, before_hash=before_hash
    )
    return Entry(header, data, header_hash(data), sign(key.sign, data), body)


def position(entry: Entry) -> Position:
    """The position of an entry in its stream."""
    return Position(entry.header.n, entry.hash)
