from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import InvalidFrame
from node.protocol.secure.frames import (
    MAX_FRAME,
    MAX_HELLO,
    At,
    Bye,
    Digest,
    Frame,
    Have,
    Hello,
    Ping,
    Pong,
    Presence,
    Run,
    Seek,
    Splitter,
    Stop,
    Told,
    Want,
    Where,
    decode,
    encode,
)

HELLO = Hello([2], b"i" * 16, b"r" * 16, "anna", 5000, 1, ["x"])
FRAMES: list[Frame] = [
    HELLO,
    Ping(b"12345678"),
    Pong(b"12345678"),
    Bye(0, "text"),
    Digest([("#lobby", b"d" * 32)]),
    Have("#lobby", [Told("author", b"s" * 16, 1, 9, b"h" * 32)]),
    Want("#lobby", "author", b"s" * 16, 0, True),
    Stop("#lobby", "author", b"s" * 16),
    Run("#lobby", [b"h1", b"h2"], [b"b1", None], b"s" * 64),
]
PACK = msgspec.msgpack.encode


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_frame_is_read_as_it_was_written_and_further_elements_are_ignored(frame: Frame) -> None:
    data = encode(frame)
    assert int.from_bytes(data[:4], "big") == len(data) - 4
    assert decode(data[4:]) == frame
    elements = msgspec.msgpack.decode(data[4:])
    assert elements[0] == FRAMES.index(frame)
    assert decode(PACK([*elements, {"more": 1}, None])) == frame
    with pytest.raises(InvalidFrame):
        decode(PACK(elements[:-1]))


@pytest.mark.parametrize("data", [b"\x91\x63", b"\x92\x63\x81\x80\x01", b"\x92\x63\xa2\xff\xff", b"\x91\xff"])
def test_an_unknown_type_is_ignored_whatever_follows(data: bytes) -> None:
    assert decode(data) is None


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x01", b"\x90", b"\x91\xc3", b"\x91\xa1a", b"\x91\xc0", b"\x80", b"\x92\x63", b"\x91\x63x"]
)
def test_what_is_no_array_with_a_type_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidFrame):
        decode(data)


@pytest.mark.parametrize(
    "wrong",
    [
        msgspec.structs.replace(HELLO, versions=[]),
        msgspec.structs.replace(HELLO, versions=[2] * 65),
        msgspec.structs.replace(HELLO, features=["x"] * 65),
        msgspec.structs.replace(HELLO, instance=b"i" * 15),
        msgspec.structs.replace(HELLO, run=b"r" * 17),
        msgspec.structs.replace(HELLO, name="x" * 65),
        msgspec.structs.replace(HELLO, port=0),
        msgspec.structs.replace(HELLO, port=65536),
        msgspec.structs.replace(HELLO, now=-1),
        msgspec.structs.replace(HELLO, now=2**48),
        Ping(b"1234567"),
        Pong(b"123456789"),
        Digest([("#lobby", b"d" * 31)]),
        Have("#lobby", [Told("author", b"s" * 16, 0, 9, b"h" * 32)]),
        Have("#lobby", [Told("author", b"s" * 16, 11, 9, b"h" * 32)]),
        Have("#lobby", [Told("author", b"s" * 15, 1, 9, b"h" * 32)]),
        Want("#lobby", "author", b"s" * 16, -1, True),
        Stop("#lobby", "author", b"s"),
        Run("#lobby", [], [], b""),
        Run("#lobby", [b"h"], [], b""),
        Run("#lobby", [b"h" * 70_000], [b"b" * 70_000], b""),
        Seek(["author"] * 33),
        Where([("author", [At("10.0.0.1", 65536, 0)])]),
        Where([("author", [At("10.0.0.1", 5000, 0)] * 9)]),
        Where([("author", [At("x" * 65, 5000, 0)])]),
        Presence(-1, ""),
        Presence(0, "x" * 101),
    ],
    ids=lambda frame: type(frame).__name__,
)
def test_a_field_beyond_its_bounds_is_refused(wrong: Frame) -> None:
    with pytest.raises(InvalidFrame):
        decode(encode(wrong)[4:])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.binary(max_size=40)
    | st.recursive(st.integers() | st.binary() | st.text(), st.lists, max_leaves=9).map(repr).map(str.encode)
)
def test_any_bytes_are_a_frame_or_ignored_or_refused(data: bytes) -> None:
    for begin in (b"", b"\x92\x01", b"\x93\x03", b"\x98\x00", b"\x95\x08"):
        try:
            frame = decode(begin + data)
        except InvalidFrame as error:
            assert str(error)
            continue
        assert frame is None or isinstance(frame, Frame)


def test_frames_are_cut_from_a_stream_wherever_its_reads_end() -> None:
    data = b"".join(map(encode, FRAMES))
    for size in (1, 2, 3, 7, len(data)):
        splitter = Splitter()
        found = [one for at in range(0, len(data), size) for one in splitter.feed(data[at : at + size])]
        assert [decode(one) for one in found] == FRAMES


@pytest.mark.parametrize("size", [0, MAX_HELLO + 1, MAX_FRAME, 2**32 - 1])
def test_an_impossible_length_is_refused_behind_the_frames_before_it(size: int) -> None:
    splitter = Splitter()
    found: list[object] = []
    with pytest.raises(InvalidFrame, match=str(size)):
        found.extend(splitter.feed(encode(FRAMES[1]) + size.to_bytes(4, "big")))
    splitter = Splitter()
    reading = splitter.feed(encode(FRAMES[1]) + size.to_bytes(4, "big"))
    assert decode(next(reading)) == FRAMES[1]


def test_the_limit_of_the_next_frame_may_be_raised_between_two() -> None:
    splitter = Splitter()
    big = encode(Stop("x" * (MAX_FRAME - 100), "author", b"s" * 16))
    found: list[object] = []
    for one in splitter.feed(encode(HELLO) + big):
        found.append(decode(one))
        splitter.limit = MAX_FRAME
    assert len(found) == 2
