from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain.codec import Announced, Goodbye, Hello, Said, Text
from node.protocol.plain.json_dialect import Json, JsonReader
from node.protocol.plain.one_shot import CUT_QUIET, QUIET
from tests.node.protocol.plain import dialect
from tests.node.protocol.plain.dialect import ANNA, SIZES
from tests.node.protocol.plain.reading import read
from tests.support import hostile_json


def wire(content: object, kind: object = "message", name: object = "BEN", port: object = 6000) -> bytes:
    return json.dumps({"type": kind, "content": content, "sender_name": name, "sender_port": port}).encode()


HELLO = wire("<10.0.0.7:5000> <BEN> hello")
MESSAGES: list[tuple[bytes, list[Said]]] = [
    (HELLO, [Text("hello", "BEN", 6000)]),
    (HELLO + b"\n", [Text("hello", "BEN", 6000)]),
    (HELLO + b"\x00", [Text("hello", "BEN", 6000)]),
    (wire("<10.0.0.7:5000> <BEN> <b> two\nlines, ünd 🙂"), [Text("<b> two\nlines, ünd 🙂", "BEN", 6000)]),
    ('{"type": "message", "content": "größer", "sender_name": "Bén", "sender_port": "6000"}'.encode(),
     [Text("größer", "Bén", 6000)]),
    (wire("bare, without its header"), [Text("bare, without its header", "BEN", 6000)]),
    (wire("", "connect"), [Hello("connect", "BEN", 6000)]),
    (wire("<10.0.0.7:5000> <BEN> anything", "exit"), [Goodbye("exit", "BEN", 6000)]),
    (wire("<10.0.0.7:5000> <BEN> Connected!"), [Hello("Connected!", "BEN", 6000)]),
    (wire("<10.0.0.7:5000> <BEN> quit"), [Goodbye("quit", "BEN", 6000)]),
    (wire("<10.0.0.7:5000> <BEN>  "), [Announced(6000)]),
    (wire(None), [Announced(6000)]),
    (wire("hi", "another type"), [Text("hi", "BEN", 6000)]),
    (wire("hi", name=None, port=0), [Text("hi", None, None)]),
    (wire("hi", port=True), [Text("hi", "BEN", None)]),
    (wire("hi", port=10**30), [Text("hi", "BEN", None)]),
    (wire("hi", port=[6000]), [Text("hi", "BEN", None)]),
    (wire(42), [Text("42", "BEN", 6000)]),
    (HELLO + HELLO, [Text("hello", "BEN", 6000)] * 2),
    (HELLO + b"\n" + wire("", "exit"), [Text("hello", "BEN", 6000), Goodbye("exit", "BEN", 6000)]),
    (HELLO + b" and a tail", [Text("hello", "BEN", 6000), Text("and a tail")]),
    (b'{"type": "message", "content": "a\nb\tc"}', [Text("a\nb\tc")]),
    (b'{"type": "message", "content": "caf\xe9"}',
     [Text("caf\ufffd", None, None, ("not-utf8",), b'{"type": "message", "content": "caf\xe9"}')]),
    (wire("a\x00b"), [Text("a\ufffdb", "BEN", 6000, ("not-utf8",), b'"a\\u0000b"')]),
    (wire("a\ud800b"), [Text("a\ufffdb", "BEN", 6000, ("not-utf8",), b'"a\\ud800b"')]),
    (wire("hi", name="B\ud800N"), [Text("hi", "B\ufffdN", 6000)]),
    (b"{", [Text("{")]),
    (b"{hello}", [Text("{hello}")]),
    (b'{"a": 1}', [Text('{"a": 1}')]),
    (b'{"type": 1, "content": "x"}', [Text('{"type": 1, "content": "x"}')]),
    (b'{"type": "message", "content": "cut he', [Text('{"type": "message", "content": "cut he')]),
    (b'{"a":' * 2000, [Text('{"a":' * 2000)]),
    (b'{"type": ' + b"9" * 5000 + b"}", [Text('{"type": ' + "9" * 5000 + "}")]),
    (b"{\xff", [Text("{\ufffd", None, None, ("not-utf8",), b"{\xff")]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "said"), MESSAGES)
@pytest.mark.parametrize("size", SIZES)
def test_a_message_reads_the_same_whole_and_in_pieces(data: bytes, said: list[Said], size: int | None) -> None:
    assert read(JsonReader(), data, size) == said


@pytest.mark.parametrize(("data", "_said"), MESSAGES)
def test_every_message_is_recognised_by_its_brace(data: bytes, _said: list[Said]) -> None:
    dialect.recognises_every_beginning(Json(), data)


@pytest.mark.parametrize("head", [b"[1]", b'"x"', b"hello", b"6000\n", b"<", b"null"])
def test_what_begins_otherwise_is_refused(head: bytes) -> None:
    dialect.refuses(Json(), head)


def test_an_object_that_is_cut_is_given_more_time() -> None:
    reader = JsonReader()
    reader.feed(HELLO[:-1])
    assert reader.patience == CUT_QUIET
    reader.feed(HELLO[-1:])
    assert reader.patience == QUIET


def test_what_is_sent() -> None:
    (payload,) = Json().payloads('hi "you"', ANNA).parts
    assert json.loads(payload) == {
        "type": "message",
        "content": '<10.0.0.9:6000> <anna> hi "you"',
        "sender_name": "anna",
        "sender_port": 5000,
    }
    assert json.loads(Json().control("connect", ANNA))["type"] == "connect"
    assert json.loads(Json().control("exit", ANNA))["type"] == "exit"
    assert Json().payloads("exit", ANNA).marks == ("altered",)


def test_a_long_text_has_few_parts_where_nothing_is_escaped() -> None:
    assert len(Json().payloads("x" * 2500, ANNA).parts) == 3


@settings(derandomize=True)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists), st.booleans())
def test_fields_of_any_type_harm_nobody(value: object, inside: bool) -> None:
    data = wire(value, "message", value, value) if inside else b"{" + json.dumps(value).encode()
    said = read(JsonReader(), data)
    assert said == read(JsonReader(), data, 3)
    assert all(one.text.strip() for one in dialect.texts(said))
    for one in dialect.texts(said):
        one.text.encode()


test_any_text_goes_out_in_payloads_that_old_clients_can_read = dialect.bounded_payloads(Json())
test_whatever_follows_a_header_reads_the_same_in_pieces = dialect.same_in_pieces(
    JsonReader, [HELLO, b"{", HELLO[:-1], b'{"type": "message", "content": "']
)


@pytest.mark.parametrize("value", hostile_json.VALUES.values(), ids=hostile_json.VALUES)
@pytest.mark.parametrize(
    "place", ["{}", '{{"type":{}}}', '{{"type":"message","content":"hi","sender_port":{}}}', '{{"type":"exit","x":{}}}']
)
def test_hostile_json_of_a_peer_is_text_or_a_field_that_says_nothing(place: str, value: str) -> None:
    data = place.format(value).encode(errors="surrogatepass")
    for one in dialect.texts(read(JsonReader(), data)):
        one.text.encode()
