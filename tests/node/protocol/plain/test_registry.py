from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain import registry
from node.protocol.plain.ancestor import AncestorReader
from node.protocol.plain.codec import Codec, Payloads, Reader, Speaker

#: First bytes, and the dialect they are taken for (PROTOCOL.md section 3).
FIRST_BYTES = [
    (b"CONNECT:5000", "snicher"),
    (b"CONNECT:5000 10.0.0.9:6000 BEN hello", "snicher"),
    (b"BEN: hello", "snicher"),
    (b"hello", "snicher"),
    (b"exit", "snicher"),
    (b"10.0.0.9:6000 BEN hello", "std"),
    (b"Unknown:6000 BEN hello", "std"),
    (b"10.0.0.9:6000 BEN connection_request", "std"),
    (b"10.0.0.9:6000 CONNECT_REQUEST", "std"),
    (b"10.0.0.9:6000 DISCONNECTED", "std"),
    (b"10.0.0.9:6000 hello", "snicher"),
    # Without a codec so far: bare text, and no harm.
    (b"\x16\x03\x01\x00\xc8", "snicher"),
    (b"{", "snicher"),
    (b'{"type": "message"}', "snicher"),
    (b"LISTENING_PORT:6000|TEAM_NAME:BEN|10.0.0.9:1 x y", "snicher"),
    (b"6000\n", "snicher"),
    (b"<10.0.0.9:6000> @ <BEN>\nhello\n<end>", "snicher"),
    (b"<10.0.0.9:6000> BEN hello", "snicher"),
]


@pytest.mark.parametrize(("head", "name"), FIRST_BYTES)
def test_first_bytes_tell_the_dialect_whole_and_byte_by_byte(head: bytes, name: str) -> None:
    whole = registry.recognise(head, ended=True)
    assert whole is not None
    assert whole.name == name
    verdicts = [registry.recognise(head[:length], ended=length == len(head)) for length in range(1, len(head) + 1)]
    assert {verdict.name for verdict in verdicts if verdict is not None} == {name}


@settings(deadline=None, derandomize=True)
@given(st.binary(min_size=1, max_size=400))
def test_when_nothing_more_comes_there_is_always_an_answer(head: bytes) -> None:
    assert registry.recognise(head, ended=True) in registry.CODECS


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_nothing_stays_ambiguous_for_more_than_512_bytes(tail: bytes) -> None:
    for start in (b"", b"1.2.3.4:5 ", b"CONNECT:"):
        assert registry.recognise(start + b"x" * 512 + tail, ended=False) is not None


def test_the_ancestor_is_asked_last_and_names_are_unique() -> None:
    assert registry.CODECS[-1] is registry.ANCESTOR
    assert set(registry.BY_NAME) == {"std", "snicher"}
    assert len(registry.BY_NAME) == len(registry.CODECS)


class Labelled:
    """A dialect that isn't there yet, to see that the order and the interface will carry it."""

    name = "labelled"
    persistent = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        start = b"LISTENING_PORT:"
        return True if head.startswith(start) else None if start.startswith(head) else False

    def reader(self) -> Reader:
        return AncestorReader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        return Payloads((text.encode(),))


def test_a_further_dialect_takes_its_place_before_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    labelled: Codec = Labelled()
    monkeypatch.setattr(registry, "CODECS", (labelled, *registry.CODECS))
    assert registry.recognise(b"LISTENING_PORT:6000|TEAM_NAME:BEN|hi", ended=False) is labelled
    assert registry.recognise(b"LISTEN", ended=False) is None
    # Undecided when nothing more comes is a no.
    assert registry.recognise(b"LISTEN", ended=True) is registry.ANCESTOR
    assert registry.recognise(b"10.0.0.9:6000 BEN hi", ended=False) is registry.STD
