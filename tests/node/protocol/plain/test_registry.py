from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.plain import registry
from node.protocol.plain.codec import Speaker, Text
from tests.node.protocol.plain.reading import read

AT_HEAD = b"<10.0.0.9:6000> @ <BEN>\n"
JSON = b'{"type": "message", "content": "<10.0.0.7:5000> <BEN> hi", "sender_name": "BEN", "sender_port": 6000}'

#: First bytes, and the dialect they are taken for, in the order of WIRE.md section 2 (PROTOCOL.md section 3).
FIRST_BYTES = [
    # A TLS hello is nobody's so far: bare text, and no harm.
    (b"\x16\x03\x01\x00\xc8", "snicher"),
    (b"{", "json"),
    (JSON, "json"),
    (b'{"type": "connect", "content": "", "sender_name": "BEN", "sender_port": 6000}', "json"),
    (b"CONNECT:5000", "snicher"),
    (b"CONNECT:5000\t\t\t\n", "snicher"),
    (b"CONNECT:5000BEN: hello", "snicher"),
    (b"CONNECT:5000 10.0.0.9:6000 BEN hello", "snicher"),
    (b"CONNECT", "snicher"),
    (b"connect:5000", "snicher"),
    (b"LISTENING_PORT:", "labelled"),
    (b"LISTENING_PORT:6000|TEAM_NAME:BEN|hello", "labelled"),
    (b"LISTENING_PORT:6000|TEAM_NAME:BEN|10.0.0.9:1 x y", "labelled"),
    (b"LISTENING", "snicher"),
    (b"6\n", "portline"),
    (b"6000\nCONNECT\n", "portline"),
    (b"65535\r\nCONNECT\r\n", "portline"),
    (b"6000", "snicher"),
    (b"600000\n", "snicher"),
    (b"6000 is a number\n", "snicher"),
    (b"<10.0.0.9:6000> @ <", "angle@"),
    (AT_HEAD + b"hello\n<end>", "angle@"),
    (b"<Unknown:6000> @ <BEN>\nhello\n<end>", "angle@"),
    (AT_HEAD + b"CONNECT_REQUEST\n<end>", "angle@"),
    (b"<10.0.0.9:6000> [", "angle-ts"),
    (b"<127.0.1.1:6000> [2025-03-01 10:00:00] @ <BEN>\nhello\n", "angle-ts"),
    (b"<10.0.0.9:6000> DISCONNECT", "angle@"),
    (b"<10.0.0.9:6000> DISCONNECT\n", "angle@"),
    (b"<10.0.0.9:6000> DISCONNECTED hello", "angle1"),
    (b"<10.0.0.9:6000> word", "angle1"),
    (b"<10.0.0.9:6000> BEN hello", "angle1"),
    (b"<Unknown:6000> BEN 10.0.0.9:6000 BEN hello", "angle1"),
    (b"<10.0.0.9:6000> @ hello", "angle1"),
    (b"<10.0.0.9:6000>", "snicher"),
    (b"<hello> there", "snicher"),
    (b"10.0.0.9:6000 BEN hello", "std"),
    (b"Unknown:6000 BEN hello", "std"),
    (b"127.0.1.1:6000 BEN Mandatory message: Hello from our peer!", "std"),
    (b"10.0.0.9:6000 BEN connect", "std"),
    (b"10.0.0.9:6000 BEN CONNECTION_REQUEST", "std"),
    (b"10.0.0.9:6000 BEN connection_requests", "std"),
    (b"10.0.0.9:6000 BEN connection_request now", "std"),
    (b"10.0.0.9:6000 BEN connection", "std"),
    (b"10.0.0.9:6000 BEN [PEER_QUIT]", "std"),
    (b"10.0.0.9:6000 @ <BEN>", "std"),
    # The trap: an angle@ client that makes itself known in std form.
    (b"10.0.0.9:6000 BEN connection_request", "angle@"),
    (b"10.0.0.9:6000 BEN connection_request\n", "angle@"),
    (b"10.0.0.9:6000 CONNECT_REQUEST", "std"),
    (b"10.0.0.9:6000 DISCONNECTED", "std"),
    (b"10.0.0.9:6000 DISCONNECTED\n", "std"),
    (b"10.0.0.9:6000 hello", "snicher"),
    (b"10.0.0.9:6000", "snicher"),
    (b"BEN: hello", "snicher"),
    (b"BEN: exit", "snicher"),
    (b"hello", "snicher"),
    (b"exit", "snicher"),
    (b"Mandatory message: Hello from our peer!", "snicher"),
    (b"Message received", "snicher"),
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
    assert list(registry.BY_NAME) == ["json", "labelled", "portline", "angle@", "angle-ts", "angle1", "std", "snicher"]
    assert len(registry.BY_NAME) == len(registry.CODECS)


def test_a_dialect_has_a_connection_for_each_message_or_one_for_all() -> None:
    assert set(registry.PERSISTENT) == {"portline", "snicher"}
    assert set(registry.ONE_SHOT) == set(registry.BY_NAME) - set(registry.PERSISTENT)


#: Each of the 26 clients by what WIRE.md tells of it, with what it sends first: connect, a message, a good-bye.
A = b"10.0.0.9:6000"
CLIENTS = {
    "std": [A + b" BEN connect", A + b" BEN hello", A + b" BEN exit"],
    "std that answers": [A + b" BEN connect_ack", A + b" BEN hello there, Anna"],
    "std in capitals": [
        A + b" BEN CONNECT",
        A + b" BEN CONNECTING",
        A + b" BEN CONNECT_ACCEPTED",
        A + b" BEN DISCONNECT",
    ],
    "std that shakes hands": [A + b" BEN handshake", A + b" BEN [PEER_QUIT]"],
    "std that says connected": [A + b" BEN Connected", A + b" BEN Connected!", A + b" BEN sent connection!"],
    "std that requests": [A + b" BEN CONNECTION_REQUEST", A + b" BEN Connection request", A + b" BEN Reconnection"],
    "std with control words": [A + b" CONNECT_REQUEST", A + b" BEN hello", A + b" DISCONNECTED"],
    "std that greets": [A + b" BEN Hello, I am connecting!", A + b" BEN Hello, peer!", A + b" BEN Hello again!"],
    "std with a connection message": [A + b" BEN connection message", A + b" BEN manual connection message"],
    "std behind a host name": [b"127.0.1.1:6000 BEN hello", b"127.0.0.1:6000 BEN quit"],
    "std that claims ours": [b"10.0.0.7:6000 BEN hello"],
    "std that knows no address": [b"Unknown:6000 BEN hello"],
    "std with a newline": [A + b" BEN hello\n", A + b" BEN exit\n"],
}


@pytest.mark.parametrize("client", CLIENTS)
def test_what_std_clients_say_is_std(client: str) -> None:
    for head in CLIENTS[client]:
        codec = registry.recognise(head, ended=True)
        assert codec is registry.STD, head


#: All that str.splitlines takes for the end of a line.
BREAKS = ("\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
ANNA = Speaker("10.0.0.7", 5000, "anna", "10.0.0.9:6001", "2025-03-01 10:00:00")
ONE_LINE = {
    "std": "10.0.0.7:5000 anna {}",
    "angle1": "<10.0.0.7:5000> anna {}",
    "labelled": "LISTENING_PORT:5000|TEAM_NAME:anna|{}",
    "portline": "10.0.0.7:5000 anna {}\n",
}


@pytest.mark.parametrize("mark", BREAKS, ids=ascii)
@pytest.mark.parametrize("name", ONE_LINE)
def test_a_line_break_inside_a_text_never_leaves_where_a_message_is_one_line(name: str, mark: str) -> None:
    sent = registry.BY_NAME[name].payloads(f"x{mark}{mark} MAIL FROM:<a@b>{mark}", ANNA)
    assert sent.parts == (ONE_LINE[name].format("x / MAIL FROM:<a@b>").encode(),)
    assert sent.marks == ("altered",)


@pytest.mark.parametrize("name", ONE_LINE)
def test_a_control_word_behind_a_line_break_does_not_act(name: str) -> None:
    sent = registry.BY_NAME[name].payloads("\x85exit\x85", ANNA)
    assert sent.parts == (ONE_LINE[name].format("exit.").encode(),)


@pytest.mark.parametrize("mark", BREAKS, ids=ascii)
def test_json_escapes_line_breaks(mark: str) -> None:
    (payload,) = registry.BY_NAME["json"].payloads(f"x{mark}y", ANNA).parts
    assert len(payload.decode().splitlines()) == 1
    (said,) = read(registry.ONE_SHOT["json"].reader(), payload)
    assert isinstance(said, Text)
    assert said.text == f"x{mark}y".replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    "text",
    ["a\n<end>", "a\n<end>\n<10.0.0.7:5000> @ <anna>\nb", "<end>", "a\r<end>\rb", "<e\x00nd>", "x" * 993 + "<end>"],
)
def test_a_text_never_ends_an_angle_at_message_early(text: str) -> None:
    for payload in registry.BY_NAME["angle@"].payloads(text, ANNA).parts:
        assert payload.count(b"<end>") == 1
        assert payload.endswith(b"\n<end>")


@pytest.mark.parametrize(
    ("dialect", "data", "text"),
    [
        ("snicher", b"BEN:  hi \t\x00", " hi"),
        ("std", b"10.0.0.9:6000 BEN hi \t", "hi"),
        ("angle@", AT_HEAD + b" hi \t\n<end>", " hi"),
        ("angle-ts", b"<10.0.0.9:6000> [2025-03-01 10:00:00] @ <BEN>\nhi \t\n", "hi"),
        ("angle1", b"<10.0.0.9:6000> BEN hi \t", "hi"),
        ("labelled", b"LISTENING_PORT:6000|TEAM_NAME:BEN|hi \t", "hi"),
        ("portline", b"6000\nhi \t\n", "hi"),
        ("json", JSON.replace(b"hi", b"hi \\t"), "hi \t"),
    ],
)
def test_blanks_at_the_end_of_a_text_are_no_part_of_it_but_in_json(dialect: str, data: bytes, text: str) -> None:
    said = read(registry.BY_NAME[dialect].reader(), data)
    assert [one.text for one in said if isinstance(one, Text)] == [text]
