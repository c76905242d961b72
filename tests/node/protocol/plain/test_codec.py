from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.printable import printed
from node.protocol.plain import codec

#: A Sinhala name whose spelling needs a joiner.
SINHALA = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"


@pytest.mark.parametrize(
    ("digits", "port"),
    [("1", 1), ("65535", 65535), (b"0005000", 5000), ("0", None), ("65536", None), ("", None), ("x", None)],
)
def test_a_port_is_a_number_from_1_to_65535(digits: str | bytes, port: int | None) -> None:
    assert codec.port_number(digits) == port


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("anna", "anna"),
        ("  Team A ", "Team_A"),
        ("a|b<c>d:e", "a_b_c_d_e"),
        ("", "anon"),
        (" :| ", "anon"),
        ("CONNECT", "CONNECT_"),
        ("GROUP7", "G\u2060ROUP7"),
        ("Grün", "Grün"),
        ("x" * 70, "x" * 64),
        ("a\udcff", "a"),
    ],
)
def test_a_name_goes_out_as_one_word_that_does_not_act(name: str, wire: str) -> None:
    assert codec.wire_name(name) == wire


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=100))
def test_any_name_can_go_out_and_comes_back_as_one_word(name: str) -> None:
    wire = codec.wire_name(name)
    assert re.fullmatch(r"[^\s|<>:]+", wire)
    assert len(wire.encode()) <= 256
    name = codec.read_name(wire.encode()) or ""
    assert printed(name, "") == name


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"BEN", "BEN"),
        (b"\x1b[31mB", "[31mB"),
        ("\u202eabc".encode(), "abc"),
        (b"\xff", "\ufffd"),
        (b"\x07", None),
        (SINHALA.encode(), SINHALA),
        ("bo\u200db".encode(), "bob"),
    ],
)
def test_of_a_claimed_name_only_what_can_be_shown_is_kept(data: bytes, name: str | None) -> None:
    assert codec.read_name(data) == name


def test_marks_over_the_letters_of_a_name_do_not_pile_up() -> None:
    tower = "\u0301" * codec.MAX_STACKED
    assert codec.read_name(f"{tower}Z{tower}\u0301\u0489A\u0301".encode()) == f"Z{tower}A\u0301"
    assert codec.read_name(("\u0301" * 500).encode()) is None
    assert codec.read_name("नमस्ते".encode()) == "नमस्ते"
    assert codec.read_name((("Z" + "\u0301" * 10) * 5000).encode()) == (f"Z{tower}" * 13)[: codec.MAX_NAME]


def test_a_joiner_belongs_to_a_name_both_ways_and_marks_do_not_pile_up_behind_it() -> None:
    assert codec.wire_name(SINHALA) == SINHALA
    tower = "\u0301" * codec.MAX_STACKED
    assert codec.read_name(f"\u0926{tower}\u200d{tower}".encode()) == f"\u0926{tower}\u200d"


def test_a_claimed_name_is_cut() -> None:
    assert codec.read_name(("é" * 500).encode()) == "é" * codec.MAX_NAME


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=60) | st.text(max_size=20).map(str.encode))
def test_text_either_gives_its_bytes_back_or_comes_with_them_and_says_so(data: bytes) -> None:
    text, marks, raw = codec.decode(data)
    assert "\x00" not in text
    if raw is None:
        assert (text.encode(), marks) == (data, ())
    else:
        assert (raw, marks) == (data, ("not-utf8",))
        assert "\ufffd" in text


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=20), st.integers(0, 80))
def test_the_complete_length_of_text_is_where_its_last_whole_character_ends(text: str, cut: int) -> None:
    data = text.encode(errors="replace")[:cut]
    assert codec.complete_length(data) == len(data.decode(errors="ignore").encode())


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=20))
def test_the_complete_length_of_anything_leaves_three_bytes_at_most(data: bytes) -> None:
    assert len(data) - 3 <= codec.complete_length(data) <= len(data)


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("ab é日😀\n"), max_size=600), st.integers(40, 300))
def test_parts_are_small_whole_characters_numbered_and_together_the_text(text: str, room: int) -> None:
    pieces = codec.split(text, room)
    assert all(len(piece) <= room for piece in pieces)
    if len(pieces) == 1:
        assert pieces == [text.encode()]
        return
    assert len(text.encode()) > room
    matches = [re.fullmatch(r"\((\d+)/(\d+)\) (.+)", piece.decode(), re.DOTALL) for piece in pieces]
    assert [(m[1], m[2]) for m in matches if m] == [(str(n), str(len(pieces))) for n in range(1, len(pieces) + 1)]
    assert "".join(m[3] for m in matches if m) == text


@pytest.mark.parametrize("count", [9, 10, 99, 100])
def test_the_numbers_of_many_parts_fit_too(count: int) -> None:
    for length in range(count * 30 - 15, count * 30 + 15):
        assert max(map(len, codec.split("x" * length, 40))) <= 40


def test_a_text_is_cut_at_a_space_where_one_is_near() -> None:
    pieces = codec.split("word " * 300, 1000)
    assert all(piece.endswith(b"word ") for piece in pieces)
    assert len(pieces) == 2
    assert len(pieces[0]) > 990


def test_bounded_pieces_are_the_whole() -> None:
    data = ("日" * 50_000).encode()
    pieces = list(codec.bounded(data))
    assert b"".join(pieces) == data
    assert all(len(piece) <= codec.MAX_INCOMING and piece.decode() for piece in pieces)
    assert list(codec.bounded(b"")) == [b""]


@pytest.mark.parametrize(("text", "sent"), [("a\x00b", "a b"), ("a\r\nb\rc", "a\nb\nc"), ("plain", "plain")])
def test_what_no_plain_client_survives_is_replaced(text: str, sent: str) -> None:
    assert codec.sendable(text) == sent
