"""Mutual authentication of dashboard and browser after the server was started again.

The browser sends a nonce (the *question*). The server answers with a *challenge* and signs both with the key of its
place. The browser verifies that with the key it stored when it was let in, and only then signs both with its own key.
The signed text names the host and the port, so a proof for one dashboard is worthless at another one.

Law of this file: no I/O; time comes in as an argument (seconds of a clock that only moves forward).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

#: Roles in the signed text, so that no signature passes for one of another role.
SERVER, BROWSER, OWNER = "server", "browser", "owner"
#: Lifetime of a challenge, in seconds: a browser answers at once, a throttled one within a minute.
LIFETIME_S = 60.0
#: Characters of a browser's question: 16 to 32 bytes in base64url.
QUESTION_CHARS = (22, 44)
#: Most answered challenges remembered. Only the holder of a registered key can add one. At the bound nobody can come
#: back until the oldest ones expire.
MAX_ANSWERED = 4096
_SECRET_BYTES = 32
_RANDOM_BYTES = 16
_TAG_BYTES = 32
_ALGORITHM = ec.ECDSA(hashes.SHA256())
_INTEGER_BYTES = 32


def statement(who: str, host: str, question: str, challenge: str) -> bytes:
    """The text to sign. None of its parts can hold a line break."""
    return "\n".join(("snicher-door-1", who, host, question, challenge)).encode()


def sign(key: ec.EllipticCurvePrivateKey, text: bytes) -> str:
    """A signature as browsers make and read them: r and s, 32 bytes each, as base64url."""
    r, s = decode_dss_signature(key.sign(text, _ALGORITHM))
    return encode(r.to_bytes(_INTEGER_BYTES, "big") + s.to_bytes(_INTEGER_BYTES, "big"))


def verifies(key: ec.EllipticCurvePublicKey, signature: str, text: bytes) -> bool:
    """Whether `signature` is this key's, for this text."""
    raw = decode(signature)
    if len(raw) != 2 * _INTEGER_BYTES:
        return False
    r, s = (int.from_bytes(raw[at : at + _INTEGER_BYTES], "big") for at in (0, _INTEGER_BYTES))
    try:
        key.verify(encode_dss_signature(r, s), text, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def read_key(text: str) -> ec.EllipticCurvePublicKey | None:
    """A P-256 public key from base64url of its uncompressed point; None when it is none."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(text))
    except ValueError:
        return None


class Challenges:
    """Makes and checks challenges. An open challenge takes no memory, so nobody can exhaust it."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(_SECRET_BYTES)
        #: Challenges that were answered -> when they were made, oldest first: each works once.
        self._answered: dict[str, float] = {}

    def make(self, host: str, question: str, now: float) -> str:
        """A challenge for who asked `question` at `host`."""
        head = struct.pack(">d", now) + secrets.token_bytes(_RANDOM_BYTES)
        return encode(head + self._tag(head, host, question))

    def use(self, challenge: str, host: str, question: str, now: float) -> bool:
        """Use a challenge up; returns whether this server made it lately for this question and host."""
        raw = decode(challenge)
        head, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if len(head) != 8 + _RANDOM_BYTES or not hmac.compare_digest(tag, self._tag(head, host, question)):
            return False
        (made,) = struct.unpack(">d", head[:8])
        for old in [old for old, at in self._answered.items() if now - at > LIFETIME_S]:
            del self._answered[old]
        # Base64 has several spellings of the same bytes; compare by one of them, so that a challenge works once.
        spelling = encode(raw)
        if now - made > LIFETIME_S or spelling in self._answered or len(self._answered) >= MAX_ANSWERED:
            return False
        self._answered[spelling] = made
        return True

    def echo(self, question: str) -> str:
        """An answer to `question` that only this process can give, so a page recognises it under another host."""
        return encode(hmac.digest(self._secret, f"echo\n{question}".encode(), "sha256"))

    def _tag(self, head: bytes, host: str, question: str) -> bytes:
        return hmac.digest(self._secret, head + f"\n{host}\n{question}".encode(), "sha256")


def is_question(text: str) -> bool:
    """Whether this is a nonce as browsers send them."""
    return QUESTION_CHARS[0] <= len(text) <= QUESTION_CHARS[1] and bool(decode(text))


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64url without padding; none when it is something else."""
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
