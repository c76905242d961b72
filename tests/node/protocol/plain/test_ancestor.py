from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.printable import printed
from node.protocol.plain import codec
from node.protocol.plain.ancestor import HOLD, LONG_READ, MAX_CONNECT, Ancestor, AncestorReader
from node.protocol.plain.codec import Announced, Goodbye, Hello, Said, Speaker, Text
from tests.node.protocol.plain.reading import read, read_each

ANNA = Speaker("10.0.0.7", 5000, "anna")


def maybe(name: str, text: str) -> Text:
    """A text that begins as one under a name with spaces does."""
    return Text(f"{name}: {text}", named=Text(text, name))


CONNECTS: list[tuple[bytes, list[Said]]] = [
    (b"CONNECT:5000", [Announced(5000)]),
    (b"CONNECT:5000\n", [Announced(5000)]),
    (b"CONNECT:5000" + b"\t" * 24 + b"\n", [Announced(5000)]),
    (b"CONNECT:5000" + b"\t" * 32 + b"\n", [Announced(5000)]),
    (b"CONNECT:5000 \t\r\v\f\n", [Announced(5000)]),
    (b"CONNECT:5000" + b"\t" * 1500 + b"\n", [Announced(5000)]),
    # The ancestor takes what int() takes, so these claim a port, or something that can't be one.
    (b"CONNECT: 5000", [Announced(5000)]),
    (b"CONNECT:0005000", [Announced(5000)]),
    (b"CONNECT:1", [Announced(1)]),
    (b"CONNECT:65535", [Announced(65535)]),
    (b"CONNECT:0", [Announced(None)]),
    (b"CONNECT:65536", [Announced(None)]),
    (b"CONNECT:99999", [Announced(None)]),
    (b"CONNECT:999999999999", [Announced(None)]),
]

CHAT: list[tuple[bytes, list[Said]]] = [
    (b"connect:5000", [Text("connect:5000")]),
    (b"Connect:5000", [Text("Connect:5000")]),
    (b"CONNECT:", [Text("CONNECT:")]),
    (b"CONNECT:abc", [Text("CONNECT:abc")]),
    (b"CONNECT:-5000", [Text("CONNECT:-5000")]),
    (b"CONNECT:+5000", [Text("CONNECT:+5000")]),
    ("CONNECT:\uff15\uff10".encode(), [Text("CONNECT:\uff15\uff10")]),  # digits to int(), but nobody's port
    (b"CONNECT:\x005000", [Text("CONNECT:\ufffd5000", None, None, ("not-utf8",), b"CONNECT:\x005000")]),
    (b"CONNECT:0000000005000", [Text("CONNECT:0000000005000")]),
    (b"BEN: CONNECT:5000", [Text("CONNECT:5000", "BEN")]),
    (b"CONNECT", [Hello("CONNECT")]),
    (b"C", [Text("C")]),
    (b"Mandatory message: Hello from our peer!", [maybe("Mandatory message", "Hello from our peer!")]),
    (b"CODE CREW: exit", [Text("CODE CREW: exit", named=Goodbye("exit", "CODE CREW"))]),
    (b"CODE CREW: Hello, peer!", [Text("CODE CREW: Hello, peer!", named=Hello("Hello, peer!", "CODE CREW"))]),
    (b"CODE CREW: ", [Text("CODE CREW:")]),
    (b"CODE CREW: a: b", [maybe("CODE CREW", "a: b")]),
    (b"CODE CREW " * 99 + b": hi", [Text("CODE CREW " * 99 + ": hi")]),
    (b"BEN: Mandatory message: Hello from our peer!", [Text("Mandatory message: Hello from our peer!", "BEN")]),
    (b"BEN: hello", [Text("hello", "BEN")]),
    ("Grün: 日本".encode(), [Text("日本", "Grün")]),
    (("é" * 64 + ": hi").encode(), [Text("hi", "é" * 64)]),
    (b"see http://x.y/z", [Text("see http://x.y/z")]),
    (b"exit", [Goodbye("exit")]),
    (b"BEN: exit", [Goodbye("exit", "BEN")]),
    (b"BEN: EXIT\n", [Goodbye("EXIT", "BEN")]),
    (b"BEN: exit\nis what I said\n", [Text("exit\nis what I said", "BEN")]),
    (b"Hello, peer!", [Hello("Hello, peer!")]),
    (b"BEN: ", []),
    (b"   \r\n \x00", []),
    (b"\x00", []),
    (b"BEN: \xc2\xa0\xe3\x80\x80", []),
    (b"BEN: one\r\ntwo\r\n\r\nthree\r\n", [Text("one\ntwo\n\nthree", "BEN")]),
    (b"BEN: caf\xe9", [Text("caf\ufffd", "BEN", None, ("not-utf8",), b"caf\xe9")]),
    (b"\xff\xfe\xfd", [Text("\ufffd\ufffd\ufffd", None, None, ("not-utf8",), b"\xff\xfe\xfd")]),
]


@pytest.mark.parametrize(("data", "said"), CONNECTS + CHAT)
def test_one_read_is_one_thing_said(data: bytes, said: list[Said]) -> None:
    assert read(AncestorReader(), data) == said


@pytest.mark.parametrize(("data", "said"), CONNECTS)
@pytest.mark.parametrize("size", [1, 3])
def test_a_connect_may_come_in_pieces(data: bytes, said: list[Said], size: int) -> None:
    assert read(AncestorReader(), data, size) == said


@pytest.mark.parametrize(("data", "said"), CONNECTS)
@pytest.mark.parametrize("tail", [b"BEN: hello", b"hello"])
def test_text_may_follow_a_connect_in_the_same_read(data: bytes, said: list[Said], tail: bytes) -> None:
    text = Text("hello", "BEN" if tail.startswith(b"BEN") else None)
    assert read(AncestorReader(), data + tail) == [*said, text]


@pytest.mark.parametrize(("data", "said"), CONNECTS)
def test_a_connect_without_a_newline_is_settled_by_silence(data: bytes, said: list[Said]) -> None:
    reader = AncestorReader()
    first = reader.feed(data)
    assert reader.patience == (None if first else HOLD)
    assert first + reader.quiet() == said
    assert reader.patience is None


def test_a_good_bye_that_is_all_there_is_to_a_connection_but_its_port_asks_who_obeys_it() -> None:
    connect = b"CONNECT:6000\t\n"
    assert read_each(AncestorReader(), [connect, b"exit"]) == [Announced(6000), Goodbye("exit", asked=True)]
    assert read(AncestorReader(), connect + b"exit") == [Announced(6000), Goodbye("exit", asked=True)]
    assert read(AncestorReader(), b"exit") == [Goodbye("exit")]
    said = read_each(AncestorReader(), [connect, b"BEN: hi", b"BEN: exit"])
    assert said[-1] == Goodbye("exit", "BEN")
    assert read_each(AncestorReader(), [connect, b"exit", b"exit"])[-1] == Goodbye("exit")


def test_a_connect_may_come_after_texts_and_again() -> None:
    reads = [b"BEN: hi", b"CONNECT:6000\n", b"BEN: there", b"CONNECT:6001\n"]
    assert read_each(AncestorReader(), reads) == [
        Text("hi", "BEN"),
        Announced(6000),
        Text("there", "BEN"),
        Announced(6001),
    ]


@pytest.mark.parametrize("size", [None, 1, 100])
def test_endless_padding_is_not_held_for_ever(size: int | None) -> None:
    reader = AncestorReader()
    data = b"CONNECT:5000" + b"\t" * (MAX_CONNECT + 100)
    said = [one for at in range(0, len(data), size or len(data)) for one in reader.feed(data[at : at + (size or 9999)])]
    assert said == [Announced(5000)]


def test_fifty_rapid_texts_in_one_read_are_fifty_texts() -> None:
    data = b"".join(b"BEN: text %d" % n for n in range(50))
    assert read(AncestorReader(), data) == [Text(f"text {n}", "BEN") for n in range(50)]


@pytest.mark.parametrize("size", [512, 1024, 1460, 511])
def test_fifty_rapid_texts_may_be_cut_anywhere_at_the_size_of_a_long_read(size: int) -> None:
    data = b"".join(b"BEN: text %d with quite some words in it" % n for n in range(50))
    reader = AncestorReader()
    reads = [data[at : at + size] for at in range(0, len(data), size)]
    if size < LONG_READ:  # shorter reads are texts of their own, as the ancestor itself takes them
        assert len(read_each(reader, reads)) > 50
    else:
        assert read_each(reader, reads) == [Text(f"text {n} with quite some words in it", "BEN") for n in range(50)]


def test_joined_texts_part_at_newlines_and_at_the_known_prefix() -> None:
    reads = [b"BEN: zero", b"oneBEN: two\nBEN: threeBEN: exit"]
    assert read_each(AncestorReader(), reads) == [
        Text("zero", "BEN"),
        Text("one"),
        Text("two", "BEN"),
        Text("three", "BEN"),
        Goodbye("exit", "BEN"),
    ]


def test_the_prefix_inside_a_line_of_one_who_ends_lines_is_content() -> None:
    data = b"BEN: I wrote BEN: hi\nBEN: and BEN: ho\n"
    assert read(AncestorReader(), data) == [Text("I wrote BEN: hi", "BEN"), Text("and BEN: ho", "BEN")]


def test_a_name_with_spaces_counts_from_its_second_time_on() -> None:
    reads = [b"CODE CREW: zero", b"CODE CREW: oneCODE CREW: two", b"CODE CREW: exit"]
    assert read_each(AncestorReader(), reads) == [
        maybe("CODE CREW", "zero"),
        Text("one", "CODE CREW"),
        Text("two", "CODE CREW"),
        Goodbye("exit", "CODE CREW"),
    ]
    joined = b"".join(b"CODE CREW: text %d" % number for number in range(50))
    assert read(AncestorReader(), joined) == [Text(f"text {number}", "CODE CREW") for number in range(50)]


def test_a_sentence_with_a_colon_is_no_name() -> None:
    reads = [b"Mandatory message: Hello from our peer!", b"by the way: I am here", b"BEN: now with my name"]
    assert read_each(AncestorReader(), reads) == [
        maybe("Mandatory message", "Hello from our peer!"),
        maybe("by the way", "I am here"),
        Text("now with my name", "BEN"),
    ]


def test_the_bytes_behind_a_possible_name_are_kept_as_those_of_the_whole() -> None:
    (said,) = read(AncestorReader(), b"CODE CREW: caf\xe9")
    assert isinstance(said, Text)
    assert said.raw == b"CODE CREW: caf\xe9"
    assert said.named == Text("caf\ufffd", "CODE CREW", None, ("not-utf8",), b"caf\xe9")


def test_bare_lines_are_a_text_each() -> None:
    assert read(AncestorReader(), b"one\ntwo\n\nthree\n") == [Text("one"), Text("two"), Text("three")]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_one_who_ends_lines_may_be_cut_anywhere(size: int) -> None:
    lines = ["hello", "Grüße", "日本 😀", "exit now", "CONNECTIONS"]
    reader = AncestorReader()
    first = read_each_without_end(reader, [b"BEN: zero\n"])
    said = read(reader, "".join(f"BEN: {line}\n" for line in lines).encode(), size)
    assert first + said == [Text(line, "BEN") for line in ("zero", *lines)]


LINES = "\n".join(f"line {number} of what was pasted" for number in range(20))


@pytest.mark.parametrize("size", [512, 777, 1000, 1024, 4096])
@pytest.mark.parametrize("farewell", [b"", b"exit"])
def test_texts_of_several_lines_stay_whole_wherever_their_reads_are_cut(size: int, farewell: bytes) -> None:
    texts = [f"{number}\n{LINES}" for number in range(9)]
    reader = AncestorReader()
    said = read_each_without_end(reader, [b"BEN: zero\n"])
    said += read(reader, b"".join(f"BEN: {text}\n".encode() for text in texts) + farewell, size)
    assert said == [*(Text(text, "BEN") for text in ("zero", *texts)), *([Goodbye("exit")] if farewell else [])]


@pytest.mark.parametrize("at", range(512, 700))
def test_the_first_text_stays_whole_where_its_read_was_cut(at: int) -> None:
    data = f"BEN: {LINES}\n".encode()
    assert read_each(AncestorReader(), [data[:at], data[at:]]) == [Text(LINES, "BEN")]


def test_a_long_text_counts_after_a_silence_and_a_short_one_behind_it_at_once() -> None:
    reader = AncestorReader()
    assert (reader.feed(f"BEN: {LINES}\n".encode()), reader.patience) == ([], HOLD)
    both: list[Said] = [Text(LINES, "BEN"), Text("and this", "BEN")]
    assert (reader.feed(b"BEN: and this\n"), reader.patience) == (both, None)
    assert reader.feed(f"BEN: {LINES}\n".encode()) == []
    assert reader.quiet() == [Text(LINES, "BEN")]


def test_the_lines_of_one_without_a_name_wait_for_nothing_but_the_last_newline() -> None:
    reader = AncestorReader()
    said = read_each_without_end(reader, [f"{LINES}\n{LINES}"[:-1].encode()])
    assert said == [Text(line) for line in f"{LINES}\n{LINES}".split("\n")[:-1]]


def read_each_without_end(reader: AncestorReader, reads: list[bytes]) -> list[Said]:
    return [said for data in reads for said in reader.feed(data)]


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ([b"BEN: d\ne\nf", b"BEN: g"], [Text("d\ne\nf", "BEN"), Text("g", "BEN")]),
        ([b"a\nb", b"c", b"d", b"e"], [Text(text) for text in "abcde"]),
        ([b"BEN: a\nb", b"c", b"BEN: d"], [Text("a\nb", "BEN"), Text("c"), Text("d", "BEN")]),
        ([b"BEN: one\nBEN: two"], [Text("one", "BEN"), Text("two", "BEN")]),
    ],
)
def test_the_end_of_a_read_is_the_end_of_a_text_whatever_newlines_are_in_it(
    reads: list[bytes], said: list[Said]
) -> None:
    reader = AncestorReader()
    assert read_each_without_end(reader, reads) == said
    assert (reader.patience, reader.end()) == (None, [])


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ([b"BEN: d\ne\nf", b"oo\n"], [Text("d\ne\nfoo", "BEN")]),
        ([b"BEN: d\ne\n", b"BEN: f", b"oo\n"], [Text("d\ne", "BEN"), Text("foo", "BEN")]),
        ([b"d\ne", b"f\n"], [Text("d"), Text("ef")]),
    ],
)
def test_once_a_read_has_ended_with_a_newline_a_text_without_one_is_unfinished(
    reads: list[bytes], said: list[Said]
) -> None:
    reader = AncestorReader()
    assert read_each_without_end(reader, [b"BEN: zero\n" if b"BEN" in reads[0] else b"zero\n", *reads])[1:] == said
    assert reader.patience is None


def test_a_silence_behind_something_unfinished_shows_that_its_texts_have_no_newline() -> None:
    reader = AncestorReader()
    assert read_each_without_end(reader, [b"BEN: pasted\n", b"BEN: one"]) == [Text("pasted", "BEN")]
    assert (reader.patience, reader.quiet()) == (HOLD, [Text("one", "BEN")])
    assert (reader.feed(b"BEN: two"), reader.patience) == ([Text("two", "BEN")], None)
    assert read_each_without_end(reader, [b"BEN: lines again\n", b"BEN: cut"]) == [Text("lines again", "BEN")]
    assert reader.patience == HOLD


def test_a_silence_behind_a_whole_line_shows_nothing_new() -> None:
    reader = AncestorReader()
    reader.feed(f"BEN: {LINES}\n".encode())
    assert reader.quiet() == [Text(LINES, "BEN")]
    assert (reader.feed(b"BEN: cut"), reader.patience) == ([], HOLD)


def test_an_unfinished_line_counts_after_a_silence() -> None:
    reader = AncestorReader()
    assert read_each_without_end(reader, [b"BEN: zero\n", b"BEN: one\nBEN: tw"]) == [
        Text("zero", "BEN"),
        Text("one", "BEN"),
    ]
    assert reader.patience == HOLD
    assert reader.quiet() == [Text("tw", "BEN")]
    assert reader.patience is None


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_character_cut_in_the_middle_waits_for_its_rest(cut: int) -> None:
    data = "BEN: a😀".encode()
    reader = AncestorReader()
    assert reader.feed(data[:-cut]) == []
    assert reader.patience == HOLD
    assert reader.feed(data[-cut:]) == [Text("a😀", "BEN")]


def test_a_character_whose_rest_never_comes_is_shown_as_not_utf8() -> None:
    reader = AncestorReader()
    reader.feed("BEN: a😀".encode()[:-1])
    assert reader.quiet() == [Text("a\ufffd", "BEN", None, ("not-utf8",), "a😀".encode()[:-1])]


@pytest.mark.parametrize("size", [None, 4096, 65_536])
@pytest.mark.parametrize("before", [b"", b"BEN: x\n", b"BEN: "])
def test_an_endless_text_comes_in_bounded_ones(size: int | None, before: bytes) -> None:
    text = "日" * 100_000
    said = read(AncestorReader(), before + text.encode(), size)
    texts = [one for one in said if isinstance(one, Text)]
    assert texts == said
    assert "".join(one.text for one in texts).lstrip("x\n") == text
    assert all(not one.marks for one in texts)
    assert max(len(one.text.encode()) for one in texts) <= codec.MAX_INCOMING


def test_no_more_is_held_than_one_text() -> None:
    reader = AncestorReader()
    said = [one for data in [b"BEN: x\n", *[b"x" * 1000] * 200] for one in reader.feed(data)]
    assert len(said) == 1 + 3
    assert sum(len(one.text) for one in reader.end() if isinstance(one, Text)) <= codec.MAX_INCOMING


def test_of_a_long_read_only_the_last_text_is_held_back() -> None:
    reader = AncestorReader()
    data = b"".join(b"BEN: text %02d of the many" % n for n in range(50))
    assert reader.feed(data) == [Text(f"text {n:02} of the many", "BEN") for n in range(49)]
    assert reader.quiet() == [Text("text 49 of the many", "BEN")]


PIECES = st.sampled_from(
    [b"CONNECT:", b"5000", b"\t", b"BEN: ", b"exit", b"\n", b" ", b"\x00", b"\xc3", b"\xf0", b"hi"]
)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.lists(PIECES | st.binary(max_size=5), max_size=8).map(b"".join), max_size=5))
def test_any_bytes_are_something_said_or_nothing_and_nothing_stays_behind(reads: list[bytes]) -> None:
    reader = AncestorReader()
    said = read_each(reader, reads)
    assert reader.end() == []
    assert reader.patience is None
    for one in said:
        assert not isinstance(one, Text) or one.text.strip()
        assert isinstance(one, Announced) or one.name is None or printed(one.name, "") == one.name


@settings(deadline=None, derandomize=True)
@given(st.lists(st.text(st.sampled_from("abc ,!é日😀"), min_size=1, max_size=30).filter(str.strip), max_size=8))
def test_texts_as_snicher_sends_them_survive_being_joined(texts: list[str]) -> None:
    payloads = [part for text in texts for part in Ancestor().payloads(text, ANNA).parts]
    assert read(AncestorReader(), b"".join(payloads)) == [Text(text.rstrip(), "anna") for text in texts]


def test_a_text_goes_out_with_the_name_before_and_a_newline_behind() -> None:
    assert Ancestor().payloads("hello\r\nyou\n", ANNA).parts == (b"anna: hello\nyou\n",)


@pytest.mark.parametrize("line", ["hi", "exit", ""])
def test_a_pasted_conversation_stays_one_text(line: str) -> None:
    text = f"we said:\nben: hello\nanna: {line}\nanna: {line}"
    sent = Ancestor().payloads(text, ANNA)
    assert sent.marks == ("altered",)
    read_back = [one for part in sent.parts for one in read(AncestorReader(), part)]
    assert [one.text.replace("\u2060", "") for one in read_back if isinstance(one, Text)] == [text.rstrip()]
    assert len(read_back) == 1
    assert Ancestor().payloads("banna: x\n banna: y", ANNA).marks == (), "only a line that begins so"


def test_a_team_that_is_called_as_a_control_word_does_not_act() -> None:
    speaker = Speaker("10.0.0.7", 5000, "CONNECT")
    assert Ancestor().payloads("5000", speaker).parts == (b"CONNECT_: 5000\n",)


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=3000), st.text(max_size=80))
def test_any_text_goes_out_in_payloads_that_old_clients_can_read(text: str, name: str) -> None:
    for payload in Ancestor().payloads(text, Speaker("10.0.0.7", 5000, name)).parts:
        assert len(payload) <= codec.MAX_PAYLOAD
        assert b"\x00" not in payload
        payload.decode()
        assert all(isinstance(said, Text) and said.name for said in read(AncestorReader(), payload))


def test_this_dialect_is_whatever_nobody_else_claims() -> None:
    assert Ancestor().recognises(b"anything", ended=False) is True
