"""The test vectors, as the code makes them. Keys, times and texts are fixed, so the bytes are always the same."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

import node.protocol
from node.model import Entry, direct_room, short_code
from node.peers.tls import PUBLIC_CA, certificate
from node.protocol import entries
from node.protocol.secure import frames as f
from node.protocol.secure import offer
from tests.support.authors import author_of, position, write_entry

FILE = pathlib.Path(node.protocol.__file__).parent / "vectors.json"
ONE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ROOM = direct_room(author_of(ONE), author_of(OTHER))
#: 1 January 2026 at 00:00 UTC in ms since 1970 UTC, and as a clock.
NOW = 1_767_225_600_000
CLOCK = NOW << 16
#: The streams: of one's first run and of the second, and of the other's.
FIRST, SECOND, THIRD = b"S" * 16, b"T" * 16, b"U" * 16


def texts() -> list[Entry]:
    """One's entries 1 and 2, the first one after a restart, and the other's answer."""
    hello = write_entry(ONE, ROOM, FIRST, None, CLOCK, "text", entries.text_body("hello"))
    again = write_entry(ONE, ROOM, FIRST, position(hello), CLOCK + 1, "text", entries.text_body("Grün 日本 😀"))
    back = write_entry(
        ONE, ROOM, SECOND, None, CLOCK + (60_000 << 16), "text", entries.text_body("I am back"),
        before=(FIRST, 2), before_hash=again.hash,
    )  # fmt: skip
    answer = write_entry(OTHER, ROOM, THIRD, None, CLOCK + (60_001 << 16), "text", entries.text_body("two\nlines"))
    return [hello, again, back, answer]


def later(answer: Entry) -> Entry:
    """An entry of a later version: another kind, further elements in its header, and a body that nobody knows."""
    body = msgspec.msgpack.encode({"later": [1, None, True]})
    written = write_entry(OTHER, ROOM, THIRD, position(answer), answer.header.clock + 1, "later", body)
    data = msgspec.msgpack.encode([*msgspec.msgpack.decode(written.header_bytes), "new", {"x": 1}])
    signature = entries.sign(OTHER.sign, data)
    return Entry(entries.read_header(data), data, entries.header_hash(data), signature, body)


def run_of(*made: Entry) -> f.Run:
    """A RUN of entries."""
    assert made[-1].signature is not None
    return f.Run(ROOM, [one.header_bytes for one in made], [one.body for one in made], made[-1].signature)


def row_of(entry: Entry, first: int = 1) -> f.Told:
    """The row of a stream that is held up to this entry."""
    header = entry.header
    return f.Told(header.author, header.stream, first, header.n, entry.hash)


def frames() -> dict[str, f.Frame]:
    """A frame of each type, and more where a type has several forms."""
    hello, again, back, answer = texts()
    one = author_of(ONE)
    rows = [row_of(back), row_of(answer)]
    return {
        "HELLO": f.Hello([2], bytes(range(16)), bytes(range(16, 32)), "anna", 5000, NOW, []),
        "HELLO with several versions and features": f.Hello(
            [2, 3], bytes(range(16)), bytes(range(16, 32)), "Grün 日本 😀", 65535, 0, ["x", "y"]
        ),
        "PING": f.Ping(b"live\0\0\0\1"),
        "PONG": f.Pong(b"live\0\0\0\1"),
        "BYE": f.Bye(0, ""),
        "BYE with words": f.Bye(4, "A second HELLO."),
        "DIGEST": f.Digest([(ROOM, entries.digest(rows))]),
        "DIGEST of no room": f.Digest([]),
        "HAVE": f.Have(ROOM, rows),
        "HAVE of a deleted conversation": f.Have(ROOM, [row_of(back, 2)]),
        "HAVE of nothing": f.Have(ROOM, []),
        "WANT": f.Want(ROOM, one, FIRST, 1, False),
        "WANT and whatever comes later": f.Want(ROOM, one, FIRST, 0, True),
        "STOP": f.Stop(ROOM, one, FIRST),
        "RUN of one entry": run_of(hello),
        "RUN of two entries": run_of(hello, again),
        "RUN whose first body is deleted": run_of(msgspec.structs.replace(hello, body=None), again),
        "READ": f.Read(ROOM, [(one, SECOND, 1), (author_of(OTHER), THIRD, 1)]),
        "TYPING": f.Typing(ROOM, 6),
        "TYPING no longer": f.Typing(ROOM, 0),
        "DOOR shut": f.Door(ROOM, 1),
        "DOOR open": f.Door(ROOM, 0),
        "SEEK": f.Seek([one, author_of(OTHER)]),
        "WHERE of the sender itself": f.Where([(one, [f.At("10.0.0.7", 5000, 0), f.At("2001:db8::7", 5000, 0)])]),
        "WHERE of another": f.Where([(author_of(OTHER), [f.At("10.0.0.8", 6000, 3600)])]),
        "WHERE without an address": f.Where([(one, [])]),
        "PRESENCE away": f.Presence(1, "at lunch"),
        "PRESENCE here": f.Presence(0, ""),
        "DIALBACK": f.DialBack(7),
        "DIALLED, and it answered": f.Dialled(7, 0, 3, "192.168.1.20"),
        "DIALLED, and there was no answer": f.Dialled(7, 2, 5000, "fd12::20"),
    }


def shown(value: Any) -> Any:
    """A value in JSON: binary as {"bin": HEX}, an integer that doesn't fit a double as {"int": DIGITS}."""
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return {"int": str(value)}
    if isinstance(value, list | tuple):
        return [shown(one) for one in value]
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items()}
    return value


def frame_bytes(value: object) -> bytes:
    """Any value as a frame with its length."""
    data = msgspec.msgpack.encode(value)
    return len(data).to_bytes(4, "big") + data


def _entry(name: str, entry: Entry) -> dict[str, object]:
    assert entry.signature is not None
    assert entry.body is not None
    return {
        "name": name,
        "header": {"hex": entry.header_bytes.hex(), "value": shown(msgspec.msgpack.decode(entry.header_bytes))},
        "hash": entry.hash.hex(),
        "signature": entry.signature.hex(),
        "body": {"hex": entry.body.hex(), "value": shown(msgspec.msgpack.decode(entry.body))},
    }


def _frame(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "hex": data.hex(), "value": shown(msgspec.msgpack.decode(data[4:]))}


def _run(name: str, run: f.Run, held: Entry | None, takes: list[int]) -> dict[str, object]:
    return {"name": name, "room": ROOM, "held": held_at(held), "hex": f.encode(run).hex(), "takes": takes}


def held_at(entry: Entry | None) -> object:
    """Up to where a reader holds the stream of a run."""
    return entry and {"n": entry.header.n, "hash": entry.hash.hex(), "clock": shown(entry.header.clock)}


def _digest(name: str, rows: list[f.Told]) -> dict[str, object]:
    told = [[row.author, row.stream, row.n, row.hash] for row in rows]
    hashed = msgspec.msgpack.encode(told)
    return {"name": name, "rows": shown(told), "hashed": hashed.hex(), "digest": entries.digest(rows).hex()}


def der(made: x509.Certificate) -> str:
    """A certificate, in hexadecimal."""
    return made.public_bytes(Encoding.DER).hex()


def vectors() -> dict[str, object]:
    """All of them."""
    # Here, because spoilt.py spoils what is made here.
    from tests.vectors import spoilt

    hello, again, back, answer = texts()
    newer = later(answer)
    numbered = {"before": "n = 1 with `before`", "nil": "n = 1 with nil"}
    return {
        "about": "Test vectors of the Snicher peer protocol; PROTOCOL.md section 11. Made by: python -m tests.vectors",
        "protocol": 2,
        "keys": [
            {
                "name": name,
                "secret": key.private_bytes_raw().hex(),
                "public": key.public_key().public_bytes_raw().hex(),
                "peer": author_of(key),
                "code": short_code(author_of(key)),
            }
            for name, key in (("one", ONE), ("other", OTHER))
        ],
        "rooms": [{"of": [author_of(OTHER), author_of(ONE)], "id": ROOM}],
        "authority": {
            "secret": PUBLIC_CA.private_bytes_raw().hex(),
            "certificate": der(certificate(PUBLIC_CA.public_key(), "snicher", ca=True)),
        },
        "certificates": [
            {"peer": author_of(key), "hex": der(certificate(key.public_key(), "peer", ca=False))}
            for key in (ONE, OTHER)
        ],
        "offers": [
            {"port": 5000, "hex": (b"CONNECT:5000" + offer.OFFER).hex()},
            {"port": 65535, "hex": (b"CONNECT:000000065535" + offer.OFFER).hex()},
            # A claim of nothing; who makes it is answered all the same.
            {"port": None, "hex": (b"CONNECT:0" + offer.OFFER).hex()},
        ],
        "answer": offer.ANSWER.hex(),
        "entries": [
            _entry(numbered["nil"], hello),
            _entry("n = 2", again),
            _entry(numbered["before"], back),
            _entry(f"another author, {numbered['nil']}", answer),
            _entry("of a later version: another kind, further elements", newer),
        ],
        "frames": [_frame(name, f.encode(frame)) for name, frame in frames().items()],
        "tolerated": spoilt.tolerated(),
        "digests": [_digest("two rows", [row_of(back), row_of(answer)]), _digest("no row", [])],
        "runs": [
            _run("from the beginning", run_of(hello, again), None, [1, 2]),
            _run("goes on where the held part ends", run_of(again), hello, [2]),
            _run("begins earlier: what is held is left out", run_of(hello, again), hello, [2]),
            _run("all of it is held", run_of(hello, again), again, []),
            _run("a deleted body", run_of(msgspec.structs.replace(hello, body=None), again), None, [1, 2]),
            _run("a first header with `before`", run_of(back), None, [1]),
            _run("ends with an entry of a later version", run_of(answer, newer), None, [1, 2]),
        ],
        "invalid": spoilt.invalid(),
    }


def text() -> str:
    """The file."""
    return json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n"
