from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.model import Address, PeerId, is_id, normal_host, parse_address, peer_id, public_key, short_code, source_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.20:5000", Address("192.168.1.20", 5000)),
        ("  127.0.0.1:1 \n", Address("127.0.0.1", 1)),
        ("[::1]:65535", Address("::1", 65535)),
        ("[0:0:0:0:0:0:0:1]:5000", Address("::1", 5000)),
        ("[::ffff:10.0.0.7]:5000", Address("10.0.0.7", 5000)),
        ("Some-Host.example.:5000", Address("some-host.example", 5000)),
        ("localhost:05000", Address("localhost", 5000)),
        # What people paste: from a browser, an old client, a sentence, another keyboard.
        ("http://192.168.1.20:5000/", Address("192.168.1.20", 5000)),
        ("HTTPS://Some-Host.example:5000", Address("some-host.example", 5000)),
        ("tcp://192.168.1.20:5000", Address("192.168.1.20", 5000)),
        ("http://[::1]:5000/", Address("::1", 5000)),
        ("192.168.1.20:5000/", Address("192.168.1.20", 5000)),
        ("192.168.1.20 5000", Address("192.168.1.20", 5000)),
        ("192.168.1.20\t5000\n", Address("192.168.1.20", 5000)),
        ("192.168.1.20: 5000", Address("192.168.1.20", 5000)),
        ("192.168.1.20 : 5000", Address("192.168.1.20", 5000)),
        ("[::1] 5000", Address("::1", 5000)),
        ("::1 5000", Address("::1", 5000)),
        ("<127.0.0.1:6000>", Address("127.0.0.1", 6000)),
        ("192.168.1.20\uff1a5000", Address("192.168.1.20", 5000)),
        ("\u200e192.168.1.20:5000\u202c", Address("192.168.1.20", 5000)),
        ("\ufeff192.168.1.20:5000", Address("192.168.1.20", 5000)),
        # A zone is part of the address.
        ("[fe80::1%eth0]:5000", Address("fe80::1%eth0", 5000)),
        ("[FE80:0::1%Eth0]:5000", Address("fe80::1%Eth0", 5000)),
        ("fe80::1%4 5000", Address("fe80::1%4", 5000)),
        ("http://[fe80::1%25eth0]:5000/", Address("fe80::1%eth0", 5000)),
    ],
)
def test_an_address_has_one_way_of_writing(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not HOST:PORT"),
        ("5000", "is not HOST:PORT"),
        (":5000", "is not HOST:PORT"),
        ("::1:5000", "goes in brackets: \\[::1\\]:5000"),
        ("10.0.0.7:", "is not a port"),
        ("10.0.0.7:0", "is not a port"),
        ("10.0.0.7:65536", "is not a port"),
        ("10.0.0.7:-1", "is not a port"),
        ("10.0.0.7:+1", "is not a port"),
        ("10.0.0.7:\u0661", "is not a port"),
        ("10.0.0.7:005000", "is not a port"),
        ("10.0.0:5000", "neither an IP address nor a host name"),
        ("10.0.0.256:5000", "neither"),
        ("-a:5000", "neither"),
        ("a b:5000", "neither"),
        ("a..b:5000", "neither"),
        ("é:5000", "neither"),
        ("x" * 64 + ":5000", "neither"),
        (".".join(["x" * 60] * 5) + ":5000", "neither"),
        ("a\x00:5000", "neither"),
        ("192.168.1.20", "Which port\\? 192.168.1.20:PORT"),
        ("http://192.168.1.20/", "Which port\\? 192.168.1.20:PORT"),
        ("http://192.168.1.20:5000/chat", "address of a page"),
        ("https://example.org", "is not HOST:PORT"),
        ("ftp://192.168.1.20:5000", "'ftp://192.168.1.20' is neither"),
        ("Team 5000", "is not HOST:PORT"),
        ("Team: 5000", "' 5000' is not a port"),
        ("a:b:5000", "'a:b' is neither"),
        ("[::1]", "Which port\\? \\[::1\\]:PORT"),
        ("[::1", "bracket that isn't closed"),
        ("2001:db8::a", "Which port\\? \\[2001:db8::a\\]:PORT"),
        ("2001:db8::7:1", "in brackets: \\[2001:db8::7\\]:1. If all of it is the address: \\[2001:db8::7:1\\]:PORT"),
        ("[::1%lo]:5000", "::1 takes no zone"),
        ("[10.0.0.7%eth0]:5000", "10.0.0.7 takes no zone"),
        ("[fe80::1%]:5000", "'' is no zone"),
        ("[fe80::1%a b]:5000", "'a b' is no zone"),
    ],
)
def test_what_is_no_address_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_address(text)


def test_two_zones_are_two_addresses() -> None:
    assert parse_address("[fe80::1%a]:5000") != parse_address("[fe80::1%b]:5000")


def test_port_0_is_for_those_who_let_the_system_choose() -> None:
    assert parse_address("127.0.0.1:0", allow_zero=True) == Address("127.0.0.1", 0)


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError as error:
        assert str(error).endswith(".")
    else:
        assert parse_address(str(address)) == address


@settings(deadline=None, derandomize=True)
@given(st.ip_addresses())
def test_a_host_in_its_one_way_of_writing_stays_as_it_is(address: object) -> None:
    host = normal_host(str(address))
    assert normal_host(host) == host


@settings(deadline=None, derandomize=True)
@given(st.binary(min_size=32, max_size=32))
def test_a_key_and_its_peer_id_give_each_other(key: bytes) -> None:
    peer = peer_id(key)
    assert len(peer) == 52
    assert peer == peer.lower()
    assert public_key(peer) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a" * 51,
        "a" * 51 + "b",
        "A" * 52,
        "a" * 52 + "=",
        "a" * 60,
        "1" * 52,
        "é" * 52,
        "plain-1",
        "a" * 51 + " ",
    ],
)
def test_a_key_has_no_other_peer_id(text: str) -> None:
    with pytest.raises(ValueError):
        public_key(PeerId(text))


def test_a_short_code_is_four_groups_that_depend_on_all_of_the_key() -> None:
    one, other = (short_code(peer_id(bytes(31) + bytes([last]))) for last in (0, 1))
    assert one != other
    assert [len(group) for group in one.split(" · ")] == [4, 4, 4, 4]


@pytest.mark.parametrize(
    ("text", "shaped"),
    [
        ("plain-15", True), ("PLAIN-15", True), (" plain-015\n", True), ("direct:bob", True), ("0af7" * 16, True),
        ("0AF7" * 16, True), ("a2" * 26, True), (peer_id(bytes(32)), True), (peer_id(b"x" * 32), True),
        ("plain-", False), ("plain-x", False), ("plain 15", False), ("explain-15", False), ("plain-15x", False),
        ("plain-\u0661", False), ("bob", False), ("a" * 51, False), ("g" * 64, False), ("", False),
    ],
)  # fmt: skip
def test_what_has_the_shape_of_an_id(text: str, shaped: bool) -> None:
    assert is_id(text) is shaped


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("10.0.0.7", "10.0.0.7"), ("10.0.0.8", "10.0.0.8"), ("127.61.0.1", "127.61.0.1"),
        ("::ffff:10.0.0.7", "10.0.0.7"), ("::ffff:a00:7", "10.0.0.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"), ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"), ("fe80::1%eth0", "fe80::/64"), ("::1", "::1"),
        ("a-host", "a-host"), ("", ""),
    ],
)  # fmt: skip
def test_what_an_address_counts_for(host: str, source: str) -> None:
    assert source_of(host) == source
