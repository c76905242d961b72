from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dashboard import challenges
from dashboard.challenges import LIFETIME_S, Challenges, encode, is_question, read_key, sign, statement, verifies

HOST = "snicher-x.localhost:8501"
QUESTION = encode(b"q" * 24)


def test_a_challenge_works_once_for_who_asked_and_for_a_minute() -> None:
    made = Challenges()
    challenge = made.make(HOST, QUESTION, 100)
    assert challenge != made.make(HOST, QUESTION, 100)
    assert not made.use(challenge, "other:8501", QUESTION, 100)
    assert not made.use(challenge, HOST, encode(b"r" * 24), 100)
    assert not Challenges().use(challenge, HOST, QUESTION, 100), "made by an earlier run"
    assert not made.use(challenge, HOST, QUESTION, 101 + LIFETIME_S)
    assert made.use(challenge, HOST, QUESTION, 100 + LIFETIME_S)
    assert not made.use(challenge, HOST, QUESTION, 100 + LIFETIME_S)


def test_another_spelling_of_a_challenge_is_the_same_one() -> None:
    made = Challenges()
    challenge = made.make(HOST, QUESTION, 0)
    assert made.use(challenge, HOST, QUESTION, 1)
    for spelling in (f"{challenge}=", f"{challenge}==", challenge[:-1] + chr(ord(challenge[-1]) + 1)):
        assert not made.use(spelling, HOST, QUESTION, 1)


@pytest.mark.parametrize("challenge", ["", "x", "=", "é", "A" * 75, "A" * 10_000])
def test_what_is_no_challenge_is_refused(challenge: str) -> None:
    assert not Challenges().use(challenge, HOST, QUESTION, 0)


def test_nobody_comes_back_while_too_many_just_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges, "MAX_ANSWERED", 2)
    made = Challenges()
    for ok in (True, True, False):
        assert made.use(made.make(HOST, QUESTION, 0), HOST, QUESTION, 0) is ok
    assert made.use(made.make(HOST, QUESTION, 100), HOST, QUESTION, 100)


def test_signatures_are_of_one_key_for_one_text() -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    text = statement("server", HOST, QUESTION, "challenge")
    signature = sign(key, text)
    assert verifies(key.public_key(), signature, text)
    assert not verifies(other.public_key(), signature, text)
    for who, host in (("browser", HOST), ("owner", HOST), ("server", "127.0.0.1:8501")):
        assert not verifies(key.public_key(), signature, statement(who, host, QUESTION, "challenge"))
    for wrong in ("", "é", signature[:-4], signature + "AAAA", encode(bytes(64)), encode(b"\xff" * 64)):
        assert not verifies(key.public_key(), wrong, text)


def test_public_keys_are_read_as_browsers_write_them() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    assert read_key(encode(raw)) == key
    for wrong in ("", "é", encode(raw[:-1]), encode(b"\x04" + bytes(64)), "A" * 5000):
        assert read_key(wrong) is None


def test_questions_have_a_size() -> None:
    assert is_question(encode(bytes(16))) and is_question(encode(bytes(32)))
    assert not any(map(is_question, ("", encode(bytes(8)), encode(bytes(40)), "é" * 30, "a\nb" * 10)))
