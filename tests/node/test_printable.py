"""What others wrote, made safe to print."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.printable import can_be_seen, flat, json_line, one_blank, plain, printed

#: Controls, direction controls, line separators: what a terminal, or a reader, could be led astray with.
DANGEROUS = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, 0x2028, 0x2029]),
    *map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"name": "anna"}, '{"name":"anna"}'),
        ("\x9b31m", r'"\u009b31m"'),
        ("\x9c\x9d\x7f", r'"\u009c\u009d\u007f"'),
        ("\u202egnp.exe\u202c \u2066\u2069\u200e\u200f\u061c", r'"\u202egnp.exe\u202c \u2066\u2069\u200e\u200f\u061c"'),
        ("a\u2028b\u2029c", r'"a\u2028b\u2029c"'),
        ("\x00\x1b\n", r'"\u0000\u001b\n"'),
        # Beyond 16 bits: two units, as JSON has it.
        ("\U000e0041", r'"\udb40\udc41"'),
        ({"\x9b": 1}, r'{"\u009b":1}'),
        ("é 日本 \N{GRINNING FACE} \\ \"", '"é 日本 \N{GRINNING FACE} \\\\ \\""'),
    ],
)  # fmt: skip
def test_json_for_a_terminal_escapes_what_is_not_printable(value: object, line: str) -> None:
    assert json_line(value) == line
    assert json.loads(line) == value


@pytest.mark.parametrize("sign", DANGEROUS, ids=ascii)
def test_nothing_dangerous_is_printed(sign: str) -> None:
    assert json_line(sign).isprintable() and json.loads(json_line(sign)) == sign
    assert flat(f"a{sign}b").isprintable()
    assert plain(sign) == ("\n" if sign == "\n" else "\N{REPLACEMENT CHARACTER}")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_the_same_value_when_it_is_read_again(text: str) -> None:
    line = json_line(text)
    assert json.loads(line) == text
    assert line.isprintable()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("anna", "anna"),
        ("  anna   10.0.0.1:5000      online  ", "anna 10.0.0.1:5000 online"),
        ("a\t\tb\r\nc", "a b c"),
        ("a\u00a0\u2003\u2009\u202f\u205f\u3000b", "a b"),
        ("a\x85\x1c\u2028\u2029b", "a b"),
        ("a\u3164\u115f\u1160\uffa0\u2800b", "a b"),
        ("a\x1b[2Jb\u202e", "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}"),
        ("\u3164 ", ""),
    ],
)
def test_a_name_on_a_line_has_single_blanks_and_no_controls(name: str, shown: str) -> None:
    assert flat(name) == shown


def test_one_blank_stands_for_each_run_of_white_space() -> None:
    assert one_blank(" a \n b\u200b ") == "a b\u200b"


@pytest.mark.parametrize(
    "word",
    [
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d",
        "\u0d28\u0d4d\u200d", "\U0001f469\u200d\U0001f680", "\U0001f469\U0001f3fd\u200d\U0001f680",
        "\u2764\ufe0f\u200d\U0001f525", "\u06dd\u0661\u0662", "\u182d\u180e\u1820",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f642\u200d\u2194\ufe0f", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u06f4\u200c\u0633\u0627\u0644\u0647", "CPU\u200c\u0647\u0627", "(\u06a9)\u200c\u0647\u0627",
        "\u0641\u064e\u200c\u0627",
    ],
)  # fmt: skip
def test_what_belongs_to_spelling_is_printed(word: str) -> None:
    """Sinhala, Persian (also behind numbers, Latin words, brackets and vowel signs), Devanagari, Malayalam, emoji and
    flags, Arabic, Mongolian.
    """
    assert plain(word) == word


@pytest.mark.parametrize(
    "text", ["a\u200d", "\u200da", "7\u200c7", "\u4e0a\u200d\u6d77", "\u0441\u200d", " \u200d", "-\u200c",
             "e\u0301\u200db", "\U0001f468\u200d", "\U0001f468\u200da", " \u200c\u0647", "\u0301\u200d\u0647"],
)  # fmt: skip
def test_a_joiner_that_joins_nothing_is_not_printed(text: str) -> None:
    assert plain(text) == re.sub("[\u200c\u200d]", "\N{REPLACEMENT CHARACTER}", text)


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_a_joiner_joins_once(joiner: str) -> None:
    assert plain(f"\u0d28\u200d{joiner}\u0d28") == "\u0d28\u200d\N{REPLACEMENT CHARACTER}\u0d28"
    assert plain(f"a\u200d{joiner}\u0d28").startswith("a\N{REPLACEMENT CHARACTER}")


def test_invisible_letters_are_printed_in_the_flags_that_unicode_recommends_alone() -> None:
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "send") + "\U000e007f"
    for before in ("", "a", "\U0001f3f4"):
        assert plain(before + hidden) == before + "\N{REPLACEMENT CHARACTER}" * 5


def test_what_is_kept_and_what_is_not_can_be_told_apart() -> None:
    assert printed("\u06cc\u200c\u062e\x1b", lambda c: f"<{ord(c):x}>") == "\u06cc\u200c\u062e<1b>"


@pytest.mark.parametrize(
    "text", ["", " \n", "\x00 \x00", "\u200b", "\x1b", "\u202e ", "\u3164", "\u2800\u115f", "\ufe0f", "\u034f\u180b"]
)
def test_a_text_without_anything_to_see_is_none(text: str) -> None:
    assert not can_be_seen(text)


@pytest.mark.parametrize("text", ["a", "\x00a", "👍", "\u200bé", "\u0600", "\u3164a", "❤\ufe0f"])
def test_a_text_with_something_to_see_is_one(text: str) -> None:
    assert can_be_seen(text)
