from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain import codec
from node.protocol.plain.angle import Angle1, AngleAt, AngleTs, kind_of
from node.protocol.plain.codec import Announced, Goodbye, Hello, OneShotCodec, Payloads, Said, Text
from tests.node.protocol.plain import dialect
from tests.node.protocol.plain.dialect import ANNA, SIZES
from tests.node.protocol.plain.reading import read

AT, TS, ONE = AngleAt(), AngleTs(), Angle1()
A = b"<10.0.0.9:6000>"
AT_HEAD, TS_HEAD, ONE_HEAD = A + b" @ <BEN>\n", A + b" [2025-03-01 10:00:00] @ <BEN>\n", A + b" BEN "
LATER = A + b" [2025-03-01 10:00:59] @ <BEN>\n"

MESSAGES: list[tuple[OneShotCodec, bytes, list[Said]]] = [
    (AT, AT_HEAD + b"hello\n<end>", [Text("hello", "BEN", 6000)]),
    (AT, AT_HEAD + b"hello\n<end>\n", [Text("hello", "BEN", 6000)]),
    (AT, b"<Unknown:6000> @ <BEN>\r\nhello\r\n<end>", [Text("hello", "BEN", 6000)]),
    (AT, b"<127.0.1.1:6000> @ <two words>\nhello\n<end>", [Text("hello", "two words", 6000)]),
    (AT, AT_HEAD + b"two\n\nlines\n<end>", [Text("two\n\nlines", "BEN", 6000)]),
    (AT, AT_HEAD + b"an <end> inside\n<end>", [Text("an <end> inside", "BEN", 6000)]),
    (AT, AT_HEAD + b"cut before its en", [Text("cut before its en", "BEN", 6000)]),
    (AT, AT_HEAD + b"hello\n<end>\nand a tail", [Text("hello\n<end>\nand a tail", "BEN", 6000)]),
    (AT, AT_HEAD + b"one\n<end>" + AT_HEAD + b"two\n<end>", [Text("one", "BEN", 6000), Text("two", "BEN", 6000)]),
    (AT, AT_HEAD + b"one\n<end>\n" + AT_HEAD + b"two\n<end>", [Text("one", "BEN", 6000), Text("two", "BEN", 6000)]),
    (AT, AT_HEAD + b"connect\n<end>", [Hello("connect", "BEN", 6000)]),
    (AT, AT_HEAD + b"exit\n<end>", [Goodbye("exit", "BEN", 6000)]),
    (AT, AT_HEAD + b"\n<end>", [Announced(6000)]),
    (AT, AT_HEAD + b"<end>", [Announced(6000)]),
    (AT, AT_HEAD, [Announced(6000)]),
    (AT, AT_HEAD + b"\xff\n<end>", [Text("\ufffd", "BEN", 6000, ("not-utf8",), b"\xff")]),
    (AT, A + b" DISCONNECT", [Goodbye("DISCONNECT", None, 6000)]),
    (AT, A + b" DISCONNECT\n", [Goodbye("DISCONNECT", None, 6000)]),
    (AT, b"<10.0.0.9:0> DISCONNECT", [Goodbye("DISCONNECT", None, None)]),
    (AT, A + b" @ <no end", [Text("<10.0.0.9:6000> @ <no end", None, 6000)]),
    (AT, b"10.0.0.9:6000 BEN connection_request", [Hello("connection_request", "BEN", 6000)]),
    (AT, b"Unknown:6000 BEN connection_request\n", [Hello("connection_request", "BEN", 6000)]),
    (TS, TS_HEAD + b"hello\n", [Text("hello", "BEN", 6000)]),
    (TS, TS_HEAD + b"hello", [Text("hello", "BEN", 6000)]),
    (TS, TS_HEAD + b"two\nlines\n", [Text("two\nlines", "BEN", 6000)]),
    (TS, TS_HEAD + b"one\n" + LATER + b"two\n", [Text("one", "BEN", 6000), Text("two", "BEN", 6000)]),
    (TS, TS_HEAD + b"handshake\n", [Hello("handshake", "BEN", 6000)]),
    (TS, TS_HEAD + b"quit\n", [Goodbye("quit", "BEN", 6000)]),
    (TS, TS_HEAD + b"\n", [Announced(6000)]),
    (TS, A + b" [2025-03-01 10:00:00] DISCONNECT", [Goodbye("DISCONNECT", None, 6000)]),
    (TS, A + b" [2025-03-01 10:00:00] DISCONNECT\r\n", [Goodbye("DISCONNECT", None, 6000)]),
    (TS, b"<10.0.0.9:0> [] DISCONNECT", [Goodbye("DISCONNECT", None, None)]),
    (TS, A + b" [x] DISCONNECT me", [Text("<10.0.0.9:6000> [x] DISCONNECT me", None, 6000)]),
    (TS, TS_HEAD + b"DISCONNECT\n", [Goodbye("DISCONNECT", "BEN", 6000)]),
    (TS, A + b" [", [Text("<10.0.0.9:6000> [", None, 6000)]),
    (TS, A + b" [x] hello", [Text("<10.0.0.9:6000> [x] hello", None, 6000)]),
    (TS, A + b" [x] exit", [Text("<10.0.0.9:6000> [x] exit", None, 6000)]),
    (ONE, ONE_HEAD + b"hello", [Text("hello", "BEN", 6000)]),
    (ONE, ONE_HEAD + b"a <b> @ <c>\nd", [Text("a <b> @ <c>\nd", "BEN", 6000)]),
    (ONE, A + b" @ hello", [Text("hello", "@", 6000)]),
    (ONE, A + b" DISCONNECTED you are", [Text("you are", "DISCONNECTED", 6000)]),
    (ONE, A + b" DISCONNECT now", [Text("now", "DISCONNECT", 6000)]),
    (ONE, ONE_HEAD + b"connect", [Hello("connect", "BEN", 6000)]),
    (ONE, ONE_HEAD + b"Exit", [Goodbye("Exit", "BEN", 6000)]),
    (ONE, ONE_HEAD + b" ", [Announced(6000)]),
    (ONE, ONE_HEAD + b"one\n" + ONE_HEAD + b"two", [Text("one", "BEN", 6000), Text("two", "BEN", 6000)]),
    (ONE, A + b" hello", [Text("hello", None, 6000)]),
    (ONE, A + b" connect", [Hello("connect", None, 6000)]),
    (ONE, A + b" hello\nyou", [Text("hello\nyou", None, 6000)]),
    (ONE, b"<10.0.0.9:99999> BEN hello", [Text("hello", "BEN", None)]),
    (ONE, b"<Unknown:6000> B\x1bN caf\xe9", [Text("caf\ufffd", "BN", 6000, ("not-utf8",), b"caf\xe9")]),
]


@pytest.mark.parametrize(("angle", "data", "said"), MESSAGES)
@pytest.mark.parametrize("size", SIZES)
def test_a_message_reads_the_same_whole_and_in_pieces(
    angle: OneShotCodec, data: bytes, said: list[Said], size: int | None
) -> None:
    assert read(angle.reader(), data, size) == said


@pytest.mark.parametrize(("angle", "data", "_said"), MESSAGES)
def test_every_message_is_recognised_by_its_own_dialect_and_no_other(
    angle: OneShotCodec, data: bytes, _said: list[Said]
) -> None:
    dialect.recognises_every_beginning(angle, data)
    others: list[OneShotCodec] = [other for other in (AT, TS, ONE) if other is not angle]
    for other in others:
        dialect.refuses(other, data)


@pytest.mark.parametrize("angle", [AT, TS, ONE])
@pytest.mark.parametrize(
    "head",
    [
        b"<", b"<10.0.0.9>", b"<10.0.0.9:6000>", b"<10.0.0.9:6000> ", b"<10.0.0.9:6000>hello", b"<10.0.0:6000> BEN x",
        b"<host:6000> BEN x", b"<10.0.0.9:1234567890123> BEN x", b"<unknown:1> BEN x", b"<end>", b"<b>bold</b>",
        b"hello", b"10.0.0.9:6000 BEN hello", b"10.0.0.9:6000 BEN connection_requests", b"{", b"6000\n",
        b"10.0.0.9:6000 BEN connection", b"10.0.0.9:6000 CONNECT_REQUEST", b"10.0.0.9:6000 " + b"x" * 600,
    ],
)  # fmt: skip
def test_what_begins_otherwise_is_refused_whole_and_byte_by_byte(angle: OneShotCodec, head: bytes) -> None:
    dialect.refuses(angle, head)


@settings(derandomize=True)
@given(st.binary(max_size=60).map(lambda tail: (A + b" ")[: 4 * len(tail)] + tail), st.booleans())
def test_there_is_one_answer_at_most_and_always_one_when_nothing_more_comes(head: bytes, ended: bool) -> None:
    verdicts = [angle.recognises(head, ended) for angle in (AT, TS, ONE)]
    assert sum(verdict is True for verdict in verdicts) <= 1
    assert not ended or None not in verdicts
    assert kind_of(head, ended) is not True


def test_the_three_forms_of_a_text() -> None:
    assert AT.payloads("hi", ANNA).parts == (b"<10.0.0.7:5000> @ <anna>\nhi\n<end>",)
    assert TS.payloads("hi", ANNA).parts == (b"<10.0.0.7:5000> [2025-03-01 10:00:00] @ <anna>\nhi\n",)
    assert ONE.payloads("hi", ANNA).parts == (b"<10.0.0.7:5000> anna hi",)


def test_the_three_forms_of_control_words() -> None:
    assert AT.control("connect", ANNA) == b"<10.0.0.7:5000> @ <anna>\nconnect\n<end>"
    assert AT.control("exit", ANNA) == b"<10.0.0.7:5000> DISCONNECT"
    assert TS.control("connect", ANNA) == b"<10.0.0.7:5000> [2025-03-01 10:00:00] @ <anna>\nconnect\n"
    assert TS.control("exit", ANNA) == b"<10.0.0.7:5000> [2025-03-01 10:00:00] DISCONNECT"
    assert ONE.control("connect", ANNA) == b"<10.0.0.7:5000> anna connect"
    assert ONE.control("exit", ANNA) == b"<10.0.0.7:5000> anna quit"


def test_a_text_cannot_end_its_message_early() -> None:
    sent = AT.payloads("before\n<end>\nafter", ANNA)
    assert sent.marks == ("altered",)
    (said,) = read(AT.reader(), sent.parts[0])
    assert said == Text("before\n<\u2060end>\nafter", "anna", 5000)


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\x00 \x00", "\t\r\n"])
def test_a_blank_message_never_goes_to_an_angle1_client(blank: str) -> None:
    assert ONE.payloads(blank, ANNA) == Payloads((b"<10.0.0.7:5000> anna .",), ("altered",))


@pytest.mark.parametrize("name", ["[BEN]", "@", "["])
def test_no_team_name_makes_an_angle1_message_one_of_another_dialect(name: str) -> None:
    (payload,) = ONE.payloads("<hello", msgspec.structs.replace(ANNA, name=name)).parts
    assert kind_of(payload, ended=True) == "angle1"
    assert f" _{name} ".encode() in payload


@pytest.mark.parametrize("angle", [AT, TS, ONE])
@pytest.mark.parametrize("size", [None, 1000])
def test_an_endless_line_with_half_a_header_claims_its_port_to_the_end(angle: OneShotCodec, size: int | None) -> None:
    opening = A + (b" [x] @ <" if angle is TS else b" @ <" if angle is AT else b" ")
    texts = dialect.texts(read(angle.reader(), opening + b"x" * 200_000, size))
    assert len(texts) > 3
    assert {(one.name, one.port) for one in texts} == {(None, 6000)}


@pytest.mark.parametrize(("angle", "head"), [(AT, AT_HEAD), (TS, TS_HEAD), (ONE, ONE_HEAD)])
@pytest.mark.parametrize("size", [None, 1000, 65_536])
def test_an_endless_message_comes_in_bounded_texts_from_one_speaker(
    angle: OneShotCodec, head: bytes, size: int | None
) -> None:
    text = "日" * 70_000
    texts = dialect.texts(read(angle.reader(), head + text.encode(), size))
    assert "".join(one.text for one in texts) == text
    assert {(one.name, one.port, one.marks) for one in texts} == {("BEN", 6000, ())}
    assert max(len(one.text.encode()) for one in texts) <= codec.MAX_INCOMING


test_any_text_goes_out_in_payloads_that_old_clients_can_read_angle_at = dialect.bounded_payloads(AT)
test_any_text_goes_out_in_payloads_that_old_clients_can_read_angle_ts = dialect.bounded_payloads(TS)
test_any_text_goes_out_in_payloads_that_old_clients_can_read_angle_1 = dialect.bounded_payloads(ONE)
test_whatever_follows_a_header_reads_the_same_in_pieces_angle_at = dialect.same_in_pieces(AT.reader, [AT_HEAD, A])
test_whatever_follows_a_header_reads_the_same_in_pieces_angle_ts = dialect.same_in_pieces(TS.reader, [TS_HEAD, A])
test_whatever_follows_a_header_reads_the_same_in_pieces_angle_1 = dialect.same_in_pieces(ONE.reader, [ONE_HEAD, A])
