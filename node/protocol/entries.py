"""Signed entries: encodes and decodes headers, and checks a run of chained entries by its last signature. Pure.

Format (PROTOCOL.md section 4): a header is the MessagePack array of Header's fields. The signature is Ed25519 over
CONTEXT + those exact bytes. Receivers keep and forward the bytes as they came, so that fields added later survive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from node.errors import InvalidEntry
from node.model import Entry, Header, PeerId, Position, public_key

CONTEXT = b"snicher entry 1\x00"
#: `prev` of the first entry of a stream.
NO_PREVIOUS = b"\x00" * 32
#: Most bytes of a header; a longer one is refused.
MAX_HEADER_BYTES = 1024
#: Largest number and clock: they fit signed 64-bit integers, in SQLite and elsewhere.
MAX_NUMBER = 2**63 - 1

_decoder = msgspec.msgpack.Decoder(Header)


def header_hash(header_bytes: bytes) -> bytes:
    """The hash that the next header's `prev` refers to."""
    return hashlib.sha256(header_bytes).digest()


def write_entry(
    key: Ed25519PrivateKey,
    author: PeerId,
    room: str,
    stream: bytes,
    last: Position | None,
    clock: int,
    kind: str,
    body: bytes,
) -> Entry:
    """Write the author's next entry after `last` (None: the stream's first).

    Raises InvalidEntry if receivers would refuse its header. The caller makes sure that `clock` is greater than the
    clock of `last`.
    """
    header = Header(
        room=room,
        author=author,
        stream=stream,
        n=1 if last is None else last.n + 1,
        prev=NO_PREVIOUS if last is None else last.hash,
        clock=clock,
        kind=kind,
        body_hash=hashlib.sha256(body).digest(),
    )
    data = msgspec.msgpack.encode(header)
    read_header(data)
    return Entry(header, data, key.sign(CONTEXT + data), body)


def read_header(data: bytes) -> Header:
    """Decode a header. Raises InvalidEntry if `data` isn't one, or if a field is out of its bounds."""
    if len(data) > MAX_HEADER_BYTES:
        raise InvalidEntry(f"A header of {len(data)} bytes; at most {MAX_HEADER_BYTES} are taken.")
    try:
        header = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEntry(f"Not a header: {error}.") from error
    if len(header.stream) != 16 or len(header.prev) != 32 or len(header.body_hash) != 32:
        raise InvalidEntry("A stream or hash has the wrong length.")
    if not 1 <= header.n <= MAX_NUMBER or not 0 <= header.clock <= MAX_NUMBER:
        raise InvalidEntry("A number or clock is out of its bounds.")
    return header


def check_run(entries: Sequence[Entry], last: Position | None, last_clock: int) -> Position:
    """Check a run of one stream that continues after `last`, and return the position of its last entry.

    Only the last signature is verified. Through the chain of hashes it covers all headers before it, so a run may be
    forwarded only up to a verified signature. `last_clock` is the clock of the entry at `last`, or -1. Raises
    InvalidEntry if anything is wrong; the whole run is then refused.
    """
    if not entries:
        raise InvalidEntry("An empty run.")
    first = entries[0].header
    position, clock = last, last_clock
    for entry in entries:
        header = read_header(entry.header_bytes)
        if header != entry.header:
            raise InvalidEntry("The header isn't what its bytes say.")
        if (header.room, header.author, header.stream) != (first.room, first.author, first.stream):
            raise InvalidEntry("A run holds one stream only.")
        if header.n != (1 if position is None else position.n + 1):
            raise InvalidEntry(f"Number {header.n} doesn't follow.")
        if header.prev != (NO_PREVIOUS if position is None else position.hash):
            raise InvalidEntry(f"Number {header.n} continues another chain.")
        if header.clock <= clock:
            raise InvalidEntry(f"The clock of number {header.n} doesn't advance.")
        if entry.body is not None and hashlib.sha256(entry.body).digest() != header.body_hash:
            raise InvalidEntry(f"The body of number {header.n} isn't the one that was signed.")
        position, clock = Position(header.n, header_hash(entry.header_bytes)), header.clock
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key(first.author))
        key.verify(entries[-1].signature, CONTEXT + entries[-1].header_bytes)
    except (InvalidSignature, ValueError) as error:
        raise InvalidEntry("The signature isn't the author's.") from error
    assert position is not None
    return position
