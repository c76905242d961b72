from __future__ import annotations

import pytest

from node.protocol.plain.codec import Announced, Goodbye, Hello, Payloads, Said, Text
from node.protocol.plain.labelled import Labelled
from tests.node.protocol.plain import dialect
from tests.node.protocol.plain.dialect import ANNA, SIZES
from tests.node.protocol.plain.reading import read

HEAD = b"LISTENING_PORT:6000|TEAM_NAME:BEN|"
MESSAGES: list[tuple[bytes, list[Said]]] = [
    (HEAD + b"hello", [Text("hello", "BEN", 6000)]),
    (HEAD + b"bars | and || bars", [Text("bars | and || bars", "BEN", 6000)]),
    (HEAD + b"|a bar first", [Text("|a bar first", "BEN", 6000)]),
    (HEAD + b"two\nlines\n", [Text("two\nlines", "BEN", 6000)]),
    (HEAD + b"connect", [Hello("connect", "BEN", 6000)]),
    (HEAD + b"exit\r\n", [Goodbye("exit", "BEN", 6000)]),
    (HEAD + b" \x00", [Announced(6000)]),
    (HEAD + b"caf\xe9", [Text("caf\ufffd", "BEN", 6000, ("not-utf8",), b"caf\xe9")]),
    (HEAD + b"one\n" + HEAD + b"two", [Text("one", "BEN", 6000), Text("two", "BEN", 6000)]),
    (HEAD + b"one\nLISTENING_PORT:1|TEAM_NAME:BEN|two",
     [Text("one\nLISTENING_PORT:1|TEAM_NAME:BEN|two", "BEN", 6000)]),
    (b"LISTENING_PORT: 06000|TEAM_NAME:two words|hi", [Text("hi", "two words", 6000)]),
    (b"LISTENING_PORT:0|TEAM_NAME:BEN|hi", [Text("hi", "BEN", None)]),
    (b"LISTENING_PORT:6000|TEAM_NAME:|hi", [Text("hi", None, 6000)]),
    (b"LISTENING_PORT:abc|TEAM_NAME:BEN|hi", [Text("LISTENING_PORT:abc|TEAM_NAME:BEN|hi")]),
    (b"LISTENING_PORT:", [Text("LISTENING_PORT:")]),
    (b"LISTENING_PORT:6000|exit", [Text("LISTENING_PORT:6000|exit", None, 6000)]),
    (b"LISTENING_PORT:0000000006000|x", [Text("LISTENING_PORT:0000000006000|x")]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "said"), MESSAGES)
@pytest.mark.parametrize("size", SIZES)
def test_a_message_reads_the_same_whole_and_in_pieces(data: bytes, said: list[Said], size: int | None) -> None:
    assert read(Labelled().reader(), data, size) == said


@pytest.mark.parametrize(("data", "_said"), MESSAGES)
def test_every_message_is_recognised_at_any_length(data: bytes, _said: list[Said]) -> None:
    dialect.recognises_every_beginning(Labelled(), data)


@pytest.mark.parametrize("head", [b"LISTENING_PORT 6000", b"listening_port:1", b"L", b"6000\n", b"{", b"<", b"hello"])
def test_what_is_not_labelled_is_refused(head: bytes) -> None:
    dialect.refuses(Labelled(), head)


def test_a_text_goes_out_behind_its_labels_without_a_newline() -> None:
    assert Labelled().payloads("hi | you\n", ANNA).parts == (b"LISTENING_PORT:5000|TEAM_NAME:anna|hi | you",)


def test_a_control_word_acts_only_when_it_is_meant_to() -> None:
    assert Labelled().control("exit", ANNA) == b"LISTENING_PORT:5000|TEAM_NAME:anna|exit"
    assert Labelled().payloads("exit", ANNA) == Payloads((b"LISTENING_PORT:5000|TEAM_NAME:anna|exit.",), ("altered",))


test_any_text_goes_out_in_payloads_that_old_clients_can_read = dialect.bounded_payloads(Labelled())
test_whatever_follows_a_header_reads_the_same_in_pieces = dialect.same_in_pieces(
    Labelled().reader, [HEAD, b"LISTENING_PORT:"]
)
