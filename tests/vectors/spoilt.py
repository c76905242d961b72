"""Invalid bytes, each with the reason for which a reader refuses them; and odd ones that it takes."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from node.model import Entry
from node.peers.tls import FIRST as VALID_FROM
from node.peers.tls import LAST as VALID_UNTIL
from node.peers.tls import PUBLIC_CA
from node.protocol import entries
from node.protocol.secure import frames as f
from tests.support.authors import author_of, position, write_entry
from tests.vectors.made import (
    CLOCK,
    FIRST,
    ONE,
    OTHER,
    ROOM,
    SECOND,
    der,
    frame_bytes,
    frames,
    held_at,
    run_of,
    shown,
    texts,
)  # fmt: skip

_encode = msgspec.msgpack.encode


def tolerated() -> list[dict[str, object]]:
    """Frames that are written in another way than senders write them, and what a reader takes them for."""
    ping = msgspec.msgpack.decode(f.encode(frames()["PING"])[4:])
    token = ping[1]
    return [
        {"name": "PING with a further element", "hex": frame_bytes([*ping, {"new": 1}]).hex(), "value": shown(ping)},
        {"name": "PING whose type, array and token are encoded longer than they need to be",
         "hex": _framed(b"\xdc\x00\x02\xd1\x00\x01\xc5\x00\x08" + token).hex(), "value": shown(ping)},
        {"name": "a type that nobody knows", "hex": frame_bytes([99, "new"]).hex(), "value": None},
        {"name": "a type of 2^63", "hex": frame_bytes([2**63, "new"]).hex(),
         "value": None},
    ]  # fmt: skip


def invalid() -> dict[str, list[dict[str, object]]]:
    """All invalid vectors."""
    return {
        "peers": _peers(),
        "certificates": _certificates(),
        "offers": _offers(),
        "answers": _answers(),
        "headers": _headers(),
        "frames": _frames(),
        "runs": _runs(),
    }


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _one(name: str, reason: str, data: bytes) -> dict[str, object]:
    return {"name": name, "reason": reason, "hex": data.hex()}


def _peers() -> list[dict[str, object]]:
    peer = author_of(ONE)
    written = {
        "in capitals": peer.upper(),
        "with padding": peer + "====",
        # 52 characters have 260 bits: the last four belong to no key, and are zeros.
        "other bits at its end": peer[:-1] + "b",
        "a character less": peer[:-1],
        "a character that base32 doesn't have": "1" + peer[1:],
        "nothing": "",
    }
    return [{"name": name, "reason": "peer", "text": text} for name, text in written.items()]


def _certificates() -> list[dict[str, object]]:
    def made(key: Ed25519PublicKey | ec.EllipticCurvePublicKey, ca: bool, by: Ed25519PrivateKey = PUBLIC_CA) -> bytes:
        def name(common: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

        builder = x509.CertificateBuilder().subject_name(name("peer")).issuer_name(name("snicher")).public_key(key)
        builder = builder.serial_number(7).not_valid_before(VALID_FROM).not_valid_after(VALID_UNTIL)
        basic = x509.BasicConstraints(ca=ca, path_length=None)
        return bytes.fromhex(der(builder.add_extension(basic, critical=True).sign(by, None)))

    curve = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    good = made(ONE.public_key(), ca=False)
    return [
        _one("signed by somebody else", "authority", made(ONE.public_key(), False, OTHER)),
        _one("signed by itself", "authority", made(ONE.public_key(), False, ONE)),
        _one("an authority's", "ca", made(ONE.public_key(), True)),
        _one("a key that isn't Ed25519", "key", made(curve, False)),
        _one("trailing bytes", "certificate", good + b"\0"),
        _one("cut off", "certificate", good[:-1]),
    ]


def _offers() -> list[dict[str, object]]:
    tabs = b"\t" * 32
    return [
        _one("24 tabs, as version 0.1 of the program makes them", "offer", b"CONNECT:5000" + b"\t" * 24 + b"\n"),
        _one("31 tabs", "offer", b"CONNECT:5000" + tabs[1:] + b"\n"),
        _one("33 tabs", "offer", b"CONNECT:5000\t" + tabs + b"\n"),
        _one("a space among the tabs", "offer", b"CONNECT:5000 " + tabs[1:] + b"\n"),
        _one("a carriage return", "offer", b"CONNECT:5000" + tabs + b"\r\n"),
        _one("no digits", "offer", b"CONNECT:" + tabs + b"\n"),
        _one("13 digits", "offer", b"CONNECT:0000000005000" + tabs + b"\n"),
        _one("something before it", "offer", b"\nCONNECT:5000" + tabs + b"\n"),
        _one("small letters", "offer", b"connect:5000" + tabs + b"\n"),
    ]


def _answers() -> list[dict[str, object]]:
    return [
        _one("15 tabs", "answer", b"\t" * 15 + b"\n"),
        _one("17 tabs", "answer", b"\t" * 17 + b"\n"),
        _one("something before it", "answer", b"\n" + b"\t" * 16 + b"\n"),
        _one("a carriage return", "answer", b"\t" * 16 + b"\r\n"),
    ]


def _headers() -> list[dict[str, object]]:
    hello, _, back, _ = texts()
    fields: list[Any] = msgspec.msgpack.decode(hello.header_bytes)

    def changed(at: int, value: object, of: list[Any] = fields) -> bytes:
        return _encode([*of[:at], value, *of[at + 1 :]])

    after: list[Any] = msgspec.msgpack.decode(back.header_bytes)
    return [
        _one("trailing bytes", "header", hello.header_bytes + b"\0"),
        _one("cut off", "header", hello.header_bytes[:-1]),
        _one("a map", "header", _encode({"room": ROOM})),
        _one("seven elements", "header", _encode(fields[:7])),
        _one("1,025 bytes", "header", changed(0, ROOM + "x" * (1025 - len(hello.header_bytes)))),
        _one("a stream of 15 bytes", "header", changed(2, b"S" * 15)),
        _one("a stream that is a string", "header", changed(2, "S" * 16)),
        _one("n = 0", "header", changed(3, 0)),
        _one("n = 2^63", "header", changed(3, 2**63)),
        _one("n is a boolean", "header", changed(3, True)),
        _one("a hash of 31 bytes", "header", changed(4, bytes(31))),
        _one("a negative clock", "header", changed(5, -1)),
        _one("a clock of 2^63", "header", changed(5, 2**63)),
        _one("a clock that is a float", "header", changed(5, 1.0)),
        _one("`before` has no number", "header", changed(8, [FIRST], after)),
        _one("`before` has number 0", "header", changed(8, [FIRST, 0], after)),
        _one("`before` has a stream of 15 bytes", "header", changed(8, [FIRST[1:], 2], after)),
        _one("`before` is a number", "header", changed(8, 2, after)),
    ]


def _frames() -> list[dict[str, object]]:
    made = {name: msgspec.msgpack.decode(f.encode(frame)[4:]) for name, frame in frames().items()}

    def changed(name: str, at: int, value: object) -> bytes:
        return frame_bytes([*made[name][:at], value, *made[name][at + 1 :]])

    author, hashed = author_of(ONE), bytes(32)
    return [
        _one("a length of 0", "frame", bytes(4)),
        _one("a length above 1 MiB", "frame", (2**20 + 1).to_bytes(4, "big")),
        _one("trailing bytes", "frame", _framed(_encode(made["PING"]) + b"\0")),
        _one("a map", "frame", frame_bytes({"type": 1})),
        _one("an empty array", "frame", frame_bytes([])),
        _one("a type that is a string", "frame", frame_bytes(["1", b"12345678"])),
        _one("PING with 7 bytes", "frame", frame_bytes([1, b"1234567"])),
        _one("PING with a string", "frame", frame_bytes([1, "12345678"])),
        _one("PONG without a token", "frame", frame_bytes([2])),
        _one("HELLO without a version", "frame", changed("HELLO", 1, [])),
        _one("HELLO with 65 versions", "frame", changed("HELLO", 1, list(range(65)))),
        _one("HELLO with 65 features", "frame", changed("HELLO", 7, ["x"] * 65)),
        _one("HELLO with an instance of 15 bytes", "frame", changed("HELLO", 2, bytes(15))),
        _one("HELLO with a run of 17 bytes", "frame", changed("HELLO", 3, bytes(17))),
        _one("HELLO with a name of 65 characters", "frame", changed("HELLO", 4, "x" * 65)),
        _one("HELLO with port 0", "frame", changed("HELLO", 5, 0)),
        _one("HELLO with port 65,536", "frame", changed("HELLO", 5, 65536)),
        _one("HELLO with a time of 2^48", "frame", changed("HELLO", 6, 2**48)),
        _one("HELLO with a name that isn't UTF-8", "frame",
             _framed(_encode(made["HELLO"]).replace(b"\xa4anna", b"\xa4\xff\xff\xff\xff"))),
        _one("DIGEST with 31 bytes", "frame", frame_bytes([4, [[ROOM, bytes(31)]]])),
        _one("HAVE whose row has n = -1", "frame", frame_bytes([5, ROOM, [[author, FIRST, 1, -1, hashed]]])),
        _one("HAVE whose row has first = 0", "frame", frame_bytes([5, ROOM, [[author, FIRST, 0, 1, hashed]]])),
        _one("HAVE whose row begins behind its end", "frame",
             frame_bytes([5, ROOM, [[author, FIRST, 3, 1, hashed]]])),
        _one("HAVE whose row has n = 2^63", "frame", frame_bytes([5, ROOM, [[author, FIRST, 1, 2**63, hashed]]])),
        _one("WANT after -1", "frame", changed("WANT", 4, -1)),
        _one("WANT with 1 for true", "frame", changed("WANT", 5, 1)),
        _one("STOP with a stream of 15 bytes", "frame", changed("STOP", 3, bytes(15))),
        _one("RUN without entries", "frame", frame_bytes([8, ROOM, [], [], bytes(64)])),
        _one("RUN with more headers than bodies", "frame", changed("RUN of two entries", 3, [None])),
        _one("READ up to 0", "frame", frame_bytes([13, ROOM, [[author, FIRST, 0]]])),
        _one("READ with a stream of 15 bytes", "frame", frame_bytes([13, ROOM, [[author, FIRST[1:], 1]]])),
        _one("TYPING for 11 seconds", "frame", frame_bytes([14, ROOM, 11])),
        _one("DOOR with a state below 0", "frame", frame_bytes([15, ROOM, -1])),
        _one("DOOR without a state", "frame", frame_bytes([15, ROOM])),
        _one("SEEK for 33 nodes", "frame", frame_bytes([16, [author] * 33])),
        _one("SEEK for a number", "frame", frame_bytes([16, [7]])),
        _one("WHERE with port 65,536", "frame", frame_bytes([17, [[author, [["10.0.0.7", 65536, 0]]]]])),
        _one("WHERE with an age below 0", "frame", frame_bytes([17, [[author, [["10.0.0.7", 5000, -1]]]]])),
        _one("WHERE with 9 addresses of one node", "frame", frame_bytes([17, [[author, [["10.0.0.7", 5000, 0]] * 9]]])),
        _one("WHERE with a host of 65 characters", "frame", frame_bytes([17, [[author, [["x" * 65, 5000, 0]]]]])),
        _one("WHERE of 33 nodes", "frame", frame_bytes([17, [[author, []]] * 33])),
        _one("PRESENCE with a text of 101 characters", "frame", frame_bytes([18, 1, "x" * 101])),
        _one("PRESENCE with a state below 0", "frame", frame_bytes([18, -1, ""])),
        _one("DIALBACK without a number", "frame", frame_bytes([20])),
        _one("DIALBACK with the number -1", "frame", frame_bytes([20, -1])),
        _one("DIALBACK with the number 2^32", "frame", frame_bytes([20, 2**32])),
        _one("DIALLED after 60,001 ms", "frame", frame_bytes([21, 7, 0, 60_001, "192.168.1.20"])),
        _one("DIALLED with an outcome below 0", "frame", frame_bytes([21, 7, -1, 3, "192.168.1.20"])),
        _one("DIALLED with a host of 65 characters", "frame", frame_bytes([21, 7, 0, 3, "1" * 65])),
        _one("DIALLED without a host", "frame", frame_bytes([21, 7, 0, 3])),
        _one("TYPING for -1 seconds", "frame", frame_bytes([14, ROOM, -1])),
    ]  # fmt: skip


def _runs() -> list[dict[str, object]]:
    hello, again, back, _ = texts()
    body = entries.text_body("hello")

    def signed(data: bytes, text: bytes | None = None) -> f.Run:
        """A RUN of one header, signed by its author, however wrong it is."""
        return f.Run(ROOM, [data], [text], ONE.sign(entries.CONTEXT + data))

    def header(of: Entry, at: int, value: object) -> bytes:
        found: list[Any] = msgspec.msgpack.decode(of.header_bytes)
        return _encode([*found[:at], value, *found[at + 1 :]])

    def spoilt(name: str, reason: str, run: f.Run, held: Entry | None = None) -> dict[str, object]:
        return {"name": name, "reason": reason, "room": ROOM, "held": held_at(held), "hex": f.encode(run).hex()}

    zeros = write_entry(ONE, ROOM, FIRST, None, CLOCK, "text", b"another body")
    slow = write_entry(ONE, ROOM, FIRST, position(hello), CLOCK, "text", body)
    of_another_room = write_entry(ONE, "#lobby", FIRST, None, CLOCK, "text", body)
    third = write_entry(ONE, ROOM, FIRST, position(again), CLOCK + 2, "text", body)
    good = run_of(hello)
    capitals = header(hello, 1, author_of(ONE).upper())
    others_bits = header(hello, 1, author_of(ONE)[:-1] + "b")
    return [
        spoilt("`prev` isn't the hash of the header before", "prev", run_of(zeros, again)),
        spoilt("`prev` isn't the hash of the header that is held", "prev", run_of(again), zeros),
        spoilt("a first header without `before` and `prev` that isn't zeros", "prev",
               signed(header(hello, 4, hashlib.sha256(b"x").digest()))),
        spoilt("the header that is held is another one", "held", run_of(hello, again), zeros),
        spoilt("a clock that doesn't advance", "clock", run_of(hello, slow)),
        spoilt("a clock that doesn't advance over what is held", "clock", run_of(slow), hello),
        spoilt("a number is left out", "number", run_of(hello, third)),
        spoilt("it begins behind a gap", "number", run_of(third), hello),
        spoilt("two streams", "stream", run_of(hello, back)),
        spoilt("another room", "room", run_of(of_another_room)),
        spoilt("another body", "body", msgspec.structs.replace(good, bodies=[entries.text_body("hallo")])),
        spoilt("`body_hash` is that of another body", "body",
               signed(header(hello, 7, hashlib.sha256(b"x").digest()), body)),
        spoilt("a bit of the signature is changed", "signature",
               msgspec.structs.replace(good, signature=bytes([good.signature[0] ^ 1]) + good.signature[1:])),
        spoilt("the signature of another header", "signature",
               msgspec.structs.replace(run_of(hello, again), signature=good.signature)),
        spoilt("signed without the context", "signature",
               msgspec.structs.replace(good, signature=ONE.sign(hello.header_bytes))),
        spoilt("signed by somebody else", "signature",
               msgspec.structs.replace(good, signature=OTHER.sign(entries.CONTEXT + hello.header_bytes))),
        spoilt("no signature", "signature", msgspec.structs.replace(good, signature=b"")),
        spoilt("the author's PeerId in capitals", "peer", signed(capitals)),
        spoilt("other bits at the end of the author's PeerId", "peer", signed(others_bits)),
        spoilt("trailing bytes behind a header", "header", signed(hello.header_bytes + b"\0")),
        spoilt("a stream of 15 bytes", "header", signed(header(hello, 2, SECOND[1:]))),
    ]  # fmt: skip
