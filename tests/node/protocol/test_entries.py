from __future__ import annotations

import dataclasses
import hashlib

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import InvalidEntry
from node.model import Entry, Header, Position
from node.protocol import entries
from node.protocol.entries import CONTEXT, MAX_HEADER_BYTES, NO_PREVIOUS, header_hash
from tests.support.authors import author_of, position, write_entry

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
AUTHOR = author_of(KEY)
STREAM = b"S" * 16
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER = author_of(OTHER_KEY)


def run(count: int, start: Position | None = None, clock: int = 100) -> list[Entry]:
    """A good run of one stream."""
    made: list[Entry] = []
    last = start
    for index in range(count):
        entry = write_entry(KEY, "#lobby", STREAM, last, clock + index, "text", b"body %d" % index)
        last = position(entry)
        made.append(entry)
    return made


def check_run(made: list[Entry], held: Position | None, clock: int) -> Position:
    """Check a run, and return the position of its last entry."""
    headers, bodies = [entry.header_bytes for entry in made], [entry.body for entry in made]
    signature = made[-1].signature if made else b""
    assert signature is not None
    return position(entries.check_run("#lobby", headers, bodies, signature, held, clock)[-1])


def fields(header: Header) -> list[object]:
    """The elements of a header, as the author writes them."""
    found: list[object] = list(msgspec.structs.astuple(header))
    return found if header.n == 1 else found[:8]


def signed(header: Header, key: Ed25519PrivateKey = KEY, body: bytes | None = None) -> Entry:
    """An entry that its author signed, however wrong it is."""
    data = msgspec.msgpack.encode(fields(header))
    return Entry(header, data, header_hash(data), key.sign(CONTEXT + data), body)


@dataclasses.dataclass(frozen=True)
class Wrong:
    """A header that differs in one field from one that would be taken."""

    field: str
    value: object

    def __str__(self) -> str:
        return f"{self.field}={self.value!r}"[:40]


def test_the_format_is_what_the_protocol_says() -> None:
    entry = run(1)[0]
    assert CONTEXT == b"snicher entry 1\x00"
    assert msgspec.msgpack.decode(entry.header_bytes) == [
        "#lobby", AUTHOR, STREAM, 1, bytes(32), 100, "text", hashlib.sha256(b"body 0").digest(), None,
    ]  # fmt: skip
    assert entry.signature is not None
    KEY.public_key().verify(entry.signature, b"snicher entry 1\x00" + entry.header_bytes)
    assert header_hash(entry.header_bytes) == hashlib.sha256(entry.header_bytes).digest()


@pytest.mark.parametrize("count", [1, 2, 50])
def test_a_good_run_leads_to_its_last_entry(count: int) -> None:
    made = run(count)
    assert check_run(made, None, -1) == Position(count, header_hash(made[-1].header_bytes))


def test_a_run_goes_on_where_the_last_one_ended() -> None:
    made = run(5)
    middle = check_run(made[:3], None, -1)
    assert check_run(made[3:], middle, made[2].header.clock) == check_run(made, None, -1)


def test_a_body_may_be_gone_and_the_chain_holds() -> None:
    made = [msgspec.structs.replace(entry, body=None) for entry in run(3)]
    assert check_run(made, None, -1).n == 3


def test_fields_that_a_later_version_adds_are_ignored_and_signed() -> None:
    header = run(1)[0].header
    data = msgspec.msgpack.encode([*msgspec.structs.astuple(header), "new", {"x": 1}])
    entry = Entry(entries.read_header(data), data, header_hash(data), KEY.sign(CONTEXT + data), None)
    assert entry.header == header
    assert check_run([entry], None, -1) == Position(1, header_hash(data))


#: What a later version may write, and this one can't read: a map as a key, a time with too many nanoseconds, no UTF-8.
ODD = [b"\x81\x80\x01", b"\xc7\x0c\xff" + b"\xff" * 12, b"\xa1\xff"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("n", [1, 2])
def test_an_element_of_a_later_version_is_ignored_whatever_it_holds(odd: bytes, n: int) -> None:
    made = run(n)
    elements = made[-1].header_bytes
    data = bytes([elements[0] + 1]) + elements[1:] + odd
    assert entries.read_header(data) == made[-1].header


def test_a_ninth_element_that_cannot_be_read_makes_a_first_header_invalid() -> None:
    elements = run(1)[0].header_bytes
    for odd in ODD:
        with pytest.raises(InvalidEntry, match=r"^Not a header"):
            entries.read_header(elements[:-1] + odd)


@pytest.mark.parametrize("odd", ODD)
def test_a_text_is_read_beside_a_key_of_a_later_version_whatever_it_holds(odd: bytes) -> None:
    assert entries.text_of(b"\x82\xa4text\xa2hi\xa4more" + odd) == "hi"


@pytest.mark.parametrize("body", [b"", b"\x80", b"\x81\xa4text\x01", b"\x91\xa2hi", entries.text_body("hi") + b"\0"])
def test_a_body_without_a_text_has_none(body: bytes) -> None:
    assert entries.text_of(body) is None


def test_an_empty_run_is_none() -> None:
    with pytest.raises(InvalidEntry):
        check_run([], None, -1)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_a_run_with_any_bit_of_a_header_a_body_or_its_last_signature_changed_is_refused(data: st.DataObject) -> None:
    made = run(3)
    at = data.draw(st.integers(0, 2))
    part = data.draw(st.sampled_from(["header", "body", "signature"] if at == 2 else ["header", "body"]))
    entry = made[at]
    old = {"header": entry.header_bytes, "body": entry.body, "signature": entry.signature}[part]
    assert old is not None
    bit = data.draw(st.integers(0, len(old) * 8 - 1))
    new = bytearray(old)
    new[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidEntry):
        if part == "header":
            changed = bytes(new)
            made[at] = msgspec.structs.replace(entry, header_bytes=changed)
        elif part == "body":
            made[at] = msgspec.structs.replace(entry, body=bytes(new))
        else:
            made[at] = msgspec.structs.replace(entry, signature=bytes(new))
        check_run(made, None, -1)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_a_run_with_an_entry_missing_doubled_or_moved_is_refused(data: st.DataObject) -> None:
    made = run(4)
    indexes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=5))
    chosen = [made[index] for index in indexes]
    if indexes == list(range(len(indexes))):
        assert check_run(chosen, None, -1).n == len(indexes)
    else:
        with pytest.raises(InvalidEntry):
            check_run(chosen, None, -1)


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong("n", 0), Wrong("n", 1), Wrong("n", 3), Wrong("n", 2**63),
        Wrong("prev", NO_PREVIOUS), Wrong("prev", b"x" * 32), Wrong("prev", b""),
        Wrong("clock", 100), Wrong("clock", 99), Wrong("clock", -1), Wrong("clock", 2**63),
        Wrong("stream", b"T" * 16), Wrong("stream", b"S" * 15), Wrong("room", "#other"),
        Wrong("author", OTHER), Wrong("author", AUTHOR.upper()),
        Wrong("body_hash", b"x" * 31), Wrong("kind", "x" * MAX_HEADER_BYTES),
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_that_breaks_the_rules_is_refused_even_when_its_author_signed_it(wrong: Wrong) -> None:
    first, second = run(2)
    assert check_run([first, signed(second.header)], None, -1).n == 2
    bad = signed(msgspec.structs.replace(second.header, **{wrong.field: wrong.value}))
    with pytest.raises(InvalidEntry):
        check_run([first, bad], None, -1)


@pytest.mark.parametrize(("field", "value"), [("n", 0), ("n", 2**63), ("clock", -1), ("clock", 2**63)])
def test_a_number_out_of_its_bounds_is_no_header(field: str, value: int) -> None:
    header = run(1)[0].header
    good = {"n": 2**63 - 1, "clock": 0}[field]
    assert entries.read_header(msgspec.msgpack.encode(msgspec.structs.replace(header, **{field: good})))
    with pytest.raises(InvalidEntry):
        entries.read_header(msgspec.msgpack.encode(msgspec.structs.replace(header, **{field: value})))


def test_somebody_else_cannot_sign_for_the_author() -> None:
    with pytest.raises(InvalidEntry):
        check_run([signed(run(1)[0].header, OTHER_KEY)], None, -1)


@pytest.mark.parametrize("author", [AUTHOR.upper(), AUTHOR[:-1] + "7", AUTHOR + "a", AUTHOR[:-2], "", "é", "plain-1"])
def test_an_author_has_one_way_of_writing(author: str) -> None:
    with pytest.raises(InvalidEntry):
        check_run([signed(msgspec.structs.replace(run(1)[0].header, author=author))], None, -1)


def test_the_signature_alone_is_no_entry_in_another_context() -> None:
    header = run(1)[0].header
    data = msgspec.msgpack.encode(header)
    with pytest.raises(InvalidEntry):
        check_run([Entry(header, data, header_hash(data), KEY.sign(data), None)], None, -1)


def test_what_is_held_already_is_left_out_of_a_run_that_begins_earlier() -> None:
    made = run(5)
    held = position(made[2])
    headers, bodies = [entry.header_bytes for entry in made], [entry.body for entry in made]
    assert made[-1].signature is not None
    found = entries.check_run("#lobby", headers, bodies, made[-1].signature, held, made[2].header.clock)
    assert [entry.header.n for entry in found] == [4, 5]
    assert [entry.signature for entry in found] == [None, made[-1].signature]
    with pytest.raises(InvalidEntry):
        check_run(made, Position(3, b"x" * 32), made[2].header.clock)


def test_a_run_may_begin_after_a_gap_only_where_its_sender_says_that_it_begins() -> None:
    made = run(5)
    headers, bodies = [entry.header_bytes for entry in made[3:]], [entry.body for entry in made[3:]]
    assert made[-1].signature is not None
    for begins in (1, 3, 5):
        with pytest.raises(InvalidEntry):
            entries.check_run("#lobby", headers, bodies, made[-1].signature, position(made[0]), 100, begins=begins)
    found = entries.check_run("#lobby", headers, bodies, made[-1].signature, position(made[0]), 100, begins=4)
    assert [entry.header.n for entry in found] == [4, 5]


def test_the_first_header_of_a_stream_names_the_last_one_before_it() -> None:
    earlier = run(1)[0]
    later = write_entry(KEY, "#lobby", b"T" * 16, None, 200, "text", b"", before=(STREAM, 1), before_hash=earlier.hash)
    assert later.header.before == (STREAM, 1)
    assert later.header.prev == earlier.hash
    assert check_run([later], None, -1) == position(later)
    bad = signed(msgspec.structs.replace(later.header, before=None))
    with pytest.raises(InvalidEntry):
        check_run([bad], None, -1)


@pytest.mark.parametrize("before", [5, [STREAM], [STREAM, 0], [b"short", 1], [STREAM, True], [1, STREAM]])
def test_a_ninth_element_of_another_kind_makes_a_first_header_invalid(before: object) -> None:
    with pytest.raises(InvalidEntry):
        check_run([signed(msgspec.structs.replace(run(1)[0].header, before=before))], None, -1)


def test_a_clock_must_be_above_the_one_before_the_run() -> None:
    made = run(2)
    first = check_run(made[:1], None, -1)
    with pytest.raises(InvalidEntry):
        check_run(made[1:], first, made[1].header.clock)


def test_an_author_cannot_write_what_nobody_takes() -> None:
    for room, clock in (("r" * MAX_HEADER_BYTES, 1), ("#lobby", 2**63), ("#lobby", -1)):
        with pytest.raises(InvalidEntry):
            write_entry(KEY, room, STREAM, None, clock, "text", b"")


def test_a_header_of_1024_bytes_is_taken_and_a_longer_one_is_not() -> None:
    header = run(1)[0].header
    room = MAX_HEADER_BYTES - len(msgspec.msgpack.encode(msgspec.structs.replace(header, room="r" * 300))) + 300
    data = msgspec.msgpack.encode(msgspec.structs.replace(header, room="r" * room))
    assert len(data) == MAX_HEADER_BYTES
    assert entries.read_header(data).room == "r" * room
    with pytest.raises(InvalidEntry):
        entries.read_header(msgspec.msgpack.encode(msgspec.structs.replace(header, room="r" * (room + 1))))


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=300) | st.tuples(st.binary(max_size=200), st.just(run(1)[0].header_bytes)).map(
    lambda pair: pair[1][: len(pair[0])] + pair[0]
))  # fmt: skip
def test_any_bytes_are_a_header_or_an_invalid_entry(data: bytes) -> None:
    try:
        header = entries.read_header(data)
    except InvalidEntry:
        return
    assert isinstance(header, Header)


@pytest.mark.parametrize("data", [b"", b"\x91" * 1000, b"\xc1", b"\x98\xa1\xff" + b"\xc0" * 7, b"\xdd\xff\xff\xff\xff"])
def test_nested_empty_or_broken_bytes_are_an_invalid_entry(data: bytes) -> None:
    with pytest.raises(InvalidEntry):
        entries.read_header(data)


def test_bytes_behind_a_header_are_refused() -> None:
    with pytest.raises(InvalidEntry):
        entries.read_header(run(1)[0].header_bytes + b"\xc0")
