from __future__ import annotations

import pathlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import wording
from node.bus import envelopes as en
from node.bus import nouns, words
from tests.dashboard.nouns import own, peer

ROOT = pathlib.Path(__file__).parents[2]
INVISIBLE = {chr(code) for code in [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0xFEFF]}


@given(st.text())
def test_no_text_keeps_controls_or_direction_overrides(text: str) -> None:
    shown = wording.clean_text(text)
    assert not INVISIBLE & set(shown)
    assert not [c for c in shown if (ord(c) < 0x20 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0]


@given(st.text())
def test_every_name_is_one_visible_line(name: str) -> None:
    shown = wording.clean_name(name, "nobody")
    assert shown and len(shown) <= wording.MAX_NAME_CHARS
    assert not INVISIBLE & set(shown)
    assert len(shown.splitlines()) == 1


def test_texts_keep_what_people_wrote() -> None:
    assert wording.clean_text("a\r\nb\tc ü 日本 🎉") == "a\nb\tc ü 日本 🎉"
    assert wording.clean_text("ring\x07") == "ring␇"
    assert wording.clean_name("  two\nlines ") == "two lines"
    assert wording.clean_name("a \u202e\u3164  b\u00a0\u3000c") == "a b c"
    assert wording.clean_name("\u202e \u200f", "10.0.0.9:5000") == "10.0.0.9:5000"


@given(st.text(), st.integers(1, 50))
def test_a_line_is_a_line_of_bounded_length(text: str, limit: int) -> None:
    line = wording.one_line(text, limit)
    assert len(line) <= limit and "\n" not in line


@pytest.mark.parametrize(
    ("name", "letters"),
    [("bela", "BE"), ("Team Alpha", "TA"), ("ops-alerts", "OA"), ("#lobby", "LO"), ("x", "X"),
     ("192.168.1.21:5000", "21"), ("192.168.1.121:5000", "121"), ("2024", "24"), ("3 amigos", "3A"), ("سلمى", "سل"),
     ("🎉", "🎉")],
)  # fmt: skip
def test_initials(name: str, letters: str) -> None:
    assert wording.initials(name) == letters


def test_a_hue_follows_from_the_id() -> None:
    assert wording.hue("peer-1") == wording.hue("peer-1")
    assert {wording.hue(f"peer-{n}") for n in range(300)} == set(range(12))


@pytest.mark.parametrize("state", nouns.DeliveryState.__args__)  # type: ignore[attr-defined]
def test_every_state_is_told_in_words(state: str) -> None:
    phrase = wording.delivery(own(state=state))
    assert phrase.label == state and phrase.tone in ("plain", "good", "wait", "bad")
    assert (wording.repair(state) is not None) == (state in ("failed", "unconfirmed"))


def test_a_state_of_a_newer_node_is_shown_as_it_is() -> None:
    assert wording.delivery(own(state="pondering")).label == "pondering"


@pytest.mark.parametrize("link", nouns.LinkState.__args__)  # type: ignore[attr-defined]
def test_every_link_state_has_a_word(link: str) -> None:
    assert wording.presence(link).label and wording.presence(link).why


def dialects_of_the_bus() -> set[str]:
    """As BUS.md names them for a peer."""
    text = (ROOT / "node/bus/BUS.md").read_text()
    listed = re.search(r"`dialect` is\s(.*?) or `unknown`;", text, re.DOTALL)
    assert listed is not None
    return set(re.findall(r"`([^`]+)`", listed[1]))


def test_every_dialect_has_words_and_can_be_chosen() -> None:
    assert set(words.DIALECT) - {"unknown"} == dialects_of_the_bus()
    # components/peers/form.js offers those that this file holds.
    assert "export const DIALECT = {" in (ROOT / "dashboard/components/shared/words.js").read_text()


@pytest.mark.parametrize("dialect", [*words.DIALECT, "of-a-newer-node"])
def test_a_dialect_is_told_with_how_it_is_known(dialect: str) -> None:
    word, title = wording.dialect(peer(dialect=dialect, dialect_from="chosen"))
    known = dialect in words.DIALECT and dialect != "unknown"
    assert word == (dialect if known else "not known yet")
    assert title.endswith("Somebody here chose it.") == known


@pytest.mark.parametrize("code", en.ERROR_CODES)
def test_every_error_code_has_words(code: str) -> None:
    assert wording.problem(code, "The node's own words.")
    assert wording.problem(code, "")


def test_an_advice_in_the_reason_is_not_said_twice() -> None:
    reason = "No node is running on /h. Start one with: python -m node run --home /h"
    assert wording.away(reason) == "No node is running on /h."


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_960, "10 kB"), (999_400, "999 kB"),
        (999_600, "1.0 MB"), (12_400_000, "12 MB"), (38_200_000_000, "38 GB"), (5 * 10**15, "5,000 TB"),
    ],
)  # fmt: skip
def test_sizes_have_few_digits(count: int, told: str) -> None:
    assert wording.size(count) == told


def test_every_outcome_of_a_greeting_has_words() -> None:
    for outcome in ("skipped", "calling", "greeted", "failed"):
        phrase = wording.greeting(nouns.Greeting(address="10.0.0.9:1", outcome=outcome, at=1))  # type: ignore[arg-type]
        assert phrase.label != outcome or outcome == "greeted"
        assert phrase.why.endswith(".")
