"""What comes over encrypted links, piece by piece: offers, certificates, handshakes, runs of entries, bodies."""

from __future__ import annotations

import contextlib
import functools
import random
import ssl
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from node.errors import HandshakeFailed, InvalidEntry, InvalidFrame
from node.model import Position
from node.peers import tls
from node.protocol import entries
from node.protocol.secure import frames as f
from node.protocol.secure import offer
from tests.fuzz.corpus import cuts
from tests.support.authors import author_of
from tests.vectors import independent, made

ANNA, BEN = (Ed25519PrivateKey.from_private_bytes(bytes([one]) * 32) for one in (1, 2))


# -- offers and answers


def offering(data: bytes, rng: random.Random) -> None:
    """An offer is found in whatever pieces it comes, just where the page says that one is; so is an answer."""
    kind = rng.randrange(4)
    tabs = rng.choice((0, 1, 15, 16, 17, 24, 31, 32, 33, 64))
    if kind == 0:
        data = b"CONNECT:" + rng.choice((b"", b"5000", b"0", b"0" * 13)) + b"\t" * tabs + b"\n" + data
    elif kind == 1:
        data = b"\t" * tabs + b"\n" + data
    whole = offer.OfferReader().take(data, 0.0)
    expected = _expected_offer(data)
    assert whole == expected, (whole, expected)
    reader, answers = offer.OfferReader(), offer.AnswerReader()
    found: offer.Offered | None = None
    answered: bytes | None = None
    for piece in cuts(data, rng):
        if found is None:
            found = reader.take(piece, 0.0)
            if found is None and reader.due is None:
                assert expected is None
        else:
            found = offer.Offered(found.port, found.rest + piece)
        if answered is None:
            answered = answers.take(piece)
        else:
            answered += piece
    assert found == expected
    assert answered == (data[17:] if data.startswith(b"\t" * 16 + b"\n") else None)


def _expected_offer(data: bytes) -> offer.Offered | None:
    """What the page says."""
    end = data.find(b"\n") + 1
    try:
        return offer.Offered(independent.offered_port(data[:end]), data[end:])
    except independent.Refused:
        return None


# -- certificates and handshakes


@functools.cache
def credentials(key: Ed25519PrivateKey) -> tls.Credentials:
    return tls.Credentials(key)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def signed_by_authority(body: bytes) -> bytes:
    """A certificate in DER: this body, whatever it is, and the signature of the public authority."""
    ed25519 = _der(0x30, bytes.fromhex("06032b6570"))
    return _der(0x30, body + ed25519 + _der(3, b"\0" + tls.PUBLIC_CA.sign(body)))


def spoil(data: bytes, rng: random.Random, rest: bytes = b"") -> bytes:
    """A few bytes are others, gone, or too many."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(found) + 1)
        accident = rng.randrange(6)
        if accident <= 2 and found:
            found[at % len(found)] = rng.choice((0, 1, 2, 127, 128, 255, rng.randrange(256)))
        elif accident == 3:
            del found[at : at + rng.choice((1, 2, 8, 40))]
        elif accident == 4:
            found[at:at] = rest[: rng.choice((1, 4, 100))] or rng.randbytes(3)
        else:
            found[at:at] = found[at : at + rng.choice((1, 4, 16))]
    return bytes(found)


def certifying(data: bytes, rng: random.Random) -> None:
    """A certificate shows an Ed25519 key, or HandshakeFailed with a sentence; also when the authority signed it."""
    good = tls.certificate(BEN.public_key(), "peer", ca=False)
    signed, body = good.public_bytes(Encoding.DER), good.tbs_certificate_bytes
    if rng.random() < 0.6:
        body = spoil(body, rng, data)
        signed = signed_by_authority(body)
    elif rng.random() < 0.8:
        signed = spoil(signed, rng, data)
    else:
        signed = data
    try:
        key = tls._key_of(signed)
    except HandshakeFailed as error:
        assert str(error)
        return
    assert len(key) == 32


def shaking(server: bool, data: bytes, rng: random.Random) -> None:
    """TLS with somebody whose bytes are spoilt: it comes up with the key that was proved, or fails with a sentence."""
    mine = tls.Engine(credentials(ANNA), server)
    other = tls.Engine(credentials(BEN), not server)
    mine.start()
    other.start()
    harm = rng.choice((0.0, 0.1, 0.3, 1.0))
    said, failed = b"", False
    for _ in range(4):
        with contextlib.suppress(HandshakeFailed):
            other.feed(mine.out())
        if other.up and rng.random() < 0.5:
            other.write(b"said")
            if rng.random() < 0.2:
                other.close()
        flight = other.out()
        if rng.random() < harm:
            flight = rng.choice((spoil(flight, rng, data), data, flight + data, flight * 2))
        for piece in cuts(flight, rng):
            try:
                said += mine.feed(piece)
            except HandshakeFailed as error:
                assert str(error)
                failed = True
                # What is over stays over, and harms nobody.
                mine.write(b"unheard") if mine.up else None
                mine.close()
                break
        if failed:
            break
    assert mine.peer in (None, BEN.public_key().public_bytes_raw())
    assert mine.up or not said
    assert said.replace(b"said", b"") == b""
    if mine.up and not failed:
        assert mine.peer is not None
        mine.write(b"fine")
        mine.close()


def showing(server: bool, data: bytes, rng: random.Random) -> None:
    """Somebody shows a certificate with anything in it, signed by the authority: taken with its key, or a sentence."""
    body = spoil(tls.certificate(BEN.public_key(), "peer", ca=False).tbs_certificate_bytes, rng, data)
    secret = BEN.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if server else ssl.PROTOCOL_TLS_SERVER)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([tls.ALPN])
    try:
        with tls._private_file(secret + ssl.DER_cert_to_PEM_cert(signed_by_authority(body)).encode()) as path:
            context.load_cert_chain(path)
    except ssl.SSLError:
        # Nobody can show this one.
        return
    mine, there, back = tls.Engine(credentials(ANNA), server), ssl.MemoryBIO(), ssl.MemoryBIO()
    other = context.wrap_bio(there, back, server_side=not server)
    mine.start()
    for _ in range(3):
        there.write(mine.out())
        with contextlib.suppress(ssl.SSLError):
            other.do_handshake()
        try:
            mine.feed(back.read())
        except HandshakeFailed as error:
            assert str(error)
            assert mine.peer is None
            return
    assert mine.peer == BEN.public_key().public_bytes_raw()


# -- frames and runs


def framing(data: bytes, rng: random.Random) -> None:
    """A frame is taken, ignored or refused just as a reader of the page does."""
    data = len(data[4:]).to_bytes(4, "big") + data[4:]
    code: object
    page: object
    try:
        found = [f.decode(one) for one in f.Splitter().feed(data)]
        code = found and found[0] and msgspec.msgpack.decode(f.encode(found[0])[4:])
    except InvalidFrame:
        code = "refused"
    if len(data) > 4 + f.MAX_HELLO:
        assert code == "refused"
        return
    try:
        page = independent.frame(data)
    except independent.Refused:
        page = "refused"
    assert code == page, (code, page)


#: Numbers at which something may turn.
NUMBERS = (0, 1, 2, 3, 7, 100, 2**31, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -1)


def anything(data: bytes, rng: random.Random) -> object:
    """A value of any type."""
    return rng.choice((
        None, True, 1.5, rng.choice(NUMBERS), "", "text", data[:40].decode(errors="replace"), b"", data[:16].ljust(16),
        data[:32].ljust(32), data[:2000], [], [data[:16].ljust(16), rng.choice(NUMBERS)], {"text": "x"}, {1: {}},
    ))  # fmt: skip


def running(data: bytes, rng: random.Random) -> None:
    """A run with one fault, signed or not, is taken or refused just as a reader of the page takes or refuses it."""
    key, room = made.ONE, made.ROOM
    headers: list[bytes] = []
    bodies: list[bytes | None] = []
    clock, stream = rng.choice((0, 1, 2**62, made.CLOCK)), made.FIRST
    count = rng.randint(1, 5)
    fault = rng.randrange(count * 2)
    for at in range(count):
        body = rng.choice((entries.text_body("x"), data[:500], b""))
        prev = entries.header_hash(headers[-1]) if headers else bytes(32)
        fields: list[Any] = [room, author_of(key), stream, at + 1, prev, clock + at, "text", sha256(body)]
        if at == 0:
            fields.append(rng.choice((None, None, [made.SECOND, 1])))
        if at == fault:
            fields[rng.randrange(len(fields))] = anything(data, rng)
        elif rng.random() < 0.1:
            fields.append(anything(data, rng))
        header = msgspec.msgpack.encode(fields)
        headers.append(spoil(header, rng, data) if fault == count + at else header)
        bodies.append(rng.choice((body, body, None)) if rng.random() < 0.97 else data)
    begin = rng.choice((0, 0, 0, rng.randrange(count)))
    at = rng.choice((None, None, rng.randrange(count)))
    signature = entries.sign(key.sign, headers[-1])
    if rng.random() < 0.05:
        signature = data[:64]
    held: independent.Held | None = None
    if at is not None:
        held = independent.Held(at + 1, entries.header_hash(headers[at]), rng.choice((clock + at, clock + at, 2**62)))
    try:
        found = entries.check_run(
            room, headers[begin:], bodies[begin:], signature,
            held and Position(held.n, held.hash), held.clock if held else -1,
        )  # fmt: skip
    except InvalidEntry as error:
        assert str(error)
        with contextlib.suppress(independent.Refused):
            independent.check_run(room, headers[begin:], bodies[begin:], signature, held)
            raise AssertionError(f"the page takes a run that the code refuses: {error}") from None
        return
    numbers = independent.check_run(room, headers[begin:], bodies[begin:], signature, held)
    assert [entry.header.n for entry in found] == numbers
    assert [entry.header_bytes for entry in found] == headers[len(headers) - len(found) :]
    for entry in found:
        if entry.body is not None:
            text = entries.text_of(entry.body)
            assert text is None or text.encode()


def sha256(body: bytes) -> bytes:
    """The hash of a body."""
    return independent.hashlib.sha256(body).digest()


def bodies(data: bytes, rng: random.Random) -> None:
    """A body has a text that fits the disk, or none."""
    kind = rng.randrange(4)
    if kind == 0:
        data = entries.text_body(data.decode(errors="replace"))
    elif kind == 1:
        data = spoil(entries.text_body("text"), rng, data)
    elif kind == 2:
        data = msgspec.msgpack.encode({"text": anything(data, rng), "more": anything(data, rng)})
    text = entries.text_of(data)
    if text is not None:
        assert entries.text_of(entries.text_body(text)) == text


ENCRYPTED: dict[str, Callable[[bytes, random.Random], None]] = {
    "offer and answer": offering,
    "certificate": certifying,
    "TLS dialled": functools.partial(shaking, False),
    "TLS accepted": functools.partial(shaking, True),
    "body": bodies,
    "TLS dialled, a spoilt certificate": functools.partial(showing, False),
    "TLS accepted, a spoilt certificate": functools.partial(showing, True),
    "frame of the page": framing,
    "run": running,
}
