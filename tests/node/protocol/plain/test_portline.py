from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain import codec
from node.protocol.plain.codec import Announced, Goodbye, Hello, Payloads, Said, Text
from node.protocol.plain.portline import ANSWER, HOLD, MAX_OWED, Portline, PortlineReader
from tests.node.protocol.plain import dialect
from tests.node.protocol.plain.dialect import ANNA, SIZES
from tests.node.protocol.plain.reading import read

START = b"6000\nCONNECT\n"
LINE = b"10.0.0.9:6000 BEN "
#: What comes in on a connection, what is said by it, and how many answers are due.
MESSAGES: list[tuple[bytes, list[Said], int]] = [
    (START, [Announced(6000)], 0),
    (START + LINE + b"hello\n", [Announced(6000), Text("hello", "BEN", 6000)], 1),
    (b"6000\r\nCONNECT\r\n" + LINE + b"hello\r\n", [Announced(6000), Text("hello", "BEN", 6000)], 1),
    (START + LINE + b"one\n" + LINE + b"two\n",
     [Announced(6000), Text("one", "BEN", 6000), Text("two", "BEN", 6000)], 2),
    (START + LINE + b"without its newline", [Announced(6000), Text("without its newline", "BEN", 6000)], 1),
    (START + b"Unknown:1 BEN hi\n", [Announced(6000), Text("hi", "BEN", 6000)], 1),
    (START + LINE + b"connect\n", [Announced(6000), Hello("connect", "BEN", 6000)], 1),
    (START + LINE + b"quit\n", [Announced(6000), Goodbye("quit", "BEN", 6000)], 1),
    (START + LINE + b"\n", [Announced(6000)], 1),
    (START + LINE.rstrip() + b"\n", [Announced(6000)], 1),
    (START + b"bare text\n", [Announced(6000), Text("bare text", None, 6000)], 1),
    (START + LINE + b"caf\xe9\n", [Announced(6000), Text("caf\ufffd", "BEN", 6000, ("not-utf8",), b"caf\xe9")], 1),
    (START + b"\n \n\x00\n", [Announced(6000)], 0),
    (START + b"exit\n", [Announced(6000), Goodbye("exit", None, 6000)], 0),
    (START + b"42\n", [Announced(6000), Text("42", None, 6000)], 1),
    (b"6000\n" + LINE + b"no CONNECT\n", [Announced(6000), Text("no CONNECT", "BEN", 6000)], 1),
    (b"99999\nCONNECT\n" + LINE + b"hi\n", [Announced(None), Text("hi", "BEN", 6000)], 1),
    (b"0\n", [Announced(None)], 0),
]  # fmt: skip


@pytest.mark.parametrize(("data", "said", "answers"), MESSAGES)
@pytest.mark.parametrize("size", SIZES)
def test_lines_read_the_same_whole_and_in_pieces(data: bytes, said: list[Said], answers: int, size: int | None) -> None:
    reader = PortlineReader()
    assert read(reader, data, size) == said
    assert reader.owed == ANSWER * answers


@pytest.mark.parametrize(("data", "_said", "_answers"), MESSAGES)
def test_every_beginning_is_recognised(data: bytes, _said: list[Said], _answers: int) -> None:
    dialect.recognises_every_beginning(Portline(), data)


@pytest.mark.parametrize(
    "head",
    [b"6000", b"123456\n", b"60 00\n", b"-1\n", b"\xd9\xa1\n", b"a\n", b"10.0.0.9:6000 BEN hi", b"{", b"<", b"5: \n"],
)
def test_what_is_no_port_on_a_line_is_refused(head: bytes) -> None:
    dialect.refuses(Portline(), head)


def test_an_unfinished_line_is_complete_after_a_silence() -> None:
    reader = PortlineReader()
    assert reader.feed(START + LINE + b"hel") == [Announced(6000)]
    assert (reader.patience, reader.owed) == (HOLD, b"")
    assert reader.quiet() == [Text("hel", "BEN", 6000)]
    assert (reader.patience, reader.owed) == (None, ANSWER)


def test_on_a_connection_that_we_dialled_answers_are_no_content_and_messages_are_not_answered() -> None:
    reader = PortlineReader(dialled=True)
    assert reader.feed(b"Message received\nOK\n5000\n") == []
    assert reader.feed(b"Message received") == []
    assert reader.quiet() == []
    assert reader.feed(LINE + b"hello\nexit\n") == [Text("hello", "BEN", 6000), Goodbye("exit")]
    assert reader.owed == b"", "else two that answer each other never end"


def test_a_flood_of_lines_is_not_answered_line_by_line() -> None:
    reader = PortlineReader()
    reader.feed(START + b"x\n" * 10_000)
    assert len(reader.owed) == MAX_OWED * len(ANSWER)


@pytest.mark.parametrize("size", [None, 1000, 65_536])
def test_an_endless_line_comes_in_bounded_texts(size: int | None) -> None:
    text = "日" * 70_000
    texts = dialect.texts(read(PortlineReader(), START + LINE + text.encode(), size))
    assert "".join(one.text for one in texts) == text
    assert max(len(one.text.encode()) for one in texts) <= codec.MAX_INCOMING


def test_what_is_sent() -> None:
    assert Portline().announcement(5000) == b"5000\nCONNECT\n"
    assert Portline().payloads("hi", ANNA) == Payloads((b"10.0.0.7:5000 anna hi\n",))
    assert Portline().payloads("two\r\nlines\n", ANNA) == Payloads((b"10.0.0.7:5000 anna two / lines\n",), ("altered",))
    assert Portline().payloads("exit", ANNA).parts == (b"10.0.0.7:5000 anna exit.\n",)


@settings(derandomize=True)
@given(dialect.TEXTS, dialect.speakers())
def test_one_line_is_one_message_whatever_the_text(text: str, speaker: codec.Speaker) -> None:
    for payload in Portline().payloads(text, speaker).parts:
        assert payload.count(b"\n") == 1
        assert payload.endswith(b"\n")


@settings(derandomize=True)
@given(st.lists(st.sampled_from([b"6000", b"\n", LINE, b"CONNECT", b"exit", b"\xff", b"x" * 70_000]), max_size=8))
def test_whatever_comes_nothing_blank_is_said(pieces: list[bytes]) -> None:
    said = read(PortlineReader(), b"".join(pieces))
    assert all(one.text.strip() for one in dialect.texts(said))
    assert said == read(PortlineReader(), b"".join(pieces), 1000) or len(b"".join(pieces)) > codec.MAX_INCOMING


test_any_text_goes_out_in_payloads_that_old_clients_can_read = dialect.bounded_payloads(Portline())
