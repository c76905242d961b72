"""Signed entries: encodes and decodes headers, and checks a run of chained entries by its last signature. Pure.

Format (PROTOCOL.md section 4): a header is the MessagePack array of Header's fields, `before` only for n = 1. The
signature is Ed25519 over CONTEXT + those exact bytes. Receivers keep and forward the bytes as they came, so that fields
added later survive.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from node.errors import InvalidEntry
from node.model import Entry, Header, PeerId, Position, public_key
from node.protocol.secure.frames import Told

CONTEXT = b"snicher entry 1\x00"
#: `prev` of the first entry of a stream.
NO_PREVIOUS = b"\x00" * 32
#: Most bytes of a header; a longer one is refused.
MAX_HEADER_BYTES = 1024
#: Largest number and clock: they fit signed 64-bit integers, in SQLite and elsewhere.
MAX_NUMBER = 2**63 - 1
#: Most bytes of a body; an entry with a longer one is refused.
MAX_BODY_BYTES = 66 * 1024
#: Makes the 64-byte signature of these bytes, with the author's key.
Signer = Callable[[bytes], bytes]


class _Eight(msgspec.Struct, frozen=True, array_like=True):
    """A header without what stands behind its eighth element."""

    room: str
    author: PeerId
    stream: bytes
    n: int
    prev: bytes
    clock: int
    kind: str
    body_hash: bytes


class _Text(msgspec.Struct, frozen=True):
    """The body of a text entry; other keys are passed over, whatever they hold."""

    text: str


_decoder = msgspec.msgpack.Decoder(Header)
_eight_decoder = msgspec.msgpack.Decoder(_Eight)
_encode = msgspec.msgpack.Encoder().encode
_body_decoder = msgspec.msgpack.Decoder(_Text)


def header_hash(header_bytes: bytes) -> bytes:
    """The hash that the next header's `prev` refers to."""
    return hashlib.sha256(header_bytes).digest()


def text_body(text: str) -> bytes:
    """The body of a text entry."""
    return _encode({"text": text})


def text_of(body: bytes) -> str | None:
    """The text in a body. None: it has none, or isn't a MessagePack map."""
    try:
        return _body_decoder.decode(body).text
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def digest(rows: Sequence[Told]) -> bytes:
    """The SHA-256 of rows, sorted by author and stream, in MessagePack; without `first`, which may differ."""
    return hashlib.sha256(_encode([[row.author, row.stream, row.n, row.hash] for row in rows])).digest()


def size(entry: Entry) -> int:
    """Bytes of an entry in a RUN."""
    return len(entry.header_bytes) + (0 if entry.body is None else len(entry.body))


def next_header(
    author: PeerId,
    room: str,
    stream: bytes,
    last: Position | None,
    clock: int,
    kind: str,
    body: bytes,
    *,
    before: tuple[bytes, int] | None = None,
    before_hash: bytes = NO_PREVIOUS,
) -> tuple[Header, bytes]:
    """The author's next header after `last`, and its bytes. `last` None: the stream's first.

    The first header names the author's last one in this room before that, if there was one: `before` is its stream and
    number, `before_hash` its hash. Raises InvalidEntry if receivers would refuse the header. The caller makes sure that
    `clock` is greater than the clock of the header before.
    """
    n = 1 if last is None else last.n + 1
    prev = before_hash if last is None else last.hash
    fields = (room, author, stream, n, prev, clock, kind, hashlib.sha256(body).digest())
    data = _encode((*fields, before) if last is None else fields)
    return read_header(data), data


def sign(signer: Signer, header_bytes: bytes) -> bytes:
    """The author's signature of a header."""
    return signer(CONTEXT + header_bytes)


def read_header(data: bytes) -> Header:
    """Decode a header. Raises InvalidEntry if `data` isn't one, or if a field is out of its bounds."""
    if len(data) > MAX_HEADER_BYTES:
        raise InvalidEntry(f"A header of {len(data)} bytes; at most {MAX_HEADER_BYTES} are taken.")
    try:
        header = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        header = _without_ninth(data, error)
    if len(header.stream) != 16 or len(header.prev) != 32 or len(header.body_hash) != 32:
        raise InvalidEntry("A stream or hash has the wrong length.")
    if not 1 <= header.n <= MAX_NUMBER or not 0 <= header.clock <= MAX_NUMBER:
        raise InvalidEntry("A number or clock is out of its bounds.")
    if header.n > 1:
        # Elements behind the eighth mean nothing here yet.
        return header if header.before is None else msgspec.structs.replace(header, before=None)
    if header.before is not None:
        return msgspec.structs.replace(header, before=_before(header.before))
    return header


def _without_ninth(data: bytes, error: Exception) -> Header:
    """A header that can't be read, perhaps for its ninth element: only that of a first one counts. Raises InvalidEntry.

    A later version may write there what this one can't read.
    """
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        header = _eight_decoder.decode(data)
        if header.n > 1:
            return Header(*msgspec.structs.astuple(header))
    raise InvalidEntry(f"Not a header: {error}.") from error


def _before(found: Any) -> tuple[bytes, int]:
    """The ninth element of a first header. Raises InvalidEntry."""
    if not isinstance(found, list) or len(found) != 2:
        raise InvalidEntry("The ninth element isn't a stream and a number.")
    stream, n = found
    if not isinstance(stream, bytes) or len(stream) != 16 or type(n) is not int or not 1 <= n <= MAX_NUMBER:
        raise InvalidEntry("The ninth element isn't a stream and a number.")
    return stream, n


def check_run(
    room: str,
    headers: Sequence[bytes],
    bodies: Sequence[bytes | None],
    signature: bytes,
    held: Position | None,
    held_clock: int,
    *,
    begins: int = 1,
) -> list[Entry]:
    """Check a run of one stream of `room`, and return the entries that follow those held.

    `held` is the position up to which the stream is held, and `held_clock` the clock there (-1: not known). Entries up
    to there are left out. The run must go on there, or begin at number `begins`, if that is later: before it, whoever
    sent the run has deleted the stream. Only the last signature is verified. Through the chain of hashes it covers all
    headers before it, so a run may be forwarded only up to a verified signature. Raises InvalidEntry if anything is
    wrong; the whole run is then refused.
    """
    if not headers:
        raise InvalidEntry("An empty run.")
    at = 0 if held is None else held.n
    entries: list[Entry] = []
    before: Header | None = None
    hash_before = b""
    for data, body in zip(headers, bodies, strict=True):
        header = read_header(data)
        if before is None:
            _check_first(header, room, held, begins)
        else:
            if (header.room, header.author, header.stream) != (room, before.author, before.stream):
                raise InvalidEntry("A run holds one stream only.")
            if header.n != before.n + 1:
                raise InvalidEntry(f"Number {header.n} doesn't follow.")
            if header.prev != hash_before:
                raise InvalidEntry(f"Number {header.n} continues another chain.")
            if header.clock <= before.clock:
                raise InvalidEntry(f"The clock of number {header.n} doesn't advance.")
        if body is not None and (len(body) > MAX_BODY_BYTES or hashlib.sha256(body).digest() != header.body_hash):
            raise InvalidEntry(f"The body of number {header.n} isn't the one that was signed.")
        before, hash_before = header, header_hash(data)
        if header.n == at and held is not None and hash_before != held.hash:
            raise InvalidEntry(f"Number {at} is another than the one held.")
        if header.n > at:
            if header.n == at + 1 and header.clock <= held_clock:
                raise InvalidEntry(f"The clock of number {header.n} doesn't advance.")
            entries.append(Entry(header, data, hash_before, None, body))
    assert before is not None
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key(before.author))
        key.verify(signature, CONTEXT + headers[-1])
    except (InvalidSignature, ValueError) as error:
        raise InvalidEntry("The signature isn't the author's.") from error
    if entries:
        entries[-1] = msgspec.structs.replace(entries[-1], signature=signature)
    return entries


def _check_first(header: Header, room: str, held: Position | None, begins: int) -> None:
    """Raises InvalidEntry unless a run that begins with this header goes on where the held part ends, or earlier."""
    if header.room != room:
        raise InvalidEntry("The run is of another room.")
    at = 0 if held is None else held.n
    if header.n > at + 1 and header.n != begins:
        raise InvalidEntry(f"Number {header.n} doesn't follow {at}.")
    if header.n == at + 1 and held is not None and header.prev != held.hash:
        raise InvalidEntry(f"Number {header.n} continues another chain.")
    if header.n == 1 and header.before is None and header.prev != NO_PREVIOUS:
        raise InvalidEntry("The first header continues nothing, and says that it does.")
