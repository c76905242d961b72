"""An identity as people carry it: encrypted with a passphrase, as a text that survives mail.

The format, version 1 (normative). Lines are ASCII and end with LF or CRLF; blanks at their ends, empty lines, and what
stands before the first and after the last line don't count.

    -----BEGIN SNICHER IDENTITY 1-----
    Id: PEERID
    Made: 2026-11-27T20:40:19Z
    Seal: scrypt 17 8 1, ChaCha20-Poly1305
    Salt: BASE64

    BASE64
    BASE64

    Check: HEX
    -----END SNICHER IDENTITY 1-----

- *Head*: the first five lines without blanks at their ends, joined by LF. The number in the first line is the format's
  version. Id is the PeerId of the key, Made when it was made (UTC; `unknown` where nobody knows).
- *Key of the seal*: scrypt over the passphrase (its UTF-8 after Unicode NFC) and the salt of 16 bytes, 32 bytes long.
  `scrypt 17 8 1` are log2 N, r and p. A reader takes log2 N from 14 to 18, r = 8 and p = 1, so that no file makes it
  use more than 256 MB.
- *Body*: the base64 lines hold the nonce of 12 bytes, and ChaCha20-Poly1305 of the Ed25519 seed of 32 bytes with that
  nonce, and the head as associated data: 60 bytes.
- *Check*: SHA-256 over the head, LF and the body, as 64 hexadecimal digits. Anybody can compute it, so it protects from
  accidents only. It tells a damaged file from a wrong passphrase; a file that was changed on purpose, with a right sum,
  looks like a wrong passphrase.
- The key must have the PeerId that Id names.

Law of this file: pure, but for the random salt and nonce. It reads no file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from node.errors import FileDamaged, FileTooNew, FileUnfit, KeptFileError, WrongPassphrase
from node.model import PeerId, peer_id, public_key

VERSION = 1
#: log2 N of scrypt: what is written, and what is read. 17 takes 128 MB, and some tenths of a second.
COST = 17
COSTS = range(14, 19)
SALT_BYTES, NONCE_BYTES, KEY_BYTES, TAG_BYTES = 16, 12, 32, 16
#: Most bytes of the file. It has about 500; mail puts text around it.
MAX_BYTES = 64 * 1024
#: Characters of a line of base64. Mail doesn't wrap so few.
LINE = 64
UNKNOWN = "unknown"

_BEGIN = re.compile(r"^[ \t]*-----BEGIN SNICHER IDENTITY ([0-9]{1,9})-----[ \t\r]*$", re.MULTILINE)
_END = "-----END SNICHER IDENTITY {}-----"
_MADE = re.compile(r"unknown|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_SEAL = re.compile(r"scrypt ([0-9]{1,9}) ([0-9]{1,9}) ([0-9]{1,9}), ChaCha20-Poly1305")
_FIELDS = ("Id", "Made", "Seal", "Salt")


class Sealed(msgspec.Struct, frozen=True):
    """An exported identity that was read and is whole. The passphrase is still missing."""

    peer: PeerId
    made: str
    head: bytes
    cost: int
    salt: bytes
    nonce: bytes
    box: bytes


def seal(key: Ed25519PrivateKey, made: str, passphrase: str, cost: int = COST) -> bytes:
    """The text of a key for people to keep."""
    peer = peer_id(key.public_key().public_bytes_raw())
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    lines = [
        f"-----BEGIN SNICHER IDENTITY {VERSION}-----",
        f"Id: {peer}",
        f"Made: {made}",
        f"Seal: scrypt {cost} 8 1, ChaCha20-Poly1305",
        f"Salt: {base64.b64encode(salt).decode()}",
    ]
    head = "\n".join(lines).encode()
    body = nonce + ChaCha20Poly1305(_key(passphrase, salt, cost)).encrypt(nonce, key.private_bytes_raw(), head)
    text = base64.b64encode(body).decode()
    lines += ["", *(text[at : at + LINE] for at in range(0, len(text), LINE)), ""]
    lines += [f"Check: {_check(head, body)}", _END.format(VERSION), ""]
    return "\n".join(lines).encode()


def read(content: bytes, name: str) -> Sealed:
    """What a file holds; `name` is what errors call it. Raises FileUnfit, FileTooNew or FileDamaged."""
    if len(content) > MAX_BYTES:
        raise FileUnfit(f"{name} isn't an exported identity: it has more than {MAX_BYTES:,} bytes.")
    text = content.decode("ascii", "replace")
    begin = _BEGIN.search(text)
    if begin is None and "SNICHER IDENTITY" in text:
        raise FileDamaged(f"{name} is damaged: it has no whole first line. {AGAIN}")
    if begin is None:
        raise FileUnfit(f"{name} isn't an exported identity: {_instead(content)}.")
    version = int(begin[1])
    if version > VERSION:
        raise FileTooNew(
            f"{name} was exported by a newer Snicher (format {version}; this program knows {VERSION}). "
            "Import it with the newer program."
        )
    lines = [line.strip() for line in text[begin.start() :].splitlines()]
    lines = [line for line in lines if line]
    end = _END.format(begin[1])
    if version < VERSION or end not in lines:
        raise FileDamaged(f"{name} is damaged: its last line, {end}, is missing. {AGAIN}")
    parsed = _parse(lines[: lines.index(end)])
    if parsed is None:
        raise FileDamaged(f"{name} is damaged: it isn't what was exported. {AGAIN}")
    # The sum is right, so somebody wrote the file like this.
    found, cost, r, p = parsed
    if cost not in COSTS or (r, p) != (8, 1):
        raise FileDamaged(
            f"{name} asks for scrypt with N = 2^{cost}, r = {r}, p = {p}, which no Snicher writes and which could take "
            "any amount of memory. It was not tried."
        )
    return found


#: What to do with a damaged file.
AGAIN = "Copy it again from where it was exported, or export again."


def _parse(lines: list[str]) -> tuple[Sealed, int, int, int] | None:
    """What the lines up to the last one say; None when they or their sum are wrong. Pure."""
    head, rest = lines[: 1 + len(_FIELDS)], lines[1 + len(_FIELDS) :]
    fields = [line.partition(": ") for line in head[1:]]
    if tuple(field[0] for field in fields) != _FIELDS or len(rest) < 2 or not rest[-1].startswith("Check: "):
        return None
    peer, made, said, salted = (field[2] for field in fields)
    seal = _SEAL.fullmatch(said)
    try:
        salt = base64.b64decode(salted, validate=True)
        body = base64.b64decode("".join(rest[:-1]), validate=True)
        public_key(PeerId(peer))
    except (ValueError, binascii.Error):
        return None
    joined = "\n".join(head).encode()
    if not hmac.compare_digest(rest[-1].removeprefix("Check: ").encode(), _check(joined, body).encode()):
        return None
    size = NONCE_BYTES + KEY_BYTES + TAG_BYTES
    if seal is None or _MADE.fullmatch(made) is None or len(salt) != SALT_BYTES or len(body) != size:
        return None
    cost, r, p = (int(number) for number in seal.groups())
    found = Sealed(PeerId(peer), made, joined, cost, salt, body[:NONCE_BYTES], body[NONCE_BYTES:])
    return found, cost, r, p


def _instead(content: bytes) -> str:
    """What a file is that has no line of ours, as far as that can be told."""
    if b"PRIVATE KEY-----" in content:
        return "it is a key in clear, as a home's file `identity` is. Move that file into the new home as it is"
    if content[257:262] == b"ustar":
        return "it is an archive. `python -m node restore` takes backups"
    return f"it has no line `-----BEGIN SNICHER IDENTITY {VERSION}-----`"


def unseal(sealed: Sealed, passphrase: str, name: str) -> Ed25519PrivateKey:
    """The key in an exported identity. Raises WrongPassphrase, or FileDamaged when it is the key of somebody else."""
    try:
        seed = ChaCha20Poly1305(_key(passphrase, sealed.salt, sealed.cost)).decrypt(
            sealed.nonce, sealed.box, sealed.head
        )
    except InvalidTag:
        raise WrongPassphrase(
            f"The passphrase is wrong. {name} itself is whole. "
            "Capital letters, blanks and the language of the keyboard count."
        ) from None
    key = Ed25519PrivateKey.from_private_bytes(seed)
    if peer_id(key.public_key().public_bytes_raw()) != sealed.peer:
        raise FileDamaged(f"{name} holds another key than it says. It was made like this; don't use it.")
    return key


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    # One passphrase has several spellings in Unicode: a Mac may give another one than the machine of the export.
    secret = unicodedata.normalize("NFC", passphrase).encode()
    try:
        return Scrypt(salt=salt, length=32, n=2**cost, r=8, p=1).derive(secret)
    except MemoryError:
        raise KeptFileError(f"There is too little memory for this: it takes {2**cost * 1024 // 10**6} MB.") from None


def _check(head: bytes, body: bytes) -> str:
    return hashlib.sha256(head + b"\n" + body).hexdigest()
