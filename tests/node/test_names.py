"""What a name may be, and when two names are the same."""

from __future__ import annotations

import json
import pathlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import names, printable

#: "Sarath" as the issue has it: without the joiner it is another spelling.
SINHALA = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"
PERSIAN = "\u0645\u06cc\u200c\u0631\u0648\u0645"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


#: The same for the browser, see tests/dashboard/js/names.test.js.
CASES = json.loads((pathlib.Path(__file__).parents[1] / "cases" / "names.json").read_text("utf-8"))
TRICKY = "ae\u0301\u200d\u200c\u0dca\u0dbb\u3164\u202e \U0001f468\ufe0f"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("bob", "bob"), (None, None), ("", None), ("\x1b[31m", "[31m"), ("\u202ebob\x00", "bob"), ("\u200b", None),
        ("b" * 500, "b" * names.MAX_CHARS), ("  ", None), ("bob      10.0.0.9:5", "bob 10.0.0.9:5"),
        ("a\u00a0\u3000\n\t b", "a b"), ("a \u202e b", "a b"), ("a\u3164\u2800b", "a b"), ("\u3164", None),
        ("b" * 63 + " x", "b" * 63),
        # What belongs to spelling stays.
        (SINHALA, SINHALA), (FAMILY, FAMILY), (PERSIAN, PERSIAN), ("Jose\u0301", "Jos\u00e9"),
        # What only deceives goes.
        ("bo\u200db", "bob"), ("bob\u200c", "bob"), ("\u2066bob\u2069", "bob"), ("bob\ufeff", "bob"), ("\ufe0f", None),
        ("\u200d", None), ("\u034f\u180b", None), ("e\u200d\u0301", "\u00e9"),
    ],
)  # fmt: skip
def test_of_what_a_peer_calls_itself_what_may_stand_in_a_name_is_shown(said: str | None, shown: str | None) -> None:
    assert names.shown(said) == shown


@given(st.text(st.characters(codec="utf-8")) | st.text(st.sampled_from(TRICKY)))
def test_every_name_that_is_shown_could_be_chosen_too_and_stays_as_it_is(said: str) -> None:
    name = names.shown(said)
    if name is None:
        return
    assert 1 <= len(name) <= names.MAX_CHARS
    assert names.checked(name) == names.shown(name) == name
    assert printable.plain(name) == name and unicodedata.is_normalized("NFC", name) and len(name.splitlines()) == 1


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [("  anna ", "anna"), ("a  b", "a b"), ("a\u00a0b", "a b"), (SINHALA, SINHALA),
     ("Jose\u0301", "Jos\u00e9"), ("x" * 64, "x" * 64), (FAMILY * 12, FAMILY * 12), ("#lobby", "#lobby")],
)  # fmt: skip
def test_a_name_that_somebody_chooses_is_kept_as_it_is_written(chosen: str, kept: str) -> None:
    assert names.checked(chosen) == kept


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ("", "1 to 64 characters"), (" ", "1 to 64 characters"), ("\u3164", "at least one that can be seen"),
        ("\ufe0f", "at least one that can be seen"), ("x" * 65, "at most 64 characters; this one has 65."),
        ("two\nlines", "no line breaks"), ("a\x07", "control characters"), ("\u202ebob", "stands U+202E."),
        ("bob\u200d", "stands U+200D."), ("bob\u200b.", "stands U+200B."),
    ],
)  # fmt: skip
def test_a_name_that_can_not_be_is_refused_with_the_reason(chosen: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        names.checked(chosen)
    assert says in str(refused.value)


def test_an_empty_name_may_give_way_to_another() -> None:
    assert names.checked("  ", may_be_empty=True) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("Jos\u00e9", "JOSE\u0301"), ("STRASSE", "stra\u00dfe"), ("\uac00", "\u1100\u1161"),
     ("\u03a3\u03a3", "\u03c3\u03c2"), ("\u1e69", "s\u0307\u0323")],
)  # fmt: skip
def test_names_are_the_same_whatever_their_case_and_however_accents_are_stored(one: str, other: str) -> None:
    assert names.key(one) == names.key(other)


def test_names_that_differ_to_the_eye_differ() -> None:
    assert len({names.key(name) for name in ("Jose", "Jos\u00e9", "Jos\u00e8", "bob")}) == 4


def test_names_have_the_keys_that_the_browser_gives_them() -> None:
    assert [names.key(name) for name, _ in CASES["keys"]] == [key for _, key in CASES["keys"]]
    assert CASES["max"] == names.MAX_CHARS
