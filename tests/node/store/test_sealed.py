"""Exported identities: damage, a wrong passphrase, another kind and a newer version are told apart."""

from __future__ import annotations

import base64
import hashlib
import unicodedata

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from node.errors import FileDamaged, FileTooNew, FileUnfit, WrongPassphrase
from node.model import peer_id
from node.store import sealed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MADE = "2026-11-27T20:40:19Z"
PASSPHRASE = "correct horse battery staple"
#: Cheaper than what people get: tests do this often.
CHEAP = min(sealed.COSTS)
TEXT = sealed.seal(KEY, MADE, PASSPHRASE, CHEAP)


def opened(content: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return sealed.unseal(sealed.read(content, "FILE"), passphrase, "FILE").private_bytes_raw()


def test_what_is_sealed_is_opened_with_its_passphrase() -> None:
    found = sealed.read(sealed.seal(KEY, MADE, PASSPHRASE), "FILE")
    assert (found.cost, found.made, found.peer) == (17, MADE, peer_id(KEY.public_key().public_bytes_raw()))
    assert sealed.unseal(found, PASSPHRASE, "FILE").private_bytes_raw() == KEY.private_bytes_raw()


def test_two_exports_have_nothing_secret_in_common() -> None:
    again = sealed.read(sealed.seal(KEY, MADE, PASSPHRASE, CHEAP), "FILE")
    first = sealed.read(TEXT, "FILE")
    assert again.salt != first.salt and again.nonce != first.nonce and again.box != first.box
    assert KEY.private_bytes_raw() not in base64.b64decode(b"".join(TEXT.splitlines()[6:8]))


def test_the_format_is_what_its_document_says() -> None:
    """Read here by hand, from the words at the head of sealed.py."""
    lines = TEXT.decode().splitlines()
    assert lines[0] == "-----BEGIN SNICHER IDENTITY 1-----"
    assert lines[-1] == "-----END SNICHER IDENTITY 1-----"
    head = "\n".join(lines[:5]).encode()
    salt = base64.b64decode(lines[4].removeprefix("Salt: "))
    body = base64.b64decode("".join(lines[6:8]))
    assert lines[9] == "Check: " + hashlib.sha256(head + b"\n" + body).hexdigest()
    key = hashlib.scrypt(PASSPHRASE.encode(), salt=salt, n=2**CHEAP, r=8, p=1, dklen=32, maxmem=2**26)
    assert ChaCha20Poly1305(key).decrypt(body[:12], body[12:], head) == KEY.private_bytes_raw()


@pytest.mark.parametrize(
    "mailed",
    [
        TEXT.replace(b"\n", b"\r\n"),
        b"Hello,\nhere it is:\n\n" + TEXT + b"\n-- \nAnna\n",
        TEXT.replace(b"\n", b"  \n"),
        b"\xef\xbb\xbf\n" + TEXT.replace(b"\n\n", b"\n"),
        TEXT.rstrip(),
        b"".join(b"    " + line + b"\n" for line in TEXT.splitlines()),
    ],
    ids=["CRLF", "in a letter", "blanks at the ends", "BOM, and no empty lines", "no last line end", "indented"],
)
def test_it_survives_mail(mailed: bytes) -> None:
    assert opened(mailed) == KEY.private_bytes_raw()
    assert all(len(line) <= 72 and line.isascii() for line in TEXT.splitlines())


@pytest.mark.parametrize("wrong", ["", "correct horse battery stapl", PASSPHRASE + " ", PASSPHRASE.upper()])
def test_a_wrong_passphrase_is_told_from_damage(wrong: str) -> None:
    with pytest.raises(WrongPassphrase, match="FILE itself is whole"):
        opened(TEXT, wrong)


def test_a_passphrase_may_be_spelt_as_another_system_spells_it() -> None:
    composed, decomposed = (unicodedata.normalize(form, "größer als früher") for form in ("NFC", "NFD"))
    assert composed != decomposed
    text = sealed.seal(KEY, MADE, decomposed, CHEAP)
    assert opened(text, composed) == KEY.private_bytes_raw()


def test_any_change_of_a_byte_that_counts_is_damage() -> None:
    for at in range(len(TEXT)):
        changed = bytearray(TEXT)
        changed[at] ^= 0x02
        try:
            assert sealed.read(bytes(changed), "FILE") == sealed.read(TEXT, "FILE"), at
        except FileDamaged as error:
            assert "FILE is damaged" in str(error)
        except FileTooNew:
            assert at == TEXT.index(b"1-----"), at


@pytest.mark.parametrize("at", [40, 100, 200, -40])
def test_a_file_that_is_cut_off_is_damaged(at: int) -> None:
    with pytest.raises(FileDamaged, match="its last line"):
        sealed.read(TEXT[:at], "FILE")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it has no line"),
        (b"hello", "it has no line"),
        (b"\xff\xfe" * 100, "it has no line"),
        (b"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n", "it is a key in clear"),
        (b"x" * 257 + b"ustar" + b"x" * 250, "it is an archive. `python -m node restore`"),
        (b"\n" * 100_000 + TEXT, "it has more than 65,536 bytes"),
    ],
)
def test_a_file_of_another_kind_is_said_to_be_one(content: bytes, sentence: str) -> None:
    with pytest.raises(FileUnfit) as caught:
        sealed.read(content, "FILE")
    assert sentence in str(caught.value)


def test_a_newer_format_is_not_called_damaged() -> None:
    with pytest.raises(FileTooNew, match="format 2; this program knows 1"):
        sealed.read(b"-----BEGIN SNICHER IDENTITY 2-----\nwho knows\n", "FILE")


def forged(*, head: list[str] | None = None, body: bytes = bytes(60)) -> bytes:
    """A file whose sum is right, whatever it says."""
    lines = TEXT.decode().splitlines()[:5] if head is None else head
    check = hashlib.sha256("\n".join(lines).encode() + b"\n" + body).hexdigest()
    end = ["", base64.b64encode(body).decode(), "", f"Check: {check}", "-----END SNICHER IDENTITY 1-----", ""]
    return "\n".join(lines + end).encode()


@pytest.mark.parametrize(
    "seal", ["scrypt 30 8 1", "scrypt 19 8 1", "scrypt 13 8 1", "scrypt 17 1024 1", "scrypt 17 8 999999999"]
)
def test_a_file_that_asks_for_any_amount_of_memory_is_refused_untried(seal: str) -> None:
    head = TEXT.decode().splitlines()[:5]
    head[3] = f"Seal: {seal}, ChaCha20-Poly1305"
    with pytest.raises(FileDamaged, match="It was not tried"):
        sealed.read(forged(head=head), "FILE")


@pytest.mark.parametrize("field", range(1, 5))
def test_a_head_that_was_changed_with_its_sum_opens_nothing(field: int) -> None:
    lines = TEXT.decode().splitlines()
    head, body = lines[:5], base64.b64decode("".join(lines[6:8]))
    other = peer_id(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    head[field] = ["", f"Id: {other}", "Made: 2020-01-01T00:00:00Z", "Seal: scrypt 15 8 1, ChaCha20-Poly1305",
                   f"Salt: {base64.b64encode(bytes(16)).decode()}"][field]  # fmt: skip
    with pytest.raises(WrongPassphrase):
        opened(forged(head=head, body=body))


def test_a_key_that_isn_t_the_one_it_is_said_to_be_is_refused() -> None:
    other = Ed25519PrivateKey.generate()
    head = TEXT.decode().splitlines()[:5]
    head[1] = f"Id: {peer_id(other.public_key().public_bytes_raw())}"
    salt = base64.b64decode(head[4].removeprefix("Salt: "))
    key = hashlib.scrypt(PASSPHRASE.encode(), salt=salt, n=2**CHEAP, r=8, p=1, dklen=32, maxmem=2**26)
    box = ChaCha20Poly1305(key).encrypt(bytes(12), KEY.private_bytes_raw(), "\n".join(head).encode())
    with pytest.raises(FileDamaged, match="another key than it says"):
        opened(forged(head=head, body=bytes(12) + box))


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_in_it_are_told_as_what_they_are(noise: bytes, at: int) -> None:
    for content in (noise, TEXT[:at] + noise + TEXT[at:], TEXT[:at] + noise):
        try:
            sealed.read(content, "FILE")
        except (FileDamaged, FileUnfit, FileTooNew) as error:
            assert "FILE" in str(error)
