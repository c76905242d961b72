from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain import codec
from node.protocol.plain.codec import Announced, Goodbye, Hello, Said, Speaker, Text
from node.protocol.plain.one_shot import CUT_QUIET, MAX_HEADER, QUIET
from node.protocol.plain.std import Std, StdReader
from tests.node.protocol.plain.reading import read

ANNA = Speaker("10.0.0.7", 5000, "anna")
SIZES = [None, 1, 2, 7]

MESSAGES: list[tuple[bytes, list[Said]]] = [
    (b"10.0.0.9:6000 BEN hello", [Text("hello", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN two words, two\nlines\n", [Text("two words, two\nlines", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN hello\r\n", [Text("hello", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN hello\x00", [Text("hello", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN   indented", [Text("  indented", "BEN", 6000)]),
    (b"Unknown:6000 BEN hello", [Text("hello", "BEN", 6000)]),
    (b"127.0.1.1:6000 [BEN] hello", [Text("hello", "[BEN]", 6000)]),
    (b"10.0.0.9:0 BEN hello", [Text("hello", "BEN", None)]),
    (b"10.0.0.9:99999 BEN hello", [Text("hello", "BEN", None)]),
    (b"10.0.0.9:0006000 BEN hello", [Text("hello", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN connection_request", [Hello("connection_request", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN Hello, I am connecting!", [Hello("Hello, I am connecting!", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN CONNECT_REQUEST", [Hello("CONNECT_REQUEST", "BEN", 6000)]),
    (b"10.0.0.9:6000 CONNECT_REQUEST\nmore", [Text("10.0.0.9:6000 CONNECT_REQUEST\nmore", None, 6000)]),
    (b"10.0.0.9:6000 CONNECT_REQUEST", [Hello("CONNECT_REQUEST", None, 6000)]),
    (b"10.0.0.9:6000 DISCONNECTED\n", [Goodbye("DISCONNECTED", None, 6000)]),
    (b"10.0.0.9:6000 BEN Exit", [Goodbye("Exit", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN [peer_quit]\n", [Goodbye("[peer_quit]", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN exit now", [Text("exit now", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN disconnected", [Text("disconnected", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN  \n \x00", [Announced(6000)]),
    (b"10.0.0.9:6000 BEN one\n10.0.0.9:6000 BEN two", [Text("one", "BEN", 6000), Text("two", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN one\n10.0.0.9:6001 BEN", [Text("one\n10.0.0.9:6001 BEN", "BEN", 6000)]),
    ("10.0.0.9:6000 Grün 日本".encode(), [Text("日本", "Grün", 6000)]),
    (b"10.0.0.9:6000 B\x1bE\xe2\x80\xaeN hi", [Text("hi", "BEN", 6000)]),
    (b"10.0.0.9:6000 BEN caf\xe9", [Text("caf\ufffd", "BEN", 6000, ("not-utf8",), b"caf\xe9")]),
    (b"10.0.0.9:6000 BEN a\x00b", [Text("a\ufffdb", "BEN", 6000, ("not-utf8",), b"a\x00b")]),
]


@pytest.mark.parametrize(("data", "said"), MESSAGES)
@pytest.mark.parametrize("size", SIZES)
def test_a_message_reads_the_same_whole_and_in_pieces(data: bytes, said: list[Said], size: int | None) -> None:
    assert read(StdReader(), data, size) == said


@pytest.mark.parametrize(("data", "said"), MESSAGES)
def test_silence_ends_a_message_as_the_connection_does(data: bytes, said: list[Said]) -> None:
    reader = StdReader()
    assert reader.feed(data) == []
    assert reader.quiet() == said
    assert reader.end() == [] or said == [Announced(6000)]


@pytest.mark.parametrize(("data", "_said"), MESSAGES)
def test_every_message_is_recognised_at_any_length_and_no_beginning_is_taken_for_something_else(
    data: bytes, _said: list[Said]
) -> None:
    verdicts = [Std().recognises(data[:length], ended=False) for length in range(1, len(data) + 1)]
    assert False not in verdicts
    assert verdicts[-1] is True
    assert Std().recognises(data, ended=True) is True


@pytest.mark.parametrize(
    "head",
    [
        b"hello", b"BEN: hello", b"10.0.0.9:6000", b"10.0.0.9:6000 ", b"10.0.0.9:6000 BEN", b"10.0.0.9:6000 BEN\nhi",
        b"10.0.0:6000 BEN hi", b"10.0.0.9 BEN hi", b"10.0.0.9: BEN hi", b"unknown:6000 BEN hi", b"host:6000 BEN hi",
        b"10.0.0.9:6000  BEN hi", b"<10.0.0.9:6000> BEN hi", b"[::1]:6000 BEN hi", b"10.0.0.9:1234567890123 BEN hi",
        b"CONNECT:6000", b"{", b"6000\nCONNECT\n", b"LISTENING_PORT:6000|TEAM_NAME:x|hi", b"\x16\x03\x01", b"\xff\xff",
        b"10.0.0.9:6000 " + b"x" * MAX_HEADER + b" hi", b"10.0.0.9:6000 CONNECTED",
    ],
)  # fmt: skip
def test_what_is_not_std_is_refused_whole_and_byte_by_byte(head: bytes) -> None:
    codec_ = Std()
    assert codec_.recognises(head, ended=True) is False
    assert True not in [codec_.recognises(head[:length], ended=False) for length in range(1, len(head) + 1)]


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=40).map(lambda tail: b"1.2.3.4:5 BEN "[: len(tail)] + tail), st.booleans())
def test_recognising_always_answers_when_nothing_more_comes(head: bytes, ended: bool) -> None:
    verdict = Std().recognises(head, ended)
    assert verdict in ((True, False) if ended else (True, False, None))


@pytest.mark.parametrize("length", range(1, 6))
def test_a_message_that_is_cut_in_a_character_is_given_more_time(length: int) -> None:
    reader = StdReader()
    reader.feed(b"10.0.0.9:6000 BEN " + "日日".encode()[:length])
    assert reader.patience == (QUIET if length == 3 else CUT_QUIET)


@pytest.mark.parametrize("size", [None, 1000, 65_536])
@pytest.mark.parametrize("character", ["x", "é", "日", "😀"])
def test_an_endless_message_comes_in_bounded_texts_from_one_speaker(size: int | None, character: str) -> None:
    text = character * (200_000 // len(character.encode()))
    said = read(StdReader(), b"10.0.0.9:6000 BEN " + text.encode(), size)
    texts = [one for one in said if isinstance(one, Text)]
    assert texts == said
    assert "".join(one.text for one in texts) == text
    assert {(one.name, one.port, one.marks) for one in texts} == {("BEN", 6000, ())}
    assert max(len(one.text.encode()) for one in texts) <= codec.MAX_INCOMING


def test_no_more_is_held_than_one_text() -> None:
    reader = StdReader()
    said = [one for data in [b"10.0.0.9:6000 BEN ", *[b"x" * 1000] * 200] for one in reader.feed(data)]
    assert len(said) == 3
    assert sum(len(one.text) for one in reader.end() if isinstance(one, Text)) <= codec.MAX_INCOMING


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=200), st.sampled_from([1, 3, 50]))
def test_a_reader_gives_what_is_said_or_nothing_and_never_a_blank_text(tail: bytes, size: int) -> None:
    data = b"1.2.3.4:6000 BEN " + tail
    said = read(StdReader(), data, size)
    assert said == read(StdReader(), data)
    assert said
    assert all(one.text.strip() for one in said if isinstance(one, Text))


def test_a_text_goes_out_in_one_payload_without_a_newline() -> None:
    assert Std().payloads("hello\n", ANNA) == codec.Payloads((b"10.0.0.7:5000 anna hello",))
    assert Std().payloads("hello\r\nyou", ANNA).parts == (b"10.0.0.7:5000 anna hello / you",)


def test_an_address_that_the_dialect_cannot_write_is_unknown() -> None:
    assert Std().payloads("hi", Speaker("fe80::1", 5000, "anna")).parts == (b"Unknown:5000 anna hi",)


def test_a_control_word_is_never_altered() -> None:
    assert Std().control("connect", ANNA) == b"10.0.0.7:5000 anna connect"
    assert Std().payloads("connect", ANNA) == codec.Payloads((b"10.0.0.7:5000 anna connect.",), ("altered",))


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=3000), st.text(max_size=80))
def test_any_text_goes_out_in_payloads_that_old_clients_can_read(text: str, name: str) -> None:
    speaker = Speaker("10.0.0.7", 5000, name)
    for payload in Std().payloads(text, speaker).parts:
        assert len(payload) <= codec.MAX_PAYLOAD
        assert b"\x00" not in payload
        payload.decode()
        assert Std().recognises(payload, ended=True) or not text.strip()
        for said in read(StdReader(), payload):
            assert isinstance(said, Text | Announced)
            assert said.port == 5000
