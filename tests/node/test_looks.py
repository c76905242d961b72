"""Names that look alike: known letters of other scripts, case, blanks, accents and what isn't drawn."""

from __future__ import annotations

import subprocess
import sys

import pytest
from confusable_homoglyphs.confusables import confusables_data

from node import looks


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bela", "b\u0435l\u0430"), ("Bela", "BELA "), ("Jos\u00e9", "jose"), ("bill", "b1ll"), ("modern", "modem"),
        ("be\u200bla", "be la"), ("Nick", "\u039dick"),
        ("\u039d\u0399\u039a\u039f\u03a3", "\u03bd\u03b9\u03ba\u03bf\u03c2"),
        ("anna", "\u0251nn\u0251"), ("mark", "\u043cark"), ("bela", "\U0001d41b\U0001d41e\U0001d425\U0001d41a"),
        ("bela", "\u0299\u1d07\u029f\u1d00"), ("IVAN", "ivan"), ("ian", "lan"), ("\u0412\u041e\u0412", "BOB"),
        ("paul", "\uff50\uff41\uff55\uff4c"),
    ],
)  # fmt: skip
def test_names_that_are_easily_taken_for_each_other_look_alike(one: str, other: str) -> None:
    assert looks.alike(one, other)


def test_other_names_look_otherwise() -> None:
    several = ["bela", "beta", "anna", "\u4e0a\u6d77", "\u0431\u043e\u0431", "\u0633\u0644\u0645\u0649", "bob"]
    assert not any(looks.alike(one, other) for one in several for other in several if one != other)


def test_what_the_table_says_of_ascii_is_known_without_it() -> None:
    for c, found in confusables_data.items():
        for other in (one["c"] for one in found):
            if c.isalnum() and other.isalnum() and (c + other).isascii():
                assert looks.alike(c, other), (c, other)


def test_the_table_is_read_only_for_a_name_that_needs_it() -> None:
    script = (
        "import sys; from node import looks; looks.looks('bela'); assert 'confusable_homoglyphs' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
