"""A reader of the protocol's bytes, written from PROTOCOL.md alone. It shares no code with the node.

Law of this file: nothing of node.* is imported here. What it refuses, it refuses with one of the reasons that
section 11 of PROTOCOL.md lists.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LARGEST = 2**63 - 1


class Refused(Exception):
    """The bytes are invalid. It is said with the reason."""


def _must(holds: bool, reason: str) -> None:
    if not holds:
        raise Refused(reason)


def _is_number(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_binary(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size


def _array(data: bytes, reason: str) -> list[Any]:
    """A MessagePack array with nothing behind it."""
    try:
        found = msgspec.msgpack.decode(data, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        raise Refused(reason) from None
    return [_element(one) for one in found]


def _element(raw: msgspec.Raw) -> Any:
    """An element. What can't be read is of no type that is known here, so only an element that is ignored may be so."""
    try:
        return msgspec.msgpack.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw


# -- identities (sections 4 and 9.2)


def peer_of(key: bytes) -> str:
    """The PeerId of a public key."""
    return base64.b32encode(key).decode().lower().rstrip("=")


def key_of(peer: str) -> bytes:
    """The public key in a PeerId; there is one way only of writing it."""
    try:
        key = base64.b32decode(peer.upper() + "=" * (-len(peer) % 8))
    except ValueError:
        raise Refused("peer") from None
    _must(len(key) == 32 and peer_of(key) == peer, "peer")
    return key


def code_of(peer: str) -> str:
    """The short code of a PeerId."""
    text = base64.b32encode(hashlib.sha256(peer.encode()).digest()).decode().lower()
    return " · ".join((text[:4], text[4:8], text[8:12], text[12:16]))


def direct_room(one: str, other: str) -> str:
    """The id of the direct room of two PeerIds."""
    low, high = min(one, other), max(one, other)
    return "direct:" + hashlib.sha256(b"snicher direct 1\x00" + low.encode() + high.encode()).hexdigest()


def authority() -> Ed25519PrivateKey:
    """The public authority."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"snicher public ca 1").digest())


def certificate_key(der: bytes) -> bytes:
    """The public key in a certificate that the public authority has signed."""
    try:
        found = x509.load_der_x509_certificate(der)
        is_ca = found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        key = found.public_key()
    except (ValueError, x509.ExtensionNotFound):
        raise Refused("certificate") from None
    _must(not is_ca, "ca")
    try:
        authority().public_key().verify(found.signature, found.tbs_certificate_bytes)
    except InvalidSignature:
        raise Refused("authority") from None
    if not isinstance(key, Ed25519PublicKey):
        raise Refused("key")
    return key.public_bytes_raw()


# -- the first bytes (section 2.1)


def offered_port(data: bytes) -> int | None:
    """The port in an offer. None: it claims a number that can't be a port."""
    found = re.fullmatch(rb"CONNECT:([0-9]{1,12})\t{32}\n", data)
    if found is None:
        raise Refused("offer")
    port = int(found[1])
    return port if 1 <= port <= 65535 else None


def check_answer(data: bytes) -> None:
    """Takes the answer to an offer only."""
    _must(data == b"\t" * 16 + b"\n", "answer")


# -- entries (section 4)


def header(data: bytes) -> list[Any]:
    """The elements of a header, each within its bounds."""
    _must(len(data) <= 1024, "header")
    found = _array(data, "header")
    _must(len(found) >= 8, "header")
    room, author, stream, n, prev, clock, kind, body_hash = found[:8]
    _must(all(isinstance(one, str) for one in (room, author, kind)), "header")
    _must(_is_binary(stream, 16) and _is_binary(prev, 32) and _is_binary(body_hash, 32), "header")
    _must(_is_number(n, 1, LARGEST) and _is_number(clock, 0, LARGEST), "header")
    before = found[8] if n == 1 and len(found) > 8 else None
    if before is not None:
        _must(isinstance(before, list) and len(before) == 2, "header")
        _must(_is_binary(before[0], 16) and _is_number(before[1], 1, LARGEST), "header")
    return found


@dataclasses.dataclass(frozen=True)
class Held:
    """Up to where a reader holds a stream."""

    n: int
    hash: bytes
    clock: int


def check_run(
    room: str, headers: Sequence[bytes], bodies: Sequence[bytes | None], signature: bytes, held: Held | None
) -> list[int]:
    """The numbers of the entries that a run brings."""
    have = held.n if held else 0
    brought = []
    last: list[Any] | None = None
    for at, data in enumerate(headers):
        found = header(data)
        n, prev, clock = found[3:6]
        _must(found[0] == room, "room")
        if last is not None:
            _must(found[1:3] == last[1:3], "stream")
            _must(n == last[3] + 1, "number")
            _must(prev == hashlib.sha256(headers[at - 1]).digest(), "prev")
            _must(clock > last[5], "clock")
        else:
            _must(n <= have + 1, "number")
            _must(not held or n <= have or prev == held.hash, "prev")
        _must(not held or n != have + 1 or clock > held.clock, "clock")
        if n == 1 and (len(found) == 8 or found[8] is None):
            _must(prev == bytes(32), "prev")
        if held and n == have:
            _must(hashlib.sha256(data).digest() == held.hash, "held")
        body = bodies[at]
        _must(body is None or (len(body) <= 66 * 1024 and hashlib.sha256(body).digest() == found[7]), "body")
        if n > have:
            brought.append(n)
        last = found
    assert last is not None
    check_signature(last[1], headers[-1], signature)
    return brought


def check_signature(author: str, data: bytes, signature: bytes) -> None:
    """Takes the author's signature of a header only."""
    try:
        Ed25519PublicKey.from_public_bytes(key_of(author)).verify(signature, b"snicher entry 1\x00" + data)
    except InvalidSignature:
        raise Refused("signature") from None


# -- frames (sections 9.3 and 10)


def frame(data: bytes) -> list[Any] | None:
    """The elements of one frame with its length, without those that a later version adds. None: an unknown type."""
    size = int.from_bytes(data[:4], "big")
    _must(1 <= size <= 2**20, "frame")
    _must(len(data) == 4 + size, "frame")
    found = _array(data[4:], "frame")
    _must(bool(found) and _is_number(found[0], -(2**63), 2**64 - 1), "frame")
    if found[0] not in _FRAMES:
        return None
    count, is_sound = _FRAMES[found[0]]
    _must(len(found) >= count, "frame")
    _must(is_sound(found[1:count]), "frame")
    return found[:count]


def _is_list(value: object, low: int, high: int) -> bool:
    return isinstance(value, list) and low <= len(value) <= high


def _is_hello(of: list[Any]) -> bool:
    versions, instance, run, name, port, now, features = of
    return (
        _is_list(versions, 1, 64)
        and all(_is_number(one, -(2**63), 2**64 - 1) for one in versions)
        and _is_binary(instance, 16)
        and _is_binary(run, 16)
        and isinstance(name, str)
        and len(name) <= 64
        and _is_number(port, 1, 65535)
        and _is_number(now, 0, 2**48 - 1)
        and _is_list(features, 0, 64)
        and all(isinstance(one, str) for one in features)
    )


def _is_token(of: list[Any]) -> bool:
    return _is_binary(of[0], 8)


def _is_bye(of: list[Any]) -> bool:
    return _is_number(of[0], -(2**63), 2**64 - 1) and isinstance(of[1], str)


def _is_digest(of: list[Any]) -> bool:
    return _is_list(of[0], 0, 4000) and all(
        _is_list(one, 2, 2) and isinstance(one[0], str) and _is_binary(one[1], 32) for one in of[0]
    )


def _is_have(of: list[Any]) -> bool:
    return isinstance(of[0], str) and _is_list(of[1], 0, 4000) and all(map(_is_row, of[1]))


def _is_row(row: Any) -> bool:
    if not isinstance(row, list) or len(row) < 5:
        return False
    author, stream, first, n, hashed = row[:5]
    return (
        isinstance(author, str)
        and _is_binary(stream, 16)
        and _is_number(n, 0, LARGEST)
        and _is_number(first, 1, n + 1)
        and _is_binary(hashed, 32)
    )


def _is_stream(of: list[Any]) -> bool:
    return isinstance(of[0], str) and isinstance(of[1], str) and _is_binary(of[2], 16)


def _is_want(of: list[Any]) -> bool:
    return _is_stream(of) and _is_number(of[3], 0, LARGEST) and isinstance(of[4], bool)


def _is_run(of: list[Any]) -> bool:
    room, headers, bodies, signature = of
    if not (isinstance(room, str) and _is_list(headers, 1, 1000) and _is_list(bodies, 1, 1000)):
        return False
    if len(headers) != len(bodies) or not isinstance(signature, bytes):
        return False
    if not all(isinstance(one, bytes) for one in headers):
        return False
    return all(one is None or isinstance(one, bytes) for one in bodies) and (
        sum(map(len, headers)) + sum(len(one) for one in bodies if one is not None) <= 128 * 1024
    )


def _is_read(of: list[Any]) -> bool:
    return (
        isinstance(of[0], str)
        and _is_list(of[1], 0, 4000)
        and all(
            _is_list(row, 3, 3)
            and isinstance(row[0], str)
            and _is_binary(row[1], 16)
            and _is_number(row[2], 1, LARGEST)
            for row in of[1]
        )
    )


def _is_door(of: list[Any]) -> bool:
    return isinstance(of[0], str) and _is_number(of[1], 0, LARGEST)


def _is_seek(of: list[Any]) -> bool:
    return _is_list(of[0], 0, 32) and all(isinstance(one, str) for one in of[0])


def _is_where(of: list[Any]) -> bool:
    def is_address(one: Any) -> bool:
        return (
            isinstance(one, list)
            and len(one) >= 3
            and isinstance(one[0], str)
            and len(one[0]) <= 64
            and _is_number(one[1], 0, 65535)
            and _is_number(one[2], 0, 2**48 - 1)
        )

    return _is_list(of[0], 0, 32) and all(
        _is_list(row, 2, 2) and isinstance(row[0], str) and _is_list(row[1], 0, 8) and all(map(is_address, row[1]))
        for row in of[0]
    )


def _is_presence(of: list[Any]) -> bool:
    return _is_number(of[0], 0, LARGEST) and isinstance(of[1], str) and len(of[1]) <= 100


def _is_typing(of: list[Any]) -> bool:
    return isinstance(of[0], str) and _is_number(of[1], 0, 10)


def _is_dialback(of: list[Any]) -> bool:
    return _is_number(of[0], 0, 2**32 - 1)


def _is_dialled(of: list[Any]) -> bool:
    number, outcome, ms, host = of
    if not (_is_number(number, 0, 2**32 - 1) and _is_number(outcome, 0, LARGEST) and _is_number(ms, 0, 60_000)):
        return False
    return isinstance(host, str) and len(host) <= 64


#: For each type: its elements, and whether those behind the type are within their bounds.
_FRAMES = {
    0: (8, _is_hello), 1: (2, _is_token), 2: (2, _is_token), 3: (3, _is_bye), 4: (2, _is_digest), 5: (3, _is_have),
    6: (6, _is_want), 7: (4, _is_stream), 8: (5, _is_run), 13: (3, _is_read), 14: (3, _is_typing),
    15: (3, _is_door), 16: (2, _is_seek), 17: (2, _is_where), 18: (3, _is_presence), 20: (2, _is_dialback),
    21: (5, _is_dialled),
}  # fmt: skip


def digest(rows: list[list[Any]]) -> tuple[bytes, bytes]:
    """The bytes that are hashed for rows `[author, stream, n, hash]`, and their digest."""
    data = msgspec.msgpack.encode(sorted(rows, key=lambda row: (row[0].encode(), row[1])))
    return data, hashlib.sha256(data).digest()
