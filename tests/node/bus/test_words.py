"""Every value that people may meet has a word and a sentence, and the choice among them tells the truth."""

from __future__ import annotations

import pathlib
import re
import types
import typing

import pytest

from node.bus import diagnosis, nouns, words
from node.protocol.plain import registry


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (words.LINK, nouns.LinkState),
        (words.STANDING, nouns.Standing),
        (words.KIND, nouns.PeerKind),
        (words.DELIVERY, nouns.DeliveryState),
        (words.MESSAGE, nouns.MessageKind),
        (words.HOW, nouns.How),
        (words.NEARBY, nouns.NearbyState),
        (words.GREETING, nouns.GreetingOutcome),
        (words.EXAMINED, diagnosis.Mark),
        (words.ANSWER, diagnosis.Answer),
    ],
    ids=str,
)
def test_every_value_has_a_word(table: dict[str, words.Word], values: types.GenericAlias) -> None:
    assert set(typing.get_args(values)) <= set(table)


def test_every_dialect_has_a_word() -> None:
    assert set(registry.BY_NAME) | {"unknown"} == set(words.DIALECT)


@pytest.mark.parametrize("name", words.TABLES)
def test_a_word_is_short_and_a_sentence_is_one(name: str) -> None:
    for value, word in words.TABLES[name].items():
        assert 0 < len(word.short) <= 20, value
        assert word.sentence[0].isupper() and word.sentence[-1] == ".", value
        assert word.sentence.rstrip(".").lower() != word.short, f"{value}: the sentence explains nothing"


def peer(**more: object) -> nouns.Peer:
    return nouns.Peer(**{"id": "plain-1", "room": "plain-1", "name": "bela", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "short"),
    [
        ({"link": "unknown"}, "not tried yet"),
        ({"link": "unknown", "last_seen": 1}, "quiet"),
        ({"link": "online", "presence": "away"}, "away"),
        ({"link": "online", "presence": "online"}, "online"),
        ({"link": "offline", "presence": "away"}, "offline"),
        ({"link": "brand-new"}, "brand-new"),
    ],
)
def test_how_somebody_is(told: dict[str, object], short: str) -> None:
    assert words.link_of(peer(**told)).short == short


def test_a_doubt_comes_before_the_code_that_was_compared() -> None:
    assert words.trust_of(peer(kind="node", verified=True, warning="Another key.")) == words.TRUST["doubt"]
    assert words.trust_of(peer(kind="node", verified=True)) == words.TRUST["verified"]
    assert words.trust_of(peer(kind="node")) == words.TRUST["unverified"]
    assert words.trust_of(peer()) is None


def test_a_guess_is_said_to_be_one() -> None:
    assert words.dialect_of(peer(dialect="std")).short == "std (a guess)"
    assert "a guess" in words.dialect_of(peer(dialect="std")).sentence
    assert words.dialect_of(peer(dialect="std", dialect_from="seen")).short == "std"
    assert words.dialect_of(peer(kind="node", dialect="snicher")).short == "snicher"
    assert words.dialect_of(peer()).short == "not known yet"


def test_the_glossary_of_readme_has_the_words_that_people_meet() -> None:
    readme = (pathlib.Path(__file__).parents[3] / "README.md").read_text("utf-8")
    glossary = readme.partition("\n## Words\n")[2].partition("\n## ")[0]
    terms = {term.strip() for line in re.findall(r"^\| (.+?) \|", glossary, re.M) for term in line.split(",")}
    shown = [*words.DELIVERY.values(), *(words.PRIVACY[one] for one in ("encrypted", "plain"))]
    shown += [words.TRUST["verified"], words.TRUST["doubt"]]
    shown += [words.LINK[one] for one in ("online", "away", "reachable", "quiet", "offline")]
    assert {word.short for word in shown} <= terms
