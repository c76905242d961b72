"""How dashboard and browser prove to each other who they are after the server was started again.

The browser sends a nonce (the *question*). The server answers with a *challenge* and signs both with the key of its
place. The browser checks that with the key it kept when it was let in, and only then signs both with its own key. What
is signed names the host and the port, so a proof for one dashboard means nothing to another one.

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

#: Who signs what: no signature can be taken for one of another kind.
SERVER, BROWSER, OWNER = "server", "browser", "owner"
#: How long a challenge may be answered, in seconds: the browser answers at once, a sleepy one within a minute.
LIFETIME_S = 60.0
#: Characters of a browser's question: 16 to 32 bytes in base64url.
QUESTION_CHARS = (22, 44)
#: Answered challenges that are remembered. Only who holds a registered key can add one; at the bound nobody comes back
#: until the oldest are a minute old.
MAX_ANSWERED = 4096
_SECRET_BYTES = 32
_RANDOM_BYTES = 16
_TAG_BYTES = 32
_ALGORITHM = ec.ECDSA(hashes.SHA256())
_INTEGER_BYTES = 32


def statement(who: str, host: str, question: str, challenge: str) -> bytes:
    """What is signed. None of the parts can hold a line end."""
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
    """Makes challenges and knows them again. An open one takes no memory, so nobody can fill it up."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(_SECRET_BYTES)
        #: Challenges that were answered -> when they were made, oldest first: each works once.
        self._answered: dict[str, float] = {}

    def make(self, host: str, question: str, now: float) -> str:
        """A challenge for who asked `question` at `host`."""
        head = struct.pack(">d", now) + secrets.token_bytes(_RANDOM_BYTES)
        return encode(head + self._tag(head, host, question))

    def use(self, challenge: str, host: str, question: str, now: float) -> bool:
        """Whether this server made it for this question at this host, lately; it works once."""
        raw = decode(challenge)
        head, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if len(head) != 8 + _RANDOM_BYTES or not hmac.compare_digest(tag, self._tag(head, host, question)):
            return False
        (made,) = struct.unpack(">d", head[:8])
        for old in [old for old, at in self._answered.items() if now - at > LIFETIME_S]:
            del self._answered[old]
        # Base64 has several spellings for the same bytes; one of them counts.
        spelling = encode(raw)
        if now - made > LIFETIME_S or spelling in self._answered or len(self._answered) >= MAX_ANSWERED:
            return False
        self._answered[spelling] = made
        return True

    def echo(self, question: str) -> str:
        """What only this running server answers to `question`: by it, a page knows the server under another host."""
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
